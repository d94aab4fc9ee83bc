//! Records as JSON, written straight into an answer's buffer.

use super::log::{Log, Run, Stored};
use super::shard::Shard;
use crate::memory::make_room;

/// Most records of one GetRecords answer.
pub(super) const MAX_RECORDS: usize = 10_000;
/// Most bytes of one GetRecords answer, keys and data before base64.
pub(super) const MAX_BYTES: usize = 10 << 20;

/// Appends `"Records":[...]` with a run's records. Allocates nothing beyond
/// the buffer's growth, for which it makes room once.
pub(super) fn write_records(out: &mut Vec<u8>, shard: &Shard, log: &Log, run: &Run) {
    let records = (run.end - run.first) as usize;
    // Base64 is 4/3; the rest of a record is some 160 bytes.
    make_room(out, 16 + run.bytes / 3 * 4 + records * 176);
    out.extend_from_slice(b"\"Records\":[");
    log.visit(run.first, run.end, |record| {
        if record.index > run.first {
            out.push(b',');
        }
        write_record(out, shard, &record);
        true
    });
    out.push(b']');
}

fn write_record(out: &mut Vec<u8>, shard: &Shard, record: &Stored<'_>) {
    out.extend_from_slice(b"{\"SequenceNumber\":\"");
    shard.sequence(record.index, record.arrival_ms).write(out);
    out.extend_from_slice(b"\",\"ApproximateArrivalTimestamp\":");
    write_seconds(out, record.arrival_ms);
    out.extend_from_slice(b",\"Data\":\"");
    base64_simd::STANDARD.encode_append(record.data, out);
    out.extend_from_slice(b"\",\"PartitionKey\":");
    write_text(out, record.partition_key);
    out.push(b'}');
}

/// Milliseconds as seconds with three decimals.
fn write_seconds(out: &mut Vec<u8>, epoch_ms: u64) {
    let mut buffer = itoa::Buffer::new();
    out.extend_from_slice(buffer.format(epoch_ms / 1000).as_bytes());
    let millis = (epoch_ms % 1000) as u16;
    let digit = |n: u16| b'0' + (n % 10) as u8;
    out.extend_from_slice(&[b'.', digit(millis / 100), digit(millis / 10), digit(millis)]);
}

/// A JSON string; nearly always nothing in it needs escaping.
fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    if text.iter().all(|&b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
    } else {
        // Partition keys came in as JSON strings, so they are UTF-8, and
        // writing into memory does not fail.
        let text = String::from_utf8_lossy(text);
        let _ = serde_json::to_writer(out, text.as_ref());
    }
}

/// Appends `"MillisBehindLatest":...`.
pub(super) fn write_behind(out: &mut Vec<u8>, run: &Run) {
    out.extend_from_slice(b"\"MillisBehindLatest\":");
    out.extend_from_slice(itoa::Buffer::new().format(run.behind_ms).as_bytes());
}

/// Appends `"ChildShards":[...]`, the shards opened from this closed one.
pub(super) fn write_children<'a>(
    out: &mut Vec<u8>,
    children: impl Iterator<Item = &'a std::sync::Arc<Shard>>,
) {
    let children: Vec<_> = children
        .map(|child| {
            let parents = child.parents.iter().flatten();
            serde_json::json!({
                "ShardId": child.id,
                "ParentShards": parents.map(|&p| super::shard::shard_id(p)).collect::<Vec<_>>(),
                "HashKeyRange": super::describe::hash_key_range(child),
            })
        })
        .collect();
    out.extend_from_slice(b"\"ChildShards\":");
    out.extend_from_slice(serde_json::Value::from(children).to_string().as_bytes());
}
