//! The ways rows are written.

use std::fs;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;

use crate::support::hrload;
use crate::world::{THEN_MS, World, key, post_record};

fn a_lake(records: u32) -> World {
    let world = World::empty();
    let records: Vec<_> = (0..records)
        .map(|sensor| post_record(sensor, 60, "07/15/2402:39:25", THEN_MS))
        .collect();
    world.records(&key("2024/07/15/02", "2024-07-15-02-45-00", 1), &records);
    world
}

#[test]
fn people_get_a_table_and_programs_what_they_ask_for() {
    let world = a_lake(2);
    let sql = "SELECT device, bpm, intended FROM readings ORDER BY device";
    let table = world.query(&[sql]);
    assert!(
        table.out.contains("| device | bpm | intended |"),
        "{}",
        table.out
    );
    assert!(
        table.out.contains("| 1      |  60 |          |"),
        "{}",
        table.out
    );
    assert!(table.told.contains("2 rows in "), "{}", table.told);
    let json = world.query(&["--format", "json", "-q", sql]);
    assert_eq!(
        json.out,
        "{\"device\":\"0\",\"bpm\":60,\"intended\":null}\n{\"device\":\"1\",\"bpm\":60,\"intended\":null}\n"
    );
    assert_eq!(json.told, "");
    let nested = world.query(&["--format", "json", "SELECT dynamodb FROM records LIMIT 1"]);
    let row: serde_json::Value = serde_json::from_str(&nested.out).unwrap();
    assert_eq!(row["dynamodb"]["newimage"]["heartrate"]["s"], "60");
    assert_eq!(
        world.csv("SELECT device FROM readings WHERE bpm > 200").out,
        "device\n"
    );
}

#[test]
fn a_table_ends_where_nobody_reads_on() {
    let world = a_lake(1_200);
    let table = world.query(&["SELECT device FROM samples"]);
    assert!(
        table
            .out
            .ends_with("and 200 rows more: --format csv has them all\n")
    );
    assert_eq!(world.csv("SELECT device FROM samples").rows().len(), 1_201);
}

#[test]
fn files_are_written_by_their_ending_and_whole_or_not_at_all() {
    let world = a_lake(3);
    let out = World::empty();
    let file = |name: &str| out.folder().join(name).display().to_string();
    let sql = "SELECT device, bpm FROM readings ORDER BY device";
    for name in ["rows.csv", "rows.json", "rows.parquet", "rows.txt"] {
        let answer = world.query(&["-o", &file(name), sql]);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (0, ""),
            "{}",
            answer.told
        );
    }
    assert_eq!(
        fs::read_to_string(file("rows.csv")).unwrap(),
        "device,bpm\n0,60\n1,60\n2,60\n"
    );
    assert_eq!(
        fs::read_to_string(file("rows.json"))
            .unwrap()
            .lines()
            .count(),
        3
    );
    assert!(
        fs::read_to_string(file("rows.txt"))
            .unwrap()
            .starts_with("+--")
    );
    let parquet = SerializedFileReader::new(fs::File::open(file("rows.parquet")).unwrap()).unwrap();
    let rows: Vec<_> = parquet
        .get_row_iter(None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (
            rows[2].get_string(0).unwrap().as_str(),
            rows[2].get_int(1).unwrap()
        ),
        ("2", 60)
    );

    let failed = world.query(&["-o", &file("none.csv"), "SELECT 1/0, device FROM samples"]);
    assert_eq!(failed.code, 1, "{}", failed.told);
    let there = fs::read_dir(out.folder()).unwrap().count();
    assert_eq!(there, 4, "nothing is left of a file that was not finished");
}

#[test]
fn an_ending_that_names_no_form_of_rows_is_refused() {
    let world = a_lake(1);
    let out = World::empty();
    let file = out.folder().join("rows.xlsx");
    let answer = world.query(&["-o", &file.display().to_string(), "SELECT 1"]);
    assert_eq!(answer.code, 2, "{}", answer.told);
    assert!(answer.told.contains(".xlsx"), "{}", answer.told);
    assert!(answer.told.contains(".parquet"), "{}", answer.told);
    assert!(!file.exists());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = a_lake(1_200);
    for format in ["table", "csv", "json", "parquet"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = hrload()
            .args(["query", "--format", format, "--lake"])
            .arg(world.folder())
            .arg("SELECT device FROM samples")
            .stdout(writer)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{format}: {told}");
        assert!(!told.contains("error:"), "{format}: {told}");
    }
}
