//! What is used, and so billed, of everything but the table's writes.

use super::Question;
use super::answer::{Demand, Storage};
use super::stream::Stream;
use crate::bill::{
    Usage, athena_tb, firehose_gb, gb, growing_gb_months, on_demand_gb_in, put_payload_units,
    table_gb,
};

/// Firehose's default buffer interval is 300 s: an object each, assumed.
const OBJECTS_A_DAY: f64 = 288.0;

/// How the table and the objects grow.
pub(super) fn storage(question: &Question<'_>, demand: &Demand) -> Storage {
    let readings = demand.readings as f64;
    let day_gb = table_gb(readings, question.item_bytes as f64, true);
    let objects = readings * question.days * question.record_bytes as f64;
    Storage {
        table_start_gb: question.stored_gb,
        table_day_gb: day_gb,
        table_end_gb: question.stored_gb + day_gb * question.days,
        objects_end_gb: gb(objects),
    }
}

/// What every way has in common: change capture, storage, delivery, a query a
/// day over the day's objects.
pub(super) fn common(
    question: &Question<'_>,
    demand: &Demand,
    storage: &Storage,
    units: u64,
) -> Usage {
    let days = question.days;
    let readings = demand.readings as f64 * days;
    let objects = readings * question.record_bytes as f64;
    let hours = days * 24.0;
    Usage {
        hours,
        table_gb_months: growing_gb_months(storage.table_start_gb, storage.table_end_gb, hours),
        change_units: readings * units as f64,
        firehose_gb: firehose_gb(readings as u64, question.record_bytes),
        s3_puts: days * OBJECTS_A_DAY,
        s3_gb_months: growing_gb_months(0.0, storage.objects_end_gb, hours),
        athena_tb: athena_tb(days as u64, (objects / days.max(1.0)) as u64),
        ..Usage::default()
    }
}

/// What a stream of this kind is billed for.
pub(super) fn stream(question: &Question<'_>, demand: &Demand, kind: Stream) -> Usage {
    let hours = question.days * 24.0;
    let records = (demand.readings as f64 * question.days) as u64;
    match kind {
        Stream::Provisioned(shards) => Usage {
            shard_hours: f64::from(shards) * hours,
            put_payload_units: put_payload_units(records, question.record_bytes),
            ..Usage::default()
        },
        Stream::OnDemand => Usage {
            on_demand_stream_hours: hours,
            on_demand_gb_in: on_demand_gb_in(records, question.record_bytes),
            on_demand_gb_out: gb(records as f64 * question.record_bytes as f64),
            ..Usage::default()
        },
    }
}
