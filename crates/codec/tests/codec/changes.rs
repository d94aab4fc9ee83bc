//! Change data capture records.

use super::*;
use change::{Change, ChangeImage, ChangeKind, Precision};

/// As DynamoDB wrote it.
const OBSERVED: &str = r#"{"awsRegion":"us-east-2","eventID":"f89436e0-627d-4d37-9879-42f86249aa83","eventName":"INSERT","userIdentity":null,"recordFormat":"application/json","tableName":"flight","dynamodb":{"ApproximateCreationDateTime":1721011165891550,"Keys":{"flight_date":{"S":"2024-01-23 04:01:53"},"flight_number":{"S":" \"BA28\""}},"NewImage":{"arr":{"S":" \"TZX\""},"flight_number":{"S":" \"BA28\""},"status":{"S":" \"CANCELLED\" "},"dep":{"S":" \"PEE\""},"flight_date":{"S":"2024-01-23 04:01:53"}},"SizeBytes":137,"ApproximateCreationDateTimePrecision":"MICROSECOND"},"eventSource":"aws:dynamodb"}"#;

#[test]
fn a_record_is_written_byte_for_byte_as_dynamodb_writes_it() {
    let mut record = Vec::new();
    change::encode(
        &mut record,
        &ChangeImage {
            region: "us-east-2",
            event_id: 0xf894_36e0_627d_4d37_9879_42f8_6249_aa83,
            kind: ChangeKind::Insert,
            table: "flight",
            created_us: INTENDED_US,
            precision: Some(Precision::Microsecond),
            keys: br#"{"flight_date":{"S":"2024-01-23 04:01:53"},"flight_number":{"S":" \"BA28\""}}"#,
            new_image: Some(br#"{"arr":{"S":" \"TZX\""},"flight_number":{"S":" \"BA28\""},"status":{"S":" \"CANCELLED\" "},"dep":{"S":" \"PEE\""},"flight_date":{"S":"2024-01-23 04:01:53"}}"#),
            old_image: None,
            size_bytes: 137,
        },
    );
    assert_eq!(String::from_utf8(record).unwrap(), OBSERVED);
}

#[test]
fn a_record_of_someone_elses_table_is_read_and_is_no_reading() {
    assert_eq!(
        change::decode(OBSERVED.as_bytes()),
        Ok(Change {
            table: b"flight",
            kind: ChangeKind::Insert,
            created_us: INTENDED_US,
            precision: Precision::Microsecond,
            reading: None,
        })
    );
}

#[test]
fn every_shape_of_creation_time_is_read_in_its_own_precision() {
    use Precision::{Microsecond, Millisecond, Second};
    for (written, field, created_us, precision) in [
        (
            "1721011165891550",
            Some("MICROSECOND"),
            INTENDED_US,
            Microsecond,
        ),
        ("1721011165891550", None, INTENDED_US, Microsecond),
        (
            "1721011165891",
            Some("MILLISECOND"),
            1_721_011_165_891_000,
            Millisecond,
        ),
        ("1721011165891", None, 1_721_011_165_891_000, Millisecond),
        (
            "1721011165891",
            Some("FORTNIGHT"),
            1_721_011_165_891_000,
            Millisecond,
        ),
        ("1721011165", None, 1_721_011_165_000_000, Second),
        ("1721011165", Some("SECOND"), 1_721_011_165_000_000, Second),
        ("1.721011165E9", None, 1_721_011_165_000_000, Second),
        ("1.721011165891E9", None, 1_721_011_165_891_000, Millisecond),
        ("1721011165.89155", None, INTENDED_US, Microsecond),
        // A field is believed even where the magnitude would say otherwise.
        (
            "1721011165",
            Some("MILLISECOND"),
            1_721_011_165_000,
            Millisecond,
        ),
    ] {
        let field = field.map_or(String::new(), |name| {
            format!(r#""ApproximateCreationDateTimePrecision":"{name}","#)
        });
        let record = format!(
            r#"{{"eventName":"INSERT","dynamodb":{{{field}"ApproximateCreationDateTime":{written}}}}}"#
        );
        let change = change::decode(record.as_bytes()).unwrap();
        assert_eq!(
            (change.created_us, change.precision),
            (created_us, precision),
            "{record}"
        );
    }
}

#[test]
fn an_id_that_is_not_ours_is_no_reading() {
    for id in [
        "1721011165",
        "1721011165.891550",
        "1721011165.891550-1",
        "1721011165.89155-1-2",
        "1721011165.8915500-1-2",
        "1721011165.891550-1-2-3",
        "1721011165.891550-4294967296-2",
        "1721011165.891550--2",
        "-1721011165.891550-1-2",
        "99999999999999999999.891550-1-2",
        r"1721011165.891550\u002d1-2",
        r"1721011165.891550-1-\u0032",
    ] {
        let record = format!(
            r#"{{"eventName":"INSERT","tableName":"t","dynamodb":{{"ApproximateCreationDateTime":1721011165891550,"NewImage":{{"id":{{"S":"{id}"}}}}}}}}"#
        );
        let change = change::decode(record.as_bytes()).unwrap();
        assert_eq!(change.reading, None, "{id}");
    }
}

#[test]
fn an_image_of_another_shape_is_no_reading_and_no_error() {
    for image in [
        r#"{}"#,
        r#"null"#,
        r#"{"id":null}"#,
        r#"{"id":{}}"#,
        r#"{"id":{"N":"5"}}"#,
        r#"{"id":{"S":null}}"#,
        r#"{"id":"1721011165.891550-1-2"}"#,
        r#"{"id":{"M":{"id":{"S":"1721011165.891550-1-2"}}}}"#,
        r#"{"device":{"S":"d-0000001"},"intended":{"N":"1"}}"#,
        r#"{"device":{"S":"0000001"},"intended":{"N":"1"},"seq":{"N":"1"}}"#,
        r#"{"device":{"S":"d-0000001"},"intended":{"N":"-1"},"seq":{"N":"1"}}"#,
    ] {
        let record = format!(
            r#"{{"eventName":"MODIFY","dynamodb":{{"ApproximateCreationDateTime":1721011165891550,"NewImage":{image}}}}}"#
        );
        assert_eq!(
            change::decode(record.as_bytes()).unwrap().reading,
            None,
            "{image}"
        );
    }
}

#[test]
fn what_is_no_change_record_is_an_error() {
    for record in [
        "",
        "null",
        "72",
        "{}",
        r#"{"eventName":"INSERT"}"#,
        r#"{"eventName":"INSERT","dynamodb":{}}"#,
        r#"{"dynamodb":{"ApproximateCreationDateTime":1721011165891550}}"#,
        r#"{"eventName":"UPDATE","dynamodb":{"ApproximateCreationDateTime":1}}"#,
        r#"{"eventName":"INSERT","dynamodb":{"ApproximateCreationDateTime":-1}}"#,
        r#"{"eventName":"INSERT","dynamodb":{"ApproximateCreationDateTime":"2024"}}"#,
        r#"{"eventName":"INSERT","dynamodb":{"ApproximateCreationDateTime":1}} x"#,
    ] {
        assert!(change::decode(record.as_bytes()).is_err(), "{record}");
    }
}

#[test]
fn deep_nesting_is_stepped_over() {
    let nested = format!(
        "{}{}",
        "[{\"a\":".repeat(200_000),
        "0".to_owned() + &"}]".repeat(200_000)
    );
    let record = format!(
        r#"{{"x":{nested},"eventName":"INSERT","dynamodb":{{"ApproximateCreationDateTime":1721011165891550}}}}"#
    );
    assert_eq!(
        change::decode(record.as_bytes()).unwrap().kind,
        ChangeKind::Insert
    );
}

#[test]
fn every_prefix_of_a_record_is_an_error() {
    for end in 0..OBSERVED.len() {
        assert!(
            change::decode(&OBSERVED.as_bytes()[..end]).is_err(),
            "{end}"
        );
    }
}

/// Any JSON, with brackets, quotes and escapes in its strings.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f32>().prop_map(Value::from),
        r#"[ -~"\\{}\[\]é\n]{0,70}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(r#"[a-z"\\{}]{0,9}"#, inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// An object's text with its members in any order.
fn shuffled(members: Vec<(String, String)>, space: &'static str) -> impl Strategy<Value = String> {
    Just(members).prop_shuffle().prop_map(move |members| {
        let members: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("{space}{}{space}:{space}{value}{space}", json!(name)))
            .collect();
        format!("{{{}}}{space}", members.join(","))
    })
}

/// Members that no service sends today. Their names differ from all known ones.
fn unknown_members() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(("x[a-z\"\\\\]{0,12}", any_json()), 0..3).prop_map(|members| {
        let members = members.into_iter();
        members
            .map(|(name, value)| (name, value.to_string()))
            .collect()
    })
}

fn any_kind() -> impl Strategy<Value = ChangeKind> {
    prop::sample::select(vec![
        ChangeKind::Insert,
        ChangeKind::Modify,
        ChangeKind::Remove,
    ])
}

/// A record of a reading in some layout, members shuffled at every level,
/// with what reading it should give.
fn any_record() -> impl Strategy<Value = (String, ReadingId, ChangeKind)> {
    let parts = (
        any_reading(),
        prop::sample::select(LAYOUTS.to_vec()),
        any_kind(),
        prop::sample::select(vec!["", " ", "\n\t "]),
        (unknown_members(), unknown_members(), unknown_members()),
        any_json(),
    );
    parts.prop_flat_map(|(reading, layout, kind, space, unknown, identity)| {
        let item: Value = serde_json::from_slice(&item_json(layout, &reading)).unwrap();
        let members = item.as_object().unwrap().iter();
        let mut image: Vec<(String, String)> = members
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect();
        image.extend(unknown.0);
        let keys = keys_of(layout, &item).to_string();
        (shuffled(image, space), Just((unknown.1, unknown.2))).prop_flat_map(
            move |(image, (mut body, mut record))| {
                let identity = identity.to_string();
                body.push((
                    "ApproximateCreationDateTime".into(),
                    INTENDED_US.to_string(),
                ));
                body.push(("Keys".into(), keys.clone()));
                body.push(("SizeBytes".into(), "137".into()));
                if kind != ChangeKind::Remove {
                    body.push(("NewImage".into(), image.clone()));
                }
                if kind != ChangeKind::Insert {
                    body.push(("OldImage".into(), image));
                }
                let name = match kind {
                    ChangeKind::Insert => "INSERT",
                    ChangeKind::Modify => "MODIFY",
                    ChangeKind::Remove => "REMOVE",
                };
                record.push(("eventName".into(), json!(name).to_string()));
                record.push(("tableName".into(), json!("heartrate").to_string()));
                record.push(("userIdentity".into(), identity));
                let id = reading.id;
                shuffled(body, space).prop_flat_map(move |body| {
                    let mut record = record.clone();
                    record.push(("dynamodb".into(), body));
                    shuffled(record, space).prop_map(move |record| (record, id, kind))
                })
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn order_unknown_members_and_white_space_do_not_matter(
        (record, id, kind) in any_record(),
    ) {
        // The generator writes real JSON.
        prop_assert!(serde_json::from_str::<Value>(&record).is_ok());
        prop_assert_eq!(
            change::decode(record.as_bytes()),
            Ok(Change {
                table: b"heartrate",
                kind,
                created_us: INTENDED_US,
                precision: Precision::Microsecond,
                reading: Some(id),
            })
        );
    }

    #[test]
    fn damaged_records_never_panic((record, _, _) in any_record(), at: prop::sample::Index, byte: u8) {
        let mut record = record.into_bytes();
        let at = at.index(record.len());
        record[at] = byte;
        let _ = change::decode(&record);
        let _ = change::decode(&record[..at]);
        let _ = change::decode(&record[at..]);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = change::decode(&bytes);
    }

    #[test]
    fn what_is_written_is_read_back(
        reading in any_reading(),
        kind in any_kind(),
        created_us in 1_000_000_000_000_000u64..9_000_000_000_000_000,
        precision in prop::sample::select(vec![
            None,
            Some(Precision::Second),
            Some(Precision::Millisecond),
            Some(Precision::Microsecond),
        ]),
        event_id: u128,
    ) {
        for layout in LAYOUTS {
            let item = item_json(layout, &reading);
            let keys = keys_of(layout, &serde_json::from_slice(&item).unwrap()).to_string();
            let mut record = Vec::new();
            change::encode(&mut record, &ChangeImage {
                region: "eu-central-1",
                event_id,
                kind,
                table: "heartrate-ddb-dev",
                created_us,
                precision,
                keys: keys.as_bytes(),
                new_image: (kind != ChangeKind::Remove).then_some(&item[..]),
                old_image: (kind != ChangeKind::Insert).then_some(&item[..]),
                size_bytes: 3 * layout.item_bytes(&reading),
            });
            let tree: Value = serde_json::from_slice(&record).unwrap();
            let uuid = tree["eventID"].as_str().unwrap().replace('-', "");
            prop_assert_eq!(u128::from_str_radix(&uuid, 16).unwrap(), event_id);

            let written = precision.unwrap_or(Precision::Millisecond);
            prop_assert_eq!(change::decode(&record), Ok(Change {
                table: b"heartrate-ddb-dev",
                kind,
                created_us: created_us / written.grain_us() * written.grain_us(),
                precision: written,
                reading: Some(reading.id),
            }));
        }
    }
}
