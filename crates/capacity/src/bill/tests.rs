//! Bills beside the arithmetic of a hand.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn prices() -> Prices {
    Prices::named("us-east-1").unwrap()
}

fn assert_bill(bill: &Bill, by_hand: &[(&str, &str, f64)]) {
    let lines: Vec<_> = bill.lines.iter().map(|l| (&*l.service, &*l.what)).collect();
    let expected: Vec<_> = by_hand.iter().map(|&(s, w, _)| (s, w)).collect();
    assert_eq!(lines, expected);
    for (line, (service, what, amount)) in bill.lines.iter().zip(by_hand) {
        let off = (line.amount - amount).abs();
        assert!(
            off < 0.005,
            "{service}, {what}: {} for {amount}",
            line.amount
        );
    }
    let total: f64 = by_hand.iter().map(|(_, _, amount)| amount).sum();
    assert!(
        (bill.total - total).abs() < 0.05,
        "{} for {total}",
        bill.total
    );
}

/// 10,000 devices, 5,000 readings a second for 30 days (720 h), on demand
/// throughout, to the lake with 1 query an hour.
#[test]
fn a_month_of_five_thousand_a_second_on_demand_costs_what_the_hand_says() {
    let readings = 5000 * 86_400 * 30; // 12,960,000,000
    let usage = Usage {
        hours: 720.0,
        write_request_units: readings as f64,
        table_gb_months: growing_gb_months(0.0, table_gb(readings as f64, 87.0, true), 720.0),
        change_units: readings as f64,
        on_demand_stream_hours: 720.0,
        on_demand_gb_in: on_demand_gb_in(readings, 613),
        on_demand_gb_out: gb(readings as f64 * 613.0),
        firehose_gb: firehose_gb(readings, 581),
        s3_puts: 100_000.0,
        s3_gb_months: growing_gb_months(0.0, gb(readings as f64 * 581.0), 720.0),
        athena_tb: athena_tb(720, 1 << 30),
        ..Usage::default()
    };
    assert_bill(
        &Bill::new(&usage, &prices(), FreeTierUse::Ignored),
        &[
            // 12,960 million at 0.625
            ("DynamoDB", "writes, on-demand", 8100.0),
            // 12.96e9 items of 87 + 148 bytes: 3,045.6e9 B = 2,836.4361 GB;
            // half of that over 720 of 730 h: 1,398.7904 GB-months at 0.25
            ("DynamoDB", "storage", 349.6976),
            // 12,960 million at 0.10
            ("DynamoDB", "change data capture", 1296.0),
            // 720 h at 0.04
            ("Kinesis Data Streams", "stream, on-demand", 28.8),
            // 613 B as 1 KiB: 12.96e9 * 1,024 B = 12,359.6191 GB at 0.08
            ("Kinesis Data Streams", "data in, on-demand", 988.7695),
            // 12.96e9 * 613 B = 7,398.8737 GB at 0.04
            ("Kinesis Data Streams", "data out, on-demand", 295.9549),
            // 581 B as 5 KiB: 12.96e9 * 5,120 B = 61,798.0957 GB at 0.029
            ("Data Firehose", "data in", 1792.1448),
            // 100 thousand at 0.005
            ("S3", "PUT requests", 0.5),
            // 12.96e9 * 581 B = 7,012.6355 GB; half over 720 of 730 h:
            // 3,458.2860 GB-months at 0.023
            ("S3", "storage", 79.5406),
            // 720 GB = 0.703125 TB at 5
            ("Athena", "data scanned", 3.5156),
        ],
    );
}

/// 1,000 write units and 100 read units provisioned for a month of 730 h,
/// 2 shards, two enhanced fan-out consumers, 300 readings a second of which
/// each is 2.5 KB in the stream.
#[test]
fn a_month_of_provisioned_capacity_costs_what_the_hand_says() {
    let readings = 300 * 3600 * 730; // 788,400,000
    let usage = Usage {
        hours: 730.0,
        write_unit_hours: 1000.0 * 730.0,
        read_unit_hours: 100.0 * 730.0,
        table_gb_months: gb_months(table_gb(100e6, 924.0, false), 730.0),
        change_units: readings as f64,
        shard_hours: 2.0 * 730.0,
        put_payload_units: put_payload_units(readings, 2560),
        fan_out_shard_hours: 2.0 * 2.0 * 730.0,
        fan_out_gb: gb(readings as f64 * 2560.0 * 2.0),
        ..Usage::default()
    };
    let by_hand = [
        // 730,000 WCU-h at 0.00065
        ("DynamoDB", "writes, provisioned", 474.5),
        // 73,000 RCU-h at 0.00013
        ("DynamoDB", "reads, provisioned", 9.49),
        // 100e6 * 1,024 B = 95.3674 GB at 0.25
        ("DynamoDB", "storage", 23.8419),
        // 788.4 million at 0.10
        ("DynamoDB", "change data capture", 78.84),
        // 1,460 h at 0.015
        ("Kinesis Data Streams", "shards", 21.9),
        // 788.4 million at 0.014
        ("Kinesis Data Streams", "PUT payload", 11.0376),
        // 2,920 h at 0.015
        ("Kinesis Data Streams", "enhanced fan-out", 43.8),
        // 788.4e6 * 5,120 B = 3,759.3842 GB at 0.013
        (
            "Kinesis Data Streams",
            "data out, enhanced fan-out",
            48.8720,
        ),
    ];
    assert_bill(
        &Bill::new(&usage, &prices(), FreeTierUse::Ignored),
        &by_hand,
    );

    // 25 WCU and 25 RCU for 730 h, and 25 GB, are free.
    let mut with_free = by_hand.to_vec();
    with_free.insert(1, ("DynamoDB", "writes, free tier", -18_250.0 * 0.00065));
    with_free.insert(3, ("DynamoDB", "reads, free tier", -18_250.0 * 0.00013));
    with_free.insert(5, ("DynamoDB", "storage, free tier", -6.25));
    assert_bill(
        &Bill::new(&usage, &prices(), FreeTierUse::Applied),
        &with_free,
    );
}

/// An hour of the post's way with its Lambda: 100 readings a second into
/// one shard, transformed in batches, converted and partitioned, large and
/// tiny queries.
#[test]
fn an_hour_with_lambda_and_conversion_costs_what_the_hand_says() {
    let readings = 100 * 3600; // 360,000
    let usage = Usage {
        hours: 1.0,
        write_request_units: readings as f64,
        read_request_units: 50_000.0,
        change_units: readings as f64,
        shard_hours: 1.0,
        put_payload_units: put_payload_units(readings, 25 * 1024 + 1),
        firehose_gb: firehose_gb(readings, 5121),
        firehose_converted_gb: firehose_gb(readings, 5121),
        firehose_partitioned_gb: firehose_gb(readings, 5121),
        s3_puts: 60.0,
        s3_gb_months: gb_months(100.0, 1.0),
        athena_tb: athena_tb(1000, 1) + athena_tb(2, 1 << 40),
        lambda_requests: 3600.0,
        lambda_gb_seconds: 3600.0 * 0.5 * 0.128,
        lambda_arm_gb_seconds: 3600.0 * 0.5 * 0.128,
        ..Usage::default()
    };
    let bill = Bill::new(&usage, &prices(), FreeTierUse::Ignored);
    assert_bill(
        &bill,
        &[
            // 0.36 million at 0.625
            ("DynamoDB", "writes, on-demand", 0.225),
            // 0.05 million at 0.125
            ("DynamoDB", "reads, on-demand", 0.00625),
            // 0.36 million at 0.10
            ("DynamoDB", "change data capture", 0.036),
            ("Kinesis Data Streams", "shards", 0.015),
            // A byte over 25 KB is two units: 0.72 million at 0.014
            ("Kinesis Data Streams", "PUT payload", 0.01008),
            // A byte over 5 KB is 10 KB: 360,000 * 10,240 B = 3.4332 GB at 0.029
            ("Data Firehose", "data in", 0.09956),
            // at 0.018
            ("Data Firehose", "format conversion", 0.0618),
            // at 0.02
            ("Data Firehose", "dynamic partitioning", 0.06866),
            // 0.0036 million at 0.20
            ("Lambda", "requests", 0.00072),
            // 230.4 GB-s at 0.0000166667
            ("Lambda", "compute, x86", 0.00384),
            // 230.4 GB-s at 0.0000133334
            ("Lambda", "compute, Arm", 0.003072),
            // 0.06 thousand at 0.005
            ("S3", "PUT requests", 0.0003),
            // 100 GB for 1 of 730 h at 0.023
            ("S3", "storage", 0.00315),
            // 1,000 times 10 MB = 0.0095367 TB, and 2 TB, at 5
            ("Athena", "data scanned", 10.04768),
        ],
    );
    assert_eq!(bill.per_million(0), None);
    let each_million = bill.per_million(readings).unwrap();
    assert!((each_million - bill.total / 0.36).abs() < 1e-9);
}

#[test]
fn a_million_small_records_are_billed_eightfold_by_firehose() {
    // 1 M records of 613 B: 4.77 GB at 5 KB each.
    assert!((firehose_gb(1_000_000, 613) - 4.768).abs() < 0.001);
}

#[test]
fn a_bill_survives_json() {
    let usage = Usage {
        write_request_units: 3.0,
        ..Usage::default()
    };
    let bill = Bill::new(&usage, &prices(), FreeTierUse::Ignored);
    let json = serde_json::to_string(&bill).unwrap();
    assert_eq!(serde_json::from_str::<Bill>(&json).unwrap(), bill);
    assert_eq!(bill.of_service("DynamoDB"), bill.total);
    let none = Bill::new(&Usage::default(), &prices(), FreeTierUse::Applied);
    assert!(none.lines.is_empty() && none.total == 0.0);
}

proptest! {
    #[test]
    fn at_the_break_even_both_modes_cost_the_same(units in 1.0f64..40_000.0, hours in 1.0f64..800.0) {
        let prices = prices();
        let utilisation = prices.break_even().write_utilisation;
        let provisioned = Usage { write_unit_hours: units * hours, ..Usage::default() };
        let on_demand = Usage {
            write_request_units: units * hours * 3600.0 * utilisation,
            ..Usage::default()
        };
        let [a, b] = [provisioned, on_demand]
            .map(|usage| Bill::new(&usage, &prices, FreeTierUse::Ignored).total);
        prop_assert!((a - b).abs() < 1e-9 * a);
    }

    #[test]
    fn a_bill_of_two_periods_is_the_sum_of_their_bills(
        a in 0.0f64..1e9, b in 0.0f64..1e9, factor in 0.0f64..100.0,
    ) {
        let prices = prices();
        let of = |usage: &Usage| Bill::new(usage, &prices, FreeTierUse::Ignored).total;
        let first = Usage { change_units: a, shard_hours: b, ..Usage::default() };
        let second = Usage { put_payload_units: b, change_units: b, ..Usage::default() };
        let together = of(&first.plus(&second.times(factor)));
        let apart = of(&first) + factor * of(&second);
        prop_assert!((together - apart).abs() <= 1e-9 * apart.max(1.0));
    }
}
