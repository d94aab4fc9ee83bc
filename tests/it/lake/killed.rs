//! A process that is killed loses nothing.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::lake::world::{World, record};

const KILLS: usize = 50;
/// Records put before each.
const RECORDS: usize = 200;

/// Every tenth is not UTF-8 and fails, so that a buffer makes two objects and
/// a kill may fall between them.
fn mixed(number: usize) -> Vec<u8> {
    let mut data = record(number);
    if number.is_multiple_of(10) {
        data.insert(0, b'\xff');
    }
    data
}

#[test]
fn fifty_kills_lose_nothing_and_repeat_at_most_the_buffers_that_were_cut_off() {
    let world = World::new(2);
    let mut killed_at_work = 0;
    for round in 0..KILLS {
        world.put((round * RECORDS..(round + 1) * RECORDS).map(mixed));
        let before = world.objects().len();
        let mut process = world
            .deliver("--buffer-size 300 --buffer-interval 0 -q")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Anywhere from its first steps on: a scrambled round.
        let wait_ms = (round * 7919) % 160;
        sleep(Duration::from_millis(40 + wait_ms as u64));
        process.kill().unwrap();
        process.wait().unwrap();
        killed_at_work += usize::from(world.objects().len() > before);
    }
    let last = world.delivered("");
    let mut found: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for (key, body) in world.objects() {
        for line in String::from_utf8(body).unwrap().lines() {
            let data = if key.starts_with("processing-failed/") {
                let line: Value = serde_json::from_str(line).unwrap();
                let raw = line["rawData"].as_str().unwrap();
                base64_simd::STANDARD.decode_to_vec(raw).unwrap()
            } else {
                line.as_bytes().to_vec()
            };
            *found.entry(data).or_default() += 1;
        }
    }
    let put = KILLS * RECORDS;
    assert!(
        (0..put).all(|number| found.contains_key(&mixed(number))),
        "every record is in the lake"
    );
    assert_eq!(found.len(), put, "and nothing else is");
    let repeated: usize = found.values().map(|times| times - 1).sum();
    println!(
        "{KILLS} kills, {killed_at_work} of them after objects were written: {put} records, \
         {repeated} repeated; the last delivery had {}",
        last["records_read"]
    );
    assert!(
        killed_at_work > KILLS / 5,
        "the kills came too early to tell"
    );
    // A buffer of 300 bytes holds at most 26 records of 12 or 13 bytes, of
    // which the object with the failed ones may have been written alone.
    assert!(repeated <= KILLS * 26, "{repeated}");
}
