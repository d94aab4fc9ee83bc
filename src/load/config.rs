//! What a worker has to be told.

use std::time::Duration;

use super::Backoff;
use super::ceiling::batch_within;
use crate::codec::{Layout, batch::MAX_ITEMS};

/// How one worker is to send. Rates and counts are this worker's share.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Table to write to.
    pub table: String,
    /// How readings are laid out as items.
    pub layout: Layout,
    /// Most items in a call, 1 to 25; values outside are brought inside.
    pub batch: usize,
    /// How long the first reading of a batch waits for others.
    pub linger: Duration,
    /// Wake for what falls due with a timer of the kernel's own, which is
    /// some tens of microseconds late where tokio's is up to 1 ms. Linux only.
    pub precise: bool,
    /// Calls in flight at once, at least 1.
    pub in_flight: usize,
    /// How often an item is sent at most, its first time included; at least 1.
    pub attempts: u32,
    /// Readings that may wait, to be sent or sent again. When so many wait, a
    /// reading that falls due is dropped: the newest goes, as at any full
    /// queue, because those that waited longest are next to leave, and the
    /// response times shown stay those of readings that queued in order.
    pub backlog: usize,
    /// Pause between the attempts of an item.
    pub backoff: Backoff,
    /// The rate the schedule asks for at its peak, in readings a second;
    /// what [`Config::catch_up`] multiplies.
    pub rate: f64,
    /// While behind the schedule, send at most this many times
    /// [`Config::rate`]; at least 1. `None`: as fast as slots allow.
    pub catch_up: Option<f64>,
    /// Write units that may be spent in a second, retries included, computed
    /// from item sizes; in every second, wherever it is taken to begin, and the first.
    /// Batches are made small enough for it. `None`: no bound.
    pub max_write_units: Option<f64>,
    /// How long after the end waiting readings are still sent and sent again.
    pub end_grace: Duration,
    /// Longest a call may take; bounds the wait for calls still in flight
    /// after the grace. The client's own timeouts do the timing out.
    pub timeout: Duration,
    /// First intended start that is measured (epoch microseconds).
    pub measure_start_us: u64,
    /// Seeds the jitter of backoffs.
    pub seed: u64,
}

impl Config {
    /// A worker with the defaults of the command line that writes to `table`
    /// at `rate` readings a second.
    #[must_use]
    pub fn new(table: impl Into<String>, layout: Layout, rate: f64) -> Self {
        Self {
            table: table.into(),
            layout,
            batch: MAX_ITEMS,
            linger: Duration::from_millis(10),
            precise: false,
            in_flight: 64,
            attempts: 10,
            backlog: 100_000,
            backoff: Backoff::default(),
            rate,
            catch_up: Some(1.5),
            max_write_units: None,
            end_grace: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            measure_start_us: 0,
            seed: 0,
        }
    }

    pub(super) fn batch_items(&self) -> usize {
        batch_within(self.batch.clamp(1, MAX_ITEMS), self.max_write_units)
    }
}
