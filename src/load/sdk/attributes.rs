//! Readings as the SDK's attribute maps.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::codec::{ItemSink, Layout, Name, Text};
use crate::workload::Reading;

/// The item that `reading` becomes.
pub(super) fn item(layout: Layout, reading: &Reading) -> HashMap<String, AttributeValue> {
    let mut attributes = Attributes::default();
    layout.describe(reading, &mut attributes);
    attributes.item
}

/// Whether `item` has the key that `reading` would have.
pub(super) fn has_key(
    layout: Layout,
    reading: &Reading,
    item: &HashMap<String, AttributeValue>,
) -> bool {
    let schema = layout.key_schema();
    let mut key = KeyComparison {
        item,
        names: [Some(schema.partition.0), schema.sort.map(|(name, _)| name)],
        depth: 0,
        differs: false,
    };
    layout.describe(reading, &mut key);
    !key.differs
}

/// A map or list that is not complete yet.
#[derive(Debug)]
enum Open {
    Map(&'static str, HashMap<String, AttributeValue>),
    List(&'static str, Vec<AttributeValue>),
}

#[derive(Debug, Default)]
struct Attributes {
    item: HashMap<String, AttributeValue>,
    open: Vec<Open>,
}

impl Attributes {
    fn add(&mut self, name: &'static str, value: AttributeValue) {
        match self.open.last_mut() {
            None => drop(self.item.insert(name.to_owned(), value)),
            Some(Open::Map(_, entries)) => drop(entries.insert(name.to_owned(), value)),
            Some(Open::List(_, elements)) => elements.push(value),
        }
    }
}

impl ItemSink for Attributes {
    fn string(&mut self, name: Name, value: impl Text) {
        self.add(name.text, AttributeValue::S(value.into_string()));
    }

    fn number(&mut self, name: Name, value: u64) {
        self.add(name.text, AttributeValue::N(value.to_string()));
    }

    fn boolean(&mut self, name: Name, value: bool) {
        self.add(name.text, AttributeValue::Bool(value));
    }

    fn map(&mut self, name: Name) {
        self.open.push(Open::Map(name.text, HashMap::new()));
    }

    fn list(&mut self, name: Name) {
        self.open.push(Open::List(name.text, Vec::new()));
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(Open::Map(name, entries)) => self.add(name, AttributeValue::M(entries)),
            Some(Open::List(name, elements)) => self.add(name, AttributeValue::L(elements)),
            None => {}
        }
    }
}

/// Compares the key attributes of a described item with those of another.
#[derive(Debug)]
struct KeyComparison<'a> {
    item: &'a HashMap<String, AttributeValue>,
    names: [Option<&'static str>; 2],
    depth: usize,
    differs: bool,
}

impl KeyComparison<'_> {
    fn compare(&mut self, name: &'static str, equals: impl Fn(&AttributeValue) -> bool) {
        if self.depth == 0 && self.names.contains(&Some(name)) {
            self.differs |= !self.item.get(name).is_some_and(equals);
        }
    }
}

impl ItemSink for KeyComparison<'_> {
    fn string(&mut self, name: Name, value: impl Text) {
        self.compare(name.text, |other| {
            other
                .as_s()
                .is_ok_and(|other| *other == value.into_string())
        });
    }

    fn number(&mut self, name: Name, value: u64) {
        self.compare(name.text, |other| {
            other.as_n().is_ok_and(|other| *other == value.to_string())
        });
    }

    fn boolean(&mut self, _: Name, _: bool) {}

    fn map(&mut self, _: Name) {
        self.depth += 1;
    }

    fn list(&mut self, _: Name) {
        self.depth += 1;
    }

    fn end(&mut self) {
        self.depth -= 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::workload::{DeviceClass, Motion, ReadingId};

    fn reading(intended_us: u64, sequence: u32) -> Reading {
        Reading {
            id: ReadingId {
                intended_us,
                device: 42,
                sequence,
            },
            observed_us: intended_us,
            bpm: 71,
            sensor: 42,
            motion: Motion::Active,
            class: DeviceClass::Strap,
        }
    }

    /// DynamoDB JSON of an attribute, as the service's protocol has it.
    fn json(value: &AttributeValue) -> serde_json::Value {
        match value {
            AttributeValue::S(s) => serde_json::json!({ "S": s }),
            AttributeValue::N(n) => serde_json::json!({ "N": n }),
            AttributeValue::Bool(b) => serde_json::json!({ "BOOL": b }),
            AttributeValue::M(m) => {
                let entries: serde_json::Map<_, _> = m
                    .iter()
                    .map(|(name, value)| (name.clone(), json(value)))
                    .collect();
                serde_json::json!({ "M": entries })
            }
            AttributeValue::L(l) => {
                serde_json::json!({ "L": l.iter().map(json).collect::<Vec<_>>() })
            }
            other => panic!("no layout has {other:?}"),
        }
    }

    #[test]
    fn the_sdk_is_given_the_item_that_the_hand_written_body_holds() {
        for layout in [Layout::Post, Layout::TimeSeries, Layout::Fhir] {
            let reading = reading(1_700_000_000_123_456, 9);
            let mut body = Vec::new();
            crate::codec::batch::encode(&mut body, "t", layout, [&reading]);
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let written = &body["RequestItems"]["t"][0]["PutRequest"]["Item"];
            let item = json(&AttributeValue::M(item(layout, &reading)));
            assert_eq!(&item["M"], written, "{layout:?}");
        }
    }

    #[test]
    fn an_item_is_recognised_by_its_key_alone() {
        for layout in [Layout::Post, Layout::TimeSeries, Layout::Fhir] {
            let (one, other) = (
                reading(1_700_000_000_000_000, 1),
                reading(1_700_000_001_000_000, 2),
            );
            let mut stored = item(layout, &one);
            assert!(has_key(layout, &one, &stored));
            assert!(!has_key(layout, &other, &stored));
            stored.retain(|name, _| {
                let schema = layout.key_schema();
                name == schema.partition.0 || schema.sort.is_some_and(|sort| name == sort.0)
            });
            assert!(has_key(layout, &one, &stored), "{layout:?}");
            stored.clear();
            assert!(!has_key(layout, &one, &stored));
        }
    }
}
