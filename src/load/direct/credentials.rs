//! Credentials of the `direct` client, renewed before they expire.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::Mutex;

use crate::load::Outcome;
use crate::trouble::words;

/// Credentials are renewed this long before they expire, as the SDK's cache
/// does at the latest; a provider is asked again this soon after it failed
/// while the old ones were still good.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Credentials as a slot keeps them, so that a call takes no lock.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) credentials: Credentials,
    /// Until when not to ask whether there are newer ones.
    good_until: Option<SystemTime>,
}

impl Held {
    pub(super) fn is_good(&self, now: SystemTime) -> bool {
        self.good_until.is_none_or(|until| now < until)
    }
}

/// The credentials of all slots.
pub(super) struct Keyring {
    provider: SharedCredentialsProvider,
    /// The newest. Locked only to renew a slot's own.
    newest: Mutex<Option<Held>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

impl Keyring {
    pub(super) fn new(provider: SharedCredentialsProvider) -> Self {
        Self {
            provider,
            newest: Mutex::new(None),
        }
    }

    /// Credentials good at `now`. One slot asks the provider, the others wait
    /// for what it gets.
    pub(super) async fn current(&self, now: SystemTime) -> Result<Held, Outcome> {
        let mut newest = self.newest.lock().await;
        if let Some(held) = newest.as_ref().filter(|held| held.is_good(now)) {
            return Ok(held.clone());
        }
        let held = match (self.provider.provide_credentials().await, newest.take()) {
            (Ok(credentials), _) => {
                tracing::info!(expires = ?credentials.expiry(), "credentials are there");
                // Credentials that live shorter than the margin are renewed
                // halfway through what is left of them.
                let good_until = credentials.expiry().map(|expires| {
                    let left = expires.duration_since(now).unwrap_or_default();
                    expires - RENEW_BEFORE.min(left / 2)
                });
                Held {
                    credentials,
                    good_until,
                }
            }
            (Err(cause), Some(old)) if old.credentials.expiry().is_none_or(|end| now < end) => {
                tracing::warn!(cause = words(&cause), "credentials cannot be renewed yet");
                Held {
                    good_until: Some(now + RETRY_AFTER),
                    ..old
                }
            }
            (Err(cause), _) => {
                return Err(Outcome::NoCredentials(words(&cause)));
            }
        };
        Ok(newest.insert(held).clone())
    }
}
