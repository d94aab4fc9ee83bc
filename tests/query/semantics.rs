//! Values of operators, casts and orders as Athena's engine gives them, where
//! DataFusion gives others.

use serde_json::{Value, json};

use crate::functions::{mistaken, rows, value};
use crate::world::World;

/// Each expression with what has to be told of it, and is not.
#[track_caller]
fn refused(expected: &[(&str, &str)]) {
    let world = World::empty();
    let mut wrong = Vec::new();
    for (written, told) in expected {
        match value(&world, written) {
            Err(found) if found.contains(told) => {}
            found => wrong.push(format!("{written}: expected {told}, found {found:?}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[track_caller]
fn given(expected: Vec<(&str, Value)>) {
    let wrong = mistaken(expected.into_iter());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

const THREE: &str = "FROM (VALUES 1, NULL, 3) AS t(x)";

#[test]
fn nulls_come_last_in_every_order_unless_the_statement_says_first() {
    let world = World::empty();
    let of = |sql: String| -> Vec<Value> {
        let rows = rows(&world, &sql.replace("FROM t", THREE));
        rows.into_iter().map(|row| row["x"].clone()).collect()
    };
    for (order, expected) in [
        ("x", json!([1, 3, null])),
        ("x DESC", json!([3, 1, null])),
        ("x DESC NULLS FIRST", json!([null, 3, 1])),
        ("x NULLS FIRST", json!([null, 1, 3])),
    ] {
        assert_eq!(
            json!(of(format!("SELECT x FROM t ORDER BY {order}"))),
            expected,
            "{order}"
        );
        let all = format!("SELECT array_agg(x ORDER BY {order}) AS x FROM t");
        assert_eq!(of(all)[0], expected, "{order}");
        let first = format!("SELECT first_value(x) OVER (ORDER BY {order}) AS x FROM t LIMIT 1");
        assert_eq!(of(first)[0], expected[0], "{order}");
        let numbered = format!(
            "SELECT x FROM (SELECT x, row_number() OVER (ORDER BY {order}) AS n FROM t) ORDER BY n"
        );
        assert_eq!(json!(of(numbered)), expected, "{order}");
    }
    assert_eq!(
        of("SELECT x FROM t ORDER BY x DESC LIMIT 1".to_owned()),
        [json!(3)]
    );
}

#[test]
fn casts_to_whole_numbers_round_halves_away_from_zero() {
    given(vec![
        ("cast(5.7e0 AS bigint)", json!(6)),
        ("cast(5.5 AS integer)", json!(6)),
        ("cast(-5.5e0 AS bigint)", json!(-6)),
        ("cast(-5.4 AS smallint)", json!(-5)),
        ("cast(126.6 AS tinyint)", json!(127)),
        ("cast(0.49999999999999994 AS bigint)", json!(0)),
        ("cast(cast(2.5 AS real) AS integer)", json!(3)),
        ("cast(cast(5.5 AS decimal(3,1)) AS bigint)", json!(6)),
        ("cast(cast(-9.95 AS decimal(3,2)) AS bigint)", json!(-10)),
        ("try_cast(5.5 AS bigint)", json!(6)),
        ("round(15, -1)", json!(20)),
        ("round(-15, -1)", json!(-20)),
        ("round(4, -1)", json!(0)),
        ("round(15, -20)", json!(0)),
        ("round(15, 1)", json!(15)),
        ("try_cast(nan() AS bigint)", Value::Null),
        ("try_cast(1e30 AS bigint)", Value::Null),
        (
            "cast(avg(x) AS bigint) FROM (VALUES 1, 2) AS t(x)",
            json!(2),
        ),
        (
            "transform(array[1.5, 2.4], x -> cast(x AS bigint))",
            json!([2, 2]),
        ),
    ]);
    refused(&[
        ("cast(127.5 AS tinyint)", "Can't cast value 128"),
        ("cast(nan() AS bigint)", "Can't cast value NaN"),
    ]);
}

#[test]
fn whole_numbers_that_become_too_large_fail() {
    refused(&[
        (
            "9223372036854775807 + 1",
            "bigint addition overflow: 9223372036854775807 + 1",
        ),
        ("9223372036854775807 * 2", "bigint multiplication overflow"),
        ("-9223372036854775807 - 2", "bigint subtraction overflow"),
        (
            "cast(2147483647 AS integer) + cast(1 AS integer)",
            "integer addition overflow",
        ),
        (
            "cast(100 AS tinyint) * cast(2 AS tinyint)",
            "tinyint multiplication overflow",
        ),
        (
            "x + 1 FROM (VALUES 1, 9223372036854775807) AS t(x)",
            "bigint addition overflow",
        ),
        (
            "transform(array[9223372036854775807], x -> x + 1)",
            "bigint addition overflow",
        ),
        (
            "sum(x) FROM (VALUES 9223372036854775807, 1) AS t(x)",
            "bigint addition overflow",
        ),
        (
            "sum(DISTINCT x), count(DISTINCT y) FROM (VALUES (9223372036854775807, 1), (1, 2)) AS t(x, y)",
            "bigint addition overflow",
        ),
        (
            "sum(x) FROM (VALUES (1, 9223372036854775807), (1, 1), (2, 5)) AS t(g, x) GROUP BY g",
            "bigint addition overflow",
        ),
        (
            "sum(x) OVER () FROM (VALUES 9223372036854775807, 1) AS t(x)",
            "bigint addition overflow",
        ),
        ("-(-9223372036854775807 - 1)", "verflow"),
        ("abs(-9223372036854775807 - 1)", "overflow"),
        ("(-9223372036854775807 - 1) / -1", "verflow"),
        (
            "9223372036854775808",
            "Invalid numeric literal: 9223372036854775808",
        ),
    ]);
    given(vec![
        ("try(9223372036854775807 + 1)", Value::Null),
        ("-9223372036854775808", json!(i64::MIN)),
        ("9223372036854775806 + 1", json!(i64::MAX)),
        ("1 + NULL", Value::Null),
        (
            "typeof(cast(1 AS integer) + cast(1 AS tinyint))",
            json!("integer"),
        ),
        ("typeof(cast(1 AS integer) * 1)", json!("bigint")),
        (
            "max(n) FROM (SELECT row_number() OVER (ORDER BY x) - 5 AS n FROM (VALUES 7, 8) AS t(x))",
            json!(-3),
        ),
        ("sum(x) FROM (VALUES 1, NULL, 2) AS t(x)", json!(3)),
        (
            "sum(x) FROM (VALUES cast(NULL AS bigint)) AS t(x)",
            Value::Null,
        ),
        (
            "sum(DISTINCT x) FROM (VALUES 2, 2, 3, NULL) AS t(x)",
            json!(5),
        ),
        (
            "sum(x) FILTER (WHERE x > 1) FROM (VALUES 1, 2, 3) AS t(x)",
            json!(5),
        ),
        ("sum(x) FROM (VALUES 1.5, 2.5) AS t(x)", json!(4.0)),
        (
            "max(s) FROM (SELECT sum(x) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s \
             FROM (VALUES (1, 9223372036854775807), (2, -1), (3, 5), (4, NULL)) AS t(i, x))",
            json!(i64::MAX),
        ),
    ]);
    let world = World::empty();
    let sql = "SELECT g, sum(x) AS s, sum(x + 1) FILTER (WHERE x > 1) AS f, \
               sum(DISTINCT x) AS d, count(DISTINCT y) AS n FROM (VALUES ('a', 1, 1), ('a', 1, 2), ('b', NULL, 1), \
               ('a', 2, 2)) AS t(g, x, y) GROUP BY g ORDER BY g";
    assert_eq!(
        rows(&world, sql),
        [
            json!({"g": "a", "s": 4, "f": 3, "d": 3, "n": 2}),
            json!({"g": "b", "s": null, "f": null, "d": null, "n": 1}),
        ]
    );
}

#[test]
fn what_is_computed_is_grouped_by_and_joined_by_as_columns_are() {
    let world = World::empty();
    let of = "FROM (VALUES 1, 1, 2) AS t(x)";
    for (sql, expected) in [
        (
            format!("SELECT x + 1 AS k, count(*) AS n {of} GROUP BY ROLLUP(x + 1) ORDER BY 1"),
            vec![
                json!({"k": 2, "n": 2}),
                json!({"k": 3, "n": 1}),
                json!({"k": null, "n": 3}),
            ],
        ),
        (
            format!(
                "SELECT cast(x AS varchar) AS k, count(*) AS n {of} \
                 GROUP BY GROUPING SETS ((cast(x AS varchar)), ()) ORDER BY 1"
            ),
            vec![
                json!({"k": "1", "n": 2}),
                json!({"k": "2", "n": 1}),
                json!({"k": null, "n": 3}),
            ],
        ),
        (
            format!(
                "SELECT x * 2 AS k, sum(x + 1) AS s {of} GROUP BY x * 2 HAVING count(*) + 1 > 2"
            ),
            vec![json!({"k": 2, "s": 4})],
        ),
        (
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) \
             SELECT max(n) AS n FROM t"
                .to_owned(),
            vec![json!({"n": 3})],
        ),
        (
            "SELECT a, (SELECT count(*) FROM (VALUES 2e0) AS u(b) WHERE u.b = t.a) AS n \
             FROM (VALUES 1e0, 2e0) AS t(a) ORDER BY a"
                .to_owned(),
            vec![json!({"a": 1.0, "n": 0}), json!({"a": 2.0, "n": 1})],
        ),
        (
            "SELECT a FROM (VALUES 1e0, 2e0) AS t(a) \
             WHERE NOT EXISTS (SELECT 1 FROM (VALUES 2e0) AS u(b) WHERE u.b = t.a)"
                .to_owned(),
            vec![json!({"a": 1.0})],
        ),
    ] {
        assert_eq!(rows(&world, &sql), expected, "{sql}");
    }
}

#[test]
fn like_has_an_escape_character_only_where_one_is_named() {
    given(vec![
        (r"'a_c' LIKE 'a\_c'", json!(false)),
        (r"'a\xc' LIKE 'a\_c'", json!(true)),
        (r"'a\b' LIKE 'a\b'", json!(true)),
        (r"'a\b' LIKE 'a\\b'", json!(false)),
        (r"'a\' LIKE '%\'", json!(true)),
        (r"'a%c' LIKE 'a#%c' ESCAPE '#'", json!(true)),
        (r"'abc' LIKE 'a#%c' ESCAPE '#'", json!(false)),
        (r"'abc' NOT LIKE 'a#%c' ESCAPE '#'", json!(true)),
        (r"'a#c' LIKE 'a##c' ESCAPE '#'", json!(true)),
        (r"'a%\' LIKE '_\%\\' ESCAPE '\'", json!(true)),
        (r"'a%' LIKE x FROM (VALUES 'a\%') AS t(x)", json!(false)),
        (r"x LIKE 'a%%' FROM (VALUES 'a\%') AS t(x)", json!(true)),
        (
            r"'a%' LIKE x ESCAPE '!' FROM (VALUES 'a!%') AS t(x)",
            json!(true),
        ),
        ("'a' LIKE NULL", Value::Null),
    ]);
    refused(&[
        (
            "'a' LIKE 'a#' ESCAPE '#'",
            "Escape character must be followed by",
        ),
        (
            "'a' LIKE 'a' ESCAPE '##'",
            "Escape string must be a single character",
        ),
    ]);
}

#[test]
fn varchar_of_a_length_cuts_texts_and_refuses_what_else_is_longer() {
    given(vec![
        ("cast('abcdef' AS varchar(3))", json!("abc")),
        ("cast('hé!' AS varchar(2))", json!("hé")),
        ("cast('ab' AS varchar(5))", json!("ab")),
        ("cast(NULL AS varchar(5))", Value::Null),
        ("cast(10 AS varchar(2))", json!("10")),
        ("try_cast('abc' AS varchar(2))", json!("ab")),
        ("try_cast(100 AS varchar(2))", Value::Null),
        (
            "cast(x AS varchar(1)) FROM (VALUES 'xyz') AS t(x)",
            json!("x"),
        ),
        (
            "max(cast(x AS varchar(1))) FROM (VALUES 'xyz') AS t(x)",
            json!("x"),
        ),
        (
            "cast(max(x) AS varchar(1)) FROM (VALUES 'xyz') AS t(x)",
            json!("x"),
        ),
    ]);
    refused(&[
        (
            "cast(10 AS varchar(1))",
            "Value 10 cannot be represented as varchar(1)",
        ),
        ("cast('ab' AS char(5))", "the type char is not there"),
        (
            "cast(array['ab'] AS array(varchar(1)))",
            "array(varchar(1)) is not there",
        ),
    ]);
}

#[test]
fn sets_by_how_often_a_row_is_there_are_refused() {
    let world = World::empty();
    for (sql, told) in [
        ("SELECT 1 EXCEPT ALL SELECT 1", "EXCEPT ALL is not there"),
        (
            "SELECT 1 INTERSECT ALL SELECT 1",
            "INTERSECT ALL is not there",
        ),
        (
            "SELECT * FROM (SELECT 1 UNION SELECT 2 UNION ALL (SELECT 1 EXCEPT ALL SELECT 1))",
            "EXCEPT ALL is not there",
        ),
    ] {
        let answer = world.csv(sql);
        assert_eq!(answer.code, 2, "{sql}: {}", answer.out);
        assert!(answer.told.contains(told), "{sql}: {}", answer.told);
    }
    let sql = "SELECT x FROM (VALUES 1, 1, 2, NULL) AS t(x) EXCEPT SELECT 1 \
               UNION ALL SELECT 2 INTERSECT SELECT 2 ORDER BY 1";
    let found = rows(&world, sql);
    assert_eq!(
        found,
        [json!({"x": 2}), json!({"x": 2}), json!({"x": null})]
    );
}

#[test]
fn nan_equals_nothing_and_is_neither_less_nor_greater() {
    let equal_columns = "FROM (VALUES (nan(), nan()), (1e0, 1e0), (-0e0, 0e0)) AS t(a, b)";
    let all = |wanted: &str| format!("array_agg({wanted}) {equal_columns}");
    let joined =
        "count(*) FROM (VALUES nan(), 1e0, 2e0) AS t(a) JOIN (VALUES nan(), 1e0) AS u(b) ON a = b";
    given(vec![
        ("nan() = nan()", json!(false)),
        ("nan() <> nan()", json!(true)),
        ("nan() > infinity()", json!(false)),
        ("nan() >= 1", json!(false)),
        ("nan() < 1", json!(false)),
        ("1.0 = 1", json!(true)),
        ("2e0 > 1 AND 1 < 2e0 AND 2e0 >= 2 AND 2 <= 2e0", json!(true)),
        ("1e0 = NULL", Value::Null),
        (&all("a = b"), json!([false, true, true])),
        (&all("a <> b"), json!([true, false, false])),
        (&all("a <= b"), json!([false, true, true])),
        (&all("a > b"), json!([false, false, false])),
        (joined, json!(1)),
        ("is_nan(sqrt(-1))", json!(true)),
        (
            "is_nan(ln(-1)) AND is_nan(log10(-1)) AND is_nan(acos(2))",
            json!(true),
        ),
    ]);
}

#[test]
fn aggregates_pass_over_rows_whose_key_is_null() {
    given(vec![
        (
            "min_by(x, y) FROM (VALUES (1, NULL)) AS t(x, y)",
            Value::Null,
        ),
        (
            "max_by(x, y) FROM (VALUES (1, NULL)) AS t(x, y)",
            Value::Null,
        ),
        (
            "min_by(x, y, 2) FROM (VALUES (1, NULL)) AS t(x, y)",
            Value::Null,
        ),
        (
            "min_by(x, y) FROM (VALUES (1, NULL), (2, 5)) AS t(x, y)",
            json!(2),
        ),
        ("histogram(x) FROM (VALUES NULL) AS t(x)", Value::Null),
        ("map_agg(x, 1) FROM (VALUES NULL) AS t(x)", Value::Null),
    ]);
}

#[test]
fn texts_are_read_as_trino_reads_them() {
    given(vec![
        (
            "cast('2020-01-01 10:00' AS timestamp)",
            json!("2020-01-01T10:00:00"),
        ),
        (
            "cast('2020-1-1' AS timestamp)",
            json!("2020-01-01T00:00:00"),
        ),
        (
            "cast(' 2020-01-01 10:00:00.123 ' AS timestamp)",
            json!("2020-01-01T10:00:00.123"),
        ),
        (
            "cast('2020-01-01 10:00 +01:00' AS timestamp with time zone)",
            json!("2020-01-01T09:00:00Z"),
        ),
        (
            "typeof(cast('2020-01-01 10:00' AS timestamp with time zone))",
            json!("timestamp(3) with time zone"),
        ),
        ("try_cast('2020-01-01T10:00:00' AS timestamp)", Value::Null),
        ("try_cast('2020-13-01' AS date)", Value::Null),
        ("cast(' 2020-1-02 ' AS date)", json!("2020-01-02")),
        (
            "array[cast('T' AS boolean), cast('true' AS boolean), cast('1' AS boolean), cast('F' AS boolean), \
             cast('False' AS boolean), cast('0' AS boolean)]",
            json!([true, true, true, false, false, false]),
        ),
        ("try_cast('yes' AS boolean)", Value::Null),
        ("try(cast('yes' AS boolean))", Value::Null),
        ("cast('+5' AS bigint)", json!(5)),
        ("cast(' 1.5 ' AS double)", json!(1.5)),
        ("cast('-Infinity' AS double)", json!("-Infinity")),
        ("try_cast('inf' AS double)", Value::Null),
        ("try_cast('5.7' AS bigint)", Value::Null),
        ("cast('127' AS tinyint)", json!(127)),
        ("cast(json_parse('true') AS boolean)", json!(true)),
        (
            "cast(json_parse('[1, null, 2.5]') AS array(double))",
            json!([1.0, null, 2.5]),
        ),
        (
            "cast(array['1', NULL, '0'] AS array(boolean))",
            json!([true, null, false]),
        ),
        (
            "cast(array[array[1.5, -2.5], NULL] AS array(array(bigint)))",
            json!([[2, -3], null]),
        ),
        ("cast(array[1.5] AS array(varchar))", json!(["1.5E0"])),
        (
            "cast(array[TIMESTAMP '2020-01-01 10:00'] AS array(varchar))",
            json!(["2020-01-01 10:00:00.000"]),
        ),
        (
            "cast(x AS array(bigint)) FROM (VALUES array['7', '8']) AS t(x)",
            json!([7, 8]),
        ),
        (
            "transform(array['1,2', '3'], y -> cast(split(concat(y, x), ',') AS array(bigint))) FROM (VALUES '9') AS t(x)",
            json!([[1, 29], [39]]),
        ),
        (
            "try_cast(array['1', 'x'] AS array(bigint))",
            json!([1, null]),
        ),
        ("try(cast(array['x'] AS array(bigint)))", Value::Null),
        (
            "cast('2020-01-01 10:00:00.1236' AS timestamp(3))",
            json!("2020-01-01T10:00:00.124"),
        ),
        (
            "cast(TIMESTAMP '1969-12-31 23:59:58.5' AS timestamp(0))",
            json!("1969-12-31T23:59:59"),
        ),
        ("cast(x AS boolean) FROM (VALUES 't') AS s(x)", json!(true)),
    ]);
    refused(&[
        (
            "cast('2020-01-01T10:00:00' AS timestamp)",
            "Value cannot be cast to timestamp: 2020-01-01T10:00:00",
        ),
        (
            "cast('2020-01-01 10:00:00 UTC' AS timestamp)",
            "Value cannot be cast to timestamp",
        ),
        (
            "cast('20200101' AS date)",
            "Value cannot be cast to date: 20200101",
        ),
        (
            "cast('2020-01-01 10:00' AS date)",
            "Value cannot be cast to date",
        ),
        ("cast('yes' AS boolean)", "Cannot cast 'yes' to BOOLEAN"),
        (
            "cast(json_parse('\"yes\"') AS boolean)",
            "Cannot cast 'yes' to BOOLEAN",
        ),
        (
            "cast(array['yes'] AS array(boolean))",
            "Cannot cast 'yes' to BOOLEAN",
        ),
        ("cast(' 5' AS bigint)", "Cannot cast ' 5' to BIGINT"),
        ("cast('nan' AS double)", "Cannot cast 'nan' to DOUBLE"),
        (
            "cast(1577836800 AS timestamp)",
            "Cannot cast bigint to timestamp(3)",
        ),
        (
            "cast(DATE '2020-01-01' AS bigint)",
            "Cannot cast date to bigint",
        ),
    ]);
}

#[test]
fn operators_that_trino_has_not_are_refused() {
    refused(&[
        ("'9' < 10", "Cannot apply operator: varchar < bigint"),
        ("1 IN ('1')", "Cannot apply operator: bigint IN varchar"),
        (
            "x BETWEEN 1 AND 2 FROM (VALUES '1') AS t(x)",
            "Cannot apply operator: varchar BETWEEN bigint",
        ),
        (
            "'1' + 1",
            "Cannot coerce arithmetic expression Utf8 + Int64",
        ),
        (
            "DATE '2020-01-03' + 1",
            "Cannot apply operator: date + bigint; date_add",
        ),
        (
            "CASE 1 WHEN '1' THEN 2 END",
            "Cannot apply operator: bigint = varchar",
        ),
        (
            "(1 IS DISTINCT FROM '1')",
            "Cannot apply operator: bigint IS DISTINCT FROM varchar",
        ),
        (
            "if(1, 2, 3)",
            "CASE WHEN clause must evaluate to a boolean (actual: bigint)",
        ),
        (
            "DATE '2020-01-03' - DATE '2020-01-01'",
            "Cannot apply operator: date - date; date_diff",
        ),
        (
            "DATE '2020-01-03' + INTERVAL '1' HOUR",
            "Cannot add hour, minutes or seconds to a date",
        ),
    ]);
    given(vec![
        (
            "DATE '2020-01-31' + INTERVAL '1' MONTH",
            json!("2020-02-29"),
        ),
        ("TIMESTAMP '2020-01-03 00:00' > '2020-01-02'", json!(true)),
    ]);
}

#[test]
fn every_row_of_json_has_every_column_and_what_is_no_number_is_named() {
    let world = World::empty();
    let sql = "SELECT NULL AS a, x, array[x, NULL] AS b FROM (VALUES 1e0, nan(), infinity(), -infinity(), NULL) AS t(x)";
    let answer = world.query(&["--format", "json", sql]);
    assert_eq!(answer.code, 0, "{}", answer.told);
    let lines: Vec<_> = answer.out.lines().collect();
    assert_eq!(
        lines,
        [
            r#"{"a":null,"x":1.0,"b":[1.0,null]}"#,
            r#"{"a":null,"x":"NaN","b":["NaN",null]}"#,
            r#"{"a":null,"x":"Infinity","b":["Infinity",null]}"#,
            r#"{"a":null,"x":"-Infinity","b":["-Infinity",null]}"#,
            r#"{"a":null,"x":null,"b":[null,null]}"#,
        ]
    );
    let sql = "SELECT x FROM (VALUES 1e0, nan(), infinity(), NULL) AS t(x)";
    assert_eq!(world.csv(sql).out, "x\n1.0\nNaN\nInfinity\n\"\"\n");
    let table = world.query(&["--format", "table", sql]).out;
    assert!(table.contains(" Infinity |"), "{table}");
}
