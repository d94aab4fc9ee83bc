//! What a run tells, added up.

use std::sync::Arc;

use tokio::sync::watch;

use super::{About, Distribution, RateAt, ShardNow, StageNow, Status};
use crate::clock::Clock;
use crate::experiment::{Event, Setting, Snapshot};
use crate::load::limit::ClientKind;
use crate::measure::{Latency, Second};
use crate::report::{Ledger, Phase};

/// Seconds of which the rates are kept: what the widest terminal shows.
const RECENT: usize = 300;

/// Where to read the latest [`Status`]; closed when the [`Feed`] is gone.
pub type Watched = watch::Receiver<Arc<Status>>;

/// Hears what a run tells and publishes its [`Status`].
///
/// Lives on the thread that hears the run's events; a second costs it the
/// decoding of that second's histograms, a millisecond or two.
#[derive(Debug)]
pub struct Feed {
    clock: Clock,
    status: Status,
    /// Whether it is known what was seen.
    following: bool,
    /// When the shards were last told, in microseconds since the Unix epoch.
    shards_at_us: u64,
    published: watch::Sender<Arc<Status>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

impl Feed {
    /// For a run that is about to begin.
    #[must_use]
    pub fn new() -> Self {
        let clock = Clock::start();
        let status = Status::new(clock.now_us());
        let (published, _) = watch::channel(Arc::new(status.clone()));
        Self {
            clock,
            shards_at_us: status.at_us,
            status,
            following: false,
            published,
        }
    }

    /// Where what is published can be read, from any thread.
    #[must_use]
    pub fn watched(&self) -> Watched {
        self.published.subscribe()
    }

    /// Hears one event and, where it changes anything, publishes.
    pub fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Ready(setting) => self.ready(setting),
            Event::Phase(phase, length) => {
                self.status.phase = *phase;
                self.status.length = *length;
                self.status.elapsed = std::time::Duration::ZERO;
            }
            Event::Complete(seconds) => {
                for second in *seconds {
                    self.add(second);
                }
            }
            Event::Second(snapshot) => self.second(snapshot),
            Event::Step(_)
            | Event::AwaitsLake(_)
            | Event::Interrupted
            | Event::OutOfReach(_)
            | Event::BudgetSpent(_)
            | Event::NotRemoved(_)
            | Event::Told(_) => return,
        }
        self.publish();
    }

    /// The run is over; what it told last is published once more, with what the ledger
    /// says of the warm-up: its seconds do not have what was under way at their end.
    pub fn end(mut self, ledger: Option<&Ledger>) {
        if let Some(Ledger { warm_up, .. }) = ledger {
            let counts = &mut self.status.warm_up;
            counts.scheduled = warm_up.scheduled;
            counts.dropped = warm_up.dropped;
            counts.cut_off = warm_up.cut_off;
            counts.sent = warm_up.sent;
            counts.acknowledged = warm_up.acknowledged;
            counts.failed = warm_up.failed;
            counts.seen = warm_up.seen.unwrap_or(counts.seen);
            counts.foreign = warm_up.foreign;
        }
        self.status.phase = Phase::Complete;
        self.publish();
    }

    fn publish(&mut self) {
        // Of the same moment as the two that it is the difference of.
        let of = &self.status.measured;
        let unseen = of.acknowledged.saturating_sub(of.seen);
        self.status.unseen = self.following.then_some(unseen);
        self.status.at_us = self.clock.now_us();
        self.published.send_replace(Arc::new(self.status.clone()));
    }

    fn ready(&mut self, setting: &Setting) {
        let client = match setting.client {
            ClientKind::Sdk => "sdk",
            ClientKind::Direct => "direct",
        };
        self.status.about = About {
            run: setting.run.clone(),
            profile: setting.profile.clone(),
            target: setting.target.clone(),
            client: client.to_owned(),
            devices: setting.devices,
            followed: setting.stream.is_some(),
        };
        self.status.asked_per_s = setting.mean_rate;
    }

    fn add(&mut self, second: &Second) {
        let status = &mut self.status;
        if second.second < 0 {
            status.warm_up.extend(&second.counts);
        } else {
            status.measured.extend(&second.counts);
        }
        status.latest = second.counts.clone();
        let stages = second.stages.iter();
        status.stages = stages
            .map(|of| StageNow {
                stage: of.stage,
                count: of.count,
                p50_us: of.p50_us,
                p99_us: of.p99_us,
                max_us: of.max_us,
            })
            .collect();
        for of in &second.stages {
            // What was encoded in this process decodes.
            let Ok(latency) = Latency::decode(&of.encoded) else {
                continue;
            };
            let known = status.distributions.iter();
            let index = known.take_while(|(stage, _)| *stage < of.stage).count();
            if status.distributions.get(index).map(|(stage, _)| *stage) != Some(of.stage) {
                let fresh = (of.stage, Distribution::new(of.stage));
                status.distributions.insert(index, fresh);
            }
            status.distributions[index].1.add(&latency);
        }
        if status.recent.len() == RECENT {
            status.recent.remove(0);
        }
        status.recent.push(RateAt {
            second: second.second,
            offered: second.counts.scheduled,
            achieved: second.counts.acknowledged,
        });
    }

    fn second(&mut self, snapshot: &Snapshot) {
        let now_us = self.clock.now_us();
        let passed_s = now_us.saturating_sub(self.shards_at_us) as f64 / 1e6;
        let before = std::mem::take(&mut self.status.shards);
        let shards = snapshot.shards.iter().map(|of| {
            let known = before.iter().find(|known| *known.shard == *of.shard);
            let new = of.records - known.map_or(0, |known| known.records).min(of.records);
            ShardNow {
                shard: of.shard.to_string(),
                records: of.records,
                records_per_s: new as f64 / passed_s.max(1e-3),
                behind_ms: of.behind_ms,
            }
        });
        self.status.shards = shards.collect();
        self.shards_at_us = now_us;
        self.status.phase = snapshot.phase;
        self.status.elapsed = snapshot.elapsed;
        self.status.length = snapshot.length;
        self.following = snapshot.unseen.is_some();
        self.status.tempo = snapshot.tempo;
    }
}
