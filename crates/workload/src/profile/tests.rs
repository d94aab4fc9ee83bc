#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn every_embedded_profile_reads_and_says_what_it_is() {
    assert!(Profile::names().any(|name| name == Profile::DEFAULT));
    for name in Profile::names() {
        let profile = Profile::named(name).unwrap();
        assert_eq!(profile.name(), name);
        assert!(profile.summary().len() > 20, "{name}");
        assert!(profile.text().contains("Where the numbers come from") || name == "post");
        assert_eq!(Profile::parse(profile.text(), name).unwrap(), profile);
    }
}

const HEAD: &str = "name = \"x\"\nsummary = \"y\"\n";

#[test]
fn a_table_of_classes_is_the_whole_table() {
    let weights = |classes: &str| {
        let text = format!("{HEAD}[arrivals]\nprocess = \"steady\"\n{classes}");
        let profile = Profile::parse(&text, "mine.toml").unwrap();
        profile.settings().classes.weights()
    };
    assert_eq!(weights(""), [0.40, 0.35, 0.20, 0.05, 0.0]);
    assert_eq!(
        weights("[classes]\nfitbit = 0.40\napple = 0.60\n"),
        [0.40, 0.60, 0.0, 0.0, 0.0]
    );
    assert_eq!(
        weights("[classes]\nstrap = 1\nsilent = 3\n"),
        [0.0, 0.0, 0.0, 1.0, 3.0]
    );
    let empty = format!("{HEAD}[arrivals]\nprocess = \"steady\"\n[classes]\n");
    let error = Profile::parse(&empty, "mine.toml").unwrap_err().to_string();
    assert!(error.contains("nothing would be sent"), "{error}");
}

/// A key of the reference in docs/workload.md.
struct Documented {
    table: String,
    key: String,
    example: String,
    default: String,
}

/// The rows of the reference: `| table.key | example | default | meaning |`.
fn reference() -> Vec<Documented> {
    let text = include_str!("../../../../docs/workload.md");
    let section = text.split("### Every key").nth(1).unwrap();
    let section = section.split("\n### ").next().unwrap();
    let cell = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 4, "{row}");
        let name = cell(cells[0]);
        let (table, key) = name.rsplit_once('.').unwrap_or(("", &name));
        Documented {
            table: table.to_owned(),
            key: key.to_owned(),
            example: cell(cells[1]),
            default: cell(cells[2]),
        }
    })
    .collect()
}

/// A profile around one line of one table, with what the line needs.
fn around(table: &str, line: &str) -> String {
    let mut head = String::from(HEAD);
    let mut process = match table {
        "sync" => "sync-burst",
        "storm" | "storm.return" => "reconnect-storm",
        _ => "natural",
    };
    if table == "arrivals" && line.starts_with("every_s") {
        process = "steady";
    }
    let mut tables = String::new();
    let mut rest = match table {
        "sync" => {
            "every_s = 900\nphase = \"aligned\"\njitter_s = 1\nfirst_s = 15\nupload_per_s = 1000\n"
        }
        "storm" | "storm.return" => {
            "outage_h = 8\nends_s = 5\nreturn = { over-s = 60 }\nupload_per_s = 50\n"
        }
        // One that sends has to be there.
        "classes" => "fitbit = 1\n",
        _ => "",
    }
    .to_owned();
    let key = line.split(['=', ' ']).next().unwrap();
    rest = rest
        .lines()
        .filter(|other| {
            other.split(' ').next()
                != Some(if table == "storm.return" {
                    "return"
                } else {
                    key
                })
        })
        .map(|other| format!("{other}\n"))
        .collect();
    match table {
        "" => {
            head = HEAD
                .lines()
                .filter(|other| !other.starts_with(&format!("{key} ")))
                .map(|other| format!("{other}\n"))
                .collect();
            head.push_str(&format!("{line}\n"));
        }
        "arrivals" => {}
        "day.time_zones" => {
            let other = if key == "share" {
                "utc_offset_h = 0"
            } else {
                "share = 1"
            };
            tables = format!("[[day.time_zones]]\n{line}\n{other}\n");
        }
        "storm.return" => tables = format!("[storm]\n{rest}return = {{ {line} }}\n"),
        table => tables = format!("[{table}]\n{rest}{line}\n"),
    }
    let arrivals = if table == "arrivals" && key == "process" {
        format!("[arrivals]\n{line}\n")
    } else if table == "arrivals" {
        format!("[arrivals]\nprocess = \"{process}\"\n{line}\n")
    } else {
        format!("[arrivals]\nprocess = \"{process}\"\n")
    };
    format!("{head}{arrivals}{tables}")
}

#[test]
fn every_key_of_the_reference_is_accepted_and_every_key_is_in_the_reference() {
    let documented = reference();
    for of in &documented {
        let text = around(&of.table, &format!("{} = {}", of.key, of.example));
        if let Err(error) = Profile::parse(&text, "doc") {
            panic!("{}.{}: {error}\n{text}", of.table, of.key);
        }
    }
    // What an unknown key is answered with names all that the table knows.
    for table in [
        "",
        "arrivals",
        "day",
        "day.time_zones",
        "classes",
        "cohort",
        "sync",
        "storm",
        "storm.return",
        "limits",
        "readings",
    ] {
        let text = around(table, "zzz = 1");
        let error = Profile::parse(&text, "doc").unwrap_err().to_string();
        let known = error
            .split("expected")
            .nth(1)
            .unwrap_or_else(|| panic!("{error}"));
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        assert!(!known.is_empty(), "{table}: {error}");
        for key in known {
            let is_table = documented.iter().any(|of| {
                let whole = if table.is_empty() {
                    key.to_owned()
                } else {
                    format!("{table}.{key}")
                };
                of.table == whole || of.table.starts_with(&format!("{whole}."))
            });
            let is_key = documented
                .iter()
                .any(|of| of.table == table && of.key == key);
            assert!(is_table || is_key, "{table}.{key} is not in the reference");
        }
    }
}

#[test]
fn the_defaults_of_the_reference_are_those_of_the_program() {
    let parse =
        |text: &str| Profile::parse(text, "doc").unwrap_or_else(|error| panic!("{error}\n{text}"));
    for of in reference() {
        if ["required", "none"].contains(&of.default.as_str()) || of.table == "classes" {
            continue;
        }
        let given = around(&of.table, &format!("{} = {}", of.key, of.default));
        let left_out = around(&of.table, "");
        assert_eq!(
            parse(&given).settings(),
            parse(&left_out).settings(),
            "{}.{}",
            of.table,
            of.key
        );
    }
}

#[test]
fn an_unknown_profile_suggests_the_nearest() {
    let error = Profile::named("comute").unwrap_err().to_string();
    assert!(error.contains("did you mean `commute`?"), "{error}");
    let error = Profile::named("zzz").unwrap_err();
    assert!(
        matches!(&error, ProfileError::Unknown { nearest: None, .. }),
        "{error}"
    );
}

#[test]
fn a_malformed_profile_is_refused_with_line_and_key() {
    let head = "name = \"x\"\nsummary = \"y\"\n[arrivals]\nprocess = \"steady\"\n";
    for (rest, parts) in [
        (
            "[cohort]\nworm = 1\n",
            &["line 6", "worm", "did you mean `worn`?"][..],
        ),
        (
            "[cohort]\nworn = 1.5\n",
            &["line 6", "cohort.worn", "0 to 1"],
        ),
        (
            "[cohort]\nworn = \"always\"\n",
            &["line 6", "cohort.worn", "by-hour"],
        ),
        (
            "[cohort]\ngaps = -1\n",
            &["line 6", "cohort.gaps", "0 to 1e9"],
        ),
        ("[cohort]\ngaps = \"many\"\n", &["line 6", "cohort.gaps"]),
        (
            "[day]\nfrom = \"25:00\"\n",
            &["line 6", "day.from", "HH:MM"],
        ),
        ("[day]\nfrom = \"10:00\n", &["line 6"]),
        (
            "[day]\ntime_zones = []\n",
            &["line 6", "day.time_zones", "1 to 64"],
        ),
        ("[sync]\n", &["line 5", "sync"]),
        (
            "[classes]\nfitbit=0\napple=0\ngarmin=0\nstrap=0\n",
            &["line 5", "classes", "nothing would be sent"],
        ),
        (
            "[readings]\nuniform_bpm = [90, 60]\n",
            &["line 6", "readings.uniform_bpm", "35 to 215"],
        ),
        ("every_s = 0\n", &["line 5", "arrivals.every_s", "above 0"]),
    ] {
        let error = Profile::parse(&format!("{head}{rest}"), "mine.toml").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("mine.toml"), "{text}");
        for part in parts {
            assert!(text.contains(part), "{rest:?}: `{part}` in: {text}");
        }
    }
    let error = Profile::parse("name = \"x\"\n", "mine.toml")
        .unwrap_err()
        .to_string();
    assert!(error.contains("summary"), "{error}");
    let error = Profile::parse(
        "name = \"x\"\nsummary=\"\"\n[arrivals]\nprocess = \"stedy\"",
        "m",
    );
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("line 4") && error.contains("did you mean `steady`?"),
        "{error}"
    );
}
