//! What lies in a lake, and what comes back from a transform.

use bytes::Bytes;
use hrload::codec::transform::{self, Event};
use hrload::lake::read::{Piece, Readings, Records, Text};
use hrload::lake::{Checkpoint, Compression};
use serde::de::IgnoredAny;

const GOOD: &[u8] = b"{\"good\":1}";

/// An object costs itself: whatever it holds, records before and behind it are found. The
/// first byte says how its name ends.
pub(super) fn object(data: &[u8]) {
    let Some((&ending, bytes)) = data.split_first() else {
        return;
    };
    let key = ["o", "o.gz", "o.zst", "o\u{1b}[2J\u{202e}.json"][usize::from(ending % 4)];
    match Text::of(key, Bytes::copy_from_slice(bytes)) {
        Text::Whole(text) => self::text(key, &text),
        Text::Gone => panic!("nobody took it away"),
        Text::Unreadable(why) => assert!(!why.is_empty()),
    }
    // What was written is read again.
    for compression in [Compression::Gzip, Compression::Zstd] {
        let whole = compression.compress(bytes.to_vec()).expect("memory");
        let again = compression.decompress(&whole).expect("what was written");
        assert!(again == bytes, "{compression:?}");
    }
}

fn text(key: &str, text: &[u8]) {
    let mut records = Records::of(text);
    let mut read_to = 0;
    let pieces: Vec<_> = records.by_ref().collect();
    assert_eq!(records.read_to(), text.len());
    assert!(records.whole_to() <= text.len());
    for (at, piece) in &pieces {
        assert!(*at >= read_to && *at < text.len(), "places go up");
        read_to = *at;
        if let Piece::Record(record) = piece {
            let value: Result<IgnoredAny, _> = serde_json::from_slice(record);
            // A general reader gives up on what is nested deeply.
            let deep = value
                .as_ref()
                .is_err_and(|e| e.to_string().contains("recursion"));
            assert!(value.is_ok() || deep, "{value:?}");
            assert!(text[*at..].starts_with(record) && record.starts_with(b"{"));
        }
    }

    // Nothing of it is lost behind a good line, nor a good line behind it.
    let behind = [GOOD, b"\n", text].concat();
    let mut found = Records::of(&behind);
    assert_eq!(found.next(), Some((0, Piece::Record(GOOD))));
    let moved = found.map(|(at, piece)| (at - GOOD.len() - 1, piece));
    assert!(
        moved.eq(pieces.iter().cloned()),
        "a line before it changes it"
    );
    let before = [text, b"\n", GOOD, b"\n"].concat();
    let last = Records::of(&before).last();
    assert_eq!(last, Some((text.len() + 1, Piece::Record(GOOD))));

    let mut readings = Readings::of(key, text);
    let count = readings.by_ref().count() as u64;
    assert!(count <= readings.seen && readings.seen <= pieces.len() as u64);
    let (told, tail) = (&readings.tally, &readings.tail);
    for (remark, found) in told.iter().chain(tail.iter()) {
        assert!(found.count > 0 && !remark.words(found.count).is_empty());
        for spot in &found.spots {
            assert!(!spot.to_string().contains(char::is_control), "{spot:?}");
        }
    }
}

/// A checkpoint that is taken is written and read again the same.
pub(super) fn checkpoint(data: &[u8]) {
    match Checkpoint::parse(data, "s") {
        Ok(checkpoint) => {
            let written = serde_json::to_vec(&checkpoint).expect("strings and numbers");
            assert_eq!(Checkpoint::parse(&written, "s"), Ok(checkpoint));
            assert!(Checkpoint::parse(data, "t").is_err(), "of another stream");
        }
        Err(why) => assert!(!why.is_empty()),
    }
}

/// Each record that was asked about has one answer; a transform answers each.
pub(super) fn transform_answer(data: &[u8]) {
    let ids = ["0", "1", "2"].map(str::to_owned);
    if let Ok(answers) = transform::read_answers(data, &ids) {
        assert_eq!(answers.len(), ids.len());
        for (answer, id) in answers.iter().zip(&ids) {
            if let Ok(answer) = answer {
                assert_eq!(&answer.record_id, id);
            }
        }
    }
    if let Ok(event) = serde_json::from_slice::<Event>(data) {
        let answers = transform::answer(&event).records;
        assert_eq!(answers.len(), event.records.len());
        for (answer, asked) in answers.iter().zip(&event.records) {
            assert_eq!(answer.record_id, asked.record_id);
        }
    }
}
