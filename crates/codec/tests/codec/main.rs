//! Readings to bytes and back: layouts, requests, answers, change records.
#![allow(clippy::unwrap_used)]

mod batches;
mod changes;
mod layouts;
mod pages;
mod signatures;

use hrload_codec::{Layout, batch, change, item, page, response};
use hrload_workload::{DeviceClass, Motion, Reading, ReadingId};
use proptest::prelude::*;
use serde_json::{Value, json};

const LAYOUTS: [Layout; 3] = [Layout::Post, Layout::TimeSeries, Layout::Fhir];

/// 2024-07-15 02:39:25.891550 UTC.
const INTENDED_US: u64 = 1_721_011_165_891_550;

fn reading() -> Reading {
    Reading {
        id: ReadingId {
            intended_us: INTENDED_US,
            device: 4217,
            sequence: 12,
        },
        observed_us: INTENDED_US,
        bpm: 72,
        sensor: 4217,
        motion: Motion::Sedentary,
        class: DeviceClass::Fitbit,
    }
}

fn any_id() -> impl Strategy<Value = ReadingId> {
    // Up to the year 9999.
    (0u64..253_402_300_800_000_000, any::<u32>(), any::<u32>()).prop_map(
        |(intended_us, device, sequence)| ReadingId {
            intended_us,
            device,
            sequence,
        },
    )
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let motion = prop::sample::select(vec![Motion::Asleep, Motion::Sedentary, Motion::Active]);
    let class = prop::sample::select(vec![
        DeviceClass::Fitbit,
        DeviceClass::Apple,
        DeviceClass::Garmin,
        DeviceClass::Strap,
    ]);
    (
        any_id(),
        0u64..253_402_300_800_000_000,
        35u8..=215,
        any::<u32>(),
        motion,
        class,
    )
        .prop_map(|(id, observed_us, bpm, sensor, motion, class)| Reading {
            id,
            observed_us,
            bpm,
            sensor,
            motion,
            class,
        })
}

fn item_json(layout: Layout, reading: &Reading) -> Vec<u8> {
    let mut out = Vec::new();
    item::encode(&mut out, layout, reading);
    out
}

/// The members of `item` that are `layout`'s keys.
fn keys_of(layout: Layout, item: &Value) -> Value {
    let schema = layout.key_schema();
    let names = std::iter::once(schema.partition).chain(schema.sort);
    names
        .map(|(name, _)| (name.to_owned(), item[name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
