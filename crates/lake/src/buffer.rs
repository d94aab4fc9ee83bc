//! What waits for its object. Pure: time is an argument.

use std::time::Duration;

/// When an object closes: as soon as either is reached
/// (<https://docs.aws.amazon.com/firehose/latest/dev/buffering-hints.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hints {
    /// Bytes of records as they came: 1 to 128 MiB at Firehose, any size here.
    pub size_bytes: u64,
    /// Time since the first record was buffered: 0 to 900 s. With zero, an
    /// object closes with every page that was read.
    pub interval: Duration,
}

impl Default for Hints {
    fn default() -> Self {
        Self {
            size_bytes: 5 << 20,
            interval: Duration::from_secs(300),
        }
    }
}

/// One record of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its data, base64 taken off.
    pub data: &'a [u8],
    /// Its sequence number, decimal.
    pub sequence_number: &'a str,
    /// When it arrived in the stream, in microseconds since the Unix epoch.
    pub arrived_us: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    data_end: usize,
    sequence_end: usize,
    arrived_us: u64,
}

/// Records one behind the other in two buffers, which are kept when they are
/// emptied: warm, a record is buffered without allocating.
#[derive(Debug, Default)]
pub struct Records {
    data: Vec<u8>,
    sequence_numbers: String,
    entries: Vec<Entry>,
    oldest_us: Option<u64>,
}

impl Records {
    /// Adds one.
    pub fn push(&mut self, record: Record<'_>) {
        self.data.extend_from_slice(record.data);
        self.sequence_numbers.push_str(record.sequence_number);
        self.entries.push(Entry {
            data_end: self.data.len(),
            sequence_end: self.sequence_numbers.len(),
            arrived_us: record.arrived_us,
        });
        self.oldest_us = Some(match self.oldest_us {
            Some(oldest_us) => oldest_us.min(record.arrived_us),
            None => record.arrived_us,
        });
    }

    /// In the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        let (mut data_start, mut sequence_start) = (0, 0);
        self.entries.iter().map(move |entry| {
            let record = Record {
                data: &self.data[data_start..entry.data_end],
                sequence_number: &self.sequence_numbers[sequence_start..entry.sequence_end],
                arrived_us: entry.arrived_us,
            };
            (data_start, sequence_start) = (entry.data_end, entry.sequence_end);
            record
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of their data.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        self.data.len() as u64
    }

    /// When the oldest arrived in the stream; `None` when there is none.
    #[must_use]
    pub fn oldest_arrival_us(&self) -> Option<u64> {
        self.oldest_us
    }

    /// Forgets them and keeps the room.
    pub fn clear(&mut self) {
        self.data.clear();
        self.sequence_numbers.clear();
        self.entries.clear();
        self.oldest_us = None;
    }
}

/// Records on their way into one object.
#[derive(Debug)]
pub struct Buffer {
    hints: Hints,
    records: Records,
    /// When the first of them was buffered.
    opened_us: u64,
}

impl Buffer {
    /// An empty one.
    #[must_use]
    pub fn new(hints: Hints) -> Self {
        Self {
            hints,
            records: Records::default(),
            opened_us: 0,
        }
    }

    /// Adds a record at `now_us`.
    pub fn push(&mut self, record: Record<'_>, now_us: u64) {
        if self.records.is_empty() {
            self.opened_us = now_us;
        }
        self.records.push(record);
    }

    /// Whether the size hint is reached.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.records.data_bytes() >= self.hints.size_bytes
    }

    /// When the interval ends, in microseconds since the Unix epoch; `None`
    /// when nothing waits.
    #[must_use]
    pub fn due_us(&self) -> Option<u64> {
        let interval_us = u64::try_from(self.hints.interval.as_micros()).unwrap_or(u64::MAX);
        (!self.records.is_empty()).then(|| self.opened_us.saturating_add(interval_us))
    }

    /// What waits.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Takes what waits and begins the next object in the room of `spare`.
    pub fn replace(&mut self, mut spare: Records) -> Records {
        spare.clear();
        std::mem::replace(&mut self.records, spare)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn record(data: &[u8], arrived_us: u64) -> Record<'_> {
        Record {
            data,
            sequence_number: "49",
            arrived_us,
        }
    }

    #[test]
    fn an_object_closes_at_its_size_or_its_interval_counted_from_its_first_record() {
        let mut buffer = Buffer::new(Hints {
            size_bytes: 10,
            interval: Duration::from_micros(100),
        });
        assert_eq!((buffer.is_full(), buffer.due_us()), (false, None));
        buffer.push(record(b"12345", 7), 1_000);
        buffer.push(record(b"1234", 3), 1_050);
        assert_eq!((buffer.is_full(), buffer.due_us()), (false, Some(1_100)));
        assert_eq!(buffer.records().oldest_arrival_us(), Some(3));
        buffer.push(record(b"1", 9), 1_060);
        assert!(buffer.is_full());
        assert_eq!(buffer.replace(Records::default()).len(), 3);
        assert_eq!((buffer.is_full(), buffer.due_us()), (false, None));
        buffer.push(record(b"1", 9), 2_000);
        assert_eq!(buffer.due_us(), Some(2_100));
    }

    proptest! {
        #[test]
        fn records_come_out_as_they_went_in(
            all in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..40), "[0-9]{1,56}", any::<u64>()), 0..40)
        ) {
            let mut records = Records::default();
            for (data, sequence_number, arrived_us) in &all {
                records.push(Record { data, sequence_number, arrived_us: *arrived_us });
            }
            let out: Vec<_> = records
                .iter()
                .map(|r| (r.data.to_vec(), r.sequence_number.to_owned(), r.arrived_us))
                .collect();
            prop_assert_eq!(records.len(), all.len());
            prop_assert_eq!(out, all);
        }
    }
}
