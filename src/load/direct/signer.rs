//! Signature Version 4 for the `direct` client
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>).

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::sync::Mutex;

use crate::load::Outcome;

/// Credentials are renewed this long before they expire, as the SDK's cache
/// does at the latest; a provider is asked again this soon after it failed
/// while the old ones were still good.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Credentials as a slot keeps them, so that a call takes no lock.
#[derive(Debug, Clone)]
pub(super) struct SigningIdentity {
    identity: Identity,
    expires: Option<SystemTime>,
    /// Until when not to ask whether there are newer ones.
    good_until: Option<SystemTime>,
}

impl SigningIdentity {
    fn is_good(&self, now: SystemTime) -> bool {
        self.good_until.is_none_or(|until| now < until)
    }
}

/// Signs requests to one endpoint with whatever credentials are current.
#[derive(Debug)]
pub(super) struct Signer {
    url: String,
    host: String,
    region: String,
    provider: SharedCredentialsProvider,
    /// The newest credentials of all slots. Locked only to renew a slot's own.
    newest: Mutex<Option<SigningIdentity>>,
}

impl Signer {
    pub(super) fn new(
        url: String,
        host: String,
        region: String,
        provider: SharedCredentialsProvider,
    ) -> Self {
        Self {
            url,
            host,
            region,
            provider,
            newest: Mutex::new(None),
        }
    }

    /// Makes sure that `identity` holds credentials good at `now`.
    pub(super) async fn refresh(
        &self,
        identity: &mut Option<SigningIdentity>,
        now: SystemTime,
    ) -> Result<(), Outcome> {
        if identity
            .as_ref()
            .is_some_and(|identity| identity.is_good(now))
        {
            return Ok(());
        }
        // One slot asks the provider, the others wait for what it gets.
        let mut newest = self.newest.lock().await;
        if newest.as_ref().is_none_or(|newest| !newest.is_good(now)) {
            let answer = self.provider.provide_credentials().await;
            match (answer, newest.as_mut()) {
                (Ok(credentials), _) => {
                    let expires = credentials.expiry();
                    // Credentials that live shorter than the margin are
                    // renewed halfway through what is left of them.
                    let good_until = expires.map(|expires| {
                        let left = expires.duration_since(now).unwrap_or_default();
                        expires - RENEW_BEFORE.min(left / 2)
                    });
                    *newest = Some(SigningIdentity {
                        identity: credentials.into(),
                        expires,
                        good_until,
                    });
                }
                (Err(_), Some(old)) if old.expires.is_none_or(|expires| now < expires) => {
                    old.good_until = Some(now + RETRY_AFTER);
                }
                (Err(cause), _) => {
                    let cause = aws_smithy_types::error::display::DisplayErrorContext(cause);
                    return Err(Outcome::NoCredentials(cause.to_string()));
                }
            }
        }
        identity.clone_from(&newest);
        Ok(())
    }

    /// Adds date, authorization and, where there is one, session token to a
    /// request with body `body`.
    pub(super) fn sign(
        &self,
        request: &mut Request<Full<Bytes>>,
        body: &[u8],
        identity: Option<&SigningIdentity>,
        now: SystemTime,
    ) -> Result<(), String> {
        let identity = identity.ok_or("no credentials were loaded")?;
        let params = v4::SigningParams::builder()
            .identity(&identity.identity)
            .region(&self.region)
            .name("dynamodb")
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let headers = [
            ("host", self.host.as_str()),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "DynamoDB_20120810.BatchWriteItem"),
        ];
        let signable = SignableRequest::new(
            "POST",
            self.url.as_str(),
            headers.into_iter(),
            SignableBody::Bytes(body),
        )
        .map_err(|error| error.to_string())?;
        let (instructions, _signature) = sign(signable, &params)
            .map_err(|error| error.to_string())?
            .into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}
