//! The page: sound HTML, complete, with nothing to fetch.

use std::collections::BTreeSet;
use std::process::Command;
use std::{fs, path::Path};

use hrload::report::RunResult;

use super::{Case, kinds, text};

const SECTIONS: [&str; 8] = [
    "summary",
    "ledger",
    "latency",
    "latency-over-time",
    "rate",
    "devices",
    "capacity",
    "configuration",
];

/// Every tag of a page, without its brackets.
fn tags(html: &str) -> Vec<&str> {
    let without_style = html.split_once("</style>").unwrap().1;
    let parts = without_style.split('<').skip(1);
    parts.map(|part| part.split_once('>').unwrap().0).collect()
}

/// The values of an attribute, wherever it stands.
fn values<'a>(tags: &[&'a str], key: &str) -> Vec<&'a str> {
    let key = format!(" {key}=\"");
    let values = tags.iter().filter_map(|tag| tag.split_once(&key));
    values
        .map(|(_, after)| after.split('"').next().unwrap())
        .collect()
}

#[track_caller]
fn assert_sound(name: &str, html: &str) {
    assert!(
        html.starts_with("<!DOCTYPE html><html lang=\"en\">"),
        "{name}"
    );
    let tags = tags(html);
    let mut open = vec!["html", "head"];
    for tag in &tags {
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{name}");
        } else if !tag.ends_with('/') {
            let element = tag.split([' ', '\n']).next().unwrap();
            if !["meta", "link", "br", "wbr"].contains(&element) {
                open.push(element);
            }
        }
    }
    assert!(open.is_empty(), "{name}: {open:?}");
    let ids = values(&tags, "id");
    let unique: BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), unique.len(), "{name}: ids are unique");
    for section in SECTIONS {
        assert!(ids.contains(&section), "{name}: {section}");
    }
    for target in values(&tags, "href").iter().chain(&values(&tags, "src")) {
        let within = target.strip_prefix('#').is_some_and(|id| ids.contains(&id));
        assert!(within, "{name}: {target} is not on the page");
    }
    for of in values(&tags, "aria-labelledby") {
        assert!(of.split(' ').all(|id| ids.contains(&id)), "{name}: {of}");
    }
    let count = |element: &str| {
        let of = |tag: &&&str| tag.split(' ').next() == Some(element);
        tags.iter().filter(of).count()
    };
    assert_eq!(count("table"), count("caption"), "{name}");
    assert_eq!(count("svg"), count("desc"), "{name}");
    assert_eq!(count("figure"), count("figcaption"), "{name}");
    assert_eq!(count("h1"), 1, "{name}");
    assert_eq!(count("script"), 0, "{name}: text of the result is text");
    assert!(!html.contains("NaN") && !html.contains(">inf"), "{name}");
    assert!(html.len() < 1_000_000, "{name}: {} bytes", html.len());
}

#[test]
fn pages_are_sound_whatever_was_run() {
    for (kind, result) in kinds() {
        assert_sound(kind, &text("html", std::slice::from_ref(&result)));
        let both = text("html", &[Case::default().run(), result]);
        assert_sound(&format!("held and {kind}"), &both);
        assert!(both.contains("id=\"changes\""), "{kind}");
    }
}

#[test]
fn a_page_says_first_whether_the_run_held_and_why_not() {
    let held = text("html", &[Case::default().run()]);
    assert!(held.contains("<strong class=\"verdict-word\">held</strong>"));
    let lossy = text("html", &[Case::lossy().run()]).replace("<wbr>", "");
    let at = |text: &str| {
        lossy
            .find(text)
            .unwrap_or_else(|| panic!("{text} is missing"))
    };
    let word = "<strong class=\"verdict-word\">not held, in doubt</strong>";
    assert!(at(word) < at("<li>50 failed (2.5 %)</li>"));
    assert!(at("<li>50 failed (2.5 %)</li>") < at("id=\"ledger\""));
    for wanted in [
        "Where the time goes",
        "Latency by percentile",
        "99.9 %",
        "End to end over time",
        "Throttled items over time",
        "TableWriteProvisionedThroughputExceeded",
        "Slowest reading of a device",
        "AMD EPYC 7763",
    ] {
        at(wanted);
    }
}

#[test]
fn an_hour_makes_a_page_no_larger_than_it_can_be_read() {
    let mut result = Case::lossy().run();
    let second = result.series[2].clone();
    result.series = (0..3_600)
        .map(|at| {
            let mut second = second.clone();
            second.second = at;
            second
        })
        .collect();
    result.run.measured = 3_600.0;
    let ledger = &mut result.ledger;
    ledger.scheduled = 3_600 * second.scheduled;
    ledger.dropped = 3_600 * second.dropped;
    ledger.cut_off = 3_600 * second.cut_off;
    ledger.sent = 3_600 * second.sent;
    ledger.acknowledged = 3_600 * second.acknowledged;
    ledger.failed = ledger.sent - ledger.acknowledged;
    ledger.seen = Some(ledger.acknowledged - ledger.missing.unwrap());
    let rate = |count: u64| count as f64 / 3_600.0;
    result.rate.offered = rate(ledger.scheduled);
    result.rate.achieved = rate(ledger.acknowledged);
    result.rate.seen = ledger.seen.map(rate);
    result.series[0].failed += ledger.failed - 3_600 * second.failed;
    assert_sound("an hour", &text("html", &[result]));
}

#[test]
fn results_of_older_versions_make_pages_without_what_they_lack() {
    let mut value = serde_json::to_value(Case::lossy().run()).unwrap();
    for key in ["slowest_devices", "planned"] {
        value.as_object_mut().unwrap().remove(key);
    }
    for second in value["series"].as_array_mut().unwrap() {
        for of in second["latency"].as_object_mut().unwrap().values_mut() {
            of.as_object_mut().unwrap().remove("histogram");
            of.as_object_mut().unwrap().remove("histogram_negative");
        }
    }
    let old: RunResult = serde_json::from_value(value).unwrap();
    let html = text("html", &[old]);
    assert_sound("old", &html);
    assert!(html.contains("No reading was followed through the stream"));
}

/// Where a browser is to be had: it shows the page as it should.
#[test]
fn a_browser_shows_the_page_without_complaint() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&folder).unwrap();
    let lossy = Case::lossy().run();
    let mut long = lossy.clone();
    long.config.profile = "a-profile-with-a-name-that-nobody-would-type-twice".repeat(3);
    long.config.command = vec!["hrload".into(), "x".repeat(300)];
    long.throttles[0].exception = "ProvisionedThroughputExceededException".repeat(3);
    long.warnings = vec!["readings waited: raise `--backlog`, or lower the rate".into()];
    let pages = [
        ("single.html", text("html", std::slice::from_ref(&lossy))),
        ("two.html", text("html", &[Case::default().run(), lossy])),
        ("long.html", text("html", &[long])),
    ];
    assert!(pages[2].1.contains("raise <code>--backlog</code>, or"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/browser");
    let mut command = Command::new(script);
    command.arg("check").arg(&folder);
    for (name, html) in &pages {
        fs::write(folder.join(name), html).unwrap();
        command.arg(folder.join(name));
    }
    let output = command.output().unwrap();
    let [said, found] = [&output.stdout, &output.stderr].map(|of| String::from_utf8_lossy(of));
    assert!(output.status.success(), "{said}{found}");
    if said.contains("skipped") {
        eprint!("{said}");
        return;
    }
    assert!(
        said.contains("15 views looked at, 0 findings"),
        "{said}{found}"
    );
    for name in [
        "single-light",
        "single-dark",
        "single-phone",
        "two-light",
        "long-phone-dark",
    ] {
        let picture = fs::read(folder.join(format!("{name}.png"))).unwrap();
        assert!(
            picture.starts_with(b"\x89PNG") && picture.len() > 50_000,
            "{name}"
        );
    }
}
