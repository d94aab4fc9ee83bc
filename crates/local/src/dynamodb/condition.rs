//! Key conditions against a schema: from a parsed expression and its values to
//! a range of keys, or DynamoDB's refusal.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Bound;

use super::expression::{Condition, KeyCondition, Operator};
use super::item;
use super::json::canonical_text;
use super::key::{ItemKey, KeyAttribute, ScalarType, Schema};
use super::request::{Members, text_of};
use crate::Failure;

/// A range of keys.
pub(super) type Range = (Bound<ItemKey>, Bound<ItemKey>);

/// The longest placeholder, in bytes
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).
const MAX_PLACEHOLDER_BYTES: usize = 255;

/// `ExpressionAttributeNames`, each placeholder once.
pub(super) struct Names<'a>(HashMap<&'a str, &'a str>);

impl<'a> Names<'a> {
    pub(super) fn new(names: Option<&'a [(String, String)]>) -> Self {
        let pairs = names.into_iter().flatten();
        Self(pairs.map(|(key, name)| (&**key, &**name)).collect())
    }

    /// The name a placeholder stands for.
    pub(super) fn get(&self, placeholder: &str) -> Option<&'a str> {
        self.0.get(placeholder).copied()
    }
}

/// `ExpressionAttributeValues`, each placeholder once.
pub(super) struct Values<'a> {
    /// As canonical JSON.
    json: HashMap<Cow<'a, str>, &'a [u8]>,
    /// As written, for messages.
    written: HashMap<&'a str, &'a str>,
}

impl<'a> Values<'a> {
    /// `json` is the canonical form of `written`.
    pub(super) fn new(json: &'a [u8], written: Option<&'a Members<'_>>) -> Self {
        let values = item::attributes(json);
        Self {
            json: values
                .map(|(name, value)| (canonical_text(name), value))
                .collect(),
            written: written.map(Members::distinct).unwrap_or_default(),
        }
    }

    /// A scalar as messages show it: its type, and its text as written.
    fn shown(&self, reference: &str) -> String {
        let value = self.written.get(reference);
        let Some(value) = value.and_then(|value| Members::of(value).ok()) else {
            return String::new();
        };
        let texts = value.iter().map(|(kind, text)| (kind, text_of(text)));
        let mut shown = texts.filter_map(|(kind, text)| Some(format!("{kind}:{}", text?)));
        shown.next().unwrap_or_default()
    }

    fn get(&self, reference: &str) -> Option<&'a [u8]> {
        self.json.get(reference).copied()
    }

    fn resolve(&self, reference: &str) -> Result<&'a [u8], Failure> {
        self.get(reference).ok_or_else(|| {
            Failure::validation(format!(
                "Invalid KeyConditionExpression: An expression attribute value used in expression \
                 is not defined; attribute value: {reference}"
            ))
        })
    }
}

/// Refuses placeholders that none can be, and names that no attribute has.
pub(super) fn check_placeholders(
    names: Option<&[(String, String)]>,
    values: Option<&Members<'_>>,
) -> Result<(), Failure> {
    let names_given = names.map(|names| names.iter().map(|(key, _)| &**key).collect::<Vec<_>>());
    let values_given = values.map(|values| values.iter().map(|(key, _)| key).collect::<Vec<_>>());
    for (name, sign, keys) in [
        ("ExpressionAttributeNames", '#', names_given),
        ("ExpressionAttributeValues", ':', values_given),
    ] {
        let Some(keys) = keys else { continue };
        if keys.is_empty() {
            return Err(Failure::validation(format!("{name} must not be empty")));
        }
        let wrong = |key: &&&str| {
            !key.starts_with(sign)
                || key.len() < 2
                || !key[1..]
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        if let Some(key) = keys.iter().find(wrong) {
            return Err(Failure::validation(format!(
                "{name} contains invalid key: Syntax error; key: \"{key}\""
            )));
        }
        if keys.iter().any(|key| key.len() > MAX_PLACEHOLDER_BYTES) {
            return Err(Failure::validation(
                "The expression attribute map contains a key that is too long",
            ));
        }
    }
    let invalid = "ExpressionAttributeNames contains invalid value:";
    for (key, name) in names.into_iter().flatten() {
        if name.is_empty() {
            return Err(Failure::validation(format!(
                "{invalid} Empty attribute name for key {key}"
            )));
        }
        if name.len() > item::MAX_NAME_BYTES {
            return Err(Failure::validation(format!(
                "{invalid} Attribute name is too large, must be less than 65536 bytes for key {key}"
            )));
        }
    }
    Ok(())
}

/// Refuses operands that their operator has no use for. DynamoDB looks before
/// it looks up the table; an undefined value ends the check.
pub(super) fn check_operands(condition: &KeyCondition, values: &Values<'_>) -> Result<(), Failure> {
    for Condition {
        operator,
        written,
        values: references,
        ..
    } in &condition.conditions
    {
        for reference in references {
            let Some(value) = values.get(reference) else {
                return Ok(());
            };
            let (kind, _) = item::type_and_content(value);
            let fits = match operator {
                Operator::Equal => true,
                Operator::BeginsWith => matches!(kind, "S" | "B"),
                _ => matches!(kind, "S" | "N" | "B"),
            };
            if !fits {
                return Err(Failure::validation(format!(
                    "Invalid KeyConditionExpression: Incorrect operand type for operator or \
                     function; operator or function: {written}, operand type: {kind}"
                )));
            }
        }
    }
    Ok(())
}

/// Refuses names and values that the condition does not refer to.
pub(super) fn check_unused(
    names: &Names<'_>,
    values: &Values<'_>,
    condition: &KeyCondition,
) -> Result<(), Failure> {
    let unused = |name: &str, given: &mut dyn Iterator<Item = &str>, used: HashSet<&str>| {
        let mut idle: Vec<&str> = given.filter(|key| !used.contains(key)).collect();
        if idle.is_empty() {
            return Ok(());
        }
        idle.sort_unstable();
        Err(Failure::validation(format!(
            "Value provided in {name} unused in expressions: keys: {{{}}}",
            idle.join(", ")
        )))
    };
    unused(
        "ExpressionAttributeNames",
        &mut names.0.keys().copied(),
        condition.used_names.iter().map(|name| &**name).collect(),
    )?;
    let used = condition.conditions.iter().flat_map(|c| &c.values);
    unused(
        "ExpressionAttributeValues",
        &mut values.written.keys().copied(),
        used.map(|value| &**value).collect(),
    )
}

/// Turns conditions into a range of keys within one partition.
pub(super) fn bind(
    schema: &Schema,
    condition: &KeyCondition,
    values: &Values<'_>,
) -> Result<(ItemKey, Range), Failure> {
    let conditions = &condition.conditions;
    let invalid = |message: String| Err(Failure::validation(message));
    let missed = |name: &str| invalid(format!("Query condition missed key schema element: {name}"));
    if conditions.len() > schema.attributes() {
        return invalid(format!(
            "The number of query conditions ({}) exceeds the number of key attributes defined in \
             the schema ({})",
            conditions.len(),
            schema.attributes()
        ));
    }
    let on = |attribute: &KeyAttribute| conditions.iter().find(|c| c.attribute == attribute.name);
    let Some(hash) = on(&schema.partition) else {
        return missed(&schema.partition.name);
    };
    if hash.operator != Operator::Equal {
        return invalid("Query key condition not supported".to_owned());
    }
    for condition in conditions {
        let resolved = condition
            .values
            .iter()
            .map(|reference| values.resolve(reference))
            .collect::<Result<Vec<_>, _>>()?;
        if let [low, high] = resolved[..] {
            check_between((low, high), &condition.values, values)?;
        }
    }
    let sort = schema
        .sort
        .as_ref()
        .and_then(|sort| Some((sort, on(sort)?)));
    if conditions.len() > 1 && sort.is_none() {
        return missed(schema.sort.as_ref().map_or("", |sort| &sort.name));
    }
    let partition = sortable(&schema.partition, values.resolve(&hash.values[0])?)?;
    let key = |sort: &[u8]| ItemKey::new(&partition, sort);
    let whole = (
        Bound::Included(key(b"")),
        Bound::Excluded(after_prefix(key(b""))),
    );
    let Some((attribute, condition)) = sort else {
        return Ok((key(b""), whole));
    };
    let mut bounds = Vec::new();
    for reference in &condition.values {
        bounds.push(key(&sortable(attribute, values.resolve(reference)?)?));
    }
    let (low, high) = whole;
    let first = bounds[0].clone();
    let range = match condition.operator {
        Operator::Equal => (Bound::Included(first.clone()), Bound::Included(first)),
        Operator::Less => (low, Bound::Excluded(first)),
        Operator::LessOrEqual => (low, Bound::Included(first)),
        Operator::Greater => (Bound::Excluded(first), high),
        Operator::GreaterOrEqual => (Bound::Included(first), high),
        Operator::Between => (Bound::Included(first), Bound::Included(bounds[1].clone())),
        Operator::BeginsWith => (
            Bound::Included(first.clone()),
            Bound::Excluded(after_prefix(first)),
        ),
    };
    Ok((key(b""), range))
}

/// The bytes a value is ordered by as this key attribute.
fn sortable(attribute: &KeyAttribute, value: &[u8]) -> Result<Vec<u8>, Failure> {
    let (kind, _) = item::type_and_content(value);
    if kind != attribute.kind.name() {
        return Err(Failure::validation(
            "One or more parameter values were invalid: Condition parameter type does not match \
             schema type",
        ));
    }
    let mut bytes = Vec::new();
    if attribute.sortable(value, &mut bytes) == 0 {
        let content = if kind == "B" { "binary" } else { "string" };
        return Err(Failure::validation(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute \
             cannot contain an empty {content} value. Key: {}",
            attribute.name
        )));
    }
    Ok(bytes)
}

/// The first key after all that begin with `prefix`. Keys begin with a length
/// of at most 2048, so there always is one.
fn after_prefix(prefix: ItemKey) -> ItemKey {
    let mut rest = prefix.rest.into_vec();
    while let Some(last) = rest.pop() {
        if last < u8::MAX {
            rest.push(last + 1);
            break;
        }
    }
    ItemKey {
        hash: prefix.hash,
        rest: rest.into_boxed_slice(),
    }
}

fn check_between(
    (low, high): (&[u8], &[u8]),
    references: &[String],
    values: &Values<'_>,
) -> Result<(), Failure> {
    let ordered = |value: &[u8]| {
        let (kind, _) = item::type_and_content(value);
        let kind = ScalarType::parse(kind).unwrap_or(ScalarType::S);
        let mut bytes = Vec::new();
        KeyAttribute::new("", kind).sortable(value, &mut bytes);
        bytes
    };
    let requirement = if item::type_and_content(low).0 != item::type_and_content(high).0 {
        "same data type for lower and upper bounds"
    } else if ordered(low) > ordered(high) {
        "upper bound to be greater than or equal to lower bound"
    } else {
        return Ok(());
    };
    Err(Failure::validation(format!(
        "Invalid KeyConditionExpression: The BETWEEN operator requires {requirement}; lower bound \
         operand: AttributeValue: {{{}}}, upper bound operand: AttributeValue: {{{}}}",
        values.shown(&references[0]),
        values.shown(&references[1])
    )))
}
