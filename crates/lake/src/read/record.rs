//! Records in the text of an object.
//!
//! A record is a JSON object. Records stand one behind the other, with newlines
//! between or without. What is no JSON costs the rest of its line: the next line
//! begins anew.

use serde::Deserialize;
use serde_json::Deserializer;
use serde_json::value::RawValue;

/// What stands before a text that some tools write.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How many values over several lines may be looked for in vain, and how far: a
/// text of lines that each begin one and end none is still read in linear time.
const LOOKS: u32 = 16;
const LOOK_BYTES: usize = 1 << 20;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A JSON object, as it is written.
    Record(&'a [u8]),
    /// JSON that is none.
    Other,
    /// No JSON, up to the end of its line: the cause.
    Broken(String),
}

/// The pieces of a text, each with its place in bytes from the text's start.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    text: &'a [u8],
    at: usize,
    /// Where the line ends that is being read.
    line_end: usize,
    looks: u32,
    /// Where the last line begins to be broken, if more of it may come.
    unfinished: Option<usize>,
}

impl<'a> Records<'a> {
    /// Those of a text.
    #[must_use]
    pub fn of(text: &'a [u8]) -> Self {
        Self::from(text, 0)
    }

    /// Those of a text that was read up to `at`, as [`read_to`](Self::read_to) said.
    #[must_use]
    pub fn from(text: &'a [u8], at: usize) -> Self {
        let at = at.min(text.len());
        Self {
            text,
            at,
            line_end: at,
            looks: LOOKS,
            unfinished: None,
        }
    }

    /// How far the text was read, in bytes from its start.
    #[must_use]
    pub fn read_to(&self) -> usize {
        self.at
    }

    /// Where to go on when more was written behind the text: before a last line that
    /// was cut off.
    #[must_use]
    pub fn whole_to(&self) -> usize {
        self.unfinished.unwrap_or(self.at)
    }

    fn end_of_line(&self) -> usize {
        let rest = &self.text[self.at..];
        memchr::memchr(b'\n', rest).map_or(self.text.len(), |newline| self.at + newline + 1)
    }

    /// The value that begins at `at`.
    fn value(&mut self) -> Piece<'a> {
        let from = self.at;
        let line = self.text[from..self.line_end].trim_ascii_end();
        let mut length = length(line);
        let is_last = self.line_end == self.text.len();
        if let Err(error) = &length
            && error.is_eof()
        {
            if is_last {
                self.unfinished = Some(from);
            } else if self.looks > 0 {
                let end = self.text.len().min(from + LOOK_BYTES);
                match self::length(&self.text[from..end]) {
                    Ok(over_lines) => length = Ok(over_lines),
                    Err(_) => self.looks -= 1,
                }
            }
        }
        let value = match length {
            Ok(length) => {
                self.at = from + length;
                if self.at > self.line_end {
                    self.line_end = self.end_of_line();
                }
                &self.text[from..self.at]
            }
            Err(error) => {
                self.at = self.line_end;
                return Piece::Broken(said(&error));
            }
        };
        if has_half_a_pair(value) {
            self.at = self.line_end;
            return Piece::Broken("it has half of a surrogate pair, which is no text".to_owned());
        }
        match value.first() {
            Some(b'{') => Piece::Record(value),
            _ => Piece::Other,
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (usize, Piece<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.at == self.line_end {
                if self.at == self.text.len() {
                    return None;
                }
                self.line_end = self.end_of_line();
                if self.text[self.at..].starts_with(BYTE_ORDER_MARK) {
                    self.at += BYTE_ORDER_MARK.len();
                }
            }
            let line = &self.text[self.at..self.line_end];
            let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            self.at += line.iter().take_while(space).count();
            if self.at < self.line_end {
                let from = self.at;
                return Some((from, self.value()));
            }
        }
    }
}

/// How long the JSON value is that `text` begins with.
fn length(text: &[u8]) -> serde_json::Result<usize> {
    let mut text = Deserializer::from_slice(text);
    <&RawValue>::deserialize(&mut text).map(|value| value.get().len())
}

/// An error without its place, which is told otherwise.
fn said(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "it is cut off".to_owned();
    }
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some(("expected value", _)) => "no JSON begins there".to_owned(),
        Some((cause, _)) => cause.to_owned(),
        None => text,
    }
}

/// Whether a string in this JSON has half of a surrogate pair (`\ud83d` alone).
fn has_half_a_pair(json: &[u8]) -> bool {
    let unit = |at: usize| -> Option<u16> {
        let escape = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(escape).ok()?, 16).ok()
    };
    let mut at = 0;
    while let Some(next) = memchr::memchr(b'\\', &json[at..]) {
        at += next;
        at += match unit(at) {
            // Any other escape is a backslash and one byte more.
            None => 2,
            Some(0xd800..=0xdbff) => match unit(at + 6) {
                Some(0xdc00..=0xdfff) => 12,
                _ => return true,
            },
            Some(0xdc00..=0xdfff) => return true,
            Some(_) => 6,
        };
        at = at.min(json.len());
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Places and kinds: `r` a record, `o` another value, `b` broken.
    fn kinds(text: &[u8]) -> Vec<(usize, char)> {
        let kind = |piece| match piece {
            Piece::Record(_) => 'r',
            Piece::Other => 'o',
            Piece::Broken(_) => 'b',
        };
        Records::of(text)
            .map(|(at, piece)| (at, kind(piece)))
            .collect()
    }

    #[test]
    fn what_is_no_json_costs_the_rest_of_its_line() {
        for (text, expected) in [
            (&b""[..], vec![]),
            (b"\r\n \n", vec![]),
            (b"{}{}\n{}", vec![(0, 'r'), (2, 'r'), (5, 'r')]),
            (b"{\"a\":1}\r\n{}\r\n", vec![(0, 'r'), (9, 'r')]),
            (
                b"{} 7 \"x\" [{}]\n",
                vec![(0, 'r'), (3, 'o'), (5, 'o'), (9, 'o')],
            ),
            (b"{}\n{\"a\":\n{}\n", vec![(0, 'r'), (3, 'b'), (9, 'r')]),
            (b"{}\n{\"a\":\"x\n{}\n", vec![(0, 'r'), (3, 'b'), (11, 'r')]),
            (b"{} oh {}\n{}", vec![(0, 'r'), (3, 'b'), (9, 'r')]),
            (
                b"{\n \"a\": [\n1]\n} {}\n{}",
                vec![(0, 'r'), (15, 'r'), (18, 'r')],
            ),
            (b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}", vec![(3, 'r'), (9, 'r')]),
            (b"{\"a\":\"\xff\"}\n{}", vec![(0, 'b'), (10, 'r')]),
            (b"{\"x\":\"a\\ud83d\"}\n{}", vec![(0, 'b'), (16, 'r')]),
            (b"{\"x\":\"\\ud83d\\ude00 \\\\ud83d\"}", vec![(0, 'r')]),
            (b"{\"x\":\"\\ude00\\ud83d\"}", vec![(0, 'b')]),
            (b"\0\0\0", vec![(0, 'b')]),
        ] {
            assert_eq!(kinds(text), expected, "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_last_line_that_was_cut_off_may_still_be_finished() {
        let text = b"{\"a\":1}\n{\"a\":";
        let mut records = Records::of(text);
        assert_eq!(records.by_ref().count(), 2);
        assert_eq!((records.read_to(), records.whole_to()), (text.len(), 8));
        let mut records = Records::of(b"{}\n{\"a\":\n{}");
        assert_eq!(records.by_ref().count(), 3);
        assert_eq!(records.whole_to(), 11);
    }

    #[test]
    fn lines_that_begin_what_they_do_not_end_are_read_in_linear_time() {
        // Were each looked at to the end of the text, this would take hours.
        let text = b"[\n".repeat(500_000);
        assert_eq!(Records::of(&text).count(), 500_000);
    }

    proptest! {
        #[test]
        fn good_lines_are_found_whatever_stands_between(
            lines in proptest::collection::vec(
                prop_oneof![Just(None), "[^\\n]{0,40}".prop_map(Some)], 0..40
            )
        ) {
            let good = b"{\"good\":\"line\"}";
            let mut text = Vec::new();
            for line in &lines {
                text.extend_from_slice(line.as_ref().map_or(&good[..], |of| of.as_bytes()));
                text.push(b'\n');
            }
            let found = Records::of(&text);
            let found = found.filter(|(_, piece)| *piece == Piece::Record(good)).count();
            let expected = lines.iter().filter(|line| line.is_none()).count();
            prop_assert!(found >= expected);
        }

        #[test]
        fn any_bytes_are_read_to_their_end(text: Vec<u8>) {
            let mut records = Records::of(&text);
            records.by_ref().for_each(drop);
            prop_assert_eq!(records.read_to(), text.len());
        }
    }
}
