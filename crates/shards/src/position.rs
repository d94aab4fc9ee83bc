//! Where in a shard reading goes on.

use aws_sdk_kinesis::types::{ShardIteratorType, StartingPosition};
use aws_smithy_types::DateTime;

use super::shards::Origin;

/// How much earlier than the service's clock says to look for records, where a place can
/// only be given by time: more than its parts disagree by.
const CLOCK_MARGIN_US: u64 = 10_000_000;

/// A place in a shard from which nothing is missed and nothing read twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Before the oldest record.
    TrimHorizon,
    /// After the newest record.
    Latest,
    /// Before the first record that arrived at this time or later (epoch microseconds).
    At(u64),
    /// After the record with this sequence number.
    After(String),
}

impl Position {
    pub(super) fn origin(origin: Origin) -> Self {
        match origin {
            Origin::TrimHorizon => Position::TrimHorizon,
            Origin::Latest => Position::Latest,
        }
    }

    /// An iterator or subscription was had here; it was asked for when the service's
    /// clock showed `asked_us`. "The newest record" meant then: asked again later it
    /// would skip what has come since.
    pub(super) fn taken(&mut self, asked_us: u64) {
        if *self == Position::Latest {
            *self = Position::At(asked_us.saturating_sub(CLOCK_MARGIN_US));
        }
    }

    /// The kind of iterator, its sequence number and its time.
    pub(super) fn iterator(&self) -> (ShardIteratorType, Option<String>, Option<DateTime>) {
        match self {
            Position::TrimHorizon => (ShardIteratorType::TrimHorizon, None, None),
            Position::Latest => (ShardIteratorType::Latest, None, None),
            Position::At(epoch_us) => {
                let at = DateTime::from_millis((epoch_us / 1_000) as i64);
                (ShardIteratorType::AtTimestamp, None, Some(at))
            }
            Position::After(sequence_number) => {
                let after = Some(sequence_number.clone());
                (ShardIteratorType::AfterSequenceNumber, after, None)
            }
        }
    }

    /// The same, as SubscribeToShard takes it; `None` never happens, since the
    /// type is always given.
    pub(super) fn starting_position(&self) -> Option<StartingPosition> {
        let (kind, sequence_number, timestamp) = self.iterator();
        StartingPosition::builder()
            .r#type(kind)
            .set_sequence_number(sequence_number)
            .set_timestamp(timestamp)
            .build()
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_record_becomes_a_time_once_its_place_was_taken() {
        let mut position = Position::origin(Origin::Latest);
        position.taken(1_721_011_165_000_000);
        assert_eq!(position, Position::At(1_721_011_155_000_000));
        position.taken(1_721_011_999_000_000);
        assert_eq!(position, Position::At(1_721_011_155_000_000));
    }

    #[test]
    fn other_places_stay_what_they_are() {
        for place in [Position::TrimHorizon, Position::After("495".into())] {
            let mut position = place.clone();
            position.taken(1_721_011_165_000_000);
            assert_eq!(position, place);
        }
    }
}
