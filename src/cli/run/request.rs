//! Arguments into a request: what contradicts itself is found here.

use std::time::Duration;

use super::RunArgs;
use super::args::{ClientArg, ConsumerArg, LoadArgs, PaceArgs, TargetArg, ViaArg};
use crate::aws::{State, StateFile};
use crate::capacity::price::Prices;
use crate::cli::agree::Asking;
use crate::cli::capacity::{Compared, ModeArgs};
use crate::cli::lake::LakeArgs;
use crate::cli::problem::Problem;
use crate::cli::profiles;
use crate::cli::values::{self, Rate};
use crate::experiment::{self, Embedded, Output, Phases, Request, Resources, Sending, Target, Via};
use crate::load::limit::ClientKind;
use crate::measure::Stage;
use crate::report::Condition;
use crate::stream::{Consumer, TableStream};
use crate::workload::Pace;

/// Whether its times are told by the services between a write and a read: those of the
/// table's own stream tell only that a record was read.
fn within_kinesis(stage: Stage) -> bool {
    matches!(stage, Stage::Capture | Stage::Replication | Stage::Read)
}

/// How long CloudWatch's figures are waited for; they are there after a minute or two.
const CLOUDWATCH_WAIT: Duration = Duration::from_secs(180);

/// What the embedded services keep where nothing else is said.
const RETAIN_BYTES: u64 = 512 << 20;

/// What becomes of [`LoadArgs`]: how much there is to send, into what table, and what a
/// run is judged by.
#[derive(Debug, Default)]
pub(in crate::cli) struct Job {
    /// How many readings a second.
    pub(in crate::cli) pace: PaceArgs,
    /// How the table is paid for.
    pub(in crate::cli) mode: ModeArgs,
    /// The lake to deliver into, for commands that can.
    pub(in crate::cli) lake: Option<LakeArgs>,
    /// The option that `conditions` come from.
    pub(in crate::cli) judged_by: &'static str,
    /// What a run must show.
    pub(in crate::cli) conditions: Vec<Condition>,
    /// End a run as soon as one of them is out of reach.
    pub(in crate::cli) abort_on_fail: bool,
}

impl RunArgs {
    /// How its cost is to be asked for.
    pub(in crate::cli) fn asking(&self) -> Asking {
        self.load.asking()
    }

    /// Whether it was said how long CloudWatch is waited for.
    pub(in crate::cli) fn says_cloudwatch(&self) -> bool {
        self.load.cloudwatch.is_some()
    }

    /// Arguments into a request: every contradiction is found here.
    pub(in crate::cli) fn into_request(self) -> Result<Request, Problem> {
        let Self {
            pace,
            load,
            mode,
            single,
        } = self;
        let mut conditions = single.threshold;
        let mut of_profile = profiles::thresholds(&profiles::find(&load.profile)?)?;
        of_profile.retain(|of| !conditions.iter().any(|given| given.is_like(of)));
        load.measured("the profile's threshold", &of_profile, Some(&single.lake))?;
        conditions.append(&mut of_profile);
        if single.abort_on_fail && conditions.is_empty() {
            return Err(Problem::usage(
                "--abort-on-fail was given, but nothing that could fail; add a condition such as \
                 --threshold 'e2e.p99<1s'",
            ));
        }
        load.into_request(Job {
            pace,
            mode,
            lake: Some(single.lake),
            judged_by: "--threshold",
            conditions,
            abort_on_fail: single.abort_on_fail,
        })
    }
}

impl LoadArgs {
    /// For a command that compares tables: takes out what tells them apart.
    pub(in crate::cli) fn take_compared(&mut self) -> Result<Compared, Problem> {
        Compared::take(&mut self.units, &mut self.limits)
    }

    /// Refuses conditions on what will not be measured; `flag` is where the
    /// conditions come from.
    fn measured(
        &self,
        flag: &str,
        conditions: &[Condition],
        lake: Option<&LakeArgs>,
    ) -> Result<(), Problem> {
        let region = self.region.as_deref();
        let priced = self.endpoint_url.is_none()
            && region.is_none_or(|region| Prices::named(region).is_ok());
        for wanted in conditions {
            let why = if wanted.needs_stream() && self.via == ViaArg::None {
                "readings that are followed, but --via none was given; leave it out, or write a \
                 condition such as response.p99<50ms"
            } else if wanted.stage().is_some_and(within_kinesis)
                && self.via == ViaArg::DynamodbStreams
            {
                "a stage of a Kinesis stream, but --via dynamodb-streams was given; leave it out, \
                 or write a condition such as e2e.p99<1s"
            } else if wanted.needs_lake() && !lake.is_some_and(LakeArgs::given) {
                "readings in a lake, but none is delivered into; add --lake FOLDER"
            } else if wanted.is_of_money() && !priced {
                "money, but no prices are known of this target; leave it out, or say with \
                 --max-cost where a run is to end"
            } else {
                continue;
            };
            let message = format!("{flag} {wanted} is about {why}");
            return Err(Problem::usage(message));
        }
        Ok(())
    }

    /// Whether readings are followed through the stream.
    pub(in crate::cli) fn follows(&self) -> bool {
        self.via != ViaArg::None
    }

    /// Whether the target is the embedded services.
    pub(in crate::cli) fn embedded(&self) -> bool {
        self.target != Some(TargetArg::Aws) && self.endpoint_url.is_none() && self.state.is_none()
    }

    /// How its cost is to be asked for.
    pub(in crate::cli) fn asking(&self) -> Asking {
        Asking {
            yes: self.yes,
            quiet: self.quiet,
        }
    }

    /// Whether nothing but errors is to be printed.
    pub(in crate::cli) fn quiet(&self) -> bool {
        self.quiet
    }

    /// Arguments into a request: every contradiction is found here.
    pub(in crate::cli) fn into_request(mut self, job: Job) -> Result<Request, Problem> {
        let lake = job.lake.filter(LakeArgs::given);
        self.check_places(job.mode, lake.as_ref())?;
        let made_by = self.take_state(job.mode)?;
        self.measured(job.judged_by, &job.conditions, lake.as_ref())?;
        experiment::holds(self.devices).map_err(Problem::usage)?;
        let profile = profiles::find(&self.profile)?;
        let pace = match (job.pace.rate, job.pace.interval) {
            (Some(Rate(rate)), _) => Pace::Rate(rate),
            (None, Some(interval)) => Pace::Interval(interval),
            (None, None) => Pace::Natural,
        };
        let target = self.target()?;
        let poll_interval = self.poll_interval(lake.is_some());
        let on_aws = matches!(target, Target::Aws { .. });
        let default_wait = on_aws.then_some(CLOUDWATCH_WAIT);
        let request = Request {
            profile,
            devices: self.devices,
            pace,
            layout: self.layout.layout(),
            seed: self.seed,
            phases: Phases {
                warmup: self.warmup,
                measure: self.duration,
                drain: self.drain,
            },
            target,
            look_around: true,
            cloudwatch: self
                .cloudwatch
                .or(default_wait)
                .filter(|wait| !wait.is_zero()),
            resources: Resources {
                made_by: made_by.map(Box::new),
                table: self.table,
                stream: self.stream,
                table_mode: self.units.table_mode(job.mode)?,
                stream_mode: self.units.stream_mode()?,
                shards: self.units.shards,
                keep: self.keep,
            },
            via: match (self.via, self.consumer) {
                (ViaArg::None, _) => Via::None,
                (ViaArg::DynamodbStreams, _) => Via::DynamoDbStreams {
                    interval: poll_interval,
                },
                (via, consumer) => {
                    let consumer = match consumer {
                        ConsumerArg::Polling => Consumer::Polling {
                            interval: poll_interval,
                        },
                        ConsumerArg::EnhancedFanOut => Consumer::EnhancedFanOut {
                            name: "hrload".to_owned(),
                        },
                    };
                    if via == ViaArg::PutRecords {
                        Via::PutRecords(consumer)
                    } else {
                        Via::Kinesis(consumer)
                    }
                }
            },
            lake: lake.map(LakeArgs::request).transpose()?.flatten(),
            sending: Sending {
                client: match self.client {
                    ClientArg::Sdk => ClientKind::Sdk,
                    ClientArg::Direct => ClientKind::Direct,
                },
                threads: self.threads,
                concurrency: self.concurrency,
                batch: usize::from(self.batch),
                linger: self.linger,
                precise: self.precise,
                attempts: self.attempts,
                timeout: self.timeout,
                catch_up: self.catch_up,
                max_write_units: self.max_write_units.map(|Rate(units)| units),
                backlog: self.backlog,
            },
            thresholds: job.conditions,
            abort_on_fail: job.abort_on_fail,
            max_cost_usd: self.max_cost,
            output: self.output.map(Output::of),
            tags: self.tag,
            command: std::env::args().collect(),
        };
        Ok(request)
    }

    /// Kinesis allows a shard five calls a second, whoever makes them. Delivery
    /// makes one.
    fn poll_interval(&self, delivers: bool) -> Duration {
        let shared = Duration::from_millis(250);
        match self.poll_interval {
            Some(interval) => interval,
            None if self.via == ViaArg::DynamodbStreams => TableStream::USUAL_INTERVAL,
            None if delivers => shared,
            None => Consumer::SHORTEST_INTERVAL,
        }
    }

    /// Puts what a state file says in the place of the arguments it stands for.
    fn take_state(&mut self, mode: ModeArgs) -> Result<Option<State>, Problem> {
        let Some(path) = self.state.take() else {
            return Ok(None);
        };
        let name = path.display().to_string();
        let state = StateFile::at(path).read().map_err(Problem::failed)?;
        if !state.complete() {
            return Err(Problem::failed(format!(
                "{name} is of a set-up that was not brought to its end; run `hrload setup` again, \
                 or `hrload teardown`"
            )));
        }
        if self.via == ViaArg::PutRecords {
            return Err(Problem::usage(format!(
                "the changes of the table of {name} go to its stream already, where --via \
                 put-records would put every reading a second time; leave it out"
            )));
        }
        if mode.given() || self.units.any() {
            return Err(Problem::usage(format!(
                "table and stream of {name} are made already; leave out what they are to be made \
                 with (--mode, --wcu, --warm-throughput, --stream-mode, --shards)"
            )));
        }
        let layout = self.layout.layout().name();
        if layout != state.layout {
            return Err(Problem::usage(format!(
                "the table of {name} was made for --layout {}, not {layout}",
                state.layout
            )));
        }
        let url = |text: &Option<String>| {
            let parsed = text.as_deref().map(values::url).transpose();
            parsed.map_err(|e| Problem::failed(format!("{name}: {e}")))
        };
        self.endpoint_url = url(&state.dynamodb)?;
        self.kinesis_endpoint_url = url(&state.kinesis)?;
        if self.endpoint_url.is_none() {
            self.target = Some(TargetArg::Aws);
        }
        self.region = Some(state.region.clone());
        self.table = Some(state.table.name.clone());
        let stream = Some(state.stream.name.clone());
        self.stream = stream.filter(|_| self.via == ViaArg::Kinesis);
        self.keep = true;
        Ok(Some(state))
    }

    fn target(&self) -> Result<Target, Problem> {
        match (self.target, &self.endpoint_url) {
            (Some(TargetArg::Local), Some(url)) => Err(Problem::usage(format!(
                "--target local starts its own services, but --endpoint-url {url} names others; give one of the two"
            ))),
            (_, Some(url)) => Ok(Target::Endpoint {
                dynamodb: url.clone(),
                kinesis: self.kinesis_endpoint_url.clone(),
                region: self.region.clone(),
                profile: self.aws_profile.clone(),
            }),
            (Some(TargetArg::Aws), None) => Ok(Target::Aws {
                region: self.region.clone(),
                profile: self.aws_profile.clone(),
            }),
            (None | Some(TargetArg::Local), None) => Ok(Target::Embedded(Box::new(Embedded {
                region: self.region.clone(),
                change_delay: self.change_delay.unwrap_or_default(),
                faults: self.fault.clone(),
                retain_bytes: self.retain.unwrap_or(RETAIN_BYTES),
                limits: self.limits.limits()?,
            }))),
        }
    }
}
