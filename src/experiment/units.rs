//! How many write units the table has, watched while it is written to: auto
//! scaling changes them, and they are what is paid for.

use std::sync::mpsc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::aws::{self, Connection};
use crate::clock::Clock;

/// Time between two looks. DescribeTable may be called 2,500 times a second.
const LOOK: Duration = Duration::from_secs(1);

/// Write units as they were seen, from the first look on.
#[derive(Debug, Default)]
pub(super) struct Units(Vec<(u64, u64)>);

/// A watch over a table.
#[derive(Debug)]
pub(super) struct UnitsWatch {
    seen: mpsc::Receiver<(u64, u64)>,
    task: JoinHandle<()>,
}

impl UnitsWatch {
    /// Looks at the table every second, on the runtime of this thread, until the
    /// watch ends.
    pub(super) fn start(connection: Connection, table: String, clock: Clock) -> Self {
        let (sender, seen) = mpsc::channel();
        let task = tokio::spawn(async move {
            let mut ticker = interval(LOOK);
            ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticker.tick().await;
                // A look that fails is made up for by the next.
                if let Ok(Some(units)) = aws::provisioned_write_units(&connection, &table).await
                    && sender.send((clock.now_us(), units)).is_err()
                {
                    return;
                }
            }
        });
        Self { seen, task }
    }

    /// Ends the watch.
    pub(super) fn end(self) -> Units {
        self.task.abort();
        Units(self.seen.try_iter().collect())
    }
}

impl Units {
    /// What the table had at a time: what was seen last before it, or first.
    pub(super) fn at(&self, at_us: u64) -> Option<u64> {
        let after = self.0.partition_point(|&(seen_us, _)| seen_us <= at_us);
        let seen = self.0.get(after.saturating_sub(1))?;
        Some(seen.1)
    }

    /// The mean from `from_us` to `to_us`, each second by what was seen in it.
    pub(super) fn mean(&self, from_us: u64, to_us: u64) -> Option<f64> {
        let mut weighted = 0.0;
        let mut at_us = from_us;
        while at_us < to_us {
            let next_us = (at_us + 1_000_000).min(to_us);
            weighted += self.at(next_us)? as f64 * (next_us - at_us) as f64;
            at_us = next_us;
        }
        (to_us > from_us).then(|| weighted / (to_us - from_us) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_count_for_as_long_as_they_were_there() {
        let units = Units(vec![(500_000, 100), (2_000_000, 200), (9_000_000, 900)]);
        assert_eq!(units.at(0), Some(100));
        assert_eq!(units.at(2_000_000), Some(200));
        // One second of 100 and three of 200.
        assert_eq!(units.mean(500_000, 4_500_000), Some(175.0));
        assert_eq!(units.mean(5, 5), None);
        assert_eq!(Units::default().mean(0, 10), None);
    }
}
