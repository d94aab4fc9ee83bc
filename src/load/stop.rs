//! When a run's load ends, and how it is ended early.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::Timetable;

/// Shared by the workers of a run and whoever may end it.
///
/// The end can be moved earlier (a first Ctrl-C: the worker then sends what
/// waits, within its grace) or the worker can be told to stop at once (a
/// second one: calls in flight are abandoned). Either way every reading taken
/// from the source is still accounted for. Until then it has the run's
/// [`Timetable`]: how fast the load goes.
#[derive(Debug, Clone)]
pub struct Stop(Arc<State>);

#[derive(Debug)]
struct State {
    end_us: AtomicU64,
    at_once: AtomicBool,
    abort: OnceLock<Abort>,
    timetable: Timetable,
    changed: Notify,
}

/// Why a run cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abort {
    /// Exception name, or `credentials`.
    pub code: String,
    /// What the service, or the credentials provider, said.
    pub message: String,
}

impl Stop {
    /// Load ends before `end_us` (epoch microseconds): readings intended at
    /// that instant or later are not taken from the source.
    #[must_use]
    pub fn at(end_us: u64) -> Self {
        Self(Arc::new(State {
            end_us: AtomicU64::new(end_us),
            at_once: AtomicBool::new(false),
            abort: OnceLock::new(),
            timetable: Timetable::default(),
            changed: Notify::new(),
        }))
    }

    /// The end of load, in epoch microseconds.
    #[must_use]
    pub fn end_us(&self) -> u64 {
        self.0.end_us.load(Ordering::Acquire)
    }

    /// Moves the end to `end_us`, if that is earlier.
    pub fn end_by(&self, end_us: u64) {
        self.0.end_us.fetch_min(end_us, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }

    /// How fast the load goes until it ends.
    #[must_use]
    pub fn timetable(&self) -> &Timetable {
        &self.0.timetable
    }

    /// Ends everything now, abandoning calls in flight.
    pub fn at_once(&self) {
        self.0.at_once.store(true, Ordering::Release);
        self.0.changed.notify_waiters();
    }

    /// Whether [`Stop::at_once`] was called.
    #[must_use]
    pub fn is_at_once(&self) -> bool {
        self.0.at_once.load(Ordering::Acquire)
    }

    /// Ends the load of all workers because it cannot succeed. The first
    /// reason given stays.
    pub fn abort(&self, reason: Abort) {
        // Losing the race to another worker's reason is fine: one is enough.
        let _ = self.0.abort.set(reason);
        self.end_by(0);
    }

    /// Why the load was aborted, if it was.
    #[must_use]
    pub fn abort_reason(&self) -> Option<&Abort> {
        self.0.abort.get()
    }

    /// Resolves when something has changed since this was called.
    pub(super) fn changed(&self) -> impl Future<Output = ()> {
        self.0.changed.notified()
    }
}
