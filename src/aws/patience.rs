//! Waiting for a table, a stream or a destination to become usable.

use std::time::{Duration, Instant};

use super::error::ProvisionError;

/// How long a resource may take to become usable.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// Waits between looks at a status: quickly at first (embedded services take
/// milliseconds), then once a second (AWS takes many).
pub(super) struct Patience {
    since: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            pause: Duration::from_millis(10),
        }
    }

    /// Since the first look.
    pub(super) fn waited(&self) -> Duration {
        self.since.elapsed()
    }

    pub(super) async fn wait(&mut self, what: &str, status: &str) -> Result<(), ProvisionError> {
        if self.since.elapsed() > PATIENCE {
            return Err(ProvisionError::TooSlow {
                what: what.to_owned(),
                status: status.to_owned(),
            });
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(1));
        Ok(())
    }
}
