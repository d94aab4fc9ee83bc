//! Sleeping until a due time, with tokio's coarse timer.

/// tokio rounds a deadline up to its own millisecond grid, and then the wait
/// up to a whole number of milliseconds for epoll: together up to 2 ms late.
const GRAIN_US: u64 = 1_000;

/// Keeps a deadline ahead of now, so that the timer waits at all.
const MARGIN_US: u64 = 1;

/// The deadline to give tokio at `now_us` so that it wakes at or within about
/// 1 ms after `due_us`, instead of 2: epoll waits for a whole number of
/// milliseconds, so the first such number that reaches `due_us` is aimed at,
/// by a deadline one grain before its end.
///
/// The sleeper may wake early by less than a grain, and then sleeps again.
pub(super) fn deadline_us(now_us: u64, due_us: u64) -> u64 {
    let early_us = due_us.saturating_sub(now_us);
    if early_us == 0 {
        return now_us;
    }
    let grains = early_us.div_ceil(GRAIN_US);
    now_us + (grains - 1) * GRAIN_US + MARGIN_US
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A model of the two roundings: the grid's phase is arbitrary.
        #[test]
        fn waking_is_less_than_a_grain_late(
            phase_us in 0u64..GRAIN_US,
            start_us in 10_000u64..20_000,
            wait_us in 0u64..50_000,
        ) {
            let due_us = start_us + wait_us;
            let mut now_us = start_us;
            while now_us < due_us {
                let deadline_us = deadline_us(now_us, due_us);
                prop_assert!(deadline_us > now_us);
                let tick_us =
                    (deadline_us + GRAIN_US - phase_us).div_ceil(GRAIN_US) * GRAIN_US - GRAIN_US + phase_us;
                let wait = tick_us.saturating_sub(now_us).div_ceil(GRAIN_US) * GRAIN_US;
                now_us += wait;
            }
            prop_assert!(now_us - due_us < GRAIN_US, "late by {}", now_us - due_us);
        }
    }
}
