//! Trino's functions by their names and meanings, and the syntax around them.

use serde_json::{Value, json};

use crate::world::{Answer, World};

const DOCUMENTED: &str = include_str!("../../docs/query.md");

/// An example of the documentation and what it gives.
struct Example {
    written: String,
    value: Value,
}

/// The rows of the tables of functions, by their headings.
fn examples() -> Vec<(String, Vec<Example>)> {
    let functions = DOCUMENTED
        .split("\n## ")
        .find(|of| of.starts_with("Functions\n"));
    let sections = functions.unwrap().split("\n### ").skip(1);
    let section = |of: &str| {
        let heading = of.lines().next().unwrap().to_owned();
        let mut rows = of.lines().filter(|line| line.starts_with("| "));
        let head = cells(rows.next().unwrap());
        let column = |name: &str| head.iter().position(|of| of == name).unwrap();
        let (written, value) = (column("example"), column("value"));
        let row = |line: &str| {
            let cells = cells(line);
            assert_eq!(cells.len(), head.len(), "{line}");
            let code = |at: usize| cells[at].trim_matches('`').to_owned();
            let value = serde_json::from_str(&code(value));
            Example {
                written: code(written),
                value: value.unwrap_or_else(|error| panic!("{line}: {error}")),
            }
        };
        (heading, rows.map(row).collect())
    };
    sections.map(section).collect()
}

/// The cells of a row of Markdown.
fn cells(line: &str) -> Vec<String> {
    let line = line.replace("\\|", "\u{1}");
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner
        .split('|')
        .map(|of| of.trim().replace('\u{1}', "|"))
        .collect()
}

/// An expression, and what stands behind it.
fn split(written: &str) -> (&str, &str) {
    let mut depth = 0;
    for (at, one) in written.char_indices() {
        match one {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ' ' if depth == 0 && written[at..].starts_with(" FROM ") => {
                return written.split_at(at);
            }
            _ => {}
        }
    }
    (written, "")
}

fn json_of(world: &World, sql: &str) -> Answer {
    world.query(&["--format", "json", sql])
}

/// The rows of a statement.
#[track_caller]
pub(crate) fn rows(world: &World, sql: &str) -> Vec<Value> {
    let answer = json_of(world, sql);
    assert_eq!(answer.code, 0, "{sql}: {}", answer.told);
    let rows = answer.out.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>().unwrap()
}

/// The value of an expression, or what is told of it.
pub(crate) fn value(world: &World, written: &str) -> Result<Value, String> {
    let (expression, from) = split(written);
    let answer = json_of(world, &format!("SELECT {expression} AS v{from}"));
    if answer.code != 0 {
        return Err(answer.told);
    }
    let row: Value = serde_json::from_str(answer.out.trim()).unwrap();
    Ok(row.get("v").cloned().unwrap_or(Value::Null))
}

/// Each expression with the value that it should have, and has not.
pub(crate) fn mistaken<'a>(expected: impl Iterator<Item = (&'a str, Value)>) -> Vec<String> {
    let world = World::empty();
    let (plain, with_from): (Vec<_>, Vec<_>) = expected.partition(|of| split(of.0).1.is_empty());
    let mut wrong = Vec::new();
    let mut judge = |written: &str, found: Result<Value, String>, expected: &Value| {
        if found.as_ref() != Ok(expected) {
            wrong.push(format!("{written}: expected {expected}, found {found:?}"));
        }
    };
    for some in plain.chunks(40) {
        let columns = some
            .iter()
            .enumerate()
            .map(|(at, of)| format!("{} AS v{at}", of.0));
        let together = json_of(
            &world,
            &format!("SELECT {}", columns.collect::<Vec<_>>().join(", ")),
        );
        let row = serde_json::from_str::<Value>(together.out.trim());
        for (at, (written, expected)) in some.iter().enumerate() {
            let found = match &row {
                Ok(row) => Ok(row.get(format!("v{at}")).cloned().unwrap_or(Value::Null)),
                // One of them fails: which?
                Err(_) => value(&world, written),
            };
            judge(written, found, expected);
        }
    }
    for (written, expected) in with_from {
        judge(written, value(&world, written), &expected);
    }
    wrong
}

#[test]
fn every_example_of_the_documentation_gives_its_value() {
    let all = examples();
    let count: usize = all.iter().map(|(_, rows)| rows.len()).sum();
    assert!(count > 150, "{count} examples are found");
    let mut wrong = Vec::new();
    for (heading, rows) in &all {
        let found = mistaken(
            rows.iter()
                .map(|of| (of.written.as_str(), of.value.clone())),
        );
        wrong.extend(found.into_iter().map(|of| format!("{heading}: {of}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_function_that_is_none_is_named_with_its_place_and_the_nearest() {
    let world = World::empty();
    let answer = world.csv("SELECT 1,\n  date_pars('2020', '%Y')");
    assert_eq!(answer.code, 2, "{}", answer.told);
    for part in [
        "there is no function date_pars, the nearest is date_parse; docs/query.md",
        "    date_pars('2020', '%Y')\n    ^^^^^^^^^",
    ] {
        assert!(answer.told.contains(part), "{part}: {}", answer.told);
    }
}

#[test]
fn arrays_and_maps_become_rows_beside_those_that_have_them() {
    let world = World::empty();
    let from = "FROM (VALUES (1, array['a', 'b'], array[10]), (2, NULL, NULL)) AS t(id, xs, ns)";
    for (sql, expected) in [
        (
            format!("SELECT t.id, u.x, i {from} CROSS JOIN UNNEST(t.xs) WITH ORDINALITY AS u(x, i)"),
            vec![json!({"id": 1, "x": "a", "i": 1}), json!({"id": 1, "x": "b", "i": 2})],
        ),
        (
            format!("SELECT id, x, n {from}, UNNEST(xs, ns) AS u(x, n)"),
            vec![json!({"id": 1, "x": "a", "n": 10}), json!({"id": 1, "x": "b", "n": null})],
        ),
        (
            format!("SELECT id, x {from} LEFT JOIN UNNEST(xs) AS u(x) ON TRUE WHERE id = 2"),
            vec![json!({"id": 2, "x": null})],
        ),
        (
            format!(
                "SELECT count(*) AS n {from} CROSS JOIN UNNEST(xs) AS u(x) CROSS JOIN UNNEST(ns) AS v(n)"
            ),
            vec![json!({"n": 2})],
        ),
        (
            "SELECT k, v FROM UNNEST(map(array['a', 'b'], array[1, 2])) AS t(k, v) ORDER BY k".to_owned(),
            vec![json!({"k": "a", "v": 1}), json!({"k": "b", "v": 2})],
        ),
        (
            "SELECT a, b, i FROM UNNEST(array[row(1, 'x'), row(2, 'y')]) WITH ORDINALITY AS t(a, b, i) \
             WHERE i > 1"
                .to_owned(),
            vec![json!({"a": 2, "b": "y", "i": 2})],
        ),
        (
            format!(
                "WITH t AS (SELECT id, xs {from}) SELECT x, count(*) AS n FROM t \
                 CROSS JOIN UNNEST(xs) AS u(x) JOIN (VALUES ('b')) AS w(y) ON x = y GROUP BY x",
                from = from.replace("AS t(", "AS s(")
            ),
            vec![json!({"x": "b", "n": 1})],
        ),
        // What one row has the key of is several behind UNNEST.
        (
            "SELECT g, x, i FROM (SELECT 1 AS g, array_agg(v) AS a FROM (VALUES (7), (7)) AS s(v) \
             GROUP BY 1) AS t CROSS JOIN UNNEST(a) WITH ORDINALITY AS u(x, i) ORDER BY g, i DESC"
                .to_owned(),
            vec![json!({"g": 1, "x": 7, "i": 2}), json!({"g": 1, "x": 7, "i": 1})],
        ),
        (
            "SELECT v, i, count(*) AS n FROM (SELECT v, array_agg(v) AS a FROM (VALUES (7), (7)) AS s(v) \
             GROUP BY v) AS t CROSS JOIN UNNEST(a) WITH ORDINALITY AS u(x, i) GROUP BY v, i ORDER BY v, i"
                .to_owned(),
            vec![json!({"v": 7, "i": 1, "n": 1}), json!({"v": 7, "i": 2, "n": 1})],
        ),
    ] {
        assert_eq!(rows(&world, &sql), expected, "{sql}");
    }
}

#[test]
fn subscripts_and_lambdas_reach_into_the_columns_of_a_lake() {
    let world = World::empty();
    let records = [
        r#"{"device":"d1","tags":["a","b"],"readings":[{"bpm":60},{"bpm":80}]}"#,
        r#"{"device":"d2","tags":[],"readings":[{"bpm":70}]}"#,
    ];
    world.records("o", &records.map(str::to_owned));
    let sql = "SELECT device, element_at(tags, 1) AS tag, readings[1].bpm AS first, \
               reduce(readings, 0, (s, r) -> s + r.bpm, s -> s) AS total \
               FROM records ORDER BY device";
    assert_eq!(
        rows(&world, sql),
        [
            json!({"device": "d1", "tag": "a", "first": 60, "total": 140}),
            json!({"device": "d2", "tag": null, "first": 70, "total": 70}),
        ]
    );
    let sql = "SELECT device, r.bpm AS bpm FROM records CROSS JOIN UNNEST(transform(readings, r -> r.bpm)) AS r(bpm) \
               WHERE r.bpm > 65 ORDER BY bpm";
    assert_eq!(
        rows(&world, sql),
        [
            json!({"device": "d2", "bpm": 70}),
            json!({"device": "d1", "bpm": 80})
        ]
    );
}

#[test]
fn aggregates_of_many_rows_and_groups_are_put_together() {
    let world = World::empty();
    let sql = "SELECT value % 2 AS g, approx_percentile(value, array[0.01, 0.5, 0.99]) AS p, \
               approx_distinct(value) AS d, max_by(value, -value) AS least, min_by(value, -value, 2) AS most \
               FROM generate_series(1, 200000) GROUP BY 1 ORDER BY 1";
    let rows = rows(&world, sql);
    assert_eq!(rows.len(), 2);
    for row in &rows {
        let near = |found: &Value, expected: f64| {
            let found = found.as_f64().unwrap();
            assert!(
                (found - expected).abs() < expected * 0.05 + 100.0,
                "{row}: {expected}"
            );
        };
        for (at, expected) in [2_000.0, 100_000.0, 198_000.0].into_iter().enumerate() {
            near(&row["p"][at], expected);
        }
        near(&row["d"], 100_000.0);
    }
    assert_eq!(rows[0]["least"], 2);
    assert_eq!(rows[0]["most"], json!([200_000, 199_998]));
    assert_eq!(rows[1]["most"], json!([199_999, 199_997]));
}
