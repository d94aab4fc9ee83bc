//! Plans of days whose answer is known.
#![allow(clippy::unwrap_used)]
use super::*;

fn ask(demand: &[f64], item_bytes: u64) -> Plan {
    answer(&Question {
        demand,
        item_bytes,
        record_bytes: 600,
        keys: Keys::Own,
        seed: 1,
        days: 30.0,
        stored_gb: 0.0,
        prices: &Prices::named("us-east-1").unwrap(),
    })
}

fn answer(question: &Question<'_>) -> Plan {
    plan(question, &mut |_| {})
}

/// An hour of `busy` readings a second in a day of `quiet` ones.
fn peaky(quiet: f64, busy: f64) -> Vec<f64> {
    let hour = |second: usize| (43_200..46_800).contains(&second);
    (0..86_400)
        .map(|s| if hour(s) { busy } else { quiet })
        .collect()
}

fn named<'a>(plan: &'a Plan, start: &str) -> &'a Candidate {
    let mut found = plan.tables.iter().filter(|t| t.name.starts_with(start));
    found.next().unwrap()
}

#[test]
fn an_even_load_is_cheapest_provisioned() {
    let plan = ask(&[2_000.0; 86_400], 90);
    assert!((plan.demand.mean - 2_000.0).abs() < 5.0);
    assert!(plan.demand.peak > 2_100 && plan.demand.peak < 2_300);
    let taken = &plan.tables[plan.recommended];
    assert!(taken.name.starts_with("provisioned"), "{}", taken.name);
    assert_eq!(taken.held.left, 0);
    // 2,000 readings a second, with a quarter on top: 2,500 and some more.
    assert_eq!(plan.streams[plan.recommended_stream].shards, 3);
}

#[test]
fn what_is_recommended_has_the_headroom_that_a_run_is_made_with() {
    for rate in [700.0, 799.0, 801.0, 999.0, 4_650.0] {
        let plan = ask(&[rate; 3_600], 90);
        let stream = &plan.streams[plan.recommended_stream];
        assert_eq!(stream.shards, sizing::shards(rate, 600), "{rate}");
        assert!(!stream.on_demand && stream.carried.left == 0, "{rate}");
        let table = &plan.tables[plan.recommended];
        let sized = sizing::write_units(rate, 1, Headroom::default());
        assert!(table.capacity[0].units >= sized, "{rate}: {}", table.name);
        assert_eq!(table.held.throttled_seconds, 0, "{rate}: {:?}", table.held);
        for reason in [&plan.reason, &plan.stream_reason] {
            assert!(reason.contains("a quarter of headroom"), "{reason}");
        }
    }
}

#[test]
fn a_plan_says_how_far_it_is() {
    let mut told = Vec::new();
    let question = Question {
        demand: &[10.0; 3_600],
        item_bytes: 90,
        record_bytes: 600,
        keys: Keys::Own,
        seed: 1,
        days: 1.0,
        stored_gb: 0.0,
        prices: &Prices::named("us-east-1").unwrap(),
    };
    let plan = plan(&question, &mut |at| {
        told.push((at.way.to_owned(), at.place, at.share))
    });
    let names = plan.tables.iter().map(|table| &table.name);
    let names = names.chain(plan.streams.iter().map(|stream| &stream.name));
    for name in names {
        assert!(told.iter().any(|(way, ..)| way == name), "{name}");
    }
    assert!(
        told.iter()
            .all(|(_, (at, of), share)| at <= of && (0.0..1.0).contains(share))
    );
    assert!(told.iter().any(|(.., share)| *share > 0.5));
}

#[test]
fn a_load_of_one_busy_hour_is_cheapest_on_demand() {
    let plan = ask(&peaky(20.0, 3_000.0), 90);
    let taken = &plan.tables[plan.recommended];
    assert!(
        taken.name.starts_with("on demand"),
        "{}: {}",
        taken.name,
        plan.reason
    );
    // Units for the mean are 144: the hour is far beyond them.
    let mean = named(&plan, "provisioned, 1");
    assert!(mean.held.throttled_seconds > 3_000, "{:?}", mean.held);
    assert!(mean.held.longest_delay > 3_600, "{:?}", mean.held);
    let peak = named(&plan, "provisioned, 3");
    assert_eq!(peak.held.delayed, 0, "{:?}", peak.held);
    let minutes: u64 = mean
        .throttled
        .iter()
        .map(|s| s.to_minute - s.from_minute)
        .sum();
    assert_eq!(minutes, mean.held.throttled_seconds.div_ceil(60));
    // One shard takes a third of the hour's records; the rest is late.
    let shard = &plan.streams[0];
    assert_eq!((shard.shards, shard.carried.lost), (1, 0));
    let waiting = shard.carried.most_waiting as f64 / (2_000.0 * 3_600.0);
    assert!((0.99..1.01).contains(&waiting), "{:?}", shard.carried);
    let taken = &plan.streams[plan.recommended_stream];
    assert!(
        taken.carried.delayed_share() <= 0.001,
        "{}",
        plan.stream_reason
    );
}

#[test]
fn a_new_on_demand_table_throttles_at_first_where_a_warm_one_does_not() {
    let plan = ask(&[6_000.0; 86_400], 90);
    let new = named(&plan, "on demand, new");
    // Half an hour until it doubles, and then the backlog.
    assert!(
        (1_700..6_000).contains(&new.held.throttled_seconds),
        "{:?}",
        new.held
    );
    assert_eq!(new.held.left, 0);
    assert_eq!(named(&plan, "on demand, warm").held.throttled_seconds, 0);
}

#[test]
fn a_bill_is_what_it_comes_to_by_hand() {
    let plan = ask(&[100.0; 86_400], 90);
    let readings = plan.demand.readings as f64 * 30.0;
    let on_demand = named(&plan, "on demand, new");
    let writes = readings * 0.625 / 1e6;
    let capture = readings * 0.10 / 1e6;
    // One shard, and a PUT payload unit a record.
    let stream = 720.0 * 0.015 + readings * 0.014 / 1e6;
    // It fills over 720 of a month's 730 hours, 148 bytes more an item.
    let stored = readings * (90.0 + 148.0) / f64::from(1 << 30) / 2.0 * 720.0 / 730.0;
    let firehose = readings * 5_120.0 / f64::from(1 << 30) * 0.029;
    let objects = readings * 600.0 / f64::from(1 << 30) / 2.0 * 720.0 / 730.0 * 0.023;
    let puts = 30.0 * 288.0 * 0.005 / 1_000.0;
    let athena = readings * 600.0 / 1_099_511_627_776.0 * 5.0;
    let by_hand = writes + capture + stream + stored * 0.25 + firehose + objects + puts + athena;
    let off = on_demand.bill.total / by_hand - 1.0;
    assert!(
        off.abs() < 1e-6,
        "{} is not {by_hand}",
        on_demand.bill.total
    );
}

#[test]
fn items_of_three_units_ask_for_three_times_as_much() {
    let (small, large) = (ask(&[500.0; 86_400], 90), ask(&[500.0; 86_400], 2_500));
    assert!((large.demand.mean / small.demand.mean - 3.0).abs() < 1e-9);
    let hours = |plan: &Plan| named(plan, "provisioned").held.provisioned_unit_hours;
    assert!((hours(&large) / hours(&small) - 3.0).abs() < 0.01);
}

#[test]
fn a_day_without_demand_has_a_plan_too() {
    let plan = ask(&[0.0; 86_400], 90);
    assert_eq!((plan.demand.peak, plan.streams[0].shards), (0, 1));
    assert!(plan.tables.iter().all(|table| table.held.delayed == 0));
}

#[test]
fn records_are_late_on_too_few_shards_and_the_bill_has_the_stream_that_is_taken() {
    let plan = ask(&[4_000.0; 3_600], 90);
    let shard_hours = |candidate: &Candidate| {
        let mut lines = candidate.bill.lines.iter();
        lines.find(|l| l.what == "shards").map(|l| l.quantity)
    };
    let taken = &plan.streams[plan.recommended_stream];
    assert!(!taken.on_demand, "{}", plan.stream_reason);
    for table in &plan.tables {
        assert_eq!(shard_hours(table), Some(f64::from(taken.shards) * 720.0));
    }
    let on_demand = plan.streams.last().unwrap();
    assert!(on_demand.on_demand && on_demand.shards == 4);
    // Its four shards are at their limits until they are split.
    assert!(on_demand.carried.shards_at_end >= 8, "{on_demand:?}");
}

#[test]
fn a_table_that_holds_much_already_pays_for_it_and_has_more_partitions() {
    let ask = |stored_gb| {
        answer(&Question {
            demand: &[100.0; 600],
            item_bytes: 90,
            record_bytes: 600,
            keys: Keys::Own,
            seed: 1,
            days: 10.0,
            stored_gb,
            prices: &Prices::named("us-east-1").unwrap(),
        })
    };
    let (empty, full) = (ask(0.0), ask(730.0));
    let total = |plan: &Plan| plan.tables[0].bill.total;
    // 730 GB for 240 of a month's 730 hours.
    let more = 240.0 * 0.25;
    assert!((total(&full) - total(&empty) - more).abs() < 1e-6);
    let day = full.storage.table_day_gb;
    assert!((full.storage.table_end_gb - 730.0 - 10.0 * day).abs() < 1e-9);
    assert_eq!(empty.tables[0].held.partitions, 1);
    assert!((73..=128).contains(&full.tables[0].held.partitions));
    assert!(full.tables[0].held.hottest_partition < 10);
}

#[test]
fn what_an_account_does_not_have_by_default_is_named() {
    let named = |rate: f64| {
        let plan = ask(&vec![rate; 900], 90);
        let named = plan.beyond_quota.iter();
        named
            .map(|beyond| beyond.what.clone())
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(named(30_000.0), "");
    assert_eq!(named(50_000.0), "write units/s of a table");
    let both = "write units/s of a table; provisioned write units/s of an account";
    assert_eq!(named(90_000.0), both);
}

#[test]
fn a_plan_written_and_read_again_is_the_same() {
    let plan = ask(&peaky(20.0, 300.0), 90);
    let text = serde_json::to_string(&plan).unwrap();
    let read: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!(read, plan);
    assert_eq!(plan.demand.minutes.mean.len(), 1_440);
    for table in &plan.tables {
        assert_eq!(table.capacity[0].from_s, 0, "{}", table.name);
    }
}
