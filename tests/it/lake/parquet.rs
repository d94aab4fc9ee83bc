//! `--format parquet`: in builds with SQL, columns; in others, the way to them.

use crate::lake::world::{World, text};

#[cfg(not(feature = "sql"))]
#[test]
fn a_build_without_columns_says_how_to_get_one_and_writes_nothing() {
    let world = World::new(1);
    let output = world.deliver("--format parquet").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output).contains("--features sql"),
        "{}",
        text(&output)
    );
    assert!(!world.lake().exists());
}

#[test]
fn columns_are_not_compressed_once_more() {
    let world = World::new(1);
    let words = "--format parquet --compression gzip";
    let output = world.deliver(words).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("leave out"), "{}", text(&output));
}

#[cfg(feature = "sql")]
mod columns {
    use std::collections::BTreeSet;

    use hrload::lake::Format;
    use serde_json::{Deserializer, Value, json};

    use super::*;

    #[test]
    fn records_stand_in_columns_and_what_fits_none_stands_apart() {
        let world = World::new(2);
        world.put((0..1_000).map(|n| format!(r#"{{"n":{n},"deep":{{"S":"{n}"}}}}"#).into_bytes()));
        let odd = [&b"no JSON"[..], b"[1]"];
        world.put(odd.map(<[u8]>::to_vec));
        let done = world.delivered("--format parquet --prefix heart/");
        assert_eq!(done["records_delivered"], 1_000);
        assert_eq!(done["records_failed"], 2);
        let mut seen = BTreeSet::new();
        let mut failed = Vec::new();
        for (key, body) in world.objects() {
            let (text, apart) = match key.strip_suffix(".parquet") {
                Some(_) => (Format::Parquet.decode(body).unwrap(), false),
                None => (body, true),
            };
            assert_eq!(key.starts_with("heart/format-conversion-failed/2"), apart);
            for value in Deserializer::from_slice(&text).into_iter::<Value>() {
                let value = value.unwrap();
                if apart {
                    failed.push(value["rawData"].as_str().unwrap().to_owned());
                    assert_eq!(value["errorCode"], "DataFormatConversion.ParseError");
                    continue;
                }
                let n = value["n"].as_u64().unwrap();
                assert_eq!(value, json!({"n": n, "deep": {"S": n.to_string()}}));
                assert!(seen.insert(n), "{n} twice");
            }
        }
        assert_eq!(seen.len(), 1_000);
        failed.sort_unstable();
        // With the newline that the transform put behind each.
        assert_eq!(failed, ["WzFdCg==", "bm8gSlNPTgo="]);
    }

    #[test]
    fn a_buffer_of_nothing_that_fits_makes_no_object_of_data() {
        let world = World::new(1);
        world.put([b"no JSON".to_vec()]);
        let done = world.delivered("--format parquet");
        assert_eq!(
            (&done["records_delivered"], &done["objects"]),
            (&json!(0), &json!(1))
        );
    }
}
