//! A process that is killed loses nothing.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::world::{World, record};

const KILLS: usize = 50;

#[test]
fn fifty_kills_lose_nothing_and_repeat_at_most_the_objects_that_were_cut_off() {
    let world = World::new(2);
    let mut put = 0;
    let mut killed_at_work = 0;
    for round in 0..KILLS {
        let more = put + 200;
        world.put((put..more).map(record));
        put = more;
        let before = world.objects().len();
        let mut process = world
            .deliver("--buffer-size 300 --buffer-interval 0 -q")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Anywhere from its first step to after its last: a scrambled round.
        let wait_ms = (round * 7919) % 97;
        sleep(Duration::from_millis(20 + wait_ms as u64));
        process.kill().unwrap();
        process.wait().unwrap();
        killed_at_work += usize::from(world.objects().len() > before);
    }
    let last = world.delivered("");
    let lines = world.lines();
    assert_eq!(lines.len(), put, "every record is in the lake");
    let repeated: usize = lines.values().map(|times| times - 1).sum();
    println!(
        "{KILLS} kills, {killed_at_work} of them after objects were written: \
         {put} records, {repeated} repeated; the last delivery had {}",
        last["records_delivered"]
    );
    assert!(
        killed_at_work > KILLS / 5,
        "the kills came too early to tell"
    );
    // One object holds a promise, so none is ever written twice.
    assert_eq!(repeated, 0);
}
