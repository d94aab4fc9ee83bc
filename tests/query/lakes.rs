//! Lakes as they are: what every reader finds there, and which clocks say what.

use crate::support::odd_lakes;
use crate::world::{THEN_MS, World, key, post_record, record};

#[test]
fn what_is_bad_costs_itself_and_is_counted_and_named_as_on_the_dashboard() {
    for odd in odd_lakes::ALL {
        let world = World::empty();
        (odd.make)(world.folder());
        let told = |sql: &str, expected: u64| {
            let answer = world.csv(sql);
            let value = answer.value();
            assert_eq!(
                value,
                expected.to_string(),
                "{}, {sql}: {}",
                odd.name,
                answer.told
            );
            answer.told
        };
        let dated = "SELECT count(*) FROM samples WHERE observed <= created + INTERVAL '5 minutes'";
        let samples = told(dated, odd.readings);
        for (count, words, spots) in odd.told {
            let line = format!("\n{count} {words}\n");
            assert!(samples.contains(&line), "{}, {words}: {samples}", odd.name);
            for spot in *spots {
                assert!(samples.contains(spot), "{}, {spot}: {samples}", odd.name);
            }
        }
        let lines = samples.lines().skip(1);
        let remarks = lines.filter(|line| !line.starts_with(' ') && !line.contains("passed over"));
        assert_eq!(remarks.count(), odd.told.len(), "{}: {samples}", odd.name);
        // Of what is bad whoever looks, `records` says the same.
        let records = told("SELECT count(*) FROM records", odd.records);
        for (count, words, spots) in odd.told.iter().filter(|of| is_of_text(of.1)) {
            let line = format!("\n{count} {words}\n");
            assert!(records.contains(&line), "{}, {words}: {records}", odd.name);
            for spot in *spots {
                assert!(records.contains(spot), "{}, {spot}: {records}", odd.name);
            }
        }
        let named = "SELECT count(*) FROM records WHERE eventname IS NOT NULL";
        let answer = world.csv(named);
        assert_eq!(answer.code, 0, "{}: {}", odd.name, answer.told);
    }
}

fn is_of_text(words: &str) -> bool {
    let of_text = ["object", "name", "line", "values are JSON"];
    of_text.iter().any(|part| words.starts_with(part))
}

#[test]
fn what_may_hide_readings_is_told_to_whoever_wants_rows_alone() {
    let world = World::empty();
    let good = post_record(1, 71, "07/15/2402:39:25", THEN_MS);
    world.put("o", format!("{good}\n{{}}\nno json\n").as_bytes());
    let answer = world.query(&["-q", "--format", "csv", "SELECT count(*) FROM samples"]);
    assert_eq!(answer.value(), "1");
    assert!(
        answer.told.starts_with("1 line is no JSON"),
        "{}",
        answer.told
    );
    assert!(!answer.told.contains("no reading"), "{}", answer.told);
}

#[test]
fn a_lake_without_one_good_record_says_what_is_there_instead() {
    let world = World::empty();
    world.put("README", b"Heart rates.\n");
    let answer = world.query(&[]);
    assert_eq!(answer.code, 2);
    for part in ["no records", "1 line is no JSON", "README, at byte 0"] {
        assert!(answer.told.contains(part), "{part}: {}", answer.told);
    }
}

#[test]
fn each_record_has_its_value_whichever_way_it_spells_the_column() {
    let world = World::empty();
    let mut records: Vec<String> = (0..9)
        .map(|n| format!("{{\"device\":\"d{n}\",\"bpm\":7{n},\"at\":{{\"Min\":{n}}}}}"))
        .collect();
    records.push("{\"Device\":\"d9\",\"BPM\":79,\"AT\":{\"MIN\":9}}".to_owned());
    world.records("o", &records);
    let all: Vec<String> = (0..10).map(|n| format!("d{n},7{n},{n}")).collect();
    let select = "SELECT device, bpm, at.min AS m FROM";
    let found = world.csv(&format!("{select} records ORDER BY device"));
    assert_eq!(found.out, format!("device,bpm,m\n{}\n", all.join("\n")));
    let create = "CREATE EXTERNAL TABLE t1 (Device string, bpm int, at struct<mIn:int>, \
                  tags map<string,string>)";
    assert_eq!(world.query(&[create]).code, 0);
    let declared = world.csv(&format!("{select} t1 ORDER BY device"));
    assert_eq!(declared.out, found.out, "{}", declared.told);
}

#[test]
fn clocks_that_are_ahead_are_found_and_are_not_the_present() {
    let world = World::empty();
    let mut records = Vec::new();
    for second in 0..20_u64 {
        for sensor in 1..6 {
            let time = format!("07/15/2402:40:{second:02}");
            let created_ms = THEN_MS + 35_000 + second * 1_000;
            records.push(post_record(sensor, 71, &time, created_ms));
        }
    }
    records.push(post_record(3, 71, "02/07/36 06:28:15", THEN_MS + 36_000));
    world.records(&key("2024/07/15/02", "2024-07-15-02-45-00", 1), &records);
    let silent = world.csv("SELECT device FROM silent_devices");
    assert_eq!(silent.rows(), [["device"]], "{}", silent.told);
    assert!(
        silent
            .told
            .contains("1 reading is dated over five minutes after its item was written"),
        "{}",
        silent.told
    );
    let future = "SELECT device FROM samples WHERE observed > timestamp '2030-01-01 00:00:00'";
    assert_eq!(world.csv(future).rows()[1..], [["3"]]);
    let future = world.csv("SELECT device, observed FROM future_dated");
    assert_eq!(future.rows()[1..], [["3", "2036-02-07T06:28:15"]]);
}

#[test]
fn a_clock_that_was_reset_is_found() {
    let world = World::empty();
    let image = serde_json::json!({
        "device": {"S": "d-0000004"}, "observed": {"N": "60000000"}, "bpm": {"N": "71"},
        "ts": {"N": "60000000"}, "seq": {"N": "1"},
    });
    world.records(
        &key("2024/07/15/02", "2024-07-15-02-45-00", 1),
        &[record(&image, THEN_MS)],
    );
    let early = "SELECT count(*) FROM samples WHERE observed < timestamp '2000-01-01 00:00:00'";
    assert_eq!(world.csv(early).value(), "1");
}
