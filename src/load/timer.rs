//! Sleeping until a due time: with tokio's coarse timer, or with the kernel's.

use std::io;
use std::pin::Pin;

use tokio::time::{Instant, Sleep};

use crate::clock::Clock;

/// An alarm clock of one worker.
pub(super) enum Timer {
    /// Shared by everything in the runtime and free of charge; up to 1 ms late.
    Coarse(Pin<Box<Sleep>>),
    /// One of its own: a system call to set it and one when it rings.
    #[cfg(target_os = "linux")]
    Precise(precise::Alarm),
}

impl Timer {
    /// A timer, to be made and used within a runtime.
    ///
    /// # Errors
    /// A precise one was asked for, and the kernel gives none.
    pub(super) fn new(precise: bool) -> io::Result<Self> {
        if !precise {
            return Ok(Self::coarse());
        }
        #[cfg(target_os = "linux")]
        return precise::Alarm::new().map(Self::Precise);
        #[cfg(not(target_os = "linux"))]
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "only Linux has timerfd",
        ))
    }

    pub(super) fn coarse() -> Self {
        Self::Coarse(Box::pin(tokio::time::sleep_until(Instant::now())))
    }

    /// Sets it to ring at `due_us`, instead of when it was set to before. It
    /// may ring early.
    pub(super) fn set(&mut self, clock: &Clock, now_us: u64, due_us: u64) {
        match self {
            Self::Coarse(sleep) => {
                let deadline_us = deadline_us(now_us, due_us);
                let deadline = Instant::from_std(clock.instant_at(deadline_us));
                sleep.as_mut().reset(deadline);
            }
            #[cfg(target_os = "linux")]
            Self::Precise(alarm) => alarm.set(due_us.saturating_sub(now_us)),
        }
    }

    /// Waits until it rings. Cancel-safe.
    pub(super) async fn ring(&mut self) {
        match self {
            Self::Coarse(sleep) => sleep.as_mut().await,
            #[cfg(target_os = "linux")]
            Self::Precise(alarm) => alarm.ring().await,
        }
    }
}

#[cfg(target_os = "linux")]
mod precise {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    /// A timer that is a file, readable once it has rung
    /// (<https://man7.org/linux/man-pages/man2/timerfd_create.2.html>).
    pub(in super::super) struct Alarm(AsyncFd<OwnedFd>);

    impl Alarm {
        #[allow(unsafe_code)] // tokio has no safe way to wait for a descriptor
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // SAFETY: an `OwnedFd` is open until it is dropped, which is when
            // the `AsyncFd` that owns it is, and its descriptor never changes.
            Ok(Self(unsafe { AsyncFd::register(timer) }?))
        }

        pub(super) fn set(&self, wait_us: u64) {
            let none = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let once = Itimerspec {
                it_interval: none,
                it_value: Timespec {
                    tv_sec: (wait_us / 1_000_000) as i64,
                    // Zero would stop it.
                    tv_nsec: ((wait_us % 1_000_000) * 1_000).max(1) as _,
                },
            };
            // Cannot fail: the descriptor is a timer's and the time is valid.
            let _ = timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once);
        }

        pub(super) async fn ring(&self) {
            let mut rings = [0; 8];
            // An error of the runtime, which is then at its end, is a ring too.
            while let Ok(mut ready) = self.0.readable().await {
                // Set anew after it rang, it is readable no more.
                let read = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut rings)?));
                if read.is_ok() {
                    return;
                }
            }
        }
    }
}

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
fn deadline_us(now_us: u64, due_us: u64) -> u64 {
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
