//! The blog post's statements, as it prints them.

use crate::support::run;
use crate::world::{THEN_MS, World, key, post_record};

/// Without the parenthesis that would close it, as printed there.
const CREATE_TABLE: &str = "CREATE EXTERNAL TABLE heartratedata2021(
         dynamodb struct< NewImage:struct< HeartRate:struct<S:string>,
         ReportTime:struct<S:String>,
         SensorID:struct<S:string> > >
";

const SELECT: &str = "SELECT
dynamodb.NewImage.HeartRate.S AS HeartRate,
dynamodb.NewImage.ReportTime.S AS Time,
dynamodb.NewImage.SensorID.S AS Sensor_ID
FROM \"dbhr\".\"heartratedata2021\"";

fn a_lake() -> World {
    let world = World::empty();
    world.records(
        &key("2024/07/15/02", "2024-07-15-02-45-00", 1),
        &[
            post_record(3, 71, "07/15/2402:39:25", THEN_MS),
            post_record(4, 98, "07/15/2402:39:26", THEN_MS + 1_000),
        ],
    );
    world
}

#[test]
fn what_a_run_delivers_is_what_the_statement_selects() {
    let world = World::empty();
    let lake = world.folder().display().to_string();
    let words = format!("-r 200/s --devices 50 --warmup 0s -d 2s --lake {lake} --lake-interval 1s");
    let run = run(&words);
    run.assert_closed();

    // Without a statement it is the post's.
    let answer = world.query(&["--format", "csv"]);
    let rows = answer.rows();
    assert_eq!(rows[0], ["HeartRate", "Time", "Sensor_ID"]);
    assert_eq!(rows.len() as u64 - 1, run.count("ledger.seen"));
    for row in &rows[1..] {
        let bpm: u16 = row[0].parse().unwrap();
        assert!((25..=230).contains(&bpm), "{row:?}");
        assert_eq!(row[1].len(), "07/15/2402:39:25".len(), "{row:?}");
    }
    let counted = world.csv("SELECT count(*) FROM readings");
    assert_eq!(counted.value(), run.count("ledger.seen").to_string());
}

#[test]
fn a_lake_of_columns_answers_as_one_of_text_does() {
    let (columns, text) = (World::empty(), World::empty());
    for (world, format) in [(&columns, "parquet"), (&text, "json")] {
        let lake = world.folder().display();
        let words = format!(
            "-r 200/s --devices 50 --warmup 0s -d 2s --layout fhir --lake {lake} \
             --lake-interval 500ms --lake-format {format}"
        );
        let run = run(&words);
        run.assert_closed();
        let seen = run.count("ledger.seen").to_string();
        assert_eq!(run.count("lake.missing"), 0);
        for table in ["records", "readings"] {
            let counted = world.csv(&format!("SELECT count(*) FROM {table}"));
            assert_eq!(counted.value(), seen, "{table}, {format}");
        }
    }
    // The same seed makes the same readings, at other times.
    let statement = "SELECT device, sum(bpm) FROM readings GROUP BY 1 ORDER BY 1";
    let (columns, text) = (columns.csv(statement), text.csv(statement));
    assert!(columns.rows().len() > 20);
    assert_eq!(columns.out, text.out);
}

#[test]
fn the_posts_database_and_table_are_created_once_and_stay() {
    let world = a_lake();
    let made = world.query(&["create database dbhr;"]);
    assert_eq!(
        (made.code, made.out.as_str()),
        (0, "database dbhr made\n"),
        "{}",
        made.told
    );
    let made = world.query(&[CREATE_TABLE]);
    assert_eq!(
        made.out, "table dbhr.heartratedata2021 made\n",
        "{}",
        made.told
    );

    let answer = world.csv(SELECT);
    assert_eq!(
        answer.out,
        "HeartRate,Time,Sensor_ID\n71,07/15/2402:39:25,3\n98,07/15/2402:39:26,4\n"
    );
    // What was declared is all there is to it; the rest is in `records`.
    let columns = world.csv("SELECT * FROM heartratedata2021");
    assert_eq!(columns.code, 2, "nested columns have no place in CSV");
    assert!(columns.told.contains("--format json"), "{}", columns.told);
    let columns = world.csv(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'heartratedata2021'",
    );
    assert_eq!(columns.rows(), [["column_name"], ["dynamodb"]]);

    let again = world.query(&[CREATE_TABLE]);
    assert_eq!(again.code, 2);
    assert!(again.told.contains("is there already"), "{}", again.told);
    let again = world.query(&["CREATE DATABASE IF NOT EXISTS DBHR"]);
    assert_eq!(
        (again.code, again.out.as_str()),
        (0, "database dbhr is there\n")
    );
    assert_eq!(world.query(&["drop table heartratedata2021"]).code, 0);
    // Its columns are found again.
    let columns = world.csv("SELECT eventName FROM heartratedata2021");
    assert_eq!(columns.rows(), [["eventName"], ["INSERT"], ["INSERT"]]);
}

#[test]
fn names_are_spelt_in_any_case() {
    let world = a_lake();
    for sql in [
        "select DYNAMODB.newimage.HEARTRATE.s as bpm from DBHR.HeartRateData2021 order by BPM",
        "SELECT \"dynamodb\".\"NewImage\".\"HeartRate\".\"S\" AS \"bpm\" FROM \"DBHR\".\"heartRateData2021\" ORDER BY \"Bpm\"",
    ] {
        assert_eq!(world.csv(sql).rows(), [["bpm"], ["71"], ["98"]], "{sql}");
    }
}

#[test]
fn tables_of_other_databases_have_the_columns_they_declare() {
    let world = a_lake();
    assert_eq!(world.query(&["create database other"]).code, 0);
    let create = "create external table other.t (eventname string, \
                  dynamodb struct<sizebytes:bigint,newimage:struct<sensorid:struct<s:string>>>) \
                  ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://b/p/'";
    let made = world.query(&[create]);
    assert!(
        made.out
            .starts_with("table other.t made; its LOCATION is not looked at"),
        "{}",
        made.out
    );
    let answer = world.csv(
        "select eventname, dynamodb.sizebytes + 1 as n, dynamodb.newimage.sensorid.s from other.t",
    );
    assert_eq!(answer.rows()[1], ["INSERT", "101", "3"]);
    let full = world.query(&["drop database other"]);
    assert!(full.told.contains("has tables"), "{}", full.told);
    assert_eq!(world.query(&["drop table other.t"]).code, 0);
    assert_eq!(world.query(&["drop database other"]).code, 0);
    assert_eq!(world.query(&["drop database other"]).code, 2);
}

#[test]
fn report_times_are_read_month_first_as_they_are_written() {
    let world = a_lake();
    let answer = world.csv("SELECT device, observed FROM readings ORDER BY device");
    assert_eq!(
        answer.rows()[1..],
        [["3", "2024-07-15T02:39:25"], ["4", "2024-07-15T02:39:26"]]
    );
}

#[test]
fn parts_of_nested_columns_are_there_however_they_are_asked_for() {
    let world = a_lake();
    for sql in [
        "SELECT dynamodb.newimage.heartrate.s AS bpm, dynamodb.keys.id.s AS id FROM records \
         WHERE dynamodb.sizebytes = 100 ORDER BY bpm",
        "SELECT d.newimage.heartrate.s AS bpm, d.keys.id.s AS id \
         FROM (SELECT dynamodb AS d FROM records) ORDER BY bpm",
        "WITH one AS (SELECT dynamodb.newimage AS image, dynamodb.keys AS keys FROM records) \
         SELECT image.heartrate.s AS bpm, keys.id.s AS id FROM one ORDER BY bpm",
        "SELECT a.dynamodb.newimage.heartrate.s AS bpm, b.dynamodb.keys.id.s AS id \
         FROM records a JOIN records b \
         ON a.dynamodb.newimage.sensorid.s = b.dynamodb.newimage.sensorid.s ORDER BY bpm",
    ] {
        let rows = [["bpm", "id"], ["71", "1721011165"], ["98", "1721011165"]];
        assert_eq!(world.csv(sql).rows(), rows, "{sql}");
    }
}
