//! The records of a stream, as they come.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_kinesis::Client;
use tokio::sync::mpsc;

use super::board::Board;
use super::feed::{Shared, see, span};
use super::page::State;
use crate::clock::Clock;
use crate::lake::read::Readings;
use crate::lake::{self, Position, SourceError, Told};
use crate::measure::Stage;

/// Which shards have given all that they have: the board is up to date when all that
/// can be read have, and none waits.
#[derive(Debug, Default)]
struct Tips {
    /// Those that are being read, once they were listed.
    reading: Option<BTreeSet<String>>,
    waiting: usize,
    at_tip: BTreeSet<String>,
    /// Those whose last read failed, and how.
    failing: BTreeMap<String, String>,
    /// When each shard last answered, in microseconds.
    answered_us: BTreeMap<String, u64>,
}

impl Tips {
    /// When the shard that has not answered for longest last did.
    fn oldest_answer_us(&self) -> Option<u64> {
        let reading = self.reading.iter().flatten();
        reading
            .filter_map(|shard| self.answered_us.get(shard))
            .min()
            .copied()
    }

    fn state(&self) -> State {
        if let Some(why) = self.failing.values().next() {
            return State::Failed(why.clone());
        }
        match &self.reading {
            Some(reading) if self.waiting == 0 && reading.is_subset(&self.at_tip) => State::Current,
            _ => State::Reading,
        }
    }
}

/// Takes in what the stream has, until it cannot be read.
pub(super) async fn follow(
    client: &Client,
    stream: &str,
    shared: &Shared,
    clock: Clock,
) -> SourceError {
    let began_us = clock.now_us();
    let (sender, mut told) = mpsc::channel(1);
    let follow = lake::follow(client, stream, Position::TrimHorizon, sender);
    let mut follow = std::pin::pin!(follow);
    let mut tips = Tips::default();
    loop {
        tokio::select! {
            error = &mut follow => match error {
                Ok(never) => match never {},
                Err(error) => return error,
            },
            Some(told) = told.recv() => match told {
                Told::Listed(listed) => {
                    tips.reading = Some(listed.reading);
                    tips.waiting = listed.waiting;
                    let listed_us = clock.now_us();
                    shared.answered(tips.oldest_answer_us().unwrap_or(listed_us));
                    shared.set(tips.state());
                }
                Told::Page(page) => {
                    let read_us = clock.now_us();
                    let mut board = shared.board();
                    for record in &page.records {
                        let arrived = record.approximate_arrival_timestamp();
                        let arrived_us = arrived
                            .and_then(|time| u64::try_from(time.as_nanos() / 1_000).ok())
                            .unwrap_or(read_us);
                        let name = format!("{}, record {}", page.shard, record.sequence_number());
                        let data = record.data().as_ref();
                        let record = Record { name: &name, data, arrived_us, read_us, began_us };
                        take(&mut board, &page.shard, &record);
                    }
                    drop(board);
                    tips.failing.remove(&page.shard);
                    if page.ended {
                        tips.answered_us.remove(&page.shard);
                    } else {
                        tips.answered_us.insert(page.shard.clone(), read_us);
                    }
                    shared.answered(tips.oldest_answer_us().unwrap_or(read_us));
                    if page.at_tip || page.ended {
                        tips.at_tip.insert(page.shard);
                    } else {
                        tips.at_tip.remove(&page.shard);
                    }
                    shared.set(tips.state());
                }
                Told::Failing(failing) => {
                    tips.failing.insert(failing.shard, failing.why);
                    shared.set(tips.state());
                }
            },
        }
    }
}

struct Record<'a> {
    name: &'a str,
    data: &'a [u8],
    arrived_us: u64,
    read_us: u64,
    /// What arrived before was read late because nobody looked.
    began_us: u64,
}

fn take(board: &mut Board, shard: &str, record: &Record<'_>) {
    let mut readings = Readings::of(record.name, record.data);
    for sample in readings.by_ref() {
        let mut stages = [(
            Stage::Replication,
            span(sample.created_us, record.arrived_us),
        ); 3];
        let mut known = 1;
        if record.arrived_us >= record.began_us {
            stages[1] = (Stage::Read, span(record.arrived_us, record.read_us));
            known = 2;
            if let Some(us) = sample.intended_us {
                stages[2] = (Stage::EndToEnd, span(us, record.read_us));
                known = 3;
            }
        }
        see(board, &sample, record.arrived_us, &stages[..known]);
    }
    // Nothing more of a record comes.
    let mut tally = readings.tally;
    tally.merge(&readings.tail);
    if !tally.is_empty() {
        board.remark(shard, &tally, &Default::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_up_to_date_when_every_shard_is() {
        let set = |names: &[&str]| names.iter().map(|of| (*of).to_owned()).collect();
        let tips = |reading: Option<&[&str]>, waiting, at_tip: &[&str]| Tips {
            reading: reading.map(set),
            waiting,
            at_tip: set(at_tip),
            ..Tips::default()
        };
        for (tips, expected) in [
            (tips(None, 0, &[]), State::Reading),
            (tips(Some(&["a", "b"]), 0, &["a"]), State::Reading),
            (tips(Some(&["a", "b"]), 0, &["a", "b"]), State::Current),
            (tips(Some(&["a"]), 1, &["a"]), State::Reading),
            (tips(Some(&["b"]), 0, &["a", "b"]), State::Current),
        ] {
            assert_eq!(tips.state(), expected, "{tips:?}");
        }
        let mut failing = tips(Some(&["a"]), 0, &["a"]);
        failing
            .failing
            .insert("a".to_owned(), "no answer".to_owned());
        assert_eq!(failing.state(), State::Failed("no answer".to_owned()));
    }
}
