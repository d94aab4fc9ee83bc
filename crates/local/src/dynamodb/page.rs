//! One page of a Query or Scan: up to `Limit` items, up to 1 MB.

use super::key::Schema;
use super::request::ConsumedDetail;
use super::store::Stored;
use hrload_capacity::size::read_units;

/// The most bytes of items on a page, by the item-size rule
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html>).
pub(super) const MAX_PAGE_BYTES: usize = 1 << 20;

/// The read units of a scan: each partition it comes through is charged by
/// itself, an empty one with the least there is.
#[derive(Debug)]
pub(super) struct ScanMeter {
    /// The last hash of each partition.
    ends: Vec<u64>,
    /// The partition that is being read.
    at: usize,
    /// Bytes read of it.
    bytes: usize,
    /// Units of those before.
    units: f64,
    consistent: bool,
}

impl ScanMeter {
    /// A scan that begins at the hash `first`.
    pub(super) fn new(ends: Vec<u64>, first: u64, consistent: bool) -> Self {
        Self {
            at: ends.partition_point(|end| *end < first),
            ends,
            bytes: 0,
            units: 0.0,
            consistent,
        }
    }

    /// Reads so many bytes at a hash.
    pub(super) fn read(&mut self, hash: u64, bytes: usize) {
        self.reach(hash);
        self.bytes += bytes;
    }

    /// Comes to the partition of a hash.
    pub(super) fn reach(&mut self, hash: u64) {
        while self.ends.get(self.at).is_some_and(|end| *end < hash) {
            self.units += read_units(self.bytes, self.consistent);
            self.bytes = 0;
            self.at += 1;
        }
    }

    /// Units of all that was read.
    pub(super) fn units(&self) -> f64 {
        self.units + read_units(self.bytes, self.consistent)
    }
}

/// A page being filled.
#[derive(Debug)]
pub(super) struct Page {
    limit: usize,
    counts_only: bool,
    items: Vec<u8>,
    count: usize,
    bytes: usize,
    last: Vec<u8>,
    truncated: bool,
}

impl Page {
    pub(super) fn new(limit: Option<usize>, counts_only: bool) -> Self {
        Self {
            limit: limit.unwrap_or(usize::MAX),
            counts_only,
            items: Vec::new(),
            count: 0,
            bytes: 0,
            last: Vec::new(),
            truncated: false,
        }
    }

    /// Whether no more items go onto it.
    pub(super) fn is_full(&self) -> bool {
        self.truncated
    }

    /// Adds the next item unless the page is full, or full without it; says
    /// whether it did.
    pub(super) fn add(&mut self, item: Stored<'_>) -> bool {
        if self.count > 0 && self.bytes + item.bytes > MAX_PAGE_BYTES {
            self.truncated = true;
            return false;
        }
        self.count += 1;
        self.bytes += item.bytes;
        self.last.clear();
        self.last.extend_from_slice(item.json);
        if !self.counts_only {
            if !self.items.is_empty() {
                self.items.push(b',');
            }
            self.items.extend_from_slice(item.json);
        }
        // DynamoDB stops at the limit without looking whether more follows.
        self.truncated = self.count >= self.limit;
        true
    }

    /// Read units of the page.
    pub(super) fn units(&self, consistent: bool) -> f64 {
        read_units(self.bytes, consistent)
    }

    /// Appends the answer; `units` is what it costs.
    pub(super) fn write(
        &self,
        schema: &Schema,
        table: &str,
        units: f64,
        consumed: ConsumedDetail,
        answer: &mut Vec<u8>,
    ) {
        answer.push(b'{');
        if !self.counts_only {
            answer.extend_from_slice(b"\"Items\":[");
            answer.extend_from_slice(&self.items);
            answer.extend_from_slice(b"],");
        }
        let count = self.count;
        answer.extend_from_slice(format!("\"Count\":{count},\"ScannedCount\":{count}").as_bytes());
        if self.truncated {
            answer.extend_from_slice(b",\"LastEvaluatedKey\":");
            schema.write_key(&self.last, answer);
        }
        if consumed != ConsumedDetail::None {
            answer.extend_from_slice(b",\"ConsumedCapacity\":");
            consumed.write(table, units, answer);
        }
        answer.push(b'}');
    }
}
