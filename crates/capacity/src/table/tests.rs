//! What a table promises as a whole: the bars, and the laws under any demand.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::super::scaling::{ScalingAssumptions, ScalingPolicy};
use super::*;

/// A minute of the UTC clock begins.
const START_US: u64 = 1_721_011_200_000_000;

fn table(settings: Settings) -> TableCapacity {
    with(settings, Assumptions::default())
}

fn with(settings: Settings, assumptions: Assumptions) -> TableCapacity {
    TableCapacity::new(settings, assumptions, Quotas::default(), START_US).unwrap()
}

/// Assumptions under which nothing splits by itself.
fn cool() -> Assumptions {
    Assumptions {
        heat_minutes: u32::MAX,
        ..Assumptions::default()
    }
}

/// Assumptions of a cool table that begins with one second of its units.
fn cold() -> Assumptions {
    Assumptions {
        initial_burst_us: MICROS,
        ..cool()
    }
}

/// The hash of the `i`th of many keys that lie evenly.
fn hash(i: u64) -> u64 {
    i.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn second(at: u64) -> u64 {
    START_US + at * MICROS
}

/// Admits single writes evenly over a second.
fn write_second(table: &mut TableCapacity, at: u64, rate: u64) -> u64 {
    let admitted = (0..rate).filter(|i| {
        let now_us = second(at) + i * MICROS / rate;
        table.admit_write(now_us, hash(at * rate + i), 1).is_ok()
    });
    admitted.count() as u64
}

#[test]
fn a_provisioned_table_throttles_when_its_burst_is_spent() {
    for idle_s in [60, 200, 1_000] {
        let mut table = with(Settings::provisioned(1_000, 5), cold());
        assert_eq!(table.describe().partitions, 2);
        table.advance(second(idle_s));
        let saved = (1 + idle_s).min(300);
        assert_eq!(table.describe().burst_left.write, saved * 1_000);
        let spent = (0..).find(|i| {
            let demand = Demand::Even(2_000);
            let tally = table.offer_writes(second(idle_s + i), MICROS, demand);
            tally.throttled_by(Scope::Provisioned) > 0
        });
        // 1,000 a second more than it gets.
        assert_eq!(spent, Some(saved), "after {idle_s} s idle");
        let tally = table.offer_writes(second(idle_s + saved + 1), MICROS, Demand::Even(2_000));
        assert!(tally.admitted.abs_diff(1_000) <= 1);
    }
}

#[test]
fn a_new_provisioned_table_begins_with_all_that_it_keeps() {
    // Seen on AWS: a fresh table of 5 units takes a write of 400 units, and 381
    // and 342 units within seconds.
    let mut fresh = table(Settings::provisioned(5, 5));
    assert_eq!(fresh.describe().burst_left.write, 1_500);
    assert_eq!(fresh.admit_write(START_US, hash(1), 400), Ok(()));
    // Full or not, a partition gives no more in a second than it can.
    let within = (0..1_600).filter(|i| fresh.admit_write(START_US, hash(*i), 1).is_ok());
    assert_eq!(within.count(), 600);
    let rest = fresh.offer_writes(second(2), MICROS, Demand::Even(900));
    assert_eq!(rest.admitted, 515);
    assert_eq!(rest.throttled_by(Scope::Provisioned), 385);
}

#[test]
fn at_another_pace_minutes_are_shorter_and_seconds_are_not() {
    let assumptions = || Assumptions {
        heat_minutes: u32::MAX,
        ..Assumptions::default().at_pace(60)
    };
    let mut provisioned = with(Settings::provisioned(100, 5), assumptions());
    assert_eq!(provisioned.describe().burst_left.write, 500);
    let pending = provisioned.update(START_US, Change::provisioned(50, 5));
    assert_eq!(pending.unwrap().effective_us, second(2));
    // An hour of quotas is a minute.
    for (at, units) in [(5, 40), (10, 30), (15, 20)] {
        let change = Change::provisioned(units, 5);
        provisioned.update(second(at), change).unwrap();
    }
    let Err(Refusal::Decreases { next_us, .. }) =
        provisioned.update(second(20), Change::provisioned(10, 5))
    else {
        panic!("a fifth decrease in an hour");
    };
    assert_eq!(next_us, second(15 + 60));
    let mut on_demand = with(Settings::on_demand(), assumptions());
    for at in 0..31 {
        let tally = on_demand.offer_writes(second(at), MICROS, Demand::Even(10_000));
        // The second's worth that a new table may give at once comes on top.
        let most = if at == 0 { 8_000 } else { 4_001 };
        assert!(tally.admitted <= most, "{at}: {tally:?}");
    }
    // Half an hour later it gives double what it gave, and not what came at once.
    on_demand.advance(second(32));
    assert_eq!(on_demand.warm().write, 8_000);
}

#[test]
fn operation_by_operation_the_burst_ends_at_the_same_second() {
    let mut table = with(Settings::provisioned(1_000, 5), cold());
    let idle_s = 30;
    let spent = (idle_s..).find(|&at| write_second(&mut table, at, 1_990) < 1_950);
    let ends = spent.unwrap() - idle_s;
    assert!(ends.abs_diff(31) <= 1, "{ends}");
}

#[test]
fn a_new_on_demand_table_under_10000_throttles_and_then_grows() {
    let mut table = with(Settings::on_demand(), cool());
    let mut full_at = None;
    for at in 0..4_000 {
        let tally = table.offer_writes(second(at), MICROS, Demand::Even(10_000));
        if at == 10 {
            assert_eq!(tally.admitted, 4_000);
            assert_eq!(tally.all_throttled(), 6_000);
        }
        if at == 40 * 60 {
            assert_eq!(tally.admitted, 8_000);
        }
        if tally.admitted == 10_000 && full_at.is_none() {
            full_at = Some(at / 60);
        }
    }
    assert!(
        full_at.is_some_and(|minute| (60..=63).contains(&minute)),
        "{full_at:?}"
    );
    assert!(table.describe().partitions >= 10);
    assert!(table.warm().write >= 10_000);
}

#[test]
fn a_warmed_table_serves_its_warm_throughput_from_the_first_second() {
    let mut table = table(Settings::on_demand().warmed(20_000, 12_000));
    assert_eq!(table.describe().partitions, 20);
    let tally = table.offer_writes(START_US, MICROS, Demand::Even(20_000));
    assert_eq!(tally.admitted, 20_000);
}

#[test]
fn one_hot_key_gets_1000_a_second_however_large_the_table_and_however_long() {
    for settings in [
        Settings::provisioned(40_000, 40_000),
        Settings::on_demand().warmed(40_000, 40_000),
    ] {
        let mut table = table(settings);
        let before = table.describe().partitions;
        for at in 0..900 {
            let tally = table.offer_writes(second(at), MICROS, Demand::Key(hash(7), 5_000));
            assert_eq!(tally.admitted, 1_000);
            assert_eq!(tally.throttled_by(Scope::KeyRange), 4_000);
        }
        let admitted = (0..3_000).filter(|i| {
            let now_us = second(900) + i * MICROS / 3_000;
            table.admit_write(now_us, hash(7), 1).is_ok()
        });
        assert_eq!(admitted.count(), 1_000);
        assert_eq!(table.describe().partitions, before);
        let hottest = table.hottest_partition(Direction::Write).unwrap();
        assert!((hottest.first_hash..=hottest.last_hash).contains(&hash(7)));
        assert_eq!(hottest.busiest_minute, 300_000);
    }
}

#[test]
fn a_hot_partition_is_split_and_its_keys_get_more() {
    let mut table = table(Settings::provisioned(10_000, 10));
    let (first, last) = table.space.range(3);
    let keys = [first + 1, last - 1];
    let both = |table: &mut TableCapacity, at| -> u64 {
        let each = keys.map(|key| {
            let demand = Demand::Key(key, 800);
            table.offer_writes(second(at), MICROS, demand).admitted
        });
        each.iter().sum()
    };
    assert_eq!(both(&mut table, 0), 1_000);
    for at in 1..5 * 60 {
        both(&mut table, at);
    }
    let partitions = table.describe().partitions;
    both(&mut table, 5 * 60);
    assert_eq!(both(&mut table, 5 * 60 + 1), 1_600);
    assert_eq!(table.describe().partitions, partitions + 1);
}

#[test]
fn any_partition_may_take_all_of_the_table_up_to_its_cap() {
    let mut table = table(Settings::provisioned(2_000, 3_000));
    assert_eq!(table.describe().partitions, 3);
    table.advance(second(100));
    for (units, admitted) in [(900, 900), (1_500, 1_000)] {
        let tally = table.offer_writes(table.last_us + MICROS, MICROS, Demand::Partition(1, units));
        assert_eq!(tally.admitted, admitted);
    }
    assert_eq!(
        table.offer_writes(0, MICROS, Demand::Partition(99, 5)),
        Tally::default()
    );
}

#[test]
fn reads_are_counted_in_half_units_beside_writes() {
    let mut table = with(Settings::provisioned(10, 100), cold());
    let admitted = (0..500).filter(|&i| table.admit_read(START_US, hash(i), 1).is_ok());
    assert_eq!(admitted.count(), 200);
    let throttle = table.admit_read(START_US, 1, 2).unwrap_err();
    assert_eq!(throttle.reason(), "TableReadProvisionedThroughputExceeded");
    assert_eq!(table.admit_write(START_US, 1, 1), Ok(()));
    assert_eq!(table.tally(Direction::Read).admitted, 200);
}

#[test]
fn an_on_demand_maximum_and_the_table_quota_have_their_own_throttles() {
    let maximum = Maximum {
        write: Some(500),
        read: None,
    };
    let mut limited = table(Settings {
        maximum,
        ..Settings::on_demand()
    });
    limited.offer_writes(START_US, MICROS, Demand::Even(2_000));
    let tally = limited.offer_writes(second(1), MICROS, Demand::Even(2_000));
    assert_eq!(tally.admitted, 500);
    assert_eq!(tally.throttled_by(Scope::OnDemandMaximum), 1_500);
    let mut largest = with(Settings::on_demand().warmed(40_000, 1), cool());
    // More partitions than the quota needs, as after many splits.
    largest.set_size(START_US, 100 * PARTITION_BYTES);
    largest.offer_writes(START_US, MICROS, Demand::Even(100_000));
    let tally = largest.offer_writes(second(1), MICROS, Demand::Even(60_000));
    assert_eq!(tally.admitted, 40_000);
    assert_eq!(tally.throttled_by(Scope::Account), 20_000);
}

#[test]
fn a_change_takes_effect_after_its_delay_and_another_must_wait_for_it() {
    let mut table = table(Settings::provisioned(100, 100));
    let change = Change::provisioned(5_000, 100);
    let pending = table.update(START_US, change).unwrap();
    assert_eq!(pending.effective_us, second(120));
    let refusal = Refusal::InUse {
        until_us: second(120),
    };
    assert_eq!(table.update(second(119), change), Err(refusal));
    assert_eq!(table.provisioned().map(|units| units.write), Some(100));
    table.advance(second(120));
    assert_eq!(table.provisioned().map(|units| units.write), Some(5_000));
    assert!(table.describe().partitions >= 6);
    assert_eq!(table.update(second(121), change), Err(Refusal::Unchanged));
    for (change, exception) in [
        (Change::provisioned(40_001, 1), "LimitExceededException"),
        (Change::provisioned(0, 1), "ValidationException"),
    ] {
        let refusal = table.update(second(122), change).unwrap_err();
        assert_eq!(refusal.exception(), exception);
    }
    let elsewhere = Units {
        write: 79_000,
        read: 0,
    };
    table.set_provisioned_elsewhere(elsewhere);
    let refusal = table.update(second(122), Change::provisioned(6_000, 1));
    assert!(matches!(refusal, Err(Refusal::AccountQuota { .. })));
}

#[test]
fn decreases_and_switches_are_counted() {
    let mut table = table(Settings::provisioned(1_000, 1_000));
    for i in 0..4 {
        let change = Change::provisioned(999 - i, 1_000);
        table.update(second(i * 200), change).unwrap();
    }
    assert_eq!(table.describe().decreases_today, 4);
    let refusal = table.update(second(1_000), Change::provisioned(1, 1_000));
    assert!(matches!(refusal, Err(Refusal::Decreases { today: 4, .. })));
    let on_demand = Change {
        mode: Some(Mode::OnDemand),
        ..Change::default()
    };
    let back = Change::provisioned(2_000, 1_000);
    for i in 0..4 {
        table.update(second(2_000 + i * 1_000), on_demand).unwrap();
        table.update(second(2_500 + i * 1_000), back).unwrap();
    }
    let refusal = table.update(second(7_000), on_demand);
    assert!(matches!(refusal, Err(Refusal::Switches { .. })));
}

#[test]
fn a_switch_to_on_demand_serves_what_was_ever_provisioned() {
    let mut table = with(Settings::provisioned(20_000, 100), cool());
    let on_demand = Change {
        mode: Some(Mode::OnDemand),
        ..Change::default()
    };
    table.update(START_US, on_demand).unwrap();
    table.advance(second(301));
    assert_eq!(
        table.warm(),
        Units {
            write: 20_000,
            read: 12_000
        }
    );
    let tally = table.offer_writes(second(302), MICROS, Demand::Even(20_000));
    assert_eq!(tally.admitted, 20_000);
    let colder = Change {
        warm: Some(NEW_TABLE),
        ..Change::default()
    };
    let refusal = table.update(second(303), colder);
    assert!(matches!(refusal, Err(Refusal::Colder { warm: 20_000, .. })));
}

#[test]
fn auto_scaling_follows_demand_up_and_down_with_its_delays() {
    let mut table = with(Settings::provisioned(1_000, 5), cool());
    let policy = ScalingPolicy {
        target_percent: 70,
        minimum: 100,
        maximum: 10_000,
    };
    let scaling = AutoScaling::new(policy, ScalingAssumptions::default()).unwrap();
    table.set_auto_scaling(Direction::Write, Some(scaling));
    let mut units = Vec::new();
    for at in 0..90 * 60 {
        let rate = if at < 30 * 60 { 900 } else { 200 };
        table.offer_writes(second(at), MICROS, Demand::Even(rate));
        let now = table.provisioned().unwrap().write;
        if units.last().is_none_or(|&(_, last)| last != now) {
            units.push((at / 60, now));
        }
    }
    // Two minutes, one for the alarm, two for the update: 900 / 70 %. Down
    // after fifteen minutes and the same delays: 200 / 70 %.
    assert_eq!(units, [(0, 1_000), (5, 1_286), (48, 286)]);
}

#[test]
fn a_long_silence_and_absurd_input_harm_nothing() {
    let mut table = TableCapacity::new(
        Settings::on_demand(),
        Assumptions::default(),
        Quotas::default(),
        0,
    )
    .unwrap();
    assert_eq!(table.admit_write(START_US, 0, u64::MAX), Ok(()));
    assert!(table.admit_write(START_US, 0, 1).is_err());
    table.offer_reads(START_US, u64::MAX, Demand::Slices(&[u64::MAX; 3]));
    table.offer_reads(START_US, 0, Demand::Slices(&[]));
    table.set_size(START_US, u64::MAX);
    // An earlier time counts as the last.
    assert!(table.admit_write(0, 0, 1).is_err());
    table.advance(u64::MAX);
    assert!(table.admit_write(u64::MAX, 1, 1).is_ok());
}

/// A table in either mode, and what its own limit is: units a second, and what
/// it holds besides.
fn either_mode() -> impl Strategy<Value = (TableCapacity, u64, u64)> {
    let hot = || Assumptions {
        burst_us: 5 * MICROS,
        heat_minutes: 1,
        heat_percent: 1,
        ..Assumptions::default()
    };
    prop_oneof![
        (500u64..4_000).prop_map(move |units| {
            let table = with(Settings::provisioned(units, 1), hot());
            (table, units, 5 * units)
        }),
        Just((with(Settings::on_demand(), hot()), 4_000, 4_000)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_window_admits_more_than_the_rules_whatever_is_asked(
        (mut table, rate, depth) in either_mode(),
        operations in prop::collection::vec((0u64..4_000, 0usize..6, 1u64..20), 1_000..2_500),
    ) {
        // A minute ends within the run, so that hot partitions split in it.
        let mut now_us = START_US + 58 * MICROS;
        let mut admitted: Vec<(u64, u64, u64)> = Vec::new();
        let mut asked = 0;
        let (mut sum, mut lowest) = (0i128, i128::MAX);
        for (wait_us, key, units) in operations {
            now_us += wait_us;
            asked += units;
            // One key is hot, and another is in its partition until that splits.
            let key = [1 << 60, 1 << 60, 1 << 60, 1 << 60, 3 << 59, 1 << 63][key];
            // What a window from any earlier time may have admitted by now.
            let allowed = i128::from(rate) * i128::from(now_us);
            lowest = lowest.min(sum - allowed);
            if table.admit_write(now_us, key, units).is_ok() {
                let window = admitted.iter().rev();
                let of_key: u64 = window
                    .take_while(|(at_us, ..)| now_us - at_us < 980_000)
                    .filter(|(_, other, _)| *other == key)
                    .map(|(.., units)| units)
                    .sum();
                prop_assert!(of_key < 1_000);
                prop_assert!(sum - allowed - lowest < i128::from(depth * MICROS));
                sum += i128::from(units * MICROS);
                admitted.push((now_us, key, units));
            }
        }
        let tally = table.tally(Direction::Write);
        prop_assert_eq!(tally.admitted + tally.all_throttled(), asked);
        prop_assert_eq!(tally.admitted, admitted.iter().map(|(.., units)| units).sum::<u64>());
    }

    #[test]
    fn demand_below_every_limit_is_never_throttled(
        rate in 50u64..1_000,
        operations in prop::collection::vec((0u64..2_000, any::<u64>(), 1u64..20), 1..1_000),
    ) {
        // Any key may have all of it: the table's rate is below a partition's.
        let mut table = with(Settings::provisioned(rate, 1), Assumptions {
            burst_us: 0,
            heat_minutes: 1,
            heat_percent: 1,
            ..Assumptions::default()
        });
        let mut now_us = START_US + 58 * MICROS;
        for (wait_us, key, units) in operations {
            prop_assert_eq!(table.admit_write(now_us, key, units), Ok(()));
            now_us += (units * MICROS).div_ceil(rate) + wait_us;
        }
    }

    #[test]
    fn what_seconds_allow_is_admitted_at_every_pace(
        units in 1u64..3_000,
        on_demand in any::<bool>(),
        pace in 1u32..=100,
        operations in prop::collection::vec((0u64..20_000, any::<u64>(), 1u64..60), 1..1_500),
    ) {
        let settings = if on_demand {
            Settings::on_demand()
        } else {
            Settings::provisioned(units, 5)
        };
        // Keeps a second's units and no more, as little as any table does.
        let least = Assumptions { burst_us: MICROS, ..Assumptions::default() };
        let mut plain = with(settings, least.clone());
        let mut faster = with(settings, least.at_pace(pace));
        let mut now_us = START_US;
        for (wait_us, key, units) in operations {
            now_us += wait_us;
            if plain.admit_write(now_us, key, units).is_ok() {
                prop_assert_eq!(faster.admit_write(now_us, key, units), Ok(()));
            }
        }
    }

    #[test]
    fn batches_finer_steps_and_single_units_admit_the_same(
        units in 500u64..6_000,
        on_demand in any::<bool>(),
        rates in prop::collection::vec(0u64..9_000, 1..8),
    ) {
        let settings = if on_demand {
            Settings::on_demand()
        } else {
            Settings::provisioned(units, 1)
        };
        let assumptions = Assumptions { burst_us: 3 * MICROS, ..cool() };
        let mut by_unit = with(settings, assumptions);
        let mut by_second = by_unit.clone();
        let mut by_part = by_unit.clone();
        let mut asked = 0;
        for (at, &rate) in rates.iter().enumerate() {
            let at = at as u64;
            let rate = rate / 20 * 20;
            asked += rate;
            write_second(&mut by_unit, at, rate);
            by_second.offer_writes(second(at), MICROS, Demand::Even(rate));
            for part in 0..20 {
                let from_us = second(at) + part * MICROS / 20;
                by_part.offer_writes(from_us, MICROS / 20, Demand::Even(rate / 20));
            }
        }
        let tallies = [&by_unit, &by_second, &by_part].map(|t| t.tally(Direction::Write));
        for tally in tallies {
            prop_assert_eq!(tally.admitted + tally.all_throttled(), asked);
            let off = tally.admitted.abs_diff(tallies[0].admitted);
            prop_assert!(off <= 10 + tallies[0].admitted / 50, "{:?}", tallies);
        }
    }

    #[test]
    fn slices_of_the_hash_space_are_the_same_demand_as_its_partitions(
        slices in prop::collection::vec(0u64..40, 64..65),
    ) {
        let settings = Settings::on_demand().warmed(16_000, 1);
        let mut by_slice = table(settings);
        let mut by_partition = by_slice.clone();
        let tally = by_slice.offer_writes(START_US, MICROS, Demand::Slices(&slices));
        prop_assert_eq!(tally.admitted, slices.iter().sum::<u64>());
        for (partition, four) in slices.chunks(4).enumerate() {
            let demand = Demand::Partition(partition, four.iter().sum());
            by_partition.offer_writes(START_US, MICROS, demand);
        }
        let loads = |table: &TableCapacity| -> Vec<_> {
            table.partitions(Direction::Write).collect()
        };
        prop_assert_eq!(loads(&by_slice), loads(&by_partition));
    }
}
