//! The objects of a lake, as they come.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::feed::{Shared, see, span};
use super::page::State;
use crate::clock::Clock;
use crate::codec::sample::CLOCKS_AGREE_US;
use crate::lake::read::{Readings, Remark, Tally, Text};
use crate::lake::{Format, Lake, Object, Place, StoreError};
use crate::measure::Stage;

/// Between two listings of a lake that could be listed.
const LOOK: Duration = Duration::from_secs(1);
/// After one that could not.
const WAIT: Duration = Duration::from_secs(5);
/// Objects may be of readings that much older than themselves: the longest
/// interval of Firehose, and an hour for devices that were out of reach.
const OLDER_US: u64 = 4_500_000_000;

/// How an object was when it was looked at, and what of it is on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    written_us: u64,
    bytes: u64,
    taken: Taken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// It could not be read: when it has changed, it is tried again.
    Nothing,
    /// Its text up to there: what is written behind is read.
    To(usize),
    /// All of it, and it cannot grow.
    All,
    /// Nothing: it is too old.
    Old,
}

/// Whoever follows a lake.
#[derive(Debug)]
pub(super) struct Follower {
    place: Place,
    endpoint: Option<String>,
    region: Option<String>,
    shared: Shared,
    clock: Clock,
    /// Once it could be opened.
    lake: Option<Lake>,
    known: HashMap<String, Known>,
}

/// A remark on an object as a whole.
fn whole(object: &str, why: String) -> Tally {
    let mut tally = Tally::default();
    tally.whole(Remark::Object, object, why);
    tally
}

impl Follower {
    pub(super) fn new(
        place: Place,
        endpoint: Option<String>,
        region: Option<String>,
        shared: Shared,
        clock: Clock,
    ) -> Self {
        Self {
            place,
            endpoint,
            region,
            shared,
            clock,
            lake: None,
            known: HashMap::new(),
        }
    }

    /// Looks again and again, as long as it is polled.
    pub(super) async fn run(mut self) {
        loop {
            let (state, wait) = match self.look().await {
                Ok(state) => {
                    self.shared.answered(self.clock.now_us());
                    (state, LOOK)
                }
                Err(error) => (State::Failed(error.to_string()), WAIT),
            };
            self.shared.set(state);
            tokio::time::sleep(wait).await;
        }
    }

    /// The lake, or how it is that there is none.
    fn open(&mut self) -> Result<Result<Lake, State>, StoreError> {
        if let Place::Folder(folder) = &self.place
            && !folder.is_dir()
        {
            let folder = folder.display();
            let state = match &self.lake {
                None => State::Waiting(format!("the folder {folder} is not there yet")),
                Some(_) => State::Failed(format!(
                    "the folder {folder} is not there any more; what it had is shown"
                )),
            };
            return Ok(Err(state));
        }
        if let Some(lake) = &self.lake {
            return Ok(Ok(lake.clone()));
        }
        let (endpoint, region) = (self.endpoint.as_deref(), self.region.as_deref());
        let lake = Lake::open(&self.place, endpoint, region)?;
        Ok(Ok(self.lake.insert(lake).clone()))
    }

    /// Takes in the objects that are not known as they are now, the oldest first.
    async fn look(&mut self) -> Result<State, StoreError> {
        let lake = match self.open()? {
            Ok(lake) => lake,
            Err(state) => return Ok(state),
        };
        let listing = lake.list().await?;
        let now_us = self.clock.now_us();
        self.told(&listing.remarks);
        let listed: HashSet<&str> = listing.objects.iter().map(|of| of.key.as_str()).collect();
        let shared = self.shared.clone();
        self.known.retain(|key, known| {
            let stays = known.taken != Taken::Nothing || listed.contains(key.as_str());
            if !stays {
                let none = Tally::default();
                shared.board().remark(key, &none, &none);
            }
            stays
        });
        let is_gone = |(key, known): &(&String, &Known)| {
            let was_read = matches!(known.taken, Taken::To(_) | Taken::All);
            was_read && !listed.contains(key.as_str())
        };
        let gone = self
            .known
            .iter()
            .filter(is_gone)
            .map(|(key, _)| key.clone());
        shared.board().lose_objects(gone.collect());
        // A file may be dated ahead, as a reading may.
        let dated = listing.objects.iter().map(|of| of.written_us);
        let present_us = dated
            .filter(|us| *us <= now_us + CLOCKS_AGREE_US)
            .max()
            .unwrap_or(0);
        let kept_us = self.shared.board().kept().as_micros() as u64 + OLDER_US;
        let mut objects = listing.objects;
        objects.retain(|of| {
            let known = self.known.get(&of.key);
            known.is_none_or(|known| (known.written_us, known.bytes) != (of.written_us, of.bytes))
        });
        objects.sort_by(|a, b| (a.written_us, &a.key).cmp(&(b.written_us, &b.key)));
        for object in objects {
            let before = self.known.get(&object.key).map(|known| known.taken);
            let taken = if before.is_none() && object.written_us + kept_us < present_us {
                self.shared.board().leave_object();
                Taken::Old
            } else {
                match self.take(&lake, &object, before, now_us).await? {
                    Some(taken) => taken,
                    None => continue,
                }
            };
            shared.answered(self.clock.now_us());
            let known = Known {
                written_us: object.written_us,
                bytes: object.bytes,
                taken,
            };
            self.known.insert(object.key, known);
        }
        Ok(State::Current)
    }

    /// Remarks on names are those of the last listing.
    fn told(&self, names: &Tally) {
        let mut board = self.shared.board();
        if board.bad_names != *names {
            board.bad_names.clone_from(names);
            board.touch();
        }
    }

    /// Takes in what is not on the board yet of an object; `None`: it is gone.
    async fn take(
        &self,
        lake: &Lake,
        object: &Object,
        before: Option<Taken>,
        now_us: u64,
    ) -> Result<Option<Taken>, StoreError> {
        let remark = |why: String| {
            let passing = whole(&object.key, why);
            let mut board = self.shared.board();
            board.remark(&object.key, &Tally::default(), &passing);
        };
        let changed = "it changed after it was read, and is not read again";
        let from = match before {
            Some(Taken::All) => {
                // Touched, it is still what was read.
                let bytes = self.known.get(&object.key).map(|known| known.bytes);
                if bytes != Some(object.bytes) {
                    remark(changed.to_owned());
                }
                return Ok(Some(Taken::All));
            }
            Some(Taken::Old) => return Ok(Some(Taken::Old)),
            Some(Taken::To(at)) => at,
            Some(Taken::Nothing) | None => 0,
        };
        let text = match lake.text(object).await? {
            Text::Gone => return Ok(None),
            Text::Unreadable(why) => {
                remark(why);
                return Ok(Some(match before {
                    Some(taken @ Taken::To(_)) => taken,
                    _ => Taken::Nothing,
                }));
            }
            Text::Whole(text) if text.len() < from => {
                remark(changed.to_owned());
                return Ok(Some(Taken::All));
            }
            Text::Whole(text) => text,
        };
        let can_grow = Format::of(&object.key) == Format::default();
        let (shared, key, written_us) =
            (self.shared.clone(), object.key.clone(), object.written_us);
        let take = move || {
            let mut readings = Readings::from(&key, &text, from);
            let mut board = shared.board();
            // Nothing is seen later than now, whatever the file is dated.
            let seen_us = written_us.min(now_us);
            let is_dated = written_us <= now_us + CLOCKS_AGREE_US;
            for sample in readings.by_ref() {
                let fresh = sample.intended_us.filter(|_| is_dated);
                let fresh = fresh.map(|us| (Stage::Freshness, span(us, written_us)));
                see(&mut board, &sample, seen_us, fresh.as_slice());
            }
            let whole_to = readings.whole_to();
            board.remark(&key, &readings.tally, &readings.tail);
            whole_to
        };
        let whole_to = tokio::task::spawn_blocking(take).await;
        Ok(Some(match whole_to {
            Ok(whole_to) if can_grow => Taken::To(whole_to),
            Ok(_) => Taken::All,
            Err(_) => {
                remark("reading it broke down".to_owned());
                Taken::All
            }
        }))
    }
}
