//! Writing and reading records.

use serde_json::{Value, json};

use crate::account::{Account, START_US, arn, base64, data, text};

const SHARD: &str = "shardId-000000000000";

#[test]
fn a_record_is_read_back_as_it_was_put() {
    let account = Account::with_stream("s", 1);
    account.now_us.set(1_721_011_166_123_999);
    let (shard, sequence) = account.put("s", "a \"quoted\" \\ key\n", b"\x00\xffdata");
    assert_eq!(shard, SHARD);
    let page = account.records(&account.iterator("s", SHARD, "TRIM_HORIZON"), 10);
    let record = &page["Records"][0];
    assert_eq!(record["SequenceNumber"], sequence);
    assert_eq!(record["PartitionKey"], "a \"quoted\" \\ key\n");
    assert_eq!(data(record), b"\x00\xffdata");
    // Milliseconds, cut off.
    assert_eq!(
        record["ApproximateArrivalTimestamp"].to_string(),
        "1721011166.123"
    );
    assert_eq!(page["MillisBehindLatest"], 0);
}

#[test]
fn records_go_to_the_shard_that_holds_the_md5_of_their_key_or_their_explicit_hash_key() {
    let account = Account::with_stream("s", 4);
    // MD5 of "a" begins with 0c, of "b" with 92, of "c" with 4a, of "d" with 82.
    for (key, shard) in [("a", 0), ("b", 2), ("c", 1), ("d", 2)] {
        assert_eq!(account.put("s", key, b"").0, format!("shardId-{shard:012}"));
    }
    for (hash_key, shard) in [
        ("0", 0),
        ("85070591730234615865843651857942052863", 0),
        ("85070591730234615865843651857942052864", 1),
        ("340282366920938463463374607431768211455", 3),
    ] {
        let body = json!({"StreamARN": arn("s"), "Data": "", "PartitionKey": "a",
            "ExplicitHashKey": hash_key});
        let answer = account.ok("PutRecord", body);
        assert_eq!(answer["ShardId"], format!("shardId-{shard:012}"));
    }
}

#[test]
fn put_records_answers_in_the_order_of_the_request() {
    let account = Account::with_stream("s", 4);
    let entries: Vec<Value> = (0..500)
        .map(|i: u32| json!({"PartitionKey": i.to_string(), "Data": base64(&i.to_be_bytes())}))
        .collect();
    let answer = account.ok("PutRecords", json!({"StreamName": "s", "Records": entries}));
    assert_eq!(answer["FailedRecordCount"], 0);
    let mut seen = 0;
    for shard in account.shards("s") {
        let id = text(&shard["ShardId"]);
        let page = account.records(&account.iterator("s", &id, "TRIM_HORIZON"), 10_000);
        let mut last = text(&shard["SequenceNumberRange"]["StartingSequenceNumber"]);
        for record in page["Records"].as_array().unwrap() {
            let i = u32::from_be_bytes(data(record).try_into().unwrap()) as usize;
            assert_eq!(
                answer["Records"][i]["SequenceNumber"],
                record["SequenceNumber"]
            );
            assert_eq!(answer["Records"][i]["ShardId"], shard["ShardId"]);
            let sequence = text(&record["SequenceNumber"]);
            assert!(sequence.len() == 56 && sequence > last);
            last = sequence;
            seen += 1;
        }
    }
    assert_eq!(seen, 500);
}

#[test]
fn every_iterator_type_begins_where_it_says() {
    let account = Account::with_stream("s", 1);
    let mut sequences = Vec::new();
    for i in 0..5_u8 {
        account.pass(10_000);
        sequences.push(account.put("s", "k", &[i]).1);
    }
    let time_ms = account.now_us.get() / 1000;
    let starting = &account.shards("s")[0]["SequenceNumberRange"]["StartingSequenceNumber"];
    let seconds = |ms: u64| json!(ms as f64 / 1000.0);
    for (kind, sequence, timestamp, first) in [
        ("TRIM_HORIZON", None, None, Some(0)),
        ("LATEST", None, None, None),
        ("AT_SEQUENCE_NUMBER", Some(text(starting)), None, Some(0)),
        ("AT_SEQUENCE_NUMBER", Some("0".to_owned()), None, Some(0)),
        (
            "AT_SEQUENCE_NUMBER",
            Some(sequences[2].clone()),
            None,
            Some(2),
        ),
        (
            "AFTER_SEQUENCE_NUMBER",
            Some(sequences[2].clone()),
            None,
            Some(3),
        ),
        (
            "AFTER_SEQUENCE_NUMBER",
            Some(sequences[4].clone()),
            None,
            None,
        ),
        ("AT_TIMESTAMP", None, Some(0), Some(0)),
        ("AT_TIMESTAMP", None, Some(time_ms - 10), Some(3)),
        ("AT_TIMESTAMP", None, Some(time_ms - 9), Some(4)),
        ("AT_TIMESTAMP", None, Some(time_ms), Some(4)),
    ] {
        let mut body = json!({"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": kind});
        if let Some(sequence) = sequence {
            body["StartingSequenceNumber"] = json!(sequence);
        }
        if let Some(ms) = timestamp {
            body["Timestamp"] = seconds(ms);
        }
        let iterator = text(&account.ok("GetShardIterator", body.clone())["ShardIterator"]);
        let page = account.records(&iterator, 10_000);
        let read = page["Records"].as_array().unwrap().first().map(data);
        assert_eq!(read, first.map(|i: u8| vec![i]), "{body}");
    }
}

#[test]
fn iterators_that_make_no_sense_are_refused_in_the_services_words() {
    let account = Account::with_stream("s", 2);
    let sequence = account.put("s", "a", b"").1;
    for (more, expected) in [
        (
            json!({"ShardIteratorType": "LATEST", "StartingSequenceNumber": sequence}),
            "Request specified LATEST and also a StartingSequenceNumber.",
        ),
        (
            json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER"}),
            "Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber.",
        ),
        (
            json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": "12"}),
            "StartingSequenceNumber 12 used in GetShardIterator on shard shardId-000000000001 in \
             stream s under account 123456789012 is invalid.",
        ),
        (
            json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": sequence}),
            "It encodes shardId-000000000000, while it was used in a call to a shard with \
             shardId-000000000001",
        ),
        (
            json!({"ShardIteratorType": "AT_TIMESTAMP"}),
            "Must specify timestampInMillis parameter",
        ),
        (
            json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 4e9}),
            "cannot be greater than the currentTimestampInMillis. timestampInMillis: 4000000000000",
        ),
    ] {
        let mut body = json!({"StreamName": "s", "ShardId": "shardId-000000000001"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let (exception, message) = account.refused("GetShardIterator", body);
        assert_eq!(exception, "InvalidArgumentException");
        assert!(message.contains(expected), "{message}");
    }
    let (exception, message) =
        account.refused("GetRecords", json!({"ShardIterator": "AAAAAAAAAAE="}));
    assert_eq!(
        (exception, message.as_str()),
        ("InvalidArgumentException", "Invalid ShardIterator.")
    );
}

#[test]
fn an_iterator_expires_after_five_minutes() {
    let account = Account::with_stream("s", 1);
    let iterator = account.iterator("s", SHARD, "LATEST");
    account.pass(300_000_000);
    let next = text(&account.records(&iterator, 1)["NextShardIterator"]);
    account.pass(1000);
    let (exception, message) = account.refused("GetRecords", json!({"ShardIterator": iterator}));
    assert_eq!(exception, "ExpiredIteratorException");
    assert!(message.starts_with("Iterator expired. The iterator was created at time "));
    assert!(message.contains(" UTC 2024"), "{message}");
    // The one it was exchanged for is fresh.
    account.records(&next, 1);
}

#[test]
fn an_iterator_does_not_outlive_its_stream() {
    let account = Account::with_stream("s", 1);
    let iterator = account.iterator("s", SHARD, "LATEST");
    account.ok("DeleteStream", json!({"StreamName": "s"}));
    account.pass(100_000);
    account.create("s", 1);
    let (exception, message) = account.refused("GetRecords", json!({"ShardIterator": iterator}));
    assert_eq!(exception, "ResourceNotFoundException");
    assert_eq!(
        message,
        "Shard shardId-000000000000 in stream s under account 123456789012 does not exist"
    );
}

#[test]
fn millis_behind_latest_is_zero_exactly_at_the_tip() {
    let account = Account::with_stream("s", 1);
    for i in 0..7_u8 {
        account.put("s", "k", &[i]);
        account.pass(2_000);
    }
    let tip_us = account.now_us.get();
    let mut iterator = account.iterator("s", SHARD, "TRIM_HORIZON");
    for read in 1..=9_u64 {
        let page = account.records(&iterator, 1);
        iterator = text(&page["NextShardIterator"]);
        // The age of the record just read, until there is no further one.
        let age_ms = || tip_us / 1000 - (START_US + 100_000 + 2_000 * (read - 1)) / 1000;
        let expected = if read < 7 { age_ms() } else { 0 };
        assert_eq!(page["MillisBehindLatest"], expected, "after {read} records");
        assert_eq!(
            page["Records"].as_array().unwrap().len(),
            usize::from(read <= 7)
        );
    }
    // Not zero short of the tip, even within the same millisecond.
    account.put("s", "k", b"");
    account.put("s", "k", b"");
    let page = account.records(&iterator, 1);
    assert!(page["MillisBehindLatest"].as_u64().unwrap() > 0);
}

#[test]
fn a_page_has_no_more_than_ten_mebibytes_but_at_least_one_record() {
    let account = Account::with_stream("s", 1);
    let data = base64(&vec![7; (1 << 20) - 1]);
    for _ in 0..12 {
        let body = json!({"StreamName": "s", "PartitionKey": "k", "Data": data});
        account.ok("PutRecord", body);
    }
    let page = account.records(&account.iterator("s", SHARD, "TRIM_HORIZON"), 10_000);
    assert_eq!(page["Records"].as_array().unwrap().len(), 10);
    let page = account.records(page["NextShardIterator"].as_str().unwrap(), 10_000);
    assert_eq!(page["Records"].as_array().unwrap().len(), 2);
}

#[test]
fn memory_is_bounded_and_reading_goes_on_at_the_moved_horizon() {
    let account = Account::retaining(256 << 10);
    account.create("s", 1);
    let behind = account.iterator("s", SHARD, "TRIM_HORIZON");
    let put = |i: u32| {
        let mut data = vec![0; 1000];
        data[..4].copy_from_slice(&i.to_be_bytes());
        account.put("s", "k", &data);
    };
    (0..1000).for_each(put);
    let trimmed = account.streams.trimmed();
    let kept = account.read_all("s", SHARD);
    assert_eq!(trimmed as usize + kept.len(), 1000);
    let kept_bytes: usize = kept.iter().map(Vec::len).sum();
    assert!(
        (128 << 10..=256 << 10).contains(&kept_bytes),
        "{kept_bytes} bytes kept"
    );
    // The oldest went first: what is left is the end, without gaps.
    for (data, i) in kept.iter().zip(trimmed as u32..) {
        assert_eq!(data[..4], i.to_be_bytes());
    }
    let page = account.records(&behind, 1);
    assert_eq!(
        data(&page["Records"][0])[..4],
        (trimmed as u32).to_be_bytes()
    );
    // This reader came too late for them; the other began behind them.
    assert_eq!(account.streams.trimmed_unread(), trimmed);
}

#[test]
fn the_oldest_records_go_first_whichever_stream_they_are_in() {
    let account = Account::retaining(128 << 10);
    account.create("old", 1);
    account.create("new", 1);
    account.put("old", "k", &[1; 1000]);
    for _ in 0..1000 {
        account.put("new", "k", &[2; 1000]);
    }
    assert!(account.read_all("old", SHARD).is_empty());
    assert!(!account.read_all("new", SHARD).is_empty());
}

#[test]
fn records_are_gone_after_the_retention_period() {
    let account = Account::with_stream("s", 1);
    account.put("s", "k", b"old");
    account.pass(24 * 3_600_000_000 + 1_000_000);
    assert!(account.read_all("s", SHARD).is_empty());
    account.put("s", "k", b"new");
    assert_eq!(account.read_all("s", SHARD), [b"new"]);
}

#[test]
fn bad_puts_are_refused_in_the_services_words() {
    let account = Account::with_stream("s", 1);
    let many = vec![json!({"PartitionKey": "k", "Data": ""}); 501];
    let large = base64(&vec![0; (1 << 20) + 1]);
    let whole = base64(&vec![0; 1 << 20]);
    let heavy = vec![json!({"PartitionKey": "k", "Data": base64(&vec![0; (1 << 20) - 1])}); 11];
    for (operation, body, exception, expected) in [
        (
            "PutRecord",
            json!({"StreamName": "s"}),
            "ValidationException",
            "2 validation errors detected: Value null at 'partitionKey' failed to satisfy \
             constraint: Member must not be null; Value null at 'data'",
        ),
        (
            "PutRecord",
            json!({"StreamName": "s", "Data": "", "PartitionKey": ""}),
            "ValidationException",
            "Value '' at 'partitionKey' failed to satisfy constraint: Member must have length \
             greater than or equal to 1",
        ),
        (
            "PutRecord",
            json!({"StreamName": "s", "Data": "", "PartitionKey": "é".repeat(257)}),
            "ValidationException",
            "Member must have length less than or equal to 256",
        ),
        (
            "PutRecord",
            json!({"StreamName": "s", "Data": "", "PartitionKey": "k",
            "ExplicitHashKey": "01"}),
            "ValidationException",
            "0|([1-9]\\d{0,38})",
        ),
        (
            "PutRecord",
            json!({"StreamName": "s", "Data": "", "PartitionKey": "k",
            "ExplicitHashKey": "340282366920938463463374607431768211456"}),
            "InvalidArgumentException",
            "must be in the range: [0, 2^128-1]",
        ),
        (
            "PutRecord",
            json!({"StreamName": "s", "Data": "***", "PartitionKey": "k"}),
            "SerializationException",
            "Blob",
        ),
        (
            "PutRecord",
            json!({"StreamName": "s", "Data": large, "PartitionKey": "k"}),
            "ValidationException",
            "Member must have length less than or equal to 1048576",
        ),
        (
            "PutRecord",
            json!({"StreamName": "s", "Data": whole, "PartitionKey": "k"}),
            "InvalidArgumentException",
            "1048577 bytes, exceeds the maximum record size of stream s, 1048576 bytes",
        ),
        (
            "PutRecords",
            json!({"StreamName": "s", "Records": [{"PartitionKey": "k", "Data": ""},
                {"PartitionKey": "k", "Data": whole}]}),
            "InvalidArgumentException",
            "records.2.member.data",
        ),
        (
            "PutRecord",
            json!({"StreamName": "s", "Data": 7, "PartitionKey": "k"}),
            "SerializationException",
            "",
        ),
        (
            "PutRecord",
            json!({"StreamName": "t", "Data": "", "PartitionKey": "k"}),
            "ResourceNotFoundException",
            "Stream t under account 123456789012 not found.",
        ),
        (
            "PutRecords",
            json!({"StreamName": "s", "Records": []}),
            "ValidationException",
            "Member must have length greater than or equal to 1",
        ),
        (
            "PutRecords",
            json!({"StreamName": "s", "Records": many}),
            "ValidationException",
            "Member must have length less than or equal to 500",
        ),
        (
            "PutRecords",
            json!({"StreamName": "s", "Records": [{"PartitionKey": "k"}]}),
            "ValidationException",
            "Value null at 'records.1.member.data'",
        ),
        (
            "PutRecords",
            json!({"StreamName": "s", "Records": heavy}),
            "InvalidArgumentException",
            "Records size exceeds 10 MB limit",
        ),
    ] {
        let (got, message) = account.refused(operation, body);
        assert_eq!(got, exception, "{message}");
        assert!(message.contains(expected), "{message}");
    }
    assert!(
        account.read_all("s", SHARD).is_empty(),
        "nothing is put by halves"
    );
    let failure = account
        .streams
        .call("PutRecord", b"{nonsense", START_US)
        .unwrap_err();
    assert_eq!(failure.exception, "SerializationException");
    let fits = base64(&vec![0; (1 << 20) - 1]);
    let body = json!({"StreamName": "s", "PartitionKey": "k", "Data": fits});
    account.ok("PutRecord", body);
}

#[test]
fn an_iterator_is_taken_with_the_quotes_of_a_shell_around_it() {
    let account = Account::with_stream("s", 1);
    account.put("s", "k", b"data");
    let iterator = account.iterator("s", SHARD, "TRIM_HORIZON");
    let page = account.records(&format!("\"{iterator}\""), 1);
    assert_eq!(data(&page["Records"][0]), b"data");
    for wrong in [
        format!("\"{iterator}"),
        format!("{iterator}\""),
        "\"".into(),
    ] {
        let (exception, message) = account.refused("GetRecords", json!({"ShardIterator": wrong}));
        assert_eq!(exception, "InvalidArgumentException");
        assert_eq!(message, "Invalid ShardIterator.");
    }
}
