//! Whether the generator itself was the limit.

use std::fmt;

use super::Limits;

/// A run is held to be limited by something that bound for more than this
/// share of its time.
const BOUND_SHARE: f64 = 0.01;

/// A thread that used more of its time than this had none left to be on time:
/// timers and arrivals need slack.
const BUSY_SHARE: f64 = 0.9;

/// Batches that leave later than this at the 99th percentile were held up;
/// tokio's timer alone stays well below.
const LATE_US: u64 = 5_000;

/// Which client was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientKind {
    /// `--client sdk`.
    Sdk,
    /// `--client direct`.
    Direct,
}

/// What is known of the generator after a run.
#[derive(Debug, Clone, Copy, PartialEq)]
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
}

/// What limited the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Calls in flight: all slots were taken while batches were due.
    InFlight,
    /// The CPU of a worker thread.
    Cpu,
    /// The ceiling on catching up: the load ran behind, and was kept from
    /// making up for it faster.
    CatchUp,
    /// The ceiling on write units.
    WriteUnits,
    /// Batches left late, and none of the above says why: the machine was busy
    /// with other things.
    Machine,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::InFlight => "all batches in flight were taken",
            Limit::Cpu => "a worker thread was out of CPU",
            Limit::CatchUp => "catching up was held to its ceiling",
            Limit::WriteUnits => "write units were held to their ceiling",
            Limit::Machine => "batches left late, though nothing of hrload's held them",
        })
    }
}

/// What can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// More calls in flight.
    MoreInFlight,
    /// More worker threads.
    MoreThreads,
    /// The cheaper client.
    DirectClient,
    /// A machine with more, or less busy, processors.
    AnotherMachine,
    /// A higher ceiling on catching up.
    HigherCatchUp,
    /// A higher ceiling on write units.
    HigherWriteUnits,
}

impl Remedy {
    /// What to change, in the words of the command line.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Remedy::MoreInFlight => "raise -p/--concurrency",
            Remedy::MoreThreads => "raise -t/--threads",
            Remedy::DirectClient => "use --client direct",
            Remedy::AnotherMachine => "use a larger or less busy machine",
            Remedy::HigherCatchUp => "raise --catch-up",
            Remedy::HigherWriteUnits => "raise --max-write-units",
        }
    }
}

/// One finding: what was the limit, and what to do, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was the limit.
    pub limit: Limit,
    /// What to do about it, best first; never empty.
    pub remedies: Vec<Remedy>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.limit)?;
        for (n, remedy) in self.remedies.iter().enumerate() {
            f.write_str(if n == 0 { ": " } else { ", or " })?;
            f.write_str(remedy.advice())?;
        }
        Ok(())
    }
}

/// Whether, and in what, the generator was the limit. No finding: it was not,
/// and what the run shows is the service.
#[must_use]
pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let elapsed_us = evidence.elapsed_us.max(1) as f64;
    let all_workers_us = elapsed_us * evidence.workers.max(1) as f64;
    let bound = |us: u64| us as f64 / all_workers_us > BOUND_SHARE;
    let busy = evidence.busiest_cpu_us as f64 / elapsed_us > BUSY_SHARE;
    let mut findings = Vec::new();
    let mut found = |limit, remedies: &[Remedy]| {
        findings.push(Finding {
            limit,
            remedies: remedies.to_vec(),
        });
    };

    if busy {
        let mut remedies = Vec::new();
        if evidence.client == ClientKind::Sdk {
            remedies.push(Remedy::DirectClient);
        }
        if evidence.workers < evidence.processors {
            remedies.push(Remedy::MoreThreads);
        }
        remedies.push(Remedy::AnotherMachine);
        found(Limit::Cpu, &remedies);
    } else if bound(evidence.limits.slots_bound_us) {
        // A thread without CPU cannot empty its slots either, so slots count
        // only where there was CPU to spare.
        found(Limit::InFlight, &[Remedy::MoreInFlight]);
    }
    if bound(evidence.limits.write_units_bound_us) {
        found(Limit::WriteUnits, &[Remedy::HigherWriteUnits]);
    }
    if bound(evidence.limits.catch_up_bound_us) {
        found(Limit::CatchUp, &[Remedy::HigherCatchUp]);
    }
    if findings.is_empty() && evidence.pacing_p99_us > LATE_US {
        findings.push(Finding {
            limit: Limit::Machine,
            remedies: vec![Remedy::AnotherMachine],
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: Evidence = Evidence {
        elapsed_us: 30_000_000,
        workers: 2,
        processors: 4,
        pacing_p99_us: 1_500,
        busiest_cpu_us: 10_000_000,
        limits: Limits {
            slots_bound_us: 0,
            catch_up_bound_us: 0,
            write_units_bound_us: 0,
        },
        client: ClientKind::Sdk,
    };

    #[test]
    fn each_limit_is_named_with_what_to_do_about_it() {
        let limits = FINE.limits;
        let bound_us = 2_000_000;
        let cases: Vec<(&str, Evidence, Vec<&str>)> = vec![
            ("nothing", FINE, vec![]),
            (
                "slots",
                Evidence {
                    limits: Limits {
                        slots_bound_us: bound_us,
                        ..limits
                    },
                    ..FINE
                },
                vec!["all batches in flight were taken: raise -p/--concurrency"],
            ),
            (
                "slots for a moment",
                Evidence {
                    limits: Limits {
                        slots_bound_us: 500_000,
                        ..limits
                    },
                    ..FINE
                },
                vec![],
            ),
            (
                "cpu with the sdk",
                Evidence {
                    busiest_cpu_us: 29_000_000,
                    limits: Limits {
                        slots_bound_us: bound_us,
                        ..limits
                    },
                    ..FINE
                },
                vec![
                    "a worker thread was out of CPU: use --client direct, or raise -t/--threads, or use a larger or less busy machine",
                ],
            ),
            (
                "cpu with direct on all processors",
                Evidence {
                    busiest_cpu_us: 29_000_000,
                    workers: 4,
                    client: ClientKind::Direct,
                    ..FINE
                },
                vec!["a worker thread was out of CPU: use a larger or less busy machine"],
            ),
            (
                "units and catching up",
                Evidence {
                    limits: Limits {
                        slots_bound_us: 0,
                        catch_up_bound_us: bound_us,
                        write_units_bound_us: bound_us,
                    },
                    ..FINE
                },
                vec![
                    "write units were held to their ceiling: raise --max-write-units",
                    "catching up was held to its ceiling: raise --catch-up",
                ],
            ),
            (
                "late for no reason of ours",
                Evidence {
                    pacing_p99_us: 20_000,
                    ..FINE
                },
                vec![
                    "batches left late, though nothing of hrload's held them: use a larger or less busy machine",
                ],
            ),
        ];
        for (name, evidence, expected) in cases {
            let findings: Vec<String> = judge(&evidence).iter().map(ToString::to_string).collect();
            assert_eq!(findings, expected, "{name}");
        }
    }
}
