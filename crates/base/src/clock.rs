//! The one clock of a process.
//!
//! Latencies are differences of wall-clock instants that stand in records
//! (the intended start is part of a reading's id), so the clock must be a
//! wall clock; it must not jump while a run is on, so it is the monotonic
//! clock, anchored once. Only the rooms at the edge hold one (`load`,
//! `stream`, `local`, `experiment`); the others are told the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

// tokio's monotonic instants are the system's, except in tests that pause
// time: there, clock and timers stand still and move on together.
use tokio::time::Instant;

/// A wall clock that never goes backwards: microseconds since the Unix epoch,
/// read once from the system and carried on by the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    anchor: Instant,
    anchor_us: u64,
}

impl Clock {
    /// Reads the system's wall clock and goes on from there.
    #[must_use]
    pub fn start() -> Self {
        let anchor_us = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO)
            .as_micros() as u64;
        Self {
            anchor: Instant::now(),
            anchor_us,
        }
    }

    /// Now, in microseconds since the Unix epoch.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.anchor_us + self.anchor.elapsed().as_micros() as u64
    }

    /// The monotonic instant at which this clock shows `epoch_us`; now or
    /// earlier when that has passed. For timers.
    #[must_use]
    pub fn instant_at(&self, epoch_us: u64) -> std::time::Instant {
        (self.anchor + Duration::from_micros(epoch_us.saturating_sub(self.anchor_us))).into_std()
    }
}
