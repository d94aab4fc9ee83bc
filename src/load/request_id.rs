//! What a service calls a request.

use std::fmt;

/// `x-amzn-RequestId`, which AWS's support asks for; empty where there was none. Held in
/// place, so that keeping it allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    length: u8,
    bytes: [u8; RequestId::LONGEST],
}

impl RequestId {
    /// DynamoDB's have 52 letters. Longer ones are cut.
    pub const LONGEST: usize = 63;

    /// The id that stands in a header.
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let length = text.len().min(Self::LONGEST);
        let mut id = Self::default();
        // What is no visible ASCII is no request id of AWS's.
        if text[..length].iter().all(u8::is_ascii_graphic) {
            id.length = length as u8;
            id.bytes[..length].copy_from_slice(&text[..length]);
        }
        id
    }

    /// The id; `None` if there was none.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.bytes[..usize::from(self.length)]).ok()?;
        Some(text).filter(|text| !text.is_empty())
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self {
            length: 0,
            bytes: [0; Self::LONGEST],
        }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().unwrap_or("-"))
    }
}
