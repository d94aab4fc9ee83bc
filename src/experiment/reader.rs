//! The thread that follows the change stream.

use std::sync::Arc;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::error::RunError;
use crate::clock::Clock;
use crate::measure::{ArrivalRecord, ArrivalRecorder, Readings};
use crate::stream::{self, Config, Handle, Outcome, Progress, ShardProgress};

/// A running follower.
#[derive(Debug)]
pub(super) struct Reader {
    handle: Handle,
    done: oneshot::Receiver<(ArrivalRecord, Outcome)>,
}

impl Reader {
    /// Starts the thread, and waits until everything written from now on will
    /// be seen.
    pub(super) async fn start(
        config: Config,
        clock: Clock,
        recorder: ArrivalRecorder,
    ) -> Result<Self, RunError> {
        let (handle, control) = stream::control();
        let (sender, done) = oneshot::channel();
        thread::Builder::new()
            .name("stream".to_owned())
            .stack_size(8 << 20)
            .spawn(move || {
                let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
                    return;
                };
                let end = runtime.block_on(stream::follow(config, clock, recorder, control));
                // Nobody to tell: the run was stopped at once.
                let _ = sender.send(end);
            })
            .map_err(RunError::Thread)?;
        handle.ready().await.map_err(RunError::Follow)?;
        Ok(Self { handle, done })
    }

    /// How far it has come.
    pub(super) fn progress(&self) -> Progress {
        self.handle.progress()
    }

    /// How far it has come with each shard.
    pub(super) fn shards(&self) -> Vec<ShardProgress> {
        self.handle.shards()
    }

    /// From now on, count down to exactly these readings.
    pub(super) fn await_readings(&self, acknowledged: Arc<Readings>) {
        self.handle.await_readings(acknowledged);
    }

    /// Stops following and takes what was recorded.
    pub(super) async fn stop(self) -> Result<(ArrivalRecord, Outcome), RunError> {
        self.handle.stop();
        self.done
            .await
            .map_err(|_| RunError::ThreadDied("the stream thread"))
    }
}
