//! Items and values: from a client's JSON to the one form in which they are
//! stored, compared, returned and captured.
//!
//! In go a cursor at an item or key; out come its canonical JSON (attributes
//! in order of name, numbers and strings normalised, sets sorted, so that two
//! items are equal when their bytes are), its size by the item-size rule, and
//! what DynamoDB would refuse about its values. One pass; once the arena is
//! warm, strings, numbers, maps and lists allocate nothing.

use super::json::{Cursor, Kind, Malformed};
use super::number::{self, Number};
use super::problem::{ATTRIBUTE_VALUE, Problems, Wording};
use super::sets;
use hrload_capacity::size::{FLAG_BYTES, container_bytes, number_bytes};

/// How many levels of lists and maps a value may have, itself included
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).
const MAX_DEPTH: usize = 32;

/// The longest name an attribute may have, in bytes.
pub(super) const MAX_NAME_BYTES: usize = (64 << 10) - 1;

/// One attribute's place in the arena: `"name":value`, without a comma.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute {
    start: usize,
    name_end: usize,
    end: usize,
    bytes: usize,
}

/// Where canonical JSON is written; reused from call to call.
#[derive(Debug, Default)]
pub(super) struct Arena {
    /// The canonical JSON written so far.
    pub(super) bytes: Vec<u8>,
    attributes: Vec<Attribute>,
    permuted: Vec<u8>,
    /// For whoever needs bytes for a moment; left as it is found.
    pub(super) buffer: Vec<u8>,
}

/// An item or key in the arena.
#[derive(Debug, Clone, Default)]
pub(super) struct Image {
    /// Its canonical JSON in [`Arena::bytes`].
    pub(super) span: std::ops::Range<usize>,
    /// Its size by the item-size rule.
    pub(super) bytes: usize,
    /// How many attributes it has.
    pub(super) attributes: usize,
}

impl Arena {
    /// Forgets everything, keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.attributes.clear();
    }

    /// The canonical JSON of `image`.
    pub(super) fn json(&self, image: &Image) -> &[u8] {
        &self.bytes[image.span.clone()]
    }
}

/// The value of a top-level attribute in an item's canonical JSON
/// (`{"S":"x"}`). `quoted_name` is the name's canonical JSON string.
///
/// Relies on what this module writes: no white space, every value an object.
pub(super) fn attribute<'a>(item: &'a [u8], quoted_name: &[u8]) -> Option<&'a [u8]> {
    let mut at = 1;
    while let Some((name_end, end)) = attribute_at(item, at) {
        if &item[at..name_end] == quoted_name {
            return Some(&item[name_end + 1..end]);
        }
        at = end + 1;
    }
    None
}

/// All top-level attributes in an item's canonical JSON: name, quoted, and value.
pub(super) fn attributes(item: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut at = 1;
    std::iter::from_fn(move || {
        let (name_end, end) = attribute_at(item, at)?;
        let attribute = (&item[at..name_end], &item[name_end + 1..end]);
        at = end + 1;
        Some(attribute)
    })
}

/// Where the name of the attribute that begins at `at` ends, and where its value.
#[inline]
fn attribute_at(item: &[u8], at: usize) -> Option<(usize, usize)> {
    if item.get(at) != Some(&b'"') {
        return None;
    }
    let name_end = after_string(item, at)?;
    Some((name_end, after_object(item, name_end + 1)?))
}

/// Where the string that begins at `at` ends.
fn after_string(json: &[u8], at: usize) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let found = from + memchr::memchr2(b'"', b'\\', json.get(from..)?)?;
        if json[found] == b'"' {
            return Some(found + 1);
        }
        from = found + 2;
    }
}

/// Where the object that begins at `at` ends.
fn after_object(json: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match json.get(at)? {
            b'"' => {
                at = after_string(json, at)?;
                continue;
            }
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The type (`S`, `BOOL`, ...) and the content of a canonical value.
pub(super) fn type_and_content(value: &[u8]) -> (&str, &[u8]) {
    // `{"S":...}`
    let end = value
        .get(2..)
        .and_then(|rest| memchr::memchr(b'"', rest))
        .map_or(2, |at| at + 2);
    let kind = value.get(2..end).unwrap_or_default();
    let content = value
        .get(end + 2..value.len().saturating_sub(1))
        .unwrap_or_default();
    (std::str::from_utf8(kind).unwrap_or_default(), content)
}

/// Reads items.
pub(super) struct Reader<'r, 'a> {
    pub(super) cursor: &'r mut Cursor<'a>,
    pub(super) arena: &'r mut Arena,
    pub(super) problems: &'r mut Problems,
    pub(super) wording: Wording,
}

impl Reader<'_, '_> {
    /// Reads an item or a key: an object of attributes. The cursor stands
    /// before it.
    pub(super) fn image(&mut self) -> Result<Image, Malformed> {
        let start = self.arena.bytes.len();
        if self.cursor.kind()? != Kind::Object {
            let kind = self.cursor.kind()?;
            self.problems.wrong_map(kind, ATTRIBUTE_VALUE);
            self.cursor.skip_value()?;
            self.arena.bytes.extend_from_slice(b"{}");
            return Ok(Image {
                span: start..self.arena.bytes.len(),
                bytes: 0,
                attributes: 0,
            });
        }
        let (attributes, bytes) = self.map(0)?;
        Ok(Image {
            span: start..self.arena.bytes.len(),
            bytes,
            attributes,
        })
    }

    /// Reads an object of attributes and writes it in order of name. Returns
    /// how many there are and the size of their names and values.
    fn map(&mut self, depth: usize) -> Result<(usize, usize), Malformed> {
        self.cursor.expect(b'{')?;
        let base = self.arena.attributes.len();
        self.arena.bytes.push(b'{');
        let mut first = true;
        let mut ordered = true;
        while let Some(name) = self.cursor.member(&mut first)? {
            let start = self.arena.bytes.len();
            let name_bytes = name.write_canonical(&mut self.arena.bytes);
            if name_bytes.wrapping_sub(1) >= MAX_NAME_BYTES {
                self.problems.attribute_name(name_bytes);
            }
            let name_end = self.arena.bytes.len();
            self.arena.bytes.push(b':');
            let value_bytes = self.value(depth)?;
            let end = self.arena.bytes.len();
            self.arena.bytes.push(b',');
            if ordered
                && let Some(last) = self.arena.attributes[base..].last()
                && self.arena.bytes[last.start..last.name_end] >= self.arena.bytes[start..name_end]
            {
                ordered = false;
            }
            self.arena.attributes.push(Attribute {
                start,
                name_end,
                end,
                bytes: name_bytes + value_bytes,
            });
        }
        if !ordered {
            self.order(base);
        }
        let arena = &mut *self.arena;
        let attributes = arena.attributes.len() - base;
        let bytes = arena.attributes[base..].iter().map(|a| a.bytes).sum();
        arena.attributes.truncate(base);
        match arena.bytes.last_mut() {
            Some(last @ b',') => *last = b'}',
            _ => arena.bytes.push(b'}'),
        }
        Ok((attributes, bytes))
    }

    /// Puts the attributes from `base` on in order of name; of several with
    /// one name the last stays.
    fn order(&mut self, base: usize) {
        let Arena {
            bytes,
            attributes,
            permuted,
            buffer: _,
        } = &mut *self.arena;
        let Some(start) = attributes[base..].iter().map(|a| a.start).min() else {
            return;
        };
        let name = |a: &Attribute| &bytes[a.start..a.name_end];
        // Stable in document order: a later attribute of the same name comes later.
        attributes[base..]
            .sort_unstable_by(|a, b| name(a).cmp(name(b)).then(a.start.cmp(&b.start)));
        let mut kept = base;
        for next in base..attributes.len() {
            let attribute = attributes[next];
            if kept > base && name(&attributes[kept - 1]) == name(&attribute) {
                kept -= 1;
            }
            attributes[kept] = attribute;
            kept += 1;
        }
        attributes.truncate(kept);
        permuted.clear();
        for attribute in &attributes[base..] {
            permuted.extend_from_slice(&bytes[attribute.start..attribute.end]);
            permuted.push(b',');
        }
        bytes.truncate(start);
        bytes.extend_from_slice(permuted);
    }

    /// Reads one value (`{"S":"x"}`) and writes it. Returns its size.
    fn value(&mut self, depth: usize) -> Result<usize, Malformed> {
        let kind = self.cursor.kind()?;
        if kind != Kind::Object {
            self.cursor.skip_value()?;
            if kind == Kind::Null {
                self.problems.no_type();
            } else {
                self.problems.wrong_json_type(kind, ATTRIBUTE_VALUE);
            }
            self.arena.bytes.extend_from_slice(b"{}");
            return Ok(0);
        }
        if depth >= MAX_DEPTH {
            self.problems.too_deep();
            self.cursor.skip_value()?;
            self.arena.bytes.extend_from_slice(b"{}");
            return Ok(0);
        }
        self.cursor.expect(b'{')?;
        let start = self.arena.bytes.len();
        let mut first = true;
        let mut types = 0;
        let mut bytes = 0;
        while let Some(name) = self.cursor.member(&mut first)? {
            let name = name.resolve();
            let known = matches!(
                &*name,
                "S" | "N" | "B" | "BOOL" | "NULL" | "SS" | "NS" | "BS" | "L" | "M"
            );
            // A member that is null counts as absent.
            if !known || self.cursor.kind()? == Kind::Null {
                self.cursor.skip_value()?;
                continue;
            }
            types += 1;
            self.arena.bytes.truncate(start);
            self.arena.bytes.extend_from_slice(b"{\"");
            self.arena.bytes.extend_from_slice(name.as_bytes());
            self.arena.bytes.extend_from_slice(b"\":");
            bytes = self.content(&name, depth)?;
            self.arena.bytes.push(b'}');
        }
        match types {
            0 => {
                self.problems.no_type();
                self.arena.bytes.extend_from_slice(b"{}");
            }
            1 => {}
            _ => self.problems.several_types(),
        }
        Ok(bytes)
    }

    /// Reads what stands behind a type name and writes it. Returns its size.
    fn content(&mut self, kind: &str, depth: usize) -> Result<usize, Malformed> {
        match kind {
            "S" => self.text(),
            "N" => self.number(),
            "B" => self.binary(),
            "BOOL" => {
                let value = self.flag()?;
                let word: &[u8] = if value { b"true" } else { b"false" };
                self.arena.bytes.extend_from_slice(word);
                Ok(FLAG_BYTES)
            }
            "NULL" => {
                if !self.flag()? {
                    self.problems.null_not_true();
                }
                self.arena.bytes.extend_from_slice(b"true");
                Ok(FLAG_BYTES)
            }
            "L" => self.list(depth),
            "M" => {
                if !self.is(Kind::Object, "java.util.Map")? {
                    self.arena.bytes.extend_from_slice(b"{}");
                    return Ok(0);
                }
                let (attributes, bytes) = self.map(depth + 1)?;
                Ok(container_bytes(attributes) + bytes)
            }
            set => self.set(set),
        }
    }

    /// Whether the next value is of this JSON kind; if not, it is skipped and noted.
    fn is(&mut self, wanted: Kind, class: &str) -> Result<bool, Malformed> {
        let kind = self.cursor.kind()?;
        if kind == wanted {
            return Ok(true);
        }
        self.cursor.skip_value()?;
        self.problems.cannot_convert(kind, class);
        Ok(false)
    }

    fn text(&mut self) -> Result<usize, Malformed> {
        if !self.is(Kind::String, "String")? {
            self.arena.bytes.extend_from_slice(b"\"\"");
            return Ok(0);
        }
        let text = self.cursor.string()?;
        Ok(text.write_canonical(&mut self.arena.bytes))
    }

    fn number(&mut self) -> Result<usize, Malformed> {
        if !self.is(Kind::String, "String")? {
            self.arena.bytes.extend_from_slice(b"\"0\"");
            return Ok(0);
        }
        let text = self.cursor.string()?.resolve();
        let out = &mut self.arena.bytes;
        out.push(b'"');
        let start = out.len();
        if number::is_canonical_integer(&text) {
            out.extend_from_slice(text.as_bytes());
        } else {
            match Number::parse(&text) {
                Ok(number) => number.write(out),
                Err(error) => self.problems.number(error, &text, self.wording),
            }
        }
        let bytes = number_bytes(&out[start..]);
        out.push(b'"');
        Ok(bytes)
    }

    fn binary(&mut self) -> Result<usize, Malformed> {
        if !self.is(Kind::String, "String")? {
            self.arena.bytes.extend_from_slice(b"\"\"");
            return Ok(0);
        }
        let text = self.cursor.string()?.resolve();
        let bytes = match base64_simd::STANDARD.decode_to_vec(text.as_bytes()) {
            // Base64 that decodes is canonical: one text for each content.
            Ok(bytes) => bytes.len(),
            Err(_) => {
                self.problems.not_base64();
                0
            }
        };
        super::json::write_string(&mut self.arena.bytes, &text);
        Ok(bytes)
    }

    /// A Boolean, or one of the words DynamoDB takes for one.
    fn flag(&mut self) -> Result<bool, Malformed> {
        let kind = self.cursor.kind()?;
        if kind == Kind::String {
            let word = self.cursor.string()?.resolve().to_ascii_lowercase();
            return Ok(match word.as_str() {
                "true" | "t" | "yes" | "y" | "1" => true,
                "false" | "f" | "no" | "n" | "0" => false,
                _ => {
                    self.problems.unexpected_token();
                    true
                }
            });
        }
        self.cursor.skip_value()?;
        match kind {
            Kind::True => Ok(true),
            Kind::False => Ok(false),
            _ => {
                self.problems.cannot_convert(kind, "Boolean");
                Ok(true)
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<usize, Malformed> {
        if !self.is(Kind::Array, "java.util.List")? {
            self.arena.bytes.extend_from_slice(b"[]");
            return Ok(0);
        }
        self.cursor.expect(b'[')?;
        self.arena.bytes.push(b'[');
        let (mut elements, mut bytes, mut first) = (0, 0, true);
        while self.cursor.element(&mut first)? {
            if elements > 0 {
                self.arena.bytes.push(b',');
            }
            bytes += self.value(depth + 1)?;
            elements += 1;
        }
        self.arena.bytes.push(b']');
        Ok(container_bytes(elements) + bytes)
    }

    fn set(&mut self, kind: &str) -> Result<usize, Malformed> {
        if !self.is(Kind::Array, "java.util.List")? {
            self.arena.bytes.extend_from_slice(b"[]");
            return Ok(0);
        }
        self.cursor.expect(b'[')?;
        let mut members = Vec::new();
        let mut first = true;
        while self.cursor.element(&mut first)? {
            if self.is(Kind::String, "String")? {
                members.push(self.cursor.string()?.resolve().into_owned());
            }
        }
        Ok(sets::write(
            kind,
            members,
            &mut self.arena.bytes,
            self.problems,
            self.wording,
        ))
    }
}
