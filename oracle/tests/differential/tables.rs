//! The control plane.

use serde_json::json;

use crate::support::*;

#[test]
fn tables_are_described_alike() {
    let pair = furnished();
    agree_on_all(
        &pair,
        &[
            ("DescribeTable", json!({"TableName": "readings"})),
            ("DescribeTable", json!({"TableName": "series"})),
            ("ListTables", json!({})),
            ("ListTables", json!({"Limit": 1})),
            ("ListTables", json!({"ExclusiveStartTableName": "names"})),
            ("ListTables", json!({"Limit": 0})),
            ("ListTables", json!({"Limit": 101})),
        ],
    );
}
