//! What the operations of a service take, as the AWS SDK for Python describes it:
//! `crates/local/tests/data/service-models`, which `scripts/service-models` writes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A service's operations, each with its members: path and type.
pub(crate) struct Model {
    operations: BTreeMap<String, BTreeMap<String, String>>,
}

/// One member of a request, however deep.
pub(crate) struct Member {
    /// Names on the way to it; `[]` behind a list, `{}` behind a map.
    pub(crate) path: String,
    /// A request that has it alone, with a value of its type.
    pub(crate) alone: Value,
    /// A request that has it alone, with a JSON value of another type.
    pub(crate) mistyped: Value,
}

impl Member {
    /// The path without what tells lists and maps.
    pub(crate) fn names(&self) -> String {
        self.path.replace("[]", "").replace("{}", "")
    }
}

impl Model {
    /// The model of `dynamodb`, `dynamodbstreams` or `kinesis`.
    pub(crate) fn of(service: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/service-models");
        let text = std::fs::read_to_string(format!("{folder}/{service}.json")).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        Self {
            operations: serde_json::from_value(file["operations"].clone()).unwrap(),
        }
    }

    /// The names of all operations.
    pub(crate) fn operations(&self) -> impl Iterator<Item = &str> {
        self.operations.keys().map(String::as_str)
    }

    /// All members of an operation's request.
    pub(crate) fn members(&self, operation: &str) -> Vec<Member> {
        let members = self.operations[operation].iter();
        let members = members.map(|(path, kind)| Member {
            path: path.clone(),
            alone: request(path, value(kind)),
            mistyped: request(path, if kind == "list" { json!(5) } else { json!([]) }),
        });
        members.collect()
    }

    /// Requests with a member that no service has: one beside the operation's own,
    /// and one in each structure within.
    pub(crate) fn invented(&self, operation: &str) -> Vec<Member> {
        let paths = self.operations[operation].keys();
        let mut structures: Vec<String> = paths
            .filter_map(|path| path.rsplit_once('.'))
            .map(|(structure, _)| format!("{structure}."))
            .collect();
        structures.push(String::new());
        structures.sort();
        structures.dedup();
        let invented = structures.into_iter().map(|structure| {
            let path = format!("{structure}Invented");
            Member {
                alone: request(&path, json!("x")),
                mistyped: Value::Null,
                path,
            }
        });
        invented.collect()
    }
}

/// A value of this type.
fn value(kind: &str) -> Value {
    match kind {
        "string" => json!("x"),
        "blob" => json!("eA=="),
        "boolean" => json!(false),
        "integer" | "long" | "float" | "double" | "timestamp" => json!(1),
        "list" => json!([]),
        "map" | "structure" => json!({}),
        other => panic!("a type that is not known: {other}"),
    }
}

/// A request that has nothing but this value at this path.
fn request(path: &str, value: Value) -> Value {
    let mut value = value;
    for step in path.rsplit('.') {
        let name_end = step.find(['[', '{']).unwrap_or(step.len());
        let (name, mut wrappers) = step.split_at(name_end);
        while let Some(outer) = wrappers.strip_suffix("[]") {
            value = json!([value]);
            wrappers = outer;
        }
        while let Some(outer) = wrappers.strip_suffix("{}") {
            value = json!({"abc": value});
            wrappers = outer;
        }
        value = Value::Object(Map::from_iter([(name.to_owned(), value)]));
    }
    value
}
