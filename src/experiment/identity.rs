//! When a run happened, and what it is called.

use jiff::Timestamp;

/// A run's name and start.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// `hrload-20260102-030405-678901`: sorts by time, and is a valid name for
    /// a table and a stream.
    pub id: String,
    /// When it started.
    pub started: Timestamp,
}

impl Identity {
    /// The identity of a run that starts now.
    pub(super) fn now() -> Self {
        let started = Timestamp::now();
        Self {
            id: started.strftime("hrload-%Y%m%d-%H%M%S-%6f").to_string(),
            started,
        }
    }
}
