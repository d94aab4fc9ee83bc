//! Primary keys: what a table's schema asks of an item, and where the item
//! then stands in the table.
//!
//! Items are ordered by a hash of the partition key, then by its bytes, then
//! by the sort key: strings and binary by their bytes, numbers by value
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.Partitions.html>).

use std::hash::BuildHasher;

use super::item::{self, Arena, Image};
use super::json::canonical_text;
use super::number::Number;

/// The largest partition key, in bytes.
const MAX_PARTITION_BYTES: usize = 2048;
/// The largest sort key, in bytes.
const MAX_SORT_BYTES: usize = 1024;

pub(super) const MISMATCH: &str = "The provided key element does not match the schema";

/// The type of a key attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScalarType {
    S,
    N,
    B,
}

impl ScalarType {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "S" => Some(Self::S),
            "N" => Some(Self::N),
            "B" => Some(Self::B),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
        }
    }
}

/// One attribute of a primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyAttribute {
    pub(super) name: String,
    /// The name as a canonical JSON string.
    pub(super) quoted: Vec<u8>,
    pub(super) kind: ScalarType,
}

impl KeyAttribute {
    pub(super) fn new(name: &str, kind: ScalarType) -> Self {
        let mut quoted = Vec::new();
        super::json::write_string(&mut quoted, name);
        Self {
            name: name.to_owned(),
            quoted,
            kind,
        }
    }
}

/// A table's primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schema {
    pub(super) partition: KeyAttribute,
    pub(super) sort: Option<KeyAttribute>,
}

/// An item's place in a table: by hash, then by the rest.
///
/// `rest` is the length of the partition key's bytes (two bytes, big endian),
/// the partition key and the sort key, so that keys of one partition stand
/// together in the order of their sort keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ItemKey {
    pub(super) hash: u64,
    pub(super) rest: Box<[u8]>,
}

impl ItemKey {
    /// The place of (the beginning of) a sort key in a partition.
    pub(super) fn new(partition: &[u8], sort: &[u8]) -> Self {
        let mut rest = Vec::with_capacity(2 + partition.len() + sort.len());
        rest.extend_from_slice(&(partition.len() as u16).to_be_bytes());
        rest.extend_from_slice(partition);
        rest.extend_from_slice(sort);
        Self {
            hash: hash(partition),
            rest: rest.into_boxed_slice(),
        }
    }

    /// The partition key's bytes.
    pub(super) fn partition(&self) -> &[u8] {
        partition_of(&self.rest)
    }
}

/// The seed is fixed so that scans of equal tables are equal.
fn hash(partition: &[u8]) -> u64 {
    foldhash::quality::FixedState::with_seed(0).hash_one(partition)
}

/// How a key that does not fit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// PutItem says which attribute is wrong and how.
    Item,
    /// BatchWriteItem says only that the key does not match.
    BatchItem,
    /// A `Key`: nothing but the key attributes.
    Key,
}

/// An item's key, found and checked.
#[derive(Debug, Clone)]
pub(super) struct FoundKey {
    pub(super) hash: u64,
    /// [`ItemKey::rest`], in the arena.
    rest: std::ops::Range<usize>,
    /// The key attributes alone, as canonical JSON in the arena.
    pub(super) json: std::ops::Range<usize>,
    /// Size of the key attributes by the item-size rule.
    pub(super) bytes: usize,
}

impl FoundKey {
    /// The place in the table.
    pub(super) fn key(&self, arena: &Arena) -> ItemKey {
        ItemKey {
            hash: self.hash,
            rest: Box::from(self.rest(arena)),
        }
    }

    fn rest<'a>(&self, arena: &'a Arena) -> &'a [u8] {
        &arena.bytes[self.rest.clone()]
    }

    /// The partition key's bytes.
    pub(super) fn partition<'a>(&self, arena: &'a Arena) -> &'a [u8] {
        partition_of(self.rest(arena))
    }

    /// Whether both are the key of one item.
    pub(super) fn is(&self, other: &Self, arena: &Arena) -> bool {
        self.hash == other.hash && self.rest(arena) == other.rest(arena)
    }
}

/// The partition key in an [`ItemKey::rest`].
fn partition_of(rest: &[u8]) -> &[u8] {
    let len = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
    &rest[2..2 + len]
}

impl Schema {
    /// How many attributes the key has.
    pub(super) fn attributes(&self) -> usize {
        1 + usize::from(self.sort.is_some())
    }

    /// Finds and checks the key of an item in the arena.
    pub(super) fn find(
        &self,
        arena: &mut Arena,
        image: &Image,
        strictness: Strictness,
    ) -> Result<FoundKey, String> {
        if strictness == Strictness::Key && image.attributes != self.attributes() {
            return Err(MISMATCH.to_owned());
        }
        // Built in a buffer that is reused, as the item is read meanwhile.
        let mut buffer = std::mem::take(&mut arena.buffer);
        let found = self.find_in(arena.json(image), strictness, &mut buffer);
        let found = found.map(|(hash, rest_bytes, bytes)| {
            let start = arena.bytes.len();
            arena.bytes.extend_from_slice(&buffer);
            FoundKey {
                hash,
                rest: start..start + rest_bytes,
                json: start + rest_bytes..arena.bytes.len(),
                bytes,
            }
        });
        arena.buffer = buffer;
        found
    }

    /// Leaves the key of a canonical item in `buffer`: [`ItemKey::rest`], then
    /// the key attributes as canonical JSON. Returns the hash, the length of
    /// the former, and the size of the key attributes.
    fn find_in(
        &self,
        item: &[u8],
        strictness: Strictness,
        buffer: &mut Vec<u8>,
    ) -> Result<(u64, usize, usize), String> {
        buffer.clear();
        buffer.extend_from_slice(&[0, 0]);
        let partition = self
            .partition
            .read(item, strictness, MAX_PARTITION_BYTES, buffer)?;
        let partition_bytes = buffer.len() - 2;
        buffer[..2].copy_from_slice(&(partition_bytes as u16).to_be_bytes());
        let sort = match &self.sort {
            Some(attribute) => Some((
                attribute,
                attribute.read(item, strictness, MAX_SORT_BYTES, buffer)?,
            )),
            None => None,
        };
        let hash = hash(&buffer[2..2 + partition_bytes]);
        let rest_bytes = buffer.len();
        let bytes = write_attributes((&self.partition, partition), sort, buffer);
        Ok((hash, rest_bytes, bytes))
    }

    /// Appends an item's key attributes as canonical JSON and returns their
    /// size by the item-size rule. The item has them.
    pub(super) fn write_key(&self, item: &[u8], out: &mut Vec<u8>) -> usize {
        fn value<'a>(item: &'a [u8], attribute: &KeyAttribute) -> &'a [u8] {
            item::attribute(item, &attribute.quoted).unwrap_or(b"{\"S\":\"\"}")
        }
        let sort = self.sort.as_ref();
        write_attributes(
            (&self.partition, value(item, &self.partition)),
            sort.map(|sort| (sort, value(item, sort))),
            out,
        )
    }
}

/// Appends key attributes as canonical JSON, in order of name, and returns
/// their size by the item-size rule.
fn write_attributes(
    partition: (&KeyAttribute, &[u8]),
    sort: Option<(&KeyAttribute, &[u8])>,
    out: &mut Vec<u8>,
) -> usize {
    let (first, second) = match sort {
        Some(sort) if sort.0.quoted < partition.0.quoted => (sort, Some(partition)),
        sort => (partition, sort),
    };
    let mut bytes = 0;
    let mut separator = b'{';
    for (attribute, value) in std::iter::once(first).chain(second) {
        out.push(separator);
        out.extend_from_slice(&attribute.quoted);
        out.push(b':');
        out.extend_from_slice(value);
        separator = b',';
        bytes += attribute.name.len() + scalar_bytes(value);
    }
    out.push(b'}');
    bytes
}

/// Size of a canonical scalar by the item-size rule.
fn scalar_bytes(value: &[u8]) -> usize {
    let (kind, content) = item::type_and_content(value);
    let text = canonical_text(content);
    match kind {
        "N" => hrload_capacity::size::number_bytes(text.as_bytes()),
        "B" => base64_simd::STANDARD
            .decode_to_vec(text.as_bytes())
            .map_or(0, |bytes| bytes.len()),
        _ => text.len(),
    }
}

impl KeyAttribute {
    /// Finds and checks this attribute of an item and returns its value;
    /// appends the bytes it is ordered by.
    fn read<'a>(
        &self,
        item: &'a [u8],
        strictness: Strictness,
        max_bytes: usize,
        out: &mut Vec<u8>,
    ) -> Result<&'a [u8], String> {
        let Some(value) = item::attribute(item, &self.quoted) else {
            return Err(match strictness {
                Strictness::Item => format!(
                    "One or more parameter values were invalid: Missing the key {} in the item",
                    self.name
                ),
                _ => MISMATCH.to_owned(),
            });
        };
        let (kind, _) = item::type_and_content(value);
        if kind != self.kind.name() {
            return Err(match strictness {
                Strictness::Item => format!(
                    "One or more parameter values were invalid: Type mismatch for key {} expected: \
                     {} actual: {kind}",
                    self.name,
                    self.kind.name()
                ),
                _ => MISMATCH.to_owned(),
            });
        }
        let bytes = self.sortable(value, out);
        self.check_size(bytes, max_bytes)?;
        Ok(value)
    }

    /// Appends the bytes that a canonical value of this type is ordered by;
    /// returns the size of the value as key sizes are counted.
    pub(super) fn sortable(&self, value: &[u8], out: &mut Vec<u8>) -> usize {
        let (_, content) = item::type_and_content(value);
        let text = canonical_text(content);
        match self.kind {
            ScalarType::S => {
                out.extend_from_slice(text.as_bytes());
                text.len()
            }
            ScalarType::N => {
                if let Ok(number) = Number::parse(&text) {
                    number.write_sortable(out);
                }
                text.len()
            }
            ScalarType::B => {
                let bytes = base64_simd::STANDARD
                    .decode_to_vec(text.as_bytes())
                    .unwrap_or_default();
                out.extend_from_slice(&bytes);
                bytes.len()
            }
        }
    }

    fn check_size(&self, bytes: usize, max_bytes: usize) -> Result<(), String> {
        if bytes == 0 {
            let content = if self.kind == ScalarType::B {
                "binary"
            } else {
                "string"
            };
            return Err(format!(
                "One or more parameter values are not valid. The AttributeValue for a key \
                 attribute cannot contain an empty {content} value. Key: {}",
                self.name
            ));
        }
        if bytes > max_bytes {
            return Err(if max_bytes == MAX_PARTITION_BYTES {
                // DynamoDB leaves no space before the figure.
                "One or more parameter values were invalid: Size of hashkey has exceeded the \
                 maximum size limit of2048 bytes"
            } else {
                "One or more parameter values were invalid: Aggregated size of all range keys has \
                 exceeded the size limit of 1024 bytes"
            }
            .to_owned());
        }
        Ok(())
    }
}
