//! The life of one run.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Interval as Ticker, MissedTickBehavior, interval};

use super::copier::Copier;
use super::error::RunError;
use super::event::{Event, Finished};
use super::identity::Identity;
use super::interrupt::{Interrupts, Order};
use super::life::Life;
use super::lived::Lived;
use super::lookout::Lookout;
use super::preflight;
use super::reader::Reader;
use super::request::{Output, Request, Via};
use super::setting::Setting;
use super::target;

use super::units::UnitsWatch;
use super::watch::Watch;

use super::{cloudwatch, machine, outcome};
use crate::aws::{
    self, Connection, Owner, ProvisionError, Provisioned, SetupError, Wanted, WantedStream,
};
use crate::clock::Clock;
use crate::load::{CopyOutcome, Stop};
use crate::measure::{ArrivalRecorder, IntervalSink, Opening, Reach, Rendezvous};
use crate::process;
use crate::report::{self, Phase};
use crate::stream::Feed;
use crate::workload::{Fleet, Partition};

/// Time between the start of the load threads and the first reading: they build
/// their part of the fleet in it.
const LEAD_US: u64 = 200_000;

/// Devices that are built to see how long building all of them takes.
const BUILT: u32 = 512;

/// How long a reading may be between acknowledgement and stream, for the two
/// to meet in [`Rendezvous`].
const PIPELINE_SECONDS: f64 = 2.0;

/// How long to go on reading after the last awaited reading, for duplicates.
const STRAGGLERS: Duration = Duration::from_millis(500);

/// How often the series is looked at, and phases' ends are noticed.
const LOOK: Duration = Duration::from_millis(100);

/// How long after it was ordered a change of tempo comes into force: by then
/// every load thread, which looks ten times a second, knows of it.
const CHANGE_LEAD_US: u64 = 250_000;

/// How long after measuring began counted faults begin: by then no batch is on its way
/// that holds readings of the warm-up.
const FAULTS_AFTER_US: u64 = 100_000;

/// How long an interrupted run still waits for readings to be seen.
const SHORT_DRAIN: Duration = Duration::from_secs(2);

/// Makes one run, from set-up to tear-down.
///
/// The result is in the [`Finished`] run and, where the request names a file,
/// in that file. A first signal ends the current phase and drains shortly; a
/// second stops at once. Either way what was measured is kept, and what was
/// created is removed.
///
/// What could not be removed is told ([`Event::NotRemoved`]).
///
/// # Errors
/// The run could not be set up, or not be brought to an end.
pub async fn run(
    request: &Request,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Finished, RunError> {
    let tell: &mut dyn FnMut(Event<'_>) = &mut |event| {
        event.log();
        tell(event);
    };
    let workload = request.workload()?;
    let file = match &request.output {
        Some(Output::File(path)) => Some(path),
        Some(Output::Stdout) | None => None,
    };
    if let Some(path) = file {
        report::probe(path)?;
    }
    process::raise_open_files();
    let identity = Identity::now();
    let mut setting = Setting::choose(request, &workload, &identity.id);

    tell(Event::Step("connecting"));
    let connected = tokio::select! {
        connected = target::connect(request, &setting) => connected?,
        () = interrupts.next() => return Err(RunError::Stopped),
    };
    if let Some(assumed) = &connected.connection.assumed {
        tell(Event::Told(assumed));
    }
    let nothing_due = preflight::nothing_due(request, &workload, tell);
    let foreseen = tokio::select! {
        foreseen = preflight::look(request, &setting, &connected.connection, tell) => foreseen,
        () = interrupts.next() => return Err(RunError::Stopped),
    };
    let mut made = Provisioned::default();
    let ended = async {
        let wanted = wanted(request, &setting, &identity);
        let failed = provisioning(&setting);
        let mut tell_step = |step: &str| tell(Event::Step(step));
        tokio::select! {
            done = async {
                check_made(request, &setting, &connected.connection).await?;
                let provisioned = aws::provision(&connected.connection, &wanted, &mut made, &mut tell_step);
                provisioned.await.map_err(failed)
            } => done?,
            () = interrupts.next() => return Err(RunError::Stopped),
        }
        if made.shards > 0 {
            setting.shards = made.shards;
        }
        let life = Life {
            request,
            workload: &workload,
            setting: &setting,
            connected: &connected,
            made: &made,
        };
        life.live(interrupts, tell).await
    }
    .await;

    // The embedded services vanish with the process; others keep what is not removed.
    if connected.services.is_none() && !request.resources.keep {
        tell(Event::Step("removing what was created"));
        tokio::select! {
            removed = aws::tear_down(&connected.connection, &made) => {
                if let Err(error) = removed.map_err(provisioning(&setting)) {
                    tell(Event::NotRemoved(&error));
                }
            }
            () = interrupts.next() => {}
        }
    }
    let lived = ended?;
    let mut finished = outcome::finish(
        request, &workload, &setting, &connected, &made, &identity, &lived,
    );
    let foreseen = nothing_due.into_iter().chain(foreseen);
    finished.result.warnings.splice(0..0, foreseen);
    if let Some(path) = file {
        finished.written = Some(finished.result.keep(path));
    }
    // Figures outlive the table, so that nothing is kept for them.
    if let (Some(longest), false) = (request.cloudwatch, lived.interrupted) {
        let connection = &connected.connection;
        let asked = cloudwatch::ask(connection, &finished.result, longest, interrupts, tell);
        finished.result.cloudwatch = asked.await;
        if let (Some(path), Some(_)) = (file, &finished.result.cloudwatch) {
            finished.written = Some(finished.result.keep(path));
        }
    }
    Ok(finished)
}

/// Refuses table and stream of a state file that are not those that were set up.
pub(super) async fn check_made(
    request: &Request,
    setting: &Setting,
    connection: &Connection,
) -> Result<(), RunError> {
    let Some(state) = &request.resources.made_by else {
        return Ok(());
    };
    let checked = aws::check_made(connection, state, setting.stream.is_some()).await;
    checked.map_err(|error| match error {
        SetupError::Provision(error) => provisioning(setting)(error),
        error => RunError::NotAsSetUp(error),
    })
}

pub(super) fn provisioning(setting: &Setting) -> impl FnOnce(ProvisionError) -> RunError + use<> {
    let target = setting.target.clone();
    move |source| RunError::Provision { target, source }
}

/// What is left behind by a crash may be cleaned up a day after the run should
/// have ended.
const KEPT_AFTER: Duration = Duration::from_secs(86_400);

pub(super) fn wanted(request: &Request, setting: &Setting, identity: &Identity) -> Wanted {
    let phases = request.phases;
    let lasts = phases.warmup + phases.measure + phases.drain + KEPT_AFTER;
    let expires = identity.started.checked_add(lasts).ok();
    let key = request.layout.key_schema();
    Wanted {
        table: setting.table.clone(),
        partition_key: key.partition,
        sort_key: key.sort,
        stream: setting.stream.clone().map(|name| WantedStream {
            name,
            shards: (!setting.stream_on_demand).then_some(setting.shards),
        }),
        throughput: setting.throughput,
        destination: matches!(request.via, Via::Kinesis(_)),
        table_stream: matches!(request.via, Via::DynamoDbStreams { .. }),
        owner: Some(Owner {
            run: identity.id.clone(),
            // What is to be kept does not expire.
            expires: expires
                .filter(|_| !request.resources.keep)
                .map(|at| at.to_string()),
        }),
    }
}

impl Life<'_> {
    /// How long the load threads may take to build their parts of the fleet, in
    /// microseconds: twice what a small part of it takes now. Days and sessions that
    /// devices are met in have to be lived through first.
    fn building_us(&self, clock: Clock) -> u64 {
        let devices = self.setting.devices;
        let of = devices.div_ceil(BUILT).max(1);
        let began_us = clock.now_us();
        drop(Fleet::new(
            self.workload,
            Partition { index: 0, of },
            began_us,
        ));
        let threads = self.setting.threads.min(machine::cores()).max(1) as u64;
        2 * (clock.now_us() - began_us) * u64::from(of) / threads
    }

    async fn live(
        &self,
        interrupts: &mut Interrupts,
        tell: &mut dyn FnMut(Event<'_>),
    ) -> Result<Lived, RunError> {
        let phases = self.request.phases;
        let clock = Clock::start();
        let follow = self.follow();
        let rate = self.setting.sized_rate.max(self.setting.mean_rate);
        let pipeline = (rate * PIPELINE_SECONDS) as usize;
        let rendezvous = follow.as_ref().map(|follow| {
            Arc::new(match follow.feed {
                Feed::Kinesis(..) => Rendezvous::new(pipeline),
                Feed::Table(_) => Rendezvous::apart(),
            })
        });
        let (sink, intervals) = IntervalSink::channel();
        let opening = Opening::default();

        let begin = async {
            let reader = match (follow, &rendezvous) {
                (Some(config), Some(rendezvous)) => {
                    let recorder = ArrivalRecorder::before(
                        opening.clone(),
                        self.setting.devices,
                        !phases.warmup.is_zero(),
                        sink.clone(),
                        Arc::clone(rendezvous),
                    );
                    Some(Reader::start(config, clock, recorder).await?)
                }
                _ => None,
            };
            Ok::<_, RunError>((reader, self.deliver(clock, &opening).await?))
        };
        let (reader, deliverer) = tokio::select! {
            begun = begin => begun?,
            () = interrupts.next() => return Err(RunError::Stopped),
        };
        // The run begins when those who read do, however long that took them.
        let lead_us = LEAD_US + self.building_us(clock);
        if lead_us > 2_000_000 {
            let most = report::duration(lead_us as f64 / 1e6);
            tell(Event::Told(&format!("building the fleet, {most} at most")));
        }
        let run_start_us = clock.now_us() + lead_us;
        let measure_start_us = run_start_us + micros(phases.warmup);
        let end_us = measure_start_us + micros(phases.measure);
        let reach = Reach {
            run_start_us,
            measure_start_us,
            devices: self.setting.devices,
        };
        opening.open(reach);
        let stop = Stop::at(end_us);
        tell(Event::Ready(self.setting));
        let mut watch = Watch::new(clock, intervals, reader.is_some());
        let cpu_before_us = process::process_cpu_us();
        let (mut copier, copies) = self.start_copier(clock, &stop)?.unzip();
        let mut workers = self.start_workers(reach, clock, &stop, sink, &rendezvous, copies)?;

        let units = self.watch_units(clock);
        let mut signals = 0;
        let mut lookout = self.request.abort_on_fail.then(|| {
            Lookout::new(
                &self.request.thresholds,
                self.setting.peak_rate,
                phases.measure,
            )
        });
        let mut out_of_reach = None;
        let mut budget = self.budget();
        let mut budget_spent = None;
        let mut faults_held = true;
        let mut ticker = ticker();
        watch.begin(Phase::WarmUp, run_start_us, measure_start_us, tell);
        if let Some(factor) = interrupts.kept_tempo() {
            stop.timetable().change(run_start_us, factor);
            watch.set_tempo(factor);
            lookout = None;
        }
        let mut all_sent = None;
        let mut sent = loop {
            // A run whose last reading comes early lasts as long as it was to last.
            if clock.now_us() >= stop.end_us()
                && let Some(done) = all_sent.take()
            {
                break done;
            }
            tokio::select! {
                done = workers.finished(), if all_sent.is_none() => all_sent = Some(done?),
                order = interrupts.order() => match order {
                    Order::End => {
                        signals += 1;
                        if signals == 1 {
                            tell(Event::Interrupted);
                            stop.end_by(clock.now_us());
                        } else {
                            stop.at_once();
                        }
                    }
                    Order::Tempo(factor) => {
                        stop.timetable().change(clock.now_us() + CHANGE_LEAD_US, factor);
                        watch.set_tempo(factor);
                        // What the rest can bring is known no more.
                        lookout = None;
                    }
                },
                _ = ticker.tick() => {
                    if watch.phase() == Phase::WarmUp && clock.now_us() >= measure_start_us {
                        watch.begin(Phase::Measure, measure_start_us, end_us, tell);
                    }
                    if faults_held && clock.now_us() >= measure_start_us + FAULTS_AFTER_US {
                        if let Some(services) = &self.connected.services {
                            services.begin_counted_faults();
                        }
                        faults_held = false;
                    }
                    watch.look(reader.as_ref(), tell);
                    if let Some(missed) = lookout.as_mut().and_then(|of| of.look(watch.series())) {
                        tell(Event::OutOfReach(missed));
                        stop.end_by(clock.now_us());
                        out_of_reach = Some(missed.clone());
                        lookout = None;
                    }
                    let elapsed = clock.now_us().saturating_sub(run_start_us);
                    let elapsed = Duration::from_micros(elapsed);
                    if let Some(of) = &budget
                        && of.is_spent(watch.series(), elapsed)
                    {
                        budget_spent = self.request.max_cost_usd;
                        tell(Event::BudgetSpent(budget_spent.unwrap_or_default()));
                        stop.end_by(clock.now_us());
                        budget = None;
                    }
                }
            }
        };
        let cut_short = signals > 0 || out_of_reach.is_some() || budget_spent.is_some();
        let process_cpu_us = process::process_cpu_us() - cpu_before_us;
        let units = units.map(UnitsWatch::end);
        let reached = watch.phase();
        if let Some(reason) = stop.abort_reason() {
            return Err(RunError::Aborted(reason.clone()));
        }

        let drain_began_us = clock.now_us();
        let copied = match &mut copier {
            None => None,
            Some(copier) => {
                let longest = if cut_short {
                    phases.drain.min(SHORT_DRAIN)
                } else {
                    phases.drain
                };
                Some(settle(copier, &stop, longest, interrupts, &mut signals).await?)
            }
        };
        let read = match reader {
            None => None,
            Some(reader) => {
                let longest = if cut_short {
                    phases.drain.min(SHORT_DRAIN)
                } else {
                    phases.drain
                };
                watch.begin(
                    Phase::Drain,
                    drain_began_us,
                    drain_began_us + micros(longest),
                    tell,
                );
                let awaited = Arc::new(std::mem::take(&mut sent.record.acknowledged));
                reader.await_readings(Arc::clone(&awaited));
                if signals < 2 {
                    drain(&reader, longest, &mut watch, interrupts, &mut signals, tell).await;
                }
                let read = reader.stop().await?;
                sent.record.acknowledged = Arc::unwrap_or_clone(awaited);
                Some(read)
            }
        };
        let lake = match deliverer {
            None => None,
            Some(deliverer) => {
                let acknowledged = &sent.record.acknowledged;
                let awaited = acknowledged.measured.len() + acknowledged.warm_up.len();
                let longest = match (signals, cut_short) {
                    (2.., _) => Duration::ZERO,
                    (1, _) | (_, true) => SHORT_DRAIN,
                    (0, false) => self.longest_delivery(),
                };
                let (kept, interrupted) = deliverer.end(awaited, longest, interrupts, tell).await?;
                signals += u32::from(interrupted);
                Some(kept)
            }
        };
        let series = watch.finish(tell);
        let spent_usd = self.budget().map(|budget| {
            let elapsed = clock.now_us().saturating_sub(run_start_us);
            budget.spent_usd(&series, Duration::from_micros(elapsed))
        });
        Ok(Lived {
            sent,
            read,
            lake,
            series,
            // From the end of measuring on: what waited then is still sent.
            drained: Duration::from_micros(clock.now_us().saturating_sub(stop.end_us())),
            unmatched: rendezvous.map_or(0, |rendezvous| rendezvous.unmatched()),
            reached: match (cut_short, signals) {
                (true, _) => reached,
                // Measured to its end, and then not waited for.
                (false, 1..) => Phase::Drain,
                (false, 0) => Phase::Complete,
            },
            interrupted: signals > 0,
            out_of_reach,
            budget_spent,
            spent_usd,
            measured_us: (measure_start_us, stop.end_us().max(measure_start_us)),
            tempo_changes: stop.timetable().changes(),
            units,
            copied,
            process_cpu_us,
        })
    }
}

/// Waits until all records are put or given up; at a signal, or when it takes longer
/// than draining may, what is left is given up.
async fn settle(
    copier: &mut Copier,
    stop: &Stop,
    longest: Duration,
    interrupts: &mut Interrupts,
    signals: &mut u32,
) -> Result<CopyOutcome, RunError> {
    tokio::select! {
        done = copier.finished() => return done,
        () = interrupts.next() => *signals += 1,
        () = tokio::time::sleep(longest) => {}
    }
    stop.at_once();
    copier.finished().await
}

/// Waits until every acknowledged reading was seen, and a moment longer for
/// duplicates of the last ones; or until the time or the person's patience is over.
async fn drain(
    reader: &Reader,
    longest: Duration,
    watch: &mut Watch,
    interrupts: &mut Interrupts,
    signals: &mut u32,
    tell: &mut dyn FnMut(Event<'_>),
) {
    let mut ticker = ticker();
    let deadline = tokio::time::Instant::now() + longest;
    let mut settled_at = None;
    while tokio::time::Instant::now() < deadline {
        tokio::select! {
            () = interrupts.next() => {
                *signals += 1;
                if *signals > 1 {
                    return;
                }
                tell(Event::Interrupted);
                return;
            }
            now = ticker.tick() => {
                watch.look(Some(reader), tell);
                if reader.progress().outstanding == Some(0) {
                    let since = *settled_at.get_or_insert(now);
                    if now - since >= STRAGGLERS {
                        return;
                    }
                }
            }
        }
    }
}

/// Looks often enough to notice a phase's end within a tenth of a second.
fn ticker() -> Ticker {
    let mut ticker = interval(LOOK);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticker
}

fn micros(span: Duration) -> u64 {
    span.as_micros() as u64
}
