//! From a change to its record's bytes.

use super::{ChangeKind, Precision};
use crate::item::push_escaped;

/// One change as the embedded DynamoDB knows it; images are DynamoDB JSON
/// (`{"id":{"S":"..."},...}`).
#[derive(Clone, Copy, Debug)]
pub struct ChangeImage<'a> {
    /// `awsRegion`.
    pub region: &'a str,
    /// `eventID`: 128 bits, written as a UUID.
    pub event_id: u128,
    /// `eventName`.
    pub kind: ChangeKind,
    /// `tableName`.
    pub table: &'a str,
    /// Creation time in microseconds since the Unix epoch.
    pub created_us: u64,
    /// Unit in which the creation time is written. `None` is DynamoDB's
    /// default: milliseconds, and no precision field.
    pub precision: Option<Precision>,
    /// `Keys`.
    pub keys: &'a [u8],
    /// `NewImage`; none for a removal.
    pub new_image: Option<&'a [u8]>,
    /// `OldImage`; none for an insert.
    pub old_image: Option<&'a [u8]>,
    /// `SizeBytes`: keys and images, by the item-size rule.
    pub size_bytes: usize,
}

/// Appends the record's JSON, byte for byte in the shape and field order seen
/// from AWS (no trailing newline). Allocates only when `out` has to grow.
pub fn encode(out: &mut Vec<u8>, image: &ChangeImage<'_>) {
    let images = [Some(image.keys), image.new_image, image.old_image];
    let images_bytes: usize = images.iter().flatten().map(|image| image.len()).sum();
    out.reserve(ENVELOPE_BYTES + images_bytes);

    out.extend_from_slice(b"{\"awsRegion\":\"");
    push_escaped(out, image.region);
    out.extend_from_slice(b"\",\"eventID\":\"");
    out.extend_from_slice(&uuid(image.event_id));
    out.extend_from_slice(match image.kind {
        ChangeKind::Insert => b"\",\"eventName\":\"INSERT\"",
        ChangeKind::Modify => b"\",\"eventName\":\"MODIFY\"",
        ChangeKind::Remove => b"\",\"eventName\":\"REMOVE\"",
    });
    out.extend_from_slice(
        b",\"userIdentity\":null,\"recordFormat\":\"application/json\",\"tableName\":\"",
    );
    push_escaped(out, image.table);
    out.extend_from_slice(b"\",\"dynamodb\":{\"ApproximateCreationDateTime\":");
    let grain_us = image.precision.unwrap_or(Precision::Millisecond).grain_us();
    push_number(out, image.created_us / grain_us);
    out.extend_from_slice(b",\"Keys\":");
    out.extend_from_slice(image.keys);
    if let Some(new_image) = image.new_image {
        out.extend_from_slice(b",\"NewImage\":");
        out.extend_from_slice(new_image);
    }
    if let Some(old_image) = image.old_image {
        out.extend_from_slice(b",\"OldImage\":");
        out.extend_from_slice(old_image);
    }
    out.extend_from_slice(b",\"SizeBytes\":");
    push_number(out, image.size_bytes as u64);
    out.extend_from_slice(match image.precision {
        // DynamoDB has no name for seconds: who writes them leaves it out.
        None | Some(Precision::Second) => b"",
        Some(Precision::Millisecond) => {
            b",\"ApproximateCreationDateTimePrecision\":\"MILLISECOND\"".as_slice()
        }
        Some(Precision::Microsecond) => {
            b",\"ApproximateCreationDateTimePrecision\":\"MICROSECOND\""
        }
    });
    out.extend_from_slice(b"},\"eventSource\":\"aws:dynamodb\"}");
}

/// A record without its images is at most this long, but for unusual names.
const ENVELOPE_BYTES: usize = 512;

fn push_number(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// 128 bits as 8-4-4-4-12 lower-case hexadecimal digits.
fn uuid(bits: u128) -> [u8; 36] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (index, byte) in bits.to_be_bytes().into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    text
}
