//! The views that are always there, and what need not be read for them.

use serde_json::json;

use crate::world::{THEN_MS, World, key, post_record, record};

fn time_series(device: u32, bpm: u16, observed_ms: u64, created_ms: u64) -> String {
    let image = json!({
        "device": {"S": format!("d-{device:07}")},
        "ts": {"N": (observed_ms * 1_000).to_string()},
        "seq": {"N": "1"},
        "observed": {"N": (observed_ms * 1_000).to_string()},
        "bpm": {"N": bpm.to_string()},
    });
    record(&image, created_ms)
}

#[test]
fn readings_delivered_twice_are_one() {
    let world = World::empty();
    let once = [
        post_record(3, 71, "07/15/2402:39:25", THEN_MS),
        post_record(4, 71, "07/15/2402:39:25", THEN_MS),
    ];
    world.records(&key("2024/07/15/02", "2024-07-15-02-45-00", 1), &once);
    world.records(&key("2024/07/15/03", "2024-07-15-03-00-10", 2), &once[..1]);
    assert_eq!(world.csv("SELECT count(*) FROM samples").value(), "3");
    let readings = world.csv("SELECT device, bpm, copies FROM readings ORDER BY device");
    assert_eq!(readings.rows()[1..], [["3", "71", "2"], ["4", "71", "1"]]);
}

#[test]
fn minutes_zones_late_and_silent_wearables_are_what_the_readings_say() {
    let world = World::empty();
    let mut records = Vec::new();
    // One every ten seconds for ten minutes; the other falls silent after three,
    // and one of its readings was five minutes on its way.
    for step in 0..60 {
        let at_ms = THEN_MS + 35_000 + step * 10_000;
        records.push(time_series(
            1,
            60 + (step % 2) as u16 * 2,
            at_ms,
            at_ms + 100,
        ));
        if step < 18 {
            let late_ms = if step == 6 { 300_000 } else { 200 };
            records.push(time_series(2, 150, at_ms, at_ms + late_ms));
        }
    }
    world.records(&key("2024/07/15/02", "2024-07-15-02-55-00", 1), &records);

    let minutes = world.csv(
        "SELECT minute, bpm, lowest, highest, readings FROM per_minute WHERE device = '1' ORDER BY minute",
    );
    let rows = minutes.rows();
    assert_eq!(rows[1], ["2024-07-15T02:40:00", "61.0", "60", "62", "6"]);
    assert_eq!(rows.len(), 11);

    let late = world.csv("SELECT device, late FROM late_arrivals");
    assert_eq!(late.rows().len(), 2);
    assert_eq!(late.rows()[1][0], "2");

    let zones =
        world.csv("SELECT device, zone, readings, percent FROM zones ORDER BY device, zone");
    assert_eq!(
        zones.rows()[1..],
        [["1", "rest", "60", "100.0"], ["2", "hard", "18", "100.0"]]
    );

    let silent = world.csv("SELECT device, last_observed FROM silent_devices");
    assert_eq!(silent.rows()[1..], [["2", "2024-07-15T02:42:50"]]);
}

#[test]
fn objects_of_other_hours_are_not_read() {
    let world = World::empty();
    for hour in 0..10_u64 {
        let at_ms = THEN_MS - 2_365_000 + hour * 3_600_000; // on the hour
        let records = [post_record(1, 60 + hour as u16, "07/15/2402:39:25", at_ms)];
        let of = format!("2024/07/15/{:02}", 2 + hour);
        let closed = format!("2024-07-15-{:02}-05-00", 2 + hour);
        world.records(&key(&of, &closed, hour as u32), &records);
    }
    for (table, column, sql, read) in [
        (
            "samples",
            "bpm",
            "hour = timestamp '2024-07-15 05:00:00'",
            1,
        ),
        (
            "samples",
            "bpm",
            "hour >= timestamp '2024-07-15 09:00:00'",
            3,
        ),
        (
            "samples",
            "bpm",
            "created > timestamp '2024-07-15 09:30:00'",
            2,
        ),
        (
            "samples",
            "bpm",
            "date_trunc('hour', hour) IN (timestamp '2024-07-15 05:00:00')",
            10,
        ),
        (
            "samples",
            "bpm",
            "hour < timestamp '2024-07-15 04:00:00' OR bpm = 60",
            10,
        ),
        (
            "records",
            "eventname",
            "hour < timestamp '2024-07-15 04:00:00'",
            2,
        ),
        (
            "readings",
            "bpm",
            "observed >= timestamp '2024-07-15 11:59:00'",
            10,
        ),
    ] {
        let answer = world.csv(&format!("SELECT {column} FROM {table} WHERE {sql}"));
        let told = format!("read {read} of 10 objects");
        assert!(answer.told.contains(&told), "{sql}: {}", answer.told);
    }
    // Wearables' clocks leave nothing out, unless somebody vouches for them: then a
    // limit heeds how late a reading may be.
    let words = ["--late", "1h", "--format", "csv"];
    let sql = "SELECT count(*) FROM readings WHERE observed < timestamp '2024-07-15 03:00:00'";
    let answer = world.query(&[&words[..], &[sql]].concat());
    assert!(
        answer.told.contains("read 3 of 10 objects"),
        "{}",
        answer.told
    );
    assert_eq!(answer.value(), "3");
    let sql = "SELECT count(*) FROM readings WHERE observed >= timestamp '2024-07-15 11:59:00'";
    let answer = world.query(&[&words[..], &[sql]].concat());
    assert!(
        answer.told.contains("read 0 of 10 objects"),
        "{}",
        answer.told
    );
}

#[test]
fn objects_are_read_however_they_are_compressed_and_with_newlines_or_without() {
    let world = World::empty();
    let text = post_record(3, 71, "07/15/2402:39:25", THEN_MS);
    let two = format!("{text}{}", post_record(4, 72, "07/15/2402:39:25", THEN_MS));
    world.put(
        &key("2024/07/15/02", "2024-07-15-02-45-00", 1),
        two.as_bytes(),
    );
    let gzip = hrload::lake::Compression::Gzip.compress(two.clone().into_bytes());
    world.put(
        &(key("2024/07/15/02", "2024-07-15-02-46-00", 2) + ".gz"),
        &gzip.unwrap(),
    );
    let zstd = hrload::lake::Compression::Zstd.compress(two.into_bytes());
    world.put(
        &(key("2024/07/15/02", "2024-07-15-02-47-00", 3) + ".zst"),
        &zstd.unwrap(),
    );
    for table in ["samples", "records", "heartratedata2021"] {
        let counted = world.csv(&format!("SELECT count(*) FROM {table}"));
        assert_eq!(counted.value(), "6", "{table}: {}", counted.told);
    }
    let summed = world.csv("SELECT sum(cast(dynamodb.newimage.heartrate.s AS int)) FROM records");
    assert_eq!(summed.value(), "429");
}
