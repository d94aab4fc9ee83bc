//! A cursor over JSON text: one pass, no tree, no recursion.
//!
//! In goes a request body known to be UTF-8; out come its strings, members and
//! elements in document order, each checked against the grammar of RFC 8259.

use std::borrow::Cow;

/// The text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// What kind of value comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    True,
    False,
    Null,
    /// A number; whether it is written with a point or an exponent.
    Number {
        decimal: bool,
    },
}

/// A string as it stands between its quotes, escapes checked but not resolved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// The string with its escapes resolved.
    pub(super) fn resolve(self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(unescape(self.raw))
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// Appends the string in the one form in which strings are stored and
    /// compared: quoted, escaping only what must be. Returns its length in
    /// UTF-8 bytes, escapes resolved.
    pub(super) fn write_canonical(self, out: &mut Vec<u8>) -> usize {
        if self.escaped {
            let text = unescape(self.raw);
            write_string(out, &text);
            text.len()
        } else {
            out.push(b'"');
            out.extend_from_slice(self.raw.as_bytes());
            out.push(b'"');
            self.raw.len()
        }
    }
}

/// Appends `text` as a JSON string in canonical form.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x00..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Resolves the escapes of a string whose escapes are known to be right.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        let mut used = at + 2;
        match escape {
            b'n' => text.push('\n'),
            b't' => text.push('\t'),
            b'r' => text.push('\r'),
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'u' => {
                let high = hex4(rest.as_bytes(), at + 2).unwrap_or(0xfffd);
                used += 4;
                let code = if (0xd800..0xdc00).contains(&high) {
                    let low = hex4(rest.as_bytes(), used + 2).unwrap_or(0xdc00);
                    used += 6;
                    0x1_0000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff)
                } else {
                    high
                };
                text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => text.push(char::from(other)),
        }
        rest = rest.get(used..).unwrap_or("");
    }
    text.push_str(rest);
    text
}

/// How many bytes there are before the first that means something in a string:
/// a quote, a backslash or a control character. Eight at a time: strings are
/// most of a body.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = 0x80 * ONES;
    /// The high bit of each byte below `least`, up to the first of them at least.
    fn below(word: u64, least: u8) -> u64 {
        word.wrapping_sub(u64::from(least) * ONES) & !word & HIGH
    }
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = below(word ^ (u64::from(b'"') * ONES), 1);
        let backslash = below(word ^ (u64::from(b'\\') * ONES), 1);
        let found = quote | backslash | below(word, 0x20);
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0x00..=0x1f);
    words.len() * 8 + rest.iter().position(special).unwrap_or(rest.len())
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |value, &digit| {
        Some(value * 16 + char::from(digit).to_digit(16)?)
    })
}

/// The string that canonical JSON text (with its quotes) stands for.
pub(super) fn canonical_text(quoted: &[u8]) -> Cow<'_, str> {
    let inner = quoted
        .get(1..quoted.len().saturating_sub(1))
        .and_then(|inner| std::str::from_utf8(inner).ok())
        .unwrap_or("");
    if memchr::memchr(b'\\', inner.as_bytes()).is_some() {
        Cow::Owned(unescape(inner))
    } else {
        Cow::Borrowed(inner)
    }
}

/// The open containers around a value: whether each is an object. A bit each;
/// only what is nested more than 64 deep allocates.
#[derive(Debug, Default)]
struct Open {
    depth: usize,
    objects: u64,
    deeper: Vec<bool>,
}

impl Open {
    fn push(&mut self, object: bool) {
        if self.depth < 64 {
            self.objects = self.objects & !(1 << self.depth) | u64::from(object) << self.depth;
        } else {
            self.deeper.push(object);
        }
        self.depth += 1;
    }

    fn last(&self) -> Option<bool> {
        match self.depth {
            0 => None,
            depth @ 1..=64 => Some(self.objects >> (depth - 1) & 1 == 1),
            _ => self.deeper.last().copied(),
        }
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.deeper.truncate(self.depth.saturating_sub(64));
    }
}

/// A place in JSON text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// How far the cursor is, in bytes.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The text from `start` to here.
    pub(super) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// The next byte that is not white space, without taking it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Takes `byte`, which must come next.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    /// Whether nothing but white space is left.
    pub(super) fn finish(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Malformed),
        }
    }

    /// The kind of the next value, judged by how it begins.
    pub(super) fn kind(&mut self) -> Result<Kind, Malformed> {
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b't') => Ok(Kind::True),
            Some(b'f') => Ok(Kind::False),
            Some(b'n') => Ok(Kind::Null),
            Some(b'-' | b'0'..=b'9') => {
                let mut ahead = *self;
                let token = ahead.number()?;
                Ok(Kind::Number {
                    decimal: token.contains(['.', 'e', 'E']),
                })
            }
            _ => Err(Malformed),
        }
    }

    /// Takes a string.
    pub(super) fn string(&mut self) -> Result<Text<'a>, Malformed> {
        self.expect(b'"')?;
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain(&bytes[self.at..]);
            match *bytes.get(self.at).ok_or(Malformed)? {
                b'"' => {
                    let raw = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Text { raw, escaped });
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(Malformed),
            }
        }
    }

    /// Takes an escape. Surrogates must come in pairs: half a pair is no character.
    fn escape(&mut self) -> Result<(), Malformed> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match hex4(bytes, self.at + 2).ok_or(Malformed)? {
                0xd800..=0xdbff => {
                    let low = bytes.get(self.at + 6..self.at + 8) == Some(b"\\u");
                    match hex4(bytes, self.at + 8) {
                        Some(0xdc00..=0xdfff) if low => self.at += 12,
                        _ => return Err(Malformed),
                    }
                }
                0xdc00..=0xdfff => return Err(Malformed),
                _ => self.at += 6,
            },
            _ => return Err(Malformed),
        }
        Ok(())
    }

    /// Takes a number and returns it as written.
    pub(super) fn number(&mut self) -> Result<&'a str, Malformed> {
        self.peek();
        let start = self.at;
        self.take_if(|b| b == b'-');
        let integer = self.at;
        if self.digits() == 0 {
            return Err(Malformed);
        }
        if self.text.as_bytes()[integer] == b'0' && self.at > integer + 1 {
            return Err(Malformed);
        }
        if self.take_if(|b| b == b'.') && self.digits() == 0 {
            return Err(Malformed);
        }
        if self.take_if(|b| matches!(b, b'e' | b'E')) {
            self.take_if(|b| matches!(b, b'+' | b'-'));
            if self.digits() == 0 {
                return Err(Malformed);
            }
        }
        Ok(&self.text[start..self.at])
    }

    fn take_if(&mut self, wanted: impl Fn(u8) -> bool) -> bool {
        let takes = self
            .text
            .as_bytes()
            .get(self.at)
            .is_some_and(|&b| wanted(b));
        self.at += usize::from(takes);
        takes
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.take_if(|b| b.is_ascii_digit()) {}
        self.at - start
    }

    /// Takes `true`, `false` or `null`, whichever the next byte announces.
    fn word(&mut self) -> Result<(), Malformed> {
        for word in ["true", "false", "null"] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(());
            }
        }
        Err(Malformed)
    }

    /// The next member's name, inside an object begun with `expect(b'{')`;
    /// `None` after the last, when the closing brace is taken. `first` starts true.
    pub(super) fn member(&mut self, first: &mut bool) -> Result<Option<Text<'a>>, Malformed> {
        if !self.more(first, b'}')? {
            return Ok(None);
        }
        let name = self.string()?;
        self.expect(b':')?;
        Ok(Some(name))
    }

    /// Whether another element follows, inside an array begun with
    /// `expect(b'[')`. Takes the comma, or the closing bracket.
    pub(super) fn element(&mut self, first: &mut bool) -> Result<bool, Malformed> {
        self.more(first, b']')
    }

    fn more(&mut self, first: &mut bool, close: u8) -> Result<bool, Malformed> {
        let next = self.peek().ok_or(Malformed)?;
        if next == close {
            self.at += 1;
            return Ok(false);
        }
        if *first {
            *first = false;
        } else if next == b',' {
            self.at += 1;
        } else {
            return Err(Malformed);
        }
        Ok(true)
    }

    /// Takes one value of any kind and depth and returns its text. Checks it
    /// without recursion, so that no body can exhaust the stack.
    pub(super) fn skip_value(&mut self) -> Result<&'a str, Malformed> {
        self.peek();
        let start = self.at;
        let mut open = Open::default();
        loop {
            match self.peek().ok_or(Malformed)? {
                container @ (b'{' | b'[') => {
                    self.at += 1;
                    let object = container == b'{';
                    if self.entry(object, true)? {
                        open.push(object);
                        continue;
                    }
                }
                b'"' => {
                    self.string()?;
                }
                b'-' | b'0'..=b'9' => {
                    self.number()?;
                }
                _ => self.word()?,
            }
            // A value ends here; go on to the next one in the innermost
            // container that has one.
            loop {
                let Some(object) = open.last() else {
                    return Ok(&self.text[start..self.at]);
                };
                if self.entry(object, false)? {
                    break;
                }
                open.pop();
            }
        }
    }

    /// Goes to the next value of an object or array, or closes it.
    fn entry(&mut self, object: bool, mut first: bool) -> Result<bool, Malformed> {
        if object {
            Ok(self.member(&mut first)?.is_some())
        } else {
            self.element(&mut first)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_of_every_kind_are_skipped_whole() {
        for text in [
            "1",
            "-0.5e+3",
            "\"\"",
            "\"a\\u00e9\\\"\"",
            "true",
            "null",
            "[]",
            "{}",
            "[[],{}]",
            "[1,[2,{\"a\":[3]}],4]",
            "{\"a\":{\"b\":[]},\"c\":1}",
            "[{},{}]",
        ] {
            let padded = format!("  {text} ,");
            let mut cursor = Cursor::new(&padded);
            assert_eq!(cursor.skip_value(), Ok(text), "{text}");
            assert_eq!(cursor.peek(), Some(b','));
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            "-",
            "tru",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\n\"",
            "[1 2]",
            "{\"a\":1 \"b\":2}",
            "]",
            "[}",
            "1e",
        ] {
            let mut cursor = Cursor::new(text);
            let whole = cursor.skip_value().and_then(|_| cursor.finish());
            assert_eq!(whole, Err(Malformed), "{text}");
        }
    }

    #[test]
    fn what_ends_a_string_is_found_wherever_it_stands() {
        for before in 0..20 {
            for special in (0..=0x7f).map(char::from) {
                for after in ["", "\"", "\"x\"\u{1}", "é\"\\"] {
                    let text = format!("\"{}{special}{after}", "aé\u{7f}~".repeat(before));
                    let ours = Cursor::new(&text).string().ok();
                    let ours = ours.map(|text| text.resolve().into_owned());
                    let mut theirs = serde_json::Deserializer::from_str(&text).into_iter();
                    let theirs = theirs.next().and_then(Result::<String, _>::ok);
                    assert_eq!(ours, theirs, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn a_very_deep_value_is_skipped_without_exhausting_the_stack() {
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert!(Cursor::new(&deep).skip_value().is_ok());
    }

    proptest! {
        #[test]
        fn the_cursor_accepts_exactly_what_serde_json_accepts(text in "[\\[\\]{}:,\"\\\\a0-9.eu\\- ]{0,24}") {
            let mut cursor = Cursor::new(&text);
            let ours = cursor.skip_value().and_then(|_| cursor.finish()).is_ok();
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            // serde_json ignores lone surrogates when it ignores values.
            prop_assert_eq!(ours, theirs, "{}", text);
        }

        #[test]
        fn strings_survive_escaping_and_the_canonical_form_is_unique(text in "\\PC{0,20}|[\u{0}-\u{30}]{0,8}") {
            let mut canonical = Vec::new();
            write_string(&mut canonical, &text);
            prop_assert_eq!(canonical_text(&canonical), text.as_str());
            let escaped: String = text.encode_utf16().map(|u| format!("\\u{u:04x}")).collect();
            let quoted = format!("\"{escaped}\"");
            let mut again = Vec::new();
            let parsed = Cursor::new(&quoted).string().unwrap();
            prop_assert_eq!(parsed.write_canonical(&mut again), text.len());
            prop_assert_eq!(again, canonical);
        }
    }
}
