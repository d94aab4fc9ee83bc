//! CreateTable: what is asked for, and what DynamoDB refuses about it.

use hrload_base::sync::writing;
use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value, json};

use super::control::{describe, on_demand_limits, provisioned, provisioned_errors, units};
use super::key::{KeyAttribute, ScalarType, Schema};
use super::name::{TableName, fits_pattern};
use super::problem::not_served;
use super::request::{MOST_ERRORS, Members, constraints, missing, not_in};
use super::stream::{self, Asked, asked};
use super::table::{BillingMode, Settings, Table, Units};
use super::tagging::tags;
use super::throughput::Throughput;
use super::{Database, shapes};
use crate::Failure;

const INVALID: &str = "One or more parameter values were invalid: ";

/// A key schema element or attribute definition: name and type.
type Pair = (String, String);

pub(super) fn create(database: &Database, body: &str, now_us: u64) -> Result<Value, Failure> {
    let members = Members::read(body, &shapes::CREATE_TABLE)?;
    let name = name(database, &members)?;
    let mut errors = Vec::new();
    let billing = billing_mode(&members, &mut errors);
    let throughput = provisioned(&members);
    provisioned_errors(throughput, &mut errors);
    let keys = pairs(
        &members,
        ("KeySchema", "keySchema"),
        ("KeyType", "keyType", "HASH, RANGE"),
        &mut errors,
    );
    if let Some(keys) = &keys {
        check_length(keys, &mut errors);
    }
    let definitions = pairs(
        &members,
        ("AttributeDefinitions", "attributeDefinitions"),
        ("AttributeType", "attributeType", "B, N, S"),
        &mut errors,
    );
    errors.truncate(MOST_ERRORS);
    constraints(&errors)?;
    let (keys, definitions) = (keys.unwrap_or_default(), definitions.unwrap_or_default());

    let billing = billing.unwrap_or(BillingMode::Provisioned);
    check_throughput(Some(billing), throughput)?;
    let schema = schema(&keys, &definitions)?;
    if definitions.len() != keys.len() {
        return Err(Failure::validation(format!(
            "{INVALID}Number of attributes in KeySchema does not exactly match number of \
             attributes defined in AttributeDefinitions"
        )));
    }
    let stream = asked(database, &members)?;
    refuse_encryption(&members)?;
    let table_class = table_class(&members)?;
    let limits = on_demand_limits(&members);
    check_limits(billing, limits)?;
    let settings = Settings {
        billing,
        provisioned: throughput.unwrap_or_default(),
        last_increase_us: None,
        last_decrease_us: None,
        decreases: 0,
        on_demand_since_us: (billing == BillingMode::OnDemand).then_some(now_us),
        on_demand_limits: limits,
        warm: units(
            &members,
            "WarmThroughput",
            "ReadUnitsPerSecond",
            "WriteUnitsPerSecond",
        )
        .unwrap_or_default(),
        table_class,
        deletion_protection: members.flag("DeletionProtectionEnabled"),
        tags: tags(&members)?.unwrap_or_default(),
    };

    let elsewhere = database.provisioned_besides(&name, now_us);
    let mut tables = writing(&database.tables);
    if tables
        .get(&name)
        .is_some_and(|t| t.status(now_us) != super::table::Status::Gone)
    {
        return Err(Failure::new(
            "ResourceInUseException",
            format!("Table already exists: {name}"),
        ));
    }
    let throughput = match &database.limits {
        Some(limits) => Some(Throughput::new(limits, &settings, elsewhere, now_us)?),
        None => None,
    };
    let table = Table::new(
        &name,
        database.table_arn(&name),
        database.next_id(),
        schema,
        definitions,
        settings,
        now_us,
    );
    let table = Arc::new(table.limited(throughput));
    if let Some(Asked::Enable(view)) = stream {
        stream::enable(database, &table, view, now_us)?;
    }
    let description = describe(&table, now_us);
    tables.insert(name, table);
    Ok(json!({"TableDescription": description}))
}

/// The name of the table to make; an ARN may stand for it.
fn name(database: &Database, members: &Members<'_>) -> Result<String, Failure> {
    let Some(written) = members.text("TableName") else {
        return Err(Failure::validation(
            "The parameter 'TableName' is required but was not present in the request",
        ));
    };
    let table = TableName::new(database, written);
    let name = table.name();
    if table.is_foreign() {
        return Err(Failure::validation(format!(
            "{INVALID}A table is made in the account and region that are asked: {name}"
        )));
    }
    let at = "at 'tableName' failed to satisfy constraint: Member must";
    let mut errors = Vec::new();
    if !fits_pattern(name) {
        errors.push(format!(
            "Value '{name}' {at} satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        ));
    }
    if name.len() < 3 {
        errors.push(format!(
            "Value '{name}' {at} have length greater than or equal to 3"
        ));
    }
    if name.len() > 255 {
        errors.push(format!(
            "Value '{name}' {at} have length less than or equal to 255"
        ));
    }
    constraints(&errors)?;
    Ok(name.to_owned())
}

/// The billing mode, if one is given.
pub(super) fn billing_mode(members: &Members<'_>, errors: &mut Vec<String>) -> Option<BillingMode> {
    match members.text("BillingMode").as_deref() {
        None => None,
        Some("PROVISIONED") => Some(BillingMode::Provisioned),
        Some("PAY_PER_REQUEST") => Some(BillingMode::OnDemand),
        Some(other) => {
            errors.push(not_in(other, "billingMode", "PROVISIONED, PAY_PER_REQUEST"));
            None
        }
    }
}

/// A list of structures with an `AttributeName` and a type from a set. `None`
/// if something is wrong, which `errors` then says.
fn pairs(
    members: &Members<'_>,
    (name, member): (&str, &str),
    (kind, kind_member, set): (&str, &str, &str),
    errors: &mut Vec<String>,
) -> Option<Vec<Pair>> {
    let Some(elements) = members.objects(name) else {
        errors.push(missing(member));
        return None;
    };
    let mut pairs = Vec::new();
    for (at, element) in elements.iter().enumerate() {
        let path = |name: &str| format!("{member}.{}.member.{name}", at + 1);
        let attribute = element.text("AttributeName");
        let value = element.text(kind);
        let full = errors.len() >= MOST_ERRORS;
        match &attribute {
            _ if full => {}
            None => errors.push(missing(&path("attributeName"))),
            Some(name) => errors.extend(attribute_name_broken(name, &path("attributeName"))),
        }
        match &value {
            _ if full => {}
            None => errors.push(missing(&path(kind_member))),
            Some(value) if !set.split(", ").any(|known| known == value) => {
                errors.push(not_in(value, &path(kind_member), set));
            }
            Some(_) => {}
        }
        pairs.push((
            attribute.unwrap_or_default().into_owned(),
            value.unwrap_or_default().into_owned(),
        ));
    }
    Some(pairs)
}

/// The constraint on the name of a key attribute that `name` breaks.
fn attribute_name_broken(name: &str, member: &str) -> Option<String> {
    let bound = match name.len() {
        0 => "greater than or equal to 1",
        256.. => "less than or equal to 255",
        _ => return None,
    };
    Some(format!(
        "Value '{name}' at '{member}' failed to satisfy constraint: Member must have length {bound}"
    ))
}

fn check_length(keys: &[Pair], errors: &mut Vec<String>) {
    let at = "at 'keySchema' failed to satisfy constraint: Member must have length";
    if keys.is_empty() {
        errors.push(format!("Value '[]' {at} greater than or equal to 1"));
    } else if keys.len() > 2 {
        let shown: Vec<String> = keys
            .iter()
            .take(MOST_ERRORS)
            .map(|(name, kind)| format!("KeySchemaElement(attributeName={name}, keyType={kind})"))
            .collect();
        // DynamoDB lists it before what is wrong with the elements.
        let error = format!(
            "Value '[{}]' {at} less than or equal to 2",
            shown.join(", ")
        );
        let elements = errors.iter().position(|e| e.contains("'keySchema."));
        errors.insert(elements.unwrap_or(errors.len()), error);
    }
}

/// Whether units and billing mode go together.
pub(super) fn check_throughput(
    billing: Option<BillingMode>,
    throughput: Option<Units>,
) -> Result<(), Failure> {
    const MAX_UNITS: i64 = 1_000_000_000_000;
    if billing == Some(BillingMode::OnDemand) && throughput.is_some() {
        return Err(Failure::validation(format!(
            "{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when \
             BillingMode is PAY_PER_REQUEST"
        )));
    }
    let units = throughput.unwrap_or_default();
    for (name, value) in [("Read", units.read), ("Write", units.write)] {
        if let Some(value) = value.filter(|v| *v > MAX_UNITS) {
            return Err(Failure::validation(format!(
                "Given value {value} for {name}CapacityUnits is out of bounds"
            )));
        }
    }
    if billing == Some(BillingMode::Provisioned) && throughput.is_none() {
        return Err(Failure::validation(format!(
            "{INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when \
             BillingMode is PROVISIONED"
        )));
    }
    Ok(())
}

fn check_limits(billing: BillingMode, limits: Units) -> Result<(), Failure> {
    let members = [
        ("MaxReadRequestUnits", limits.read),
        ("MaxWriteRequestUnits", limits.write),
    ];
    for (name, value) in members {
        if value.is_some() && billing == BillingMode::Provisioned {
            return Err(Failure::validation(format!(
                "{INVALID}{name} for OnDemandThroughput cannot be specified when table \
                 BillingMode is PROVISIONED."
            )));
        }
    }
    for (name, value) in members {
        if value.is_some_and(|v| v < 1) {
            return Err(Failure::validation(format!(
                "{INVALID}Requested {name} for OnDemandThroughput for table is outside of valid range"
            )));
        }
    }
    Ok(())
}

/// The schema, in the order in which DynamoDB finds fault with it.
fn schema(keys: &[Pair], definitions: &[Pair]) -> Result<Schema, Failure> {
    let invalid = |message: &str| Err(Failure::validation(message));
    let undefined: Vec<&str> = keys
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !definitions.iter().any(|(defined, _)| defined == name))
        .collect();
    let same_name = keys.len() == 2 && keys[0].0 == keys[1].0;
    if same_name || (!undefined.is_empty() && (definitions.is_empty() || keys.len() > 1)) {
        return invalid("Invalid KeySchema: Some index key attribute have no definition");
    }
    if !undefined.is_empty() {
        let defined: Vec<&str> = definitions.iter().map(|(name, _)| name.as_str()).collect();
        return invalid(&format!(
            "{INVALID}Some index key attributes are not defined in AttributeDefinitions. Keys: \
             [{}], AttributeDefinitions: [{}]",
            undefined.join(", "),
            defined.join(", ")
        ));
    }
    if keys.first().is_none_or(|(_, kind)| kind != "HASH") {
        return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    }
    if keys.get(1).is_some_and(|(_, kind)| kind != "RANGE") {
        return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
    }
    let attribute = |(name, _): &Pair| {
        let kind = definitions
            .iter()
            .find(|(defined, _)| defined == name)
            .and_then(|(_, kind)| ScalarType::parse(kind));
        KeyAttribute::new(name, kind.unwrap_or(ScalarType::S))
    };
    Ok(Schema {
        partition: attribute(&keys[0]),
        sort: keys.get(1).map(attribute),
    })
}

/// The table class, if one is given.
pub(super) fn table_class(members: &Members<'_>) -> Result<Option<String>, Failure> {
    let class = members.text("TableClass").map(Cow::into_owned);
    if let Some(class) = &class
        && !["STANDARD", "STANDARD_INFREQUENT_ACCESS"].contains(&class.as_str())
    {
        constraints(&[not_in(
            class,
            "tableClass",
            "STANDARD, STANDARD_INFREQUENT_ACCESS",
        )])?;
    }
    Ok(class)
}

/// Refuses encryption with a key of the account's.
pub(super) fn refuse_encryption(members: &Members<'_>) -> Result<(), Failure> {
    let encryption = members.object("SSESpecification");
    if encryption.and_then(|e| e.flag("Enabled")) == Some(true) {
        return Err(not_served("SSESpecification"));
    }
    Ok(())
}
