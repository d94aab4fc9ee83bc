//! GetRecords answers.

use super::*;

fn base64(data: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(data)
}

type Seen = Vec<(Vec<u8>, u64, Vec<u8>)>;

fn decode(body: &str) -> (page::PageEnd, Seen) {
    let mut seen = Seen::new();
    let end = page::decode(body.as_bytes(), &mut Vec::new(), |record| {
        seen.push((
            record.data.to_vec(),
            record.arrived_us,
            record.sequence_number.to_vec(),
        ));
    });
    (end.unwrap(), seen)
}

#[test]
fn a_page_gives_its_records_and_where_to_go_on() {
    let (end, seen) = decode(&format!(
        r#"{{"Records":[{{"SequenceNumber":"495","ApproximateArrivalTimestamp":1.721011166136E9,"Data":"{}","PartitionKey":"68406A36","EncryptionType":"NONE"}}],"NextShardIterator":"AAAA/+==","MillisBehindLatest":1500}}"#,
        base64(b"a?>record")
    ));
    assert_eq!(
        seen,
        [(
            b"a?>record".to_vec(),
            1_721_011_166_136_000,
            b"495".to_vec()
        )]
    );
    assert_eq!(end.next_iterator.as_deref(), Some("AAAA/+=="));
    assert_eq!(end.millis_behind_latest, 1500);
    assert!(end.child_shards.is_empty());
}

#[test]
fn a_closed_shard_ends_without_an_iterator_and_names_its_children() {
    for next in ["", r#""NextShardIterator":null,"#] {
        let (end, seen) = decode(&format!(
            r#"{{{next}"ChildShards":[{{"HashKeyRange":{{"StartingHashKey":"0"}},"ParentShards":["shardId-000000000000"],"ShardId":"shardId-000000000001"}},{{"ShardId":"shardId-000000000002","ParentShards":[]}}],"MillisBehindLatest":0,"Records":[]}}"#
        ));
        assert!(seen.is_empty());
        assert_eq!(end.next_iterator, None);
        assert_eq!(
            end.child_shards,
            ["shardId-000000000001", "shardId-000000000002"]
        );
    }
}

#[test]
fn an_escaped_slash_in_base64_is_a_slash() {
    let (_, seen) = decode(
        r#"{"Records":[{"Data":"\/\/\/\/","ApproximateArrivalTimestamp":1,"SequenceNumber":"1"}]}"#,
    );
    assert_eq!(seen, [(vec![0xff; 3], 1_000_000, b"1".to_vec())]);
}

#[test]
fn what_is_no_page_is_an_error() {
    for body in [
        "",
        "{}",
        "<html>",
        r#"{"Records":{}}"#,
        r#"{"Records":[{}]}"#,
        r#"{"Records":[{"Data":"AAAA"}]}"#,
        r#"{"Records":[{"Data":"A","ApproximateArrivalTimestamp":1}]}"#,
        r#"{"Records":[{"Data":"AAAA","ApproximateArrivalTimestamp":1}]"#,
    ] {
        assert!(
            page::decode(body.as_bytes(), &mut Vec::new(), |_| {}).is_err(),
            "{body}"
        );
    }
}

proptest! {
    #[test]
    fn pages_read_as_a_tree_reader_reads_them(
        records in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..200), 0u64..4_000_000_000_000, any::<u64>()),
            0..12,
        ),
        behind: u32,
        pretty: bool,
    ) {
        let listed: Vec<Value> = records
            .iter()
            .map(|(data, arrived_ms, sequence)| json!({
                "Data": base64(data),
                // What a floating-point writer makes of milliseconds.
                "ApproximateArrivalTimestamp": *arrived_ms as f64 / 1_000.0,
                "SequenceNumber": sequence.to_string(),
                "PartitionKey": "k",
            }))
            .collect();
        let body = json!({"Records": listed, "NextShardIterator": "i", "MillisBehindLatest": behind});
        let body = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) };
        let (end, seen) = decode(&body.unwrap());
        prop_assert_eq!(end.millis_behind_latest, u64::from(behind));
        let expected: Seen = records
            .into_iter()
            .map(|(data, ms, sequence)| (data, ms * 1_000, sequence.to_string().into_bytes()))
            .collect();
        prop_assert_eq!(seen, expected);
    }
}
