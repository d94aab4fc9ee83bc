//! An item as DynamoDB JSON.

use super::text::Integer;
use super::{Constant, ItemSink, Layout, Name, Text};
use hrload_workload::Reading;

/// Appends the item that `reading` becomes, as DynamoDB JSON
/// (`{"id":{"S":"..."},...}`). Allocates only when `out` has to grow.
pub fn encode(out: &mut Vec<u8>, layout: Layout, reading: &Reading) {
    out.push(b'{');
    let mut json = ItemJson {
        out,
        first: true,
        lists: 0,
    };
    layout.describe(reading, &mut json);
    out.push(b'}');
}

/// Appends the key attributes of that item alone, in the same form.
pub fn encode_key(out: &mut Vec<u8>, layout: Layout, reading: &Reading) {
    out.push(b'{');
    let mut json = ItemJson {
        out,
        first: true,
        lists: 0,
    };
    layout.describe_key(reading, &mut json);
    out.push(b'}');
}

/// Writes attributes as they come.
struct ItemJson<'a> {
    out: &'a mut Vec<u8>,
    /// Nothing has been written yet at this level.
    first: bool,
    /// Which of the open levels are lists: one bit each, the innermost lowest.
    /// DynamoDB allows 32 levels.
    lists: u64,
}

impl ItemJson<'_> {
    /// Writes what leads up to a value; the first at its level has no comma
    /// before it. Inlined, as all of this is: what is known of a layout is
    /// then known to the compiler, and only values are left to be told apart.
    #[inline(always)]
    fn lead(&mut self, before: &'static str) {
        let comma = usize::from(std::mem::take(&mut self.first));
        self.out.extend_from_slice(&before.as_bytes()[comma..]);
    }

    #[inline(always)]
    fn open(&mut self, list: bool) {
        self.lists = self.lists << 1 | u64::from(list);
        self.first = true;
    }
}

impl ItemSink for ItemJson<'_> {
    #[inline(always)]
    fn string(&mut self, name: Name, value: impl Text) {
        self.lead(name.string);
        value.append_to(self.out);
        self.out.extend_from_slice(b"\"}");
    }

    #[inline(always)]
    fn number(&mut self, name: Name, value: u64) {
        self.lead(name.number);
        Integer(value).append_to(self.out);
        self.out.extend_from_slice(b"\"}");
    }

    #[inline(always)]
    fn boolean(&mut self, name: Name, value: bool) {
        self.lead(name.boolean);
        self.out
            .extend_from_slice(if value { b"true}" } else { b"false}" });
    }

    #[inline(always)]
    fn map(&mut self, name: Name) {
        self.lead(name.map);
        self.open(false);
    }

    #[inline(always)]
    fn list(&mut self, name: Name) {
        self.lead(name.list);
        self.open(true);
    }

    #[inline(always)]
    fn constant(&mut self, constant: &'static Constant) {
        self.lead(constant.json);
    }

    #[inline(always)]
    fn end(&mut self) {
        self.out
            .extend_from_slice(if self.lists & 1 == 1 { b"]}" } else { b"}}" });
        self.lists >>= 1;
        self.first = false;
    }
}

/// Whether a byte stands in a JSON string as it is.
#[inline]
pub(super) fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// Appends the inside of a JSON string.
#[inline]
pub(super) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    // No short cut, so that the compiler can look at many bytes at once.
    if text.bytes().fold(true, |all, b| all & is_plain(b)) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..b' ' => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn escaped_text_reads_back_as_it_was(text in any::<String>()) {
            let mut quoted = vec![b'"'];
            push_escaped(&mut quoted, &text);
            quoted.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&quoted).unwrap(), text);
        }
    }
}
