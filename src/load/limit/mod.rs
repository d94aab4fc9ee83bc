//! What held a run back, told from what was waited for.
//!
//! In goes what the load threads saw ([`Evidence`]); out come findings, each
//! with whose it is. A finding rests on something that was counted or timed
//! when it happened: an error number, a call that held a slot, a timer that
//! rang late. None is made because the others do not apply.

#[cfg(test)]
mod tests;

use super::{Answers, Limits, Troubles};
use crate::report::{PACING_BOUND_S, amount, count, duration};
use crate::trouble::Obstacle;

/// A run is held to be limited by something that bound for more than this
/// share of its time.
const BOUND_SHARE: f64 = 0.01;

/// A thread that used more of its time than this had none left to be on time:
/// timers and arrivals need slack.
const BUSY_SHARE: f64 = 0.9;

/// A thread that lived for less than this has no share to be told: it is busy while it
/// begins and ends.
const SHARE_US: f64 = 500_000.0;

/// Slots are too few when the rate takes more than this share of them by
/// Little's law (calls a second times their service time without contention):
/// arrivals are not even, so that some have to be free.
const SLOTS_SHARE: f64 = 0.8;

/// The target was slow when calls that held slots took this many times as long
/// as calls without contention.
const SLOW_TIMES: f64 = 3.0;

/// The target stalled when nothing was answered for so long, and ten times as
/// long as a call takes without contention.
const STALL_US: u64 = 500_000;
const STALL_TIMES: f64 = 10.0;

/// Which client was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientKind {
    /// `--client sdk`.
    Sdk,
    /// `--client direct`.
    Direct,
}

/// Whose a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// hrload's, or of the machine it runs on.
    Generator,
    /// That of the service written to.
    Target,
    /// That of the way between.
    Network,
}

/// What is known of the generator after a run.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Length of the load, in microseconds.
    pub elapsed_us: u64,
    /// Worker threads.
    pub workers: usize,
    /// Processors this machine offers.
    pub processors: usize,
    /// 99th percentile of [`Stage::Pacing`](crate::measure::Stage::Pacing), in microseconds.
    pub pacing_p99_us: u64,
    /// CPU time of the busiest worker, in microseconds.
    pub busiest_cpu_us: u64,
    /// What bound, added up over workers.
    pub limits: Limits,
    /// Which client was used.
    pub client: ClientKind,
    /// Batches in flight at most.
    pub slots: usize,
    /// Calls that the rate asks for at its peak, batches being full, in a second.
    pub calls_per_s: f64,
    /// How the target answered.
    pub answers: Answers,
    /// Calls that met an obstacle.
    pub troubles: Troubles,
    /// Readings that may wait.
    pub backlog: usize,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whose it is.
    pub whose: Whose,
    /// What was waited for, with its figures.
    pub what: String,
    /// What to do about it, best first.
    pub advice: String,
}

/// What held the run back: errors by number first, then what was waited for.
#[must_use]
pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(met(&evidence.troubles, "call"));
    waited(evidence, &mut findings);
    findings
}

/// Obstacles that calls of this name met, in the system's words.
#[must_use]
pub fn met(troubles: &Troubles, name: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    use Obstacle as Of;
    use Whose::{Generator, Network, Target};
    let table = [
        (
            Of::OpenFiles,
            Generator,
            "out of file handles",
            "raise `ulimit -n`, or lower -p/--concurrency",
        ),
        (
            Of::Ports,
            Generator,
            "out of local ports",
            "lower -p/--concurrency, or widen net.ipv4.ip_local_port_range",
        ),
        (
            Of::Memory,
            Generator,
            "without memory for sockets",
            "lower -p/--concurrency, or use a larger machine",
        ),
        (
            Of::Silent,
            Target,
            "did not answer in time",
            "look at the target's load, or raise --timeout",
        ),
        (
            Of::Refused,
            Target,
            "refused connections: nobody listened there",
            "look at whether the target runs",
        ),
        (
            Of::Cut,
            Network,
            "cut connections before the answer was there",
            "look at the target's log, and at proxies and balancers before it",
        ),
        (
            Of::Unreachable,
            Network,
            "no way to the target",
            "look at routes, firewalls and the VPN",
        ),
        (
            Of::Name,
            Network,
            "no address for the target's name",
            "look at the resolver and at the name",
        ),
        (
            Of::Tls,
            Network,
            "broke TLS",
            "look at certificates, and at proxies before the target",
        ),
        (
            Of::Other,
            Network,
            "failed calls",
            "look at the target and at the way to it",
        ),
    ];
    for (obstacle, whose, did, advice) in table {
        if let Some((calls, words)) = troubles.of(obstacle) {
            let s = if calls == 1 { "" } else { "s" };
            findings.push(Finding {
                whose,
                what: format!("{did}: {words}, in {} {name}{s}", count(calls)),
                advice: advice.to_owned(),
            });
        }
    }
    findings
}

/// What batches that were due waited for.
fn waited(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let elapsed_us = evidence.elapsed_us.max(1) as f64;
    let all_workers_us = elapsed_us * evidence.workers.max(1) as f64;
    let bound = |us: u64| us as f64 / all_workers_us > BOUND_SHARE;
    let busy_share = evidence.busiest_cpu_us as f64 / elapsed_us;
    let busy = elapsed_us >= SHARE_US && busy_share > BUSY_SHARE;
    let limits = &evidence.limits;
    // Batches that leave later at the 99th percentile were held up.
    let late = evidence.pacing_p99_us as f64 / 1e6 > PACING_BOUND_S;
    let mut found = |whose, what: String, advice: String| {
        findings.push(Finding {
            whose,
            what,
            advice,
        });
    };

    let answers = &evidence.answers;
    let base_us = answers.base_us();
    let silence_us = answers.longest_silence_us;
    let stalled = silence_us >= STALL_US
        && base_us.is_none_or(|base| silence_us as f64 >= STALL_TIMES * base);
    if stalled {
        found(
            Whose::Target,
            format!("no call was answered for {}", time(silence_us as f64)),
            "look at what the target did then".to_owned(),
        );
    }
    if busy {
        // A thread without CPU cannot empty its slots either, so slots count
        // only where there was CPU to spare.
        let mut advice = Vec::new();
        if evidence.client == ClientKind::Sdk {
            advice.push("use --client direct");
        }
        if evidence.workers < evidence.processors {
            advice.push("raise -t/--threads");
        }
        advice.push("use a larger or less busy machine");
        found(
            Whose::Generator,
            "a load thread was out of CPU".to_owned(),
            advice.join(", or "),
        );
    } else if bound(limits.slots_bound_us)
        && let (Some(base_us), Some(holder_us)) = (base_us, answers.holder_us())
    {
        let slots = evidence.slots.max(1) as f64;
        let needed = evidence.calls_per_s * base_us / 1e6;
        let slow = holder_us >= SLOW_TIMES * base_us;
        if slow && !stalled {
            found(
                Whose::Target,
                format!(
                    "slow: batches waited for calls that took {}, where a call takes {} \
                     when few are in flight",
                    time(holder_us),
                    time(base_us)
                ),
                "look at the target's load; more batches in flight would wait there".to_owned(),
            );
        }
        if needed > SLOTS_SHARE * slots {
            found(
                Whose::Generator,
                format!(
                    "all {} batches in flight were taken: at {} a call the rate takes {}",
                    amount(slots),
                    time(base_us),
                    amount(needed.ceil())
                ),
                format!(
                    "raise -p/--concurrency to {}",
                    amount((needed / SLOTS_SHARE).ceil())
                ),
            );
        } else if !slow && !stalled {
            found(
                Whose::Generator,
                format!(
                    "all {} batches in flight were taken when many readings were due at once",
                    amount(slots)
                ),
                "raise -p/--concurrency".to_owned(),
            );
        }
    }
    if limits.overflowed > 0 {
        found(
            Whose::Generator,
            format!(
                "{} readings more were due at once than may wait ({})",
                count(limits.overflowed),
                count(evidence.backlog as u64)
            ),
            "raise --backlog".to_owned(),
        );
    }
    if bound(limits.write_units_bound_us) {
        found(
            Whose::Generator,
            "write units were held to their ceiling".to_owned(),
            "raise --max-write-units".to_owned(),
        );
    }
    // Catching up after a stall is the stall's, and not the ceiling's.
    let of_its_own_us = limits
        .catch_up_bound_us
        .saturating_sub(limits.recovering_us);
    if late && bound(of_its_own_us) {
        found(
            Whose::Generator,
            "catching up was held to its ceiling".to_owned(),
            "raise --catch-up".to_owned(),
        );
    }
    // Batches that were held for longer by something else were not late for this. Of
    // lateness that nothing was seen to make, no cause is told.
    let held_us = limits.slots_bound_us + limits.catch_up_bound_us + limits.write_units_bound_us;
    if late && !busy && bound(limits.late_us) && limits.late_us > held_us {
        found(
            Whose::Generator,
            format!(
                "the machine woke the load threads late, by {} in all",
                time(limits.late_us as f64)
            ),
            "use a larger or less busy machine".to_owned(),
        );
    }
}

fn time(us: f64) -> String {
    duration(us / 1e6)
}
