//! A scanner over JSON bytes that builds nothing.
//!
//! It reads what it is asked for and steps over the rest. What is stepped over
//! is checked only as far as finding its end needs: quotes and brackets must
//! balance, no more.

use super::DecodeError;

/// A place in JSON bytes.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A JSON string as it stands between its quotes, escapes and all.
///
/// The names and values that matter here are plain ASCII, which no service
/// escapes; one with an escape holds a backslash and so equals none of them.
pub(super) type Raw<'a> = &'a [u8];

// Everything that takes `&mut self` is inlined, and what is not takes the bytes
// and the place by value: so the place stays in a register. Kept in memory,
// it would be stored and loaded again for every token, which costs more than
// looking at the token.
impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[inline(always)]
    pub(super) fn error(&self, expected: &'static str) -> DecodeError {
        DecodeError {
            expected,
            at: self.at,
        }
    }

    /// The byte that the next value starts with.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => {
                self.at = after_space(self.bytes, self.at);
                self.bytes.get(self.at).copied()
            }
        }
    }

    #[inline(always)]
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline(always)]
    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), DecodeError> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(self.error(expected))
        }
    }

    /// Nothing but white space is left.
    pub(super) fn finish(&mut self) -> Result<(), DecodeError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("the end")),
        }
    }

    /// Reads a string.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Raw<'a>, DecodeError> {
        self.expect(b'"', "a string")?;
        match string_end(self.bytes, self.at) {
            Some(end) => {
                let raw = &self.bytes[self.at..end];
                self.at = end + 1;
                Ok(raw)
            }
            None => Err(self.error("a closing quote")),
        }
    }

    /// Reads a number, as it is written.
    #[inline(always)]
    pub(super) fn number(&mut self) -> Result<&'a [u8], DecodeError> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.error("a number"));
        }
        let end = number_end(self.bytes, self.at);
        let number = &self.bytes[self.at..end];
        self.at = end;
        Ok(number)
    }

    /// Reads an object; `member` is called with each name and must read its value.
    #[inline(always)]
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Raw<'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.expect(b'{', "an object")?;
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let name = self.string()?;
            self.expect(b':', "a colon")?;
            member(self, name)?;
            if !self.eat(b',') {
                return self.expect(b'}', "a comma or the end of the object");
            }
        }
    }

    /// Reads an array; `element` is called before each element and must read it.
    #[inline(always)]
    pub(super) fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.expect(b'[', "an array")?;
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.eat(b',') {
                return self.expect(b']', "a comma or the end of the array");
            }
        }
    }

    /// Steps over a value and returns it as it is written.
    #[inline(always)]
    pub(super) fn skip(&mut self) -> Result<&'a [u8], DecodeError> {
        self.peek();
        match value_end(self.bytes, self.at) {
            Some(end) => {
                let value = &self.bytes[self.at..end];
                self.at = end;
                Ok(value)
            }
            None => Err(self.error("a value")),
        }
    }
}

fn after_space(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let space = |b: &u8| matches!(b, b' ' | b'\n' | b'\r' | b'\t');
    from + rest.iter().take_while(|b| space(b)).count()
}

fn number_end(bytes: &[u8], from: usize) -> usize {
    let digit = |b: &u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    from + bytes[from..].iter().take_while(|b| digit(b)).count()
}

/// Where the value that starts at `from` ends.
fn value_end(bytes: &[u8], from: usize) -> Option<usize> {
    match bytes.get(from)? {
        b'"' => string_end(bytes, from + 1).map(|end| end + 1),
        b'{' | b'[' => nested_end(bytes, from),
        b'-' | b'0'..=b'9' => Some(number_end(bytes, from)),
        _ => {
            let rest = &bytes[from..];
            let literals: [&[u8]; 3] = [b"null", b"true", b"false"];
            let literal = literals.iter().find(|literal| rest.starts_with(literal))?;
            Some(from + literal.len())
        }
    }
}

/// Where the object or array that starts at `from` ends. Counts brackets
/// instead of recursing, so that no input can exhaust the stack.
fn nested_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let mut depth = 0usize;
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        match byte {
            b'"' => at = string_end(bytes, at)? + 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
}

/// Where the closing quote of the string stands whose inside starts at `from`.
///
/// Most strings here are shorter than the call of a vectorised search takes;
/// their bytes are therefore looked at eight at a time, in place. Longer ones
/// are left to `memchr`.
#[inline(always)]
fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let Some((near, _)) = bytes.get(from..).and_then(<[u8]>::split_first_chunk::<16>) else {
        return string_end_far(bytes, from);
    };
    let (first, second) = near.split_at(8);
    let mut at = quote_or_backslash(first);
    if at == 8 {
        at += quote_or_backslash(second);
        if at == 16 {
            return string_end_far(bytes, from + 16);
        }
    }
    if near[at] == b'"' {
        Some(from + at)
    } else {
        string_end_far(bytes, from + at)
    }
}

/// The same, for what is long, escaped or near the end of the input.
#[inline(never)]
fn string_end_far(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2; // the escaped byte may itself be a quote
    }
}

/// Which of eight bytes is the first quote or backslash; 8 if none is.
#[inline(always)]
fn quote_or_backslash(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);
    // The lowest set top bit marks the first zero byte; bits above it may lie.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
    let Some(bytes) = bytes.first_chunk() else {
        return 0;
    };
    let word = u64::from_le_bytes(*bytes);
    let hits = zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64));
    hits.trailing_zeros() as usize / 8
}

/// A JSON string with its escapes resolved; what is no valid string is taken
/// as it stands. Allocates: for messages, not for records.
pub(super) fn unescape(raw: Raw<'_>) -> String {
    let mut quoted = Vec::with_capacity(raw.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(raw);
    quoted.push(b'"');
    serde_json::from_slice(&quoted).unwrap_or_else(|_| String::from_utf8_lossy(raw).into_owned())
}
