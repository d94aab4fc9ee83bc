//! Plain counts: of one second of one recorder, or added up.

/// Where a throttle came from: exception and reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThrottleCause {
    /// Exception name, or `UnprocessedItems`.
    pub exception: String,
    /// Throttling reason; empty where the service gives none.
    pub reason: String,
}

/// What one cause throttled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThrottleCount {
    /// Calls that were refused, or came back with unprocessed items.
    pub calls: u64,
    /// Items in them that were not written.
    pub items: u64,
}

/// Counts by a small number of names.
///
/// A list, searched from the front: there are a handful of names, and a name
/// is copied only when it is first met, so that counting a known one
/// allocates nothing. Clearing keeps the names for that reason.
#[derive(Debug, Clone)]
pub struct Tally<K, V> {
    entries: Vec<(K, V)>,
}

impl<K, V> Default for Tally<K, V> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<K, V: Default + PartialEq> Tally<K, V> {
    /// The count of the name for which `is` holds; `name` makes it when new.
    pub fn entry(&mut self, is: impl Fn(&K) -> bool, name: impl FnOnce() -> K) -> &mut V {
        let index = match self.entries.iter().position(|(key, _)| is(key)) {
            Some(index) => index,
            None => {
                self.entries.push((name(), V::default()));
                self.entries.len() - 1
            }
        };
        &mut self.entries[index].1
    }

    /// Names and their counts, those at zero left out, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries
            .iter()
            .filter(|(_, count)| *count != V::default())
            .map(|(key, count)| (key, count))
    }

    /// Whether every count is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    fn clear(&mut self) {
        for (_, count) in &mut self.entries {
            *count = V::default();
        }
    }
}

impl Tally<String, u64> {
    /// Adds `count` to `name`.
    pub fn add(&mut self, name: &str, count: u64) {
        *self.entry(|key| key == name, || name.to_owned()) += count;
    }
}

/// What happened to measured readings, and to the calls that carried them.
///
/// As part of an [`Interval`](super::Interval): in one second, at one
/// recorder. Added up over recorders, gauges (`waiting_max`, `in_flight_max`)
/// add up too, being parts of a whole; added up over seconds, the larger stays.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Readings that became due.
    pub scheduled: u64,
    /// Readings given up unsent because too many were waiting.
    pub dropped: u64,
    /// Readings still unsent at the end.
    pub cut_off: u64,
    /// Readings that left, each once however often it was tried.
    pub sent: u64,
    /// Readings written.
    pub acknowledged: u64,
    /// Readings given up after having been sent.
    pub failed: u64,
    /// [`Self::failed`] by code.
    pub failures: Tally<String, u64>,
    /// Readings seen in the stream, each once.
    pub seen: u64,
    /// Further sightings of readings already seen.
    pub duplicates: u64,
    /// First sightings that came after a later reading of the same device.
    pub reordered: u64,
    /// Records that were not readings of this run.
    pub foreign: u64,
    /// Calls that ended.
    pub calls: u64,
    /// Calls that failed other than by a throttle, by code.
    pub call_failures: Tally<String, u64>,
    /// Throttled calls and items by cause, partly unprocessed calls included.
    pub throttles: Tally<ThrottleCause, ThrottleCount>,
    /// Items that came back in `UnprocessedItems`.
    pub unprocessed: u64,
    /// Calls that were answered.
    pub answered_calls: u64,
    /// Of those, the ones that did not say what they consumed.
    pub untold_calls: u64,
    /// Write units the service said it consumed.
    pub consumed_units: f64,
    /// Write units the readings sent should cost, by the size of their items.
    pub computed_units: u64,
    /// Most readings waiting to be sent.
    pub waiting_max: u64,
    /// Most batches in flight.
    pub in_flight_max: u64,
    /// Time (us) during which readings waited for an in-flight slot.
    pub bound_us: u64,
    /// CPU time (us) of the load threads.
    pub send_cpu_us: u64,
    /// CPU time (us) of the reading thread.
    pub read_cpu_us: u64,
    /// How far the slowest shard's reader was behind (ms).
    pub behind_ms_max: u64,
    /// Reads of the stream that were throttled.
    pub throttled_reads: u64,
}

impl Counts {
    /// Adds what another recorder counted in the same time.
    pub fn merge(&mut self, other: &Counts) {
        self.waiting_max += other.waiting_max;
        self.in_flight_max += other.in_flight_max;
        self.add_events(other);
    }

    /// Adds what the same recorders counted in another time.
    pub fn extend(&mut self, later: &Counts) {
        self.waiting_max = self.waiting_max.max(later.waiting_max);
        self.in_flight_max = self.in_flight_max.max(later.in_flight_max);
        self.add_events(later);
    }

    fn add_events(&mut self, other: &Counts) {
        self.scheduled += other.scheduled;
        self.dropped += other.dropped;
        self.cut_off += other.cut_off;
        self.sent += other.sent;
        self.acknowledged += other.acknowledged;
        self.failed += other.failed;
        for (code, count) in other.failures.iter() {
            self.failures.add(code, *count);
        }
        self.seen += other.seen;
        self.duplicates += other.duplicates;
        self.reordered += other.reordered;
        self.foreign += other.foreign;
        self.calls += other.calls;
        for (code, count) in other.call_failures.iter() {
            self.call_failures.add(code, *count);
        }
        for (cause, count) in other.throttles.iter() {
            let ours = self.throttles.entry(|key| key == cause, || cause.clone());
            ours.calls += count.calls;
            ours.items += count.items;
        }
        self.unprocessed += other.unprocessed;
        self.answered_calls += other.answered_calls;
        self.untold_calls += other.untold_calls;
        self.consumed_units += other.consumed_units;
        self.computed_units += other.computed_units;
        self.bound_us += other.bound_us;
        self.send_cpu_us += other.send_cpu_us;
        self.read_cpu_us += other.read_cpu_us;
        self.behind_ms_max = self.behind_ms_max.max(other.behind_ms_max);
        self.throttled_reads += other.throttled_reads;
    }

    /// Counts a throttled call, `items` of which were not written.
    pub(super) fn throttled(&mut self, exception: &str, reason: &str, items: u64) {
        let count = self.throttles.entry(
            |cause| cause.exception == exception && cause.reason == reason,
            || ThrottleCause {
                exception: exception.to_owned(),
                reason: reason.to_owned(),
            },
        );
        count.calls += 1;
        count.items += items;
    }

    /// Sets all counts to zero and keeps the names of failures and throttles.
    pub(super) fn clear(&mut self) {
        let mut kept = Counts {
            failures: std::mem::take(&mut self.failures),
            call_failures: std::mem::take(&mut self.call_failures),
            throttles: std::mem::take(&mut self.throttles),
            ..Counts::default()
        };
        kept.failures.clear();
        kept.call_failures.clear();
        kept.throttles.clear();
        *self = kept;
    }
}

/// What happened to warm-up readings: measured nowhere, kept apart so that
/// nothing is unaccounted for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WarmUp {
    /// Readings that became due.
    pub scheduled: u64,
    /// Readings given up unsent because too many were waiting.
    pub dropped: u64,
    /// Readings still unsent at the end.
    pub cut_off: u64,
    /// Readings that left.
    pub sent: u64,
    /// Readings written.
    pub acknowledged: u64,
    /// Readings given up after having been sent.
    pub failed: u64,
    /// Sightings in the stream, repeated ones included.
    pub sightings: u64,
    /// Further sightings of readings already seen.
    pub duplicates: u64,
    /// Acknowledged readings seen in the stream.
    pub seen: u64,
    /// Acknowledged readings not seen in the stream.
    pub missing: u64,
    /// Readings seen that were never acknowledged.
    pub seen_unacknowledged: u64,
    /// Records before the first measured second that were not of this run.
    pub foreign: u64,
}

impl WarmUp {
    /// Adds what another recorder counted.
    pub fn merge(&mut self, other: &WarmUp) {
        self.scheduled += other.scheduled;
        self.dropped += other.dropped;
        self.cut_off += other.cut_off;
        self.sent += other.sent;
        self.acknowledged += other.acknowledged;
        self.failed += other.failed;
        self.sightings += other.sightings;
        self.duplicates += other.duplicates;
        self.seen += other.seen;
        self.missing += other.missing;
        self.seen_unacknowledged += other.seen_unacknowledged;
        self.foreign += other.foreign;
    }
}
