//! BatchWriteItem request bodies.

use super::{Layout, item};
use hrload_workload::Reading;

/// The most operations BatchWriteItem takes in one call.
pub const MAX_ITEMS: usize = 25;

/// Appends the body of a BatchWriteItem call that puts `readings` into
/// `table`, with `ReturnConsumedCapacity` TOTAL. Allocates only when `body`
/// has to grow. `table` must be a valid table name (`[a-zA-Z0-9_.-]`).
pub fn encode<'a>(
    body: &mut Vec<u8>,
    table: &str,
    layout: Layout,
    readings: impl IntoIterator<Item = &'a Reading>,
) {
    body.extend_from_slice(b"{\"RequestItems\":{\"");
    item::push_escaped(body, table);
    body.extend_from_slice(b"\":[");
    for (index, reading) in readings.into_iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(b"{\"PutRequest\":{\"Item\":");
        item::encode(body, layout, reading);
        body.extend_from_slice(b"}}");
    }
    body.extend_from_slice(b"]},\"ReturnConsumedCapacity\":\"TOTAL\"}");
}
