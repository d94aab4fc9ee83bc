//! Statements that make no sense, and lakes that do not.

use crate::world::{THEN_MS, World, key, post_record};

fn a_lake() -> World {
    let world = World::empty();
    let record = post_record(3, 71, "07/15/2402:39:25", THEN_MS);
    world.records(&key("2024/07/15/02", "2024-07-15-02-45-00", 1), &[record]);
    world
}

#[test]
fn the_place_of_a_mistake_is_marked() {
    let world = a_lake();
    for (sql, said, marked) in [
        (
            "SELECT heartrat FROM readings",
            "heartrat",
            "  SELECT heartrat FROM readings\n         ^^^^^^^^",
        ),
        (
            "SELECT 1 FROM nowhere",
            "nowhere",
            "  SELECT 1 FROM nowhere\n                ^^^^^^^",
        ),
        (
            "SELECT bpm FRM readings r",
            "found: readings",
            "  SELECT bpm FRM readings r\n                 ^",
        ),
        (
            "SELECT\nbpm,,\nFROM readings",
            "expression",
            "  bpm,,\n      ^",
        ),
        (
            "create external table t (a strng)",
            "expected a type",
            "  create external table t (a strng)\n                             ^",
        ),
    ] {
        let answer = world.csv(sql);
        assert_eq!(answer.code, 2, "{sql}: {}", answer.told);
        assert!(answer.told.contains(said), "{sql}: {}", answer.told);
        assert!(answer.told.contains(marked), "{sql}:\n{}", answer.told);
        assert_eq!(answer.out, "");
    }
}

#[test]
fn a_lake_is_not_changed_by_statements() {
    let world = a_lake();
    for sql in [
        "DELETE FROM samples",
        "INSERT INTO samples VALUES (1)",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE t AS SELECT 1",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "DROP VIEW readings",
    ] {
        let answer = world.csv(sql);
        assert_eq!(answer.code, 2, "{sql}: {} {}", answer.out, answer.told);
    }
    assert!(
        world
            .query(&["drop table readings"])
            .told
            .contains("always there")
    );
    assert!(
        world
            .query(&["create external table samples (a int)"])
            .told
            .contains("always there")
    );
}

#[test]
fn text_that_is_no_json_is_left_out_up_to_the_next_line_and_told() {
    let world = a_lake();
    let good = post_record(4, 80, "07/15/2402:39:25", THEN_MS);
    let name = key("2024/07/15/03", "2024-07-15-03-45-00", 2);
    let text = format!("{good}\n{{\"dynamodb\": oh\n7\n{good}\n{{\"cut\":");
    world.put(&name, text.as_bytes());
    let answer = world.csv("SELECT count(*) FROM samples");
    assert_eq!(answer.value(), "3", "{}", answer.told);
    assert!(
        answer
            .told
            .contains("2 lines are no JSON from some place on"),
        "{}",
        answer.told
    );
    assert!(answer.told.contains(&name), "{}", answer.told);
    assert!(
        answer.told.contains("1 value is JSON and no record"),
        "{}",
        answer.told
    );
    let answer = world.csv("SELECT count(eventname) FROM records");
    assert_eq!(answer.value(), "3", "{}", answer.told);
    assert!(
        answer.told.contains("2 lines are no JSON"),
        "{}",
        answer.told
    );
}

#[test]
fn lakes_without_records_say_what_makes_some() {
    let world = World::empty();
    let answer = world.query(&[]);
    assert_eq!(answer.code, 2);
    assert!(answer.told.contains("hrload deliver"), "{}", answer.told);
    assert_eq!(world.csv("SELECT count(*) FROM readings").value(), "0");
    world.put("_hrload/catalog.json", b"{\"schema\": 1");
    let answer = world.csv("SELECT 1");
    assert_eq!(answer.code, 2);
    assert!(
        answer.told.contains("catalog.json") && answer.told.contains("remove it"),
        "{}",
        answer.told
    );
}

#[test]
fn what_does_not_fit_into_memory_goes_to_the_disk() {
    let world = World::empty();
    let records: Vec<_> = (0..60_000)
        .map(|sensor| post_record(sensor, 60, "07/15/2402:39:25", THEN_MS))
        .collect();
    for (number, records) in records.chunks(20_000).enumerate() {
        let name = key("2024/07/15/02", "2024-07-15-02-45-00", number as u32);
        world.records(&name, records);
    }
    let sql = "SELECT count(*) FROM readings";
    let answer = world.query(&["--memory", "16MiB", "--format", "csv", sql]);
    assert_eq!(answer.value(), "60000");
    let answer = world.query(&["--memory", "1KiB", "--format", "csv", sql]);
    assert_eq!(answer.code, 1);
    assert!(answer.told.contains("--memory"), "{}", answer.told);
}
