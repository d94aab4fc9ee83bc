//! The load threads of a run.

use std::thread;

use tokio::runtime::Builder;
use tokio::sync::mpsc;

use super::error::RunError;
use crate::aws::Connection;
use crate::clock::Clock;
use crate::load::limit::ClientKind;
use crate::load::{
    self, Answers, Client, Config, Copying, Direct, Limits, Sdk, Stop, Troubles, WorkerOutcome,
    WorkerRecord,
};
use crate::measure::{SendRecord, SendRecorder};
use crate::workload::{Fleet, Partition, Reading, Workload};

/// One load thread's part of the work.
pub(super) struct Share {
    /// How to send; rates and counts are this thread's.
    pub config: Config,
    /// Which devices.
    pub partition: Partition,
    /// What it records with.
    pub recorder: SendRecorder,
    /// Where acknowledged readings go besides.
    pub copies: Option<mpsc::UnboundedSender<Reading>>,
}

/// What all load threads need.
pub(super) struct Common<'a> {
    /// The fleet.
    pub workload: &'a Workload,
    /// First intended start.
    pub run_start_us: u64,
    /// Which client.
    pub client: ClientKind,
    /// Where to.
    pub connection: &'a Connection,
    /// The run's clock.
    pub clock: Clock,
    /// When the load ends.
    pub stop: &'a Stop,
}

/// Running load threads. Each sends its record when it is done.
#[derive(Debug)]
pub(super) struct Workers {
    expected: usize,
    /// What has arrived so far.
    record: Option<SendRecord>,
    outcomes: Vec<WorkerOutcome>,
    done: mpsc::UnboundedReceiver<WorkerRecord>,
}

/// What the load threads did, added up.
#[derive(Debug)]
pub(super) struct Sent {
    /// What became of the readings.
    pub record: SendRecord,
    /// What is to be said of each worker.
    pub outcomes: Vec<WorkerOutcome>,
}

impl Sent {
    /// What held batches back, over all threads.
    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for outcome in &self.outcomes {
            limits.merge(&outcome.limits);
        }
        limits
    }

    /// Measured readings that were acknowledged after measuring had ended, over all
    /// threads.
    pub(super) fn acknowledged_late(&self) -> u64 {
        let outcomes = self.outcomes.iter();
        outcomes.map(|outcome| outcome.acknowledged_late).sum()
    }

    /// How the target answered, and what calls met, over all threads.
    pub(super) fn target(&self) -> (Answers, Troubles) {
        let (mut answers, mut troubles) = (Answers::default(), Troubles::default());
        for outcome in &self.outcomes {
            answers.merge(&outcome.answers);
            troubles.merge(&outcome.troubles);
        }
        (answers, troubles)
    }
}

async fn work(
    share: Share,
    fleet: Fleet,
    client: Client,
    clock: Clock,
    stop: Stop,
) -> WorkerRecord {
    let Share {
        config, recorder, ..
    } = share;
    let Some(copies) = share.copies else {
        return load::run(&config, fleet, client, clock, recorder, stop).await;
    };
    let mut journal = Copying::new(recorder, copies);
    let outcome = load::run_with(&config, fleet, &client, clock, &mut journal, &stop).await;
    WorkerRecord {
        record: journal.into_inner().finish(clock.now_us()),
        outcome,
    }
}

impl Workers {
    /// Starts a thread for each share.
    pub(super) fn start(common: &Common<'_>, shares: Vec<Share>) -> Result<Self, RunError> {
        let (sender, done) = mpsc::unbounded_channel();
        let expected = shares.len();
        for (index, share) in shares.into_iter().enumerate() {
            let client = match common.client {
                ClientKind::Sdk => Client::Sdk(Sdk::new(common.connection.worker_dynamodb())),
                ClientKind::Direct => Client::Direct(Direct::new(
                    &common.connection.dynamodb_endpoint,
                    &common.connection.region,
                    common.connection.credentials.clone(),
                    common.connection.options.connect_timeout,
                    common.connection.options.timeout,
                )?),
            };
            let workload = common.workload.clone();
            let (run_start_us, clock) = (common.run_start_us, common.clock);
            let (stop, sender) = (common.stop.clone(), sender.clone());
            // The SDK's futures are large; the default of 2 MiB is enough in
            // release, not in unoptimised builds.
            thread::Builder::new()
                .name(format!("load-{index}"))
                .stack_size(8 << 20)
                .spawn(move || {
                    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
                        return;
                    };
                    let fleet = Fleet::new(&workload, share.partition, run_start_us);
                    let record = runtime.block_on(work(share, fleet, client, clock, stop));
                    // Nobody to tell: the run was stopped at once.
                    let _ = sender.send(record);
                })
                .map_err(RunError::Thread)?;
        }
        Ok(Self {
            expected,
            record: None,
            outcomes: Vec::with_capacity(expected),
            done,
        })
    }

    /// Waits until every thread is done. Safe to cancel: what has arrived is kept.
    pub(super) async fn finished(&mut self) -> Result<Sent, RunError> {
        while let Some(WorkerRecord { record, outcome }) = self.done.recv().await {
            self.outcomes.push(outcome);
            match &mut self.record {
                None => self.record = Some(record),
                Some(whole) => whole.merge(&record),
            }
        }
        let outcomes = std::mem::take(&mut self.outcomes);
        match self.record.take() {
            Some(record) if outcomes.len() == self.expected => Ok(Sent { record, outcomes }),
            _ => Err(RunError::ThreadDied("a load thread")),
        }
    }
}
