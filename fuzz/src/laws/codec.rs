//! Change records, pages of them, and answers to writes.

use hrload::codec::change::{self, Change, ChangeImage, ChangeKind, Precision, Scalar};
use hrload::codec::response::{self, BatchReply};
use hrload::codec::{Layout, page, sample, transform};
use hrload::workload::ReadingId;
use serde_json::Value;

use super::json::{plain, positive};
use super::shown;

/// The two readers of change records agree with each other and with a general reader of
/// JSON; what was read is written and read again the same.
pub(super) fn change_record(data: &[u8]) {
    let change = change::decode(data);
    let sample = sample::read(data);
    if let (Ok(change), Ok(sample)) = (&change, &sample) {
        assert_eq!(change.created_us, sample.created_us);
        let intended_us = change.reading.map(|id| id.intended_us);
        assert_eq!(intended_us, sample.intended_us);
        assert!(change.kind != ChangeKind::Remove, "removals have no sample");
    }
    if let Err(error) = &change {
        assert!(error.at <= data.len(), "{error} of {}", data.len());
        shown(&error.to_string());
    }
    let mut line = Vec::new();
    if transform::newline(data, &mut line) {
        assert!(line.starts_with(data) && line.ends_with(b"\n"));
    } else {
        assert!(line.is_empty() && std::str::from_utf8(data).is_err());
    }
    let Some(tree) = plain(data) else { return };
    let Ok(expected) = Expected::of(&tree) else {
        return;
    };
    match (&change, expected) {
        (Err(_), None) => {
            assert!(sample.is_err(), "a sample of what is no change record");
        }
        (Ok(change), Some(expected)) => {
            expected.check(change);
            written_and_read_again(&tree, change);
        }
        (Ok(change), None) => panic!("read {change:?} of what is no change record"),
        (Err(error), Some(_)) => panic!("a change record was not read: {error}"),
    }
}

/// A record as serde_json reads it, for comparison.
struct Expected<'a> {
    table: &'a str,
    kind: ChangeKind,
    created_us: f64,
    reading: Option<ReadingId>,
}

/// Readers may differ: on what DynamoDB does not write, or by rounding.
struct MayDiffer;

impl<'a> Expected<'a> {
    /// `None`: it is no change record.
    fn of(tree: &'a Value) -> Result<Option<Self>, MayDiffer> {
        let kind = match tree["eventName"].as_str() {
            Some("INSERT") => ChangeKind::Insert,
            Some("MODIFY") => ChangeKind::Modify,
            Some("REMOVE") => ChangeKind::Remove,
            _ => return Ok(None),
        };
        let body = &tree["dynamodb"];
        let Some(created) = positive(&body["ApproximateCreationDateTime"]) else {
            return Ok(None);
        };
        let near = |bound: f64| (created - bound).abs() < 1.0;
        if near(1e11) || near(1e14) || created > 1e18 {
            return Err(MayDiffer);
        }
        let unit_us = match body["ApproximateCreationDateTimePrecision"].as_str() {
            Some("SECOND") => 1e6,
            Some("MILLISECOND") => 1e3,
            Some("MICROSECOND") => 1.0,
            _ if created < 1e11 => 1e6,
            _ if created < 1e14 => 1e3,
            _ => 1.0,
        };
        let created_us = created * unit_us;
        if created_us > 1e18 {
            return Err(MayDiffer);
        }
        let mut reading = None;
        for image in ["NewImage", "Keys", "OldImage"] {
            if reading.is_none() && body[image].is_object() {
                reading = reading_of(&body[image], |_| true)?;
            }
        }
        Ok(Some(Self {
            table: tree["tableName"].as_str().unwrap_or(""),
            kind,
            created_us,
            reading,
        }))
    }

    fn check(&self, change: &Change<'_>) {
        assert_eq!(change.table, self.table.as_bytes());
        assert_eq!(change.kind, self.kind);
        assert_eq!(change.reading, self.reading);
        let off = (change.created_us as f64 - self.created_us).abs();
        assert!(
            off <= 1.0 + self.created_us * 1e-12,
            "created {} us, {} us by a general reader",
            change.created_us,
            self.created_us
        );
    }
}

/// The reading that an item is, by those of its attributes that are asked for.
fn reading_of(item: &Value, asked: fn(&str) -> bool) -> Result<Option<ReadingId>, MayDiffer> {
    let values = item.as_object().into_iter().flatten();
    for (_, value) in values {
        // An attribute has one type. Of more, a reader may take any.
        if value.as_object().is_some_and(|types| types.len() > 1) {
            return Err(MayDiffer);
        }
    }
    Ok(change::reading_of(|name| {
        let value = item.get(name).filter(|_| asked(name))?;
        let text = value["S"].as_str().map(Scalar::Text);
        text.or_else(|| value["N"].as_str().map(Scalar::Number))
    }))
}

fn written_and_read_again(tree: &Value, change: &Change<'_>) {
    let image = |name: &str| {
        let image = &tree["dynamodb"][name];
        image.is_object().then(|| image.to_string())
    };
    let [keys, new, old] = ["Keys", "NewImage", "OldImage"].map(image);
    let keys = keys.unwrap_or_else(|| "{}".to_owned());
    let mut record = Vec::new();
    change::encode(
        &mut record,
        &ChangeImage {
            region: "us-east-1",
            event_id: 1,
            kind: change.kind,
            table: std::str::from_utf8(change.table).expect("JSON is UTF-8"),
            created_us: change.created_us,
            precision: Some(Precision::Microsecond),
            keys: keys.as_bytes(),
            new_image: new.as_deref().map(str::as_bytes),
            old_image: old.as_deref().map(str::as_bytes),
            size_bytes: 1,
        },
    );
    let again = change::decode(&record).expect("what was written is read");
    let precision = Precision::Microsecond;
    assert_eq!(
        again,
        Change {
            precision,
            ..*change
        }
    );
}

/// A page is read as a general reader of JSON reads it, in memory that its own length
/// bounds.
pub(super) fn page(data: &[u8]) {
    let mut scratch = Vec::new();
    let mut records = Vec::new();
    let read = page::decode(data, &mut scratch, |record| {
        let number = record.sequence_number.to_vec();
        records.push((record.data.to_vec(), record.arrived_us, number));
    });
    // A byte that is no text may become three, where there is an escape beside it.
    assert!(scratch.len() <= 3 * data.len() && records.len() <= data.len());
    if let Err(error) = &read {
        assert!(error.at <= data.len(), "{error} of {}", data.len());
    }
    let Some(tree) = plain(data) else { return };
    let Ok(expected) = page_of(&tree) else {
        return;
    };
    match (read, expected) {
        (Err(_), None) => {}
        (Ok(end), Some(expected)) => {
            assert_eq!(end.next_iterator.as_deref(), expected.next_iterator);
            assert_eq!(end.child_shards, expected.child_shards);
            let behind = expected.millis_behind_latest;
            let off = (end.millis_behind_latest as f64 - behind).abs();
            assert!(off <= 0.5 + behind * 1e-12, "{behind} ms behind");
            assert_eq!(records.len(), expected.records.len());
            for (found, expected) in records.iter().zip(&expected.records) {
                assert_eq!((&found.0, &found.2[..]), (&expected.0, expected.2));
                let off = (found.1 as f64 - expected.1 * 1e6).abs();
                assert!(off <= 1.0 + expected.1 * 1e-6, "arrived {}", found.1);
            }
        }
        (Ok(end), None) => panic!("read {end:?} of what is no page"),
        (Err(error), Some(_)) => panic!("a page was not read: {error}"),
    }
}

struct Page<'a> {
    next_iterator: Option<&'a str>,
    child_shards: Vec<&'a str>,
    millis_behind_latest: f64,
    /// Data, arrival in seconds, sequence number.
    records: Vec<(Vec<u8>, f64, &'a [u8])>,
}

/// Reads a page with serde_json, for comparison; `None` if it is no page.
fn page_of(tree: &Value) -> Result<Option<Page<'_>>, MayDiffer> {
    let records = tree["Records"].as_array().into_iter().flatten();
    let arrivals = records.map(|of| &of["ApproximateArrivalTimestamp"]);
    let arrivals = arrivals.filter_map(positive).map(|of| of * 1e6);
    let behind = positive(&tree["MillisBehindLatest"]);
    // What 64 bits do not hold is no time; how much they hold exactly, a float cannot say.
    if arrivals.chain(behind).any(|time| time > 1.8e19) {
        return Err(MayDiffer);
    }
    Ok(whole_page(tree))
}

fn whole_page(tree: &Value) -> Option<Page<'_>> {
    let records = tree["Records"].as_array()?.iter().map(|record| {
        let record = record.as_object()?;
        let data = record.get("Data")?.as_str()?;
        let number = match record.get("SequenceNumber") {
            Some(number) => number.as_str()?,
            None => "",
        };
        let arrived = positive(record.get("ApproximateArrivalTimestamp")?)?;
        let data = base64_simd::STANDARD.decode_to_vec(data).ok()?;
        Some((data, arrived, number.as_bytes()))
    });
    let records = records.collect::<Option<Vec<_>>>()?;
    let children = tree["ChildShards"].as_array().into_iter().flatten();
    let children = children.map(|child| match child.as_object()?.get("ShardId") {
        Some(id) => id.as_str().map(Some),
        None => Some(None),
    });
    let children = children.collect::<Option<Vec<_>>>()?;
    Some(Page {
        next_iterator: tree["NextShardIterator"].as_str(),
        child_shards: children.into_iter().flatten().collect(),
        millis_behind_latest: positive(&tree["MillisBehindLatest"]).unwrap_or(0.0),
        records,
    })
}

/// Of an answer to a batch no more comes than stands there, and nothing that makes sums
/// meaningless; an error answer is always read.
pub(super) fn batch_answer(data: &[u8]) {
    let error = response::decode_error(data);
    assert!(error.reasons.len() <= data.len());
    let mut reply = BatchReply::default();
    for layout in [Layout::Post, Layout::TimeSeries, Layout::Fhir] {
        let read = response::decode_batch(data, layout, &mut reply);
        if let Err(error) = &read {
            assert!(error.at <= data.len(), "{error} of {}", data.len());
        }
        assert!(reply.unprocessed.len() <= data.len());
        if let (Ok(()), Some(units)) = (&read, reply.consumed_units) {
            assert!(units.is_finite() && units >= 0.0, "{units} units");
        }
        let Some(tree) = plain(data) else { continue };
        let Ok(expected) = batch_of(&tree, layout) else {
            continue;
        };
        match (read, expected) {
            (Err(_), None) => {}
            (Ok(()), Some((units, unprocessed))) => {
                assert_eq!(reply.unprocessed, unprocessed);
                assert_eq!(reply.consumed_units.is_some(), units.is_some());
                let [found, expected] =
                    [reply.consumed_units, units].map(Option::unwrap_or_default);
                assert!((found - expected).abs() <= 1e-9 * expected, "{found} units");
            }
            (Ok(()), None) => panic!("read {reply:?} of what is no answer"),
            (Err(error), Some(_)) => panic!("an answer was not read: {error}"),
        }
    }
}

type Batch = (Option<f64>, Vec<ReadingId>);

/// Reads an answer to a batch with serde_json, for comparison; `None` if it is none.
fn batch_of(tree: &Value, layout: Layout) -> Result<Option<Batch>, MayDiffer> {
    let Some(members) = tree.as_object() else {
        return Ok(None);
    };
    let mut readings = Vec::new();
    match members.get("UnprocessedItems") {
        Some(Value::Object(tables)) => {
            for requests in tables.values() {
                let Some(requests) = requests.as_array() else {
                    return Ok(None);
                };
                for request in requests {
                    let item = &request["PutRequest"]["Item"];
                    let by: fn(&str) -> bool = match layout {
                        Layout::Post | Layout::Fhir => |name: &str| name == "id",
                        Layout::TimeSeries => |name: &str| name != "id",
                    };
                    match reading_of(item, by)? {
                        Some(reading) => readings.push(reading),
                        None => return Ok(None),
                    }
                }
            }
        }
        // Without it nobody is told what was written.
        _ => return Ok(None),
    }
    let mut sum = None;
    let tables = match members.get("ConsumedCapacity") {
        Some(Value::Array(tables)) => tables.as_slice(),
        None | Some(Value::Null) => &[],
        Some(_) => return Ok(None),
    };
    for table in tables {
        let Some(table) = table.as_object() else {
            return Ok(None);
        };
        match table.get("CapacityUnits") {
            None | Some(Value::Null) => {}
            Some(units) => match units.as_f64() {
                Some(units) if units >= 0.0 => sum = Some(sum.unwrap_or(0.0) + units),
                _ => return Ok(None),
            },
        }
    }
    if sum.is_some_and(f64::is_infinite) {
        return Ok(None);
    }
    Ok(Some((sum, readings)))
}
