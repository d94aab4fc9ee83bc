//! The thread that puts acknowledged readings into the stream, where nobody else does.

use std::thread;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

use super::error::RunError;
use crate::clock::Clock;
use crate::load::{self, CopyConfig, CopyOutcome, Stop};
use crate::workload::Reading;

/// The running thread.
#[derive(Debug)]
pub(super) struct Copier {
    done: oneshot::Receiver<CopyOutcome>,
}

impl Copier {
    /// Starts the thread; what is sent gets into the stream.
    pub(super) fn start(
        config: CopyConfig,
        client: aws_sdk_kinesis::Client,
        clock: Clock,
        stop: &Stop,
    ) -> Result<(Self, mpsc::UnboundedSender<Reading>), RunError> {
        let (copies, readings) = mpsc::unbounded_channel();
        let (sender, done) = oneshot::channel();
        let stop = stop.clone();
        thread::Builder::new()
            .name("copies".to_owned())
            .stack_size(8 << 20)
            .spawn(move || {
                let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
                    return;
                };
                let copied = load::copy(&config, &client, clock, readings, &stop);
                // Nobody to tell: the run was stopped at once.
                let _ = sender.send(runtime.block_on(copied));
            })
            .map_err(RunError::Thread)?;
        Ok((Self { done }, copies))
    }

    /// Waits until all is put or given up, once nobody sends any more. Safe to cancel.
    pub(super) async fn finished(&mut self) -> Result<CopyOutcome, RunError> {
        (&mut self.done)
            .await
            .map_err(|_| RunError::ThreadDied("the thread that puts records"))
    }
}
