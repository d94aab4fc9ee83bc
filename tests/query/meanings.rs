//! What Trino's functions mean where other engines mean something else: NULL, failures,
//! the ends of ranges.

use serde_json::{Value, json};

use crate::functions::{mistaken, value};
use crate::world::World;

#[test]
fn null_comes_of_null_where_trino_says_so() {
    let no = Value::Null;
    let cases = [
        ("strpos(NULL, 'a')", no.clone()),
        ("substr('a', NULL)", no.clone()),
        ("concat('a', NULL)", no.clone()),
        ("'a' || NULL", no.clone()),
        ("concat_ws(NULL, 'a')", no.clone()),
        ("concat_ws(',', NULL, NULL)", json!("")),
        ("split_part('a.b', '.', 3)", no.clone()),
        ("regexp_extract('abc', '\\d')", no.clone()),
        ("regexp_extract('ab', '(a)|(b)', 2)", no.clone()),
        ("regexp_like(NULL, 'a')", no.clone()),
        ("greatest(1, NULL, 3)", no.clone()),
        ("least(NULL, 1)", no.clone()),
        ("date_parse(NULL, '%Y')", no.clone()),
        ("date_diff('day', NULL, DATE '2020-01-01')", no.clone()),
        ("json_extract_scalar('{\"a\": null}', '$.a')", no.clone()),
        ("json_extract_scalar('{\"a\": [1]}', '$.a')", no.clone()),
        ("json_extract_scalar('{\"a\": 1}', '$.b')", no.clone()),
        ("json_extract_scalar('no json', '$.a')", no.clone()),
        ("json_extract('{\"a\": null}', '$.a')", json!("null")),
        ("json_array_length('{}')", no.clone()),
        ("element_at(array[1], 2)", no.clone()),
        ("element_at(array[1], -2)", no.clone()),
        ("element_at(map(array['a'], array[1]), 'b')", no.clone()),
        ("contains(array[1, NULL], 1)", json!(true)),
        ("contains(array[1], NULL)", no.clone()),
        ("array_max(array[1, NULL])", no.clone()),
        ("array_position(array[1, 2], 3)", json!(0)),
        ("arrays_overlap(array[1, NULL], array[2])", no.clone()),
        ("array_join(array['a', NULL, 'b'], '-')", json!("a-b")),
        ("any_match(array[1, NULL], x -> x > 1)", no.clone()),
        ("all_match(array[1, NULL], x -> x > 0)", no.clone()),
        ("all_match(array[1, NULL], x -> x > 1)", json!(false)),
        (
            "reduce(array[5, NULL], 0, (s, x) -> s + x, s -> s)",
            no.clone(),
        ),
        ("cardinality(NULL)", no.clone()),
        ("if(NULL, 1, 2)", json!(2)),
        ("try(CAST('x' AS bigint))", no.clone()),
        ("try(date_parse('x', '%Y'))", no.clone()),
        ("count_if(x) FROM (VALUES (NULL)) AS t(x)", json!(0)),
        (
            "bool_and(x) FROM (VALUES (true), (NULL)) AS t(x)",
            json!(true),
        ),
        (
            "max_by(x, y) FROM (VALUES ('a', 1), (NULL, 2), ('c', NULL)) AS t(x, y)",
            no.clone(),
        ),
        (
            "max_by(x, y) FROM (VALUES ('a', CAST(NULL AS bigint))) AS t(x, y)",
            no.clone(),
        ),
        (
            "array_agg(x) FROM (VALUES (1), (NULL)) AS t(x)",
            json!([1, null]),
        ),
        (
            "approx_percentile(x, 0.5) FROM (VALUES (CAST(NULL AS double))) AS t(x)",
            no.clone(),
        ),
        (
            "approx_distinct(x) FROM (VALUES (CAST(NULL AS double))) AS t(x)",
            json!(0),
        ),
        (
            "histogram(x) FROM (VALUES (CAST(NULL AS varchar))) AS t(x)",
            no.clone(),
        ),
        (
            "cardinality(map_agg(k, v)) FROM (VALUES ('a', NULL), (NULL, 1), ('a', 2)) AS t(k, v)",
            json!(1),
        ),
        ("stddev(x) FROM (VALUES (1.0)) AS t(x)", no.clone()),
    ];
    let wrong = mistaken(cases.into_iter());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn meanings_that_differ_between_engines_are_trinos() {
    let cases = [
        // MySQL's letters, not those of strftime.
        (
            "date_format(TIMESTAMP '2001-01-09 13:04:05.321', '%a %b %c %d %e %f %H %h %I %i %j %k %l %M %m %p %r %S %s %T %v %W %Y %y %%')",
            json!(
                "Tue Jan 1 09 9 321000 13 01 01 04 009 13 1 January 01 PM 01:04:05 PM 05 05 13:04:05 02 Tuesday 2001 01 %"
            ),
        ),
        (
            "date_parse('12.3.70 1:02:03 PM', '%e.%c.%y %l:%i:%s %p')",
            json!("1970-03-12T13:02:03"),
        ),
        (
            "date_parse('1.5', '%s.%f')",
            json!("1970-01-01T00:00:01.500"),
        ),
        (
            "date_parse('Tuesday, February 3, 2009', '%W, %M %e, %Y')",
            json!("2009-02-03T00:00:00"),
        ),
        (
            "format_datetime(TIMESTAMP '2001-01-09 13:04:05.321', 'yyyy/MM/dd HH:mm:ss.SSS e w xxxx D a h K k ''o''''clock'' ZZ')",
            json!("2001/01/09 13:04:05.321 2 2 2001 9 PM 1 1 13 o'clock +00:00"),
        ),
        (
            "parse_datetime('20200102 030405', 'yyyyMMdd HHmmss')",
            json!("2020-01-02T03:04:05Z"),
        ),
        ("from_iso8601_date('2020-123')", json!("2020-05-02")),
        (
            "from_iso8601_timestamp('2020-05-11')",
            json!("2020-05-11T00:00:00Z"),
        ),
        (
            "date_diff('month', DATE '2020-01-31', DATE '2020-02-29')",
            json!(1),
        ),
        (
            "date_diff('month', DATE '2020-01-31', DATE '2020-03-30')",
            json!(1),
        ),
        (
            "date_diff('day', TIMESTAMP '2020-01-02 00:00:01', TIMESTAMP '2020-01-01 00:00:02')",
            json!(0),
        ),
        (
            "date_diff('year', TIMESTAMP '2020-06-01 00:00:00', TIMESTAMP '2018-01-01 00:00:00')",
            json!(-2),
        ),
        (
            "date_add('month', 1, DATE '2020-01-31')",
            json!("2020-02-29"),
        ),
        (
            "date_trunc('month', DATE '2020-01-31')",
            json!("2020-01-01"),
        ),
        (
            "date_trunc('quarter', TIMESTAMP '1969-12-31 23:59:59')",
            json!("1969-10-01T00:00:00"),
        ),
        (
            "date_trunc('week', TIMESTAMP '1969-12-30 23:59:59')",
            json!("1969-12-29T00:00:00"),
        ),
        (
            "date_trunc('day', TIMESTAMP '2022-11-01 09:00 America/New_York')",
            json!("2022-11-01T00:00:00-04:00"),
        ),
        (
            "typeof(date_trunc('day', DATE '2020-01-31'))",
            json!("date"),
        ),
        (
            "typeof(from_unixtime(0))",
            json!("timestamp(3) with time zone"),
        ),
        ("typeof(to_unixtime(now()))", json!("double")),
        (
            "typeof(approx_distinct(x)) FROM (VALUES (1)) AS t(x)",
            json!("bigint"),
        ),
        ("typeof(round(1))", json!("bigint")),
        ("substr('abc', 0)", json!("")),
        ("substr('abc', -5)", json!("")),
        ("substr('abc', 2, 5)", json!("bc")),
        ("strpos('abcabc', 'c', 2)", json!(6)),
        ("position('x' IN 'abc')", json!(0)),
        ("lpad('text', 2, 'x')", json!("te")),
        ("split('a.b', '.')", json!(["a", "b"])),
        ("concat(array[1], array[2, NULL])", json!([1, 2, null])),
        ("concat_ws('-', array['a', NULL, 'b'])", json!("a-b")),
        ("regexp_replace('1a 2b', '\\d')", json!("a b")),
        (
            "regexp_replace('ab', '(?<first>a)(b)', '${first}\\$$2')",
            json!("a$b"),
        ),
        ("regexp_replace('aXbX', 'X', '.')", json!("a.b.")),
        ("round(2.5)", json!(3.0)),
        ("round(123.456, -1)", json!(120.0)),
        ("width_bucket(2.0, array[1, 2, 3])", json!(2)),
        ("width_bucket(5, 4, 0, 3)", json!(0)),
        ("cardinality(array[array[1, 2], array[3]])", json!(2)),
        (
            "sequence(DATE '2020-01-30', DATE '2020-02-02')",
            json!(["2020-01-30", "2020-01-31", "2020-02-01", "2020-02-02"]),
        ),
        (
            "sequence(TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2020-01-01 00:10:00', INTERVAL '5' MINUTE)",
            json!([
                "2020-01-01T00:00:00",
                "2020-01-01T00:05:00",
                "2020-01-01T00:10:00"
            ]),
        ),
        (
            "sequence(DATE '2020-01-31', DATE '2020-03-31', INTERVAL '1' MONTH)",
            json!(["2020-01-31", "2020-02-29", "2020-03-31"]),
        ),
        ("sequence(3, 1)", json!([3, 2, 1])),
        ("array_sort(array['b', 'a', NULL])", json!(["a", "b", null])),
        ("slice(array[1, 2], 5, 1)", json!([])),
        ("cast(71.0 AS varchar)", json!("7.1E1")),
        (
            "cast(json_extract('{\"a\": \"x\"}', '$.a') AS varchar)",
            json!("x"),
        ),
        ("json_extract('{\"a\": \"x\"}', '$.a')", json!("\"x\"")),
        ("json_extract_scalar('{\"a\": 1.50}', '$.a')", json!("1.50")),
        ("typeof(array[1, 2])", json!("array(bigint)")),
        ("typeof(NULL)", json!("unknown")),
        ("map(array['a'], array[1])['a']", json!(1)),
        (
            "transform(array[1, 2], x -> x + y) FROM (VALUES (10)) AS t(y)",
            json!([11, 12]),
        ),
        (
            "reduce(array[5, 6, 10, 20], 0.0, (s, x) -> s + x, s -> s / 4)",
            json!(10.25),
        ),
        (
            "sum(try(10 / x)) FROM (VALUES (0), (2), (5), (0)) AS t(x)",
            json!(7),
        ),
        (
            "try(sum(x) / count_if(x > 9)) FROM (VALUES (1), (2)) AS t(x)",
            json!(null),
        ),
        (
            "approx_percentile(x, 0.5) FROM (VALUES (1.5), (2.5)) AS t(x)",
            json!(2.5),
        ),
        (
            "approx_percentile(x, 0.2) FROM (VALUES (10), (20), (30), (40)) AS t(x)",
            json!(10),
        ),
        (
            "max_by(x, y) FILTER (WHERE y < 3) FROM (VALUES ('a', 1), ('b', 2), ('c', 3)) AS t(x, y)",
            json!("b"),
        ),
        (
            "count_if(x > 1) FILTER (WHERE x < 3) FROM (VALUES (1), (2), (3)) AS t(x)",
            json!(1),
        ),
    ];
    let wrong = mistaken(cases.into_iter());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_fails_says_what_trino_says() {
    let world = World::empty();
    let mut wrong = Vec::new();
    for (written, told) in [
        (
            "date_parse('2020', '%Y-%m')",
            "Invalid format: \"2020\" is too short",
        ),
        (
            "date_parse('2020-x', '%Y-%m')",
            "Invalid format: \"2020-x\" is malformed at \"x\"",
        ),
        ("date_parse('x', '%Y')", "Invalid format: \"x\""),
        (
            "date_parse('2020-13', '%Y-%m')",
            "Value 13 for monthOfYear must be in the range [1,12]",
        ),
        (
            "date_parse('2021-02-29', '%Y-%m-%d')",
            "Value 29 for dayOfMonth must be in the range [1,28]",
        ),
        (
            "date_format(now(), '%D')",
            "%D not supported in date format string",
        ),
        (
            "date_add('fortnight', 1, now())",
            "'fortnight' is not a valid TIMESTAMP field",
        ),
        (
            "date_trunc('hour', DATE '2020-01-01')",
            "'hour' is not a valid DATE field",
        ),
        (
            "from_iso8601_timestamp('yesterday')",
            "Invalid format: \"yesterday\"",
        ),
        (
            "at_timezone(now(), 'Moon/Sea')",
            "Time zone not supported: Moon/Sea",
        ),
        ("split_part('a', '.', 0)", "Index must be greater than zero"),
        (
            "split('a', '')",
            "The delimiter may not be the empty string",
        ),
        (
            "lpad('a', -1, 'b')",
            "Target length must be in the range [0..2147483647]",
        ),
        ("rpad('a', 5, '')", "Padding string must not be empty"),
        (
            "regexp_extract('a', '(a)', 2)",
            "Pattern has 1 groups. Cannot access group 2",
        ),
        ("regexp_like('a', '(?=a)')", "look-around"),
        ("json_parse('{')", "Cannot convert value to JSON: '{'"),
        ("json_extract('{}', 'a')", "Invalid JSON path: 'a'"),
        (
            "array[1][2]",
            "Array subscript must be less than or equal to array length: 2 > 1",
        ),
        ("array[1][0]", "SQL array indices start at 1"),
        ("array[1][-1]", "Array subscript is negative: -1"),
        ("element_at(array[1], 0)", "SQL array indices start at 1"),
        (
            "map(array['a'], array[1])['b']",
            "Key not present in map: b",
        ),
        (
            "sequence(1, 3, -1)",
            "sequence stop value should be greater than or equal to start value",
        ),
        (
            "sequence(1, 20000)",
            "must not have more than 10000 entries",
        ),
        ("width_bucket(1, 2, 2, 3)", "bounds cannot equal each other"),
        ("mod(1, 0)", "Division by zero"),
        (
            "approx_percentile(x, 1.5) FROM (VALUES (1)) AS t(x)",
            "Percentile must be between 0 and 1",
        ),
        (
            "approx_percentile(x, 0, 0.5) FROM (VALUES (1)) AS t(x)",
            "percentile weight must be >= 1",
        ),
        (
            "max_by(x, x, 0) FROM (VALUES (1)) AS t(x)",
            "must be a positive integer",
        ),
        (
            "strpos(1, 'a')",
            "Unexpected parameters (bigint, varchar) for function strpos. Expected: strpos(varchar, varchar)",
        ),
        (
            "contains(array[1], 'a')",
            "for function contains. Expected: contains(array(T), T)",
        ),
        (
            "histogram(x, x) FROM (VALUES (1)) AS t(x)",
            "Expected: histogram(x)",
        ),
        (
            "zip_with(array[1], array[2], (x, y) -> x + y)",
            "zip_with takes a lambda and is not there",
        ),
        ("x FROM UNNEST(1) AS t(x)", "Cannot unnest type: bigint"),
        (
            "x FROM UNNEST(array[1]) AS t(x, y)",
            "Column alias list has 2 entries but 't' has 1 columns available",
        ),
    ] {
        match value(&world, written) {
            Err(found) if found.contains(told) => {}
            found => wrong.push(format!("{written}: expected {told}, found {found:?}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
