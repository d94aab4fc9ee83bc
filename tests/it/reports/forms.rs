//! Every form but the page, read back by its readers.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use hrload::measure::Stage;
use hrload::report::{RunResult, Threshold};
use tempfile::TempDir;

use super::{Case, HARM, hrload, kinds, text};

#[test]
fn a_run_writes_every_report_beside_its_result() {
    let folder = TempDir::new().unwrap();
    let mut command = hrload();
    command.args("-q --devices 50 -r 300 -w 0s -d 1s --change-delay 0 -o r.json".split(' '));
    let endings = ["html", "md", "csv", "hlog", "xml", "prom"];
    for ending in endings {
        command.args(["--report", &format!("run.{ending}")]);
    }
    let output = command.current_dir(&folder).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let result = RunResult::read(&folder.path().join("r.json")).unwrap();
    for ending in endings {
        let written = fs::read_to_string(folder.path().join(format!("run.{ending}"))).unwrap();
        assert_eq!(
            written,
            text(ending, std::slice::from_ref(&result)),
            "{ending}"
        );
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), endings.len() + 1);
}

#[test]
fn csv_has_a_row_a_second_and_adds_up_to_the_ledger() {
    for (kind, result) in kinds() {
        let csv = text("csv", std::slice::from_ref(&result));
        assert!(csv.ends_with("\r\n") && !csv.contains('"'), "{kind}");
        let rows: Vec<Vec<&str>> = csv
            .split_terminator("\r\n")
            .map(|row| row.split(',').collect())
            .collect();
        let (headings, rows) = rows.split_first().unwrap();
        assert_eq!(rows.len(), result.series.len(), "{kind}");
        assert!(rows.iter().all(|row| row.len() == headings.len()), "{kind}");
        let column = |name: &str| headings.iter().position(|of| *of == name).unwrap();
        let (second, acknowledged) = (column("second_s"), column("acknowledged_readings"));
        let measured = rows.iter().filter(|row| !row[second].starts_with('-'));
        let sum: u64 = measured
            .map(|row| row[acknowledged].parse::<u64>().unwrap())
            .sum();
        assert_eq!(sum, result.ledger.acknowledged, "{kind}");
    }
    let csv = text("csv", &[Case::default().run()]);
    assert!(csv.contains(",e2e_p99_s,"), "a unit in each heading");
}

/// The counts of each tag, by HdrHistogram's format as the Rust crate reads it.
fn counts_by_tag(log: &str) -> BTreeMap<String, Histogram<u64>> {
    let mut tags: BTreeMap<String, Histogram<u64>> = BTreeMap::new();
    let mut last = std::time::Duration::ZERO;
    for entry in IntervalLogIterator::new(log.as_bytes()) {
        let LogEntry::Interval(interval) = entry.unwrap() else {
            continue;
        };
        assert!(interval.start_timestamp() >= last, "in the order of time");
        last = interval.start_timestamp();
        let bytes = base64_simd::STANDARD.decode_to_vec(interval.encoded_histogram());
        let histogram: Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes.unwrap().as_slice())
            .unwrap();
        let tag = interval.tag().unwrap().as_str().to_owned();
        tags.entry(tag)
            .and_modify(|sum| sum.add(&histogram).unwrap())
            .or_insert(histogram);
    }
    tags
}

#[test]
fn an_interval_log_adds_up_to_the_histograms_of_the_result() {
    for (kind, mut result) in kinds() {
        for by_second in [true, false] {
            let tags = counts_by_tag(&text("hlog", std::slice::from_ref(&result)));
            for stage in Stage::ALL {
                let count = |tag: &str| tags.get(tag).map_or(0, Histogram::len);
                let logged = count(stage.key()) + count(&format!("{}-negative", stage.key()));
                let expected = result.latency.get(stage).map_or(0, |of| of.count);
                assert_eq!(
                    logged, expected,
                    "{kind}, {stage:?}, by second: {by_second}"
                );
            }
            // A result whose seconds have no histograms, as a smaller file may have.
            for second in &mut result.series {
                second.latency = Default::default();
            }
        }
    }
}

#[test]
fn hdrhistograms_own_log_processor_reads_the_log() {
    let jar = env::var("HDRHISTOGRAM_JAR");
    let jar = jar.unwrap_or_else(|_| "/usr/share/java/hdrhistogram.jar".to_owned());
    let java = Command::new("java").arg("-version").output();
    if java.is_err() || !Path::new(&jar).exists() {
        eprintln!("log processor skipped: no java with {jar}; scripts/browser install brings it");
        return;
    }
    let folder = TempDir::new().unwrap();
    let result = Case::default().run();
    let log = folder.path().join("run.hlog");
    fs::write(&log, text("hlog", std::slice::from_ref(&result))).unwrap();
    let processor = "org.HdrHistogram.HistogramLogProcessor";
    let output = Command::new("java")
        .args([
            "-cp",
            &jar,
            processor,
            "-tag",
            "e2e",
            "-outputValueUnitRatio",
            "1000",
            "-i",
        ])
        .arg(&log)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let e2e = result.latency.e2e.unwrap();
    let words: Vec<&str> = said
        .split([' ', '\n', ',', '=', ']'])
        .filter(|w| !w.is_empty())
        .collect();
    let after = |words: &[&str], keys: &[&str]| -> f64 {
        let at = words.windows(keys.len()).rposition(|found| found == keys);
        words[at.unwrap_or_else(|| panic!("{keys:?} not in {said}")) + keys.len()]
            .trim()
            .parse()
            .unwrap()
    };
    assert_eq!(after(&words, &["Total", "count"]) as u64, e2e.count);
    let max_ms = after(&words, &["#[Max"]);
    assert!(
        (max_ms / 1e3 - e2e.max).abs() < 0.001 * e2e.max,
        "{max_ms} ms"
    );
}

/// Holds a text to what Prometheus' text format 0.0.4 demands of it; returns its
/// samples.
#[track_caller]
fn prometheus(text: &str) -> Vec<(String, f64)> {
    let mut samples = Vec::new();
    let mut family = String::new();
    let mut families = std::collections::BTreeSet::new();
    for line in text.lines() {
        if let Some(helped) = line.strip_prefix("# HELP ") {
            let name = helped.split(' ').next().unwrap();
            assert!(families.insert(name.to_owned()), "{name} twice");
            family = name.to_owned();
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed.split_once(' ').unwrap();
            assert_eq!(name, family, "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(["counter", "gauge"].contains(&kind), "{line}");
        } else {
            assert!(!line.starts_with('#'), "{line}");
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert_eq!(name.split('{').next().unwrap(), family, "{line}");
            samples.push((name.to_owned(), value.parse().unwrap()));
        }
    }
    samples
}

#[test]
fn prometheus_text_is_valid_and_has_the_figures() {
    for (kind, result) in kinds() {
        let samples = prometheus(&text("prom", std::slice::from_ref(&result)));
        let value = |name: &str| samples.iter().find(|(of, _)| of == name).unwrap().1;
        let acknowledged = value("hrload_acknowledged_readings_total{phase=\"measure\"}");
        assert_eq!(acknowledged as u64, result.ledger.acknowledged, "{kind}");
        let before = value("hrload_acknowledged_readings_total{phase=\"warm-up\"}");
        assert_eq!(before as u64, result.ledger.warm_up.acknowledged, "{kind}");
        if let Some(of) = &result.latency.response {
            let p99 = value("hrload_latency_seconds{stage=\"response\",statistic=\"p99\"}");
            assert_eq!(p99, of.p99, "{kind}");
        }
    }
}

#[test]
fn prometheus_text_counts_what_was_seen_as_the_live_port_does() {
    let mut result = Case::lossy().run();
    result.ledger.seen_unacknowledged = Some(7);
    let seen = result.ledger.seen.unwrap() + 7;
    let samples = prometheus(&text("prom", &[result]));
    let name = "hrload_seen_readings_total{phase=\"measure\"}";
    let value = samples.iter().find(|(of, _)| of == name).unwrap().1;
    assert_eq!(value as u64, seen);
}

/// The texts of all kinds of runs, in a folder.
fn prom_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let kinds = kinds().into_iter();
    kinds
        .map(|(kind, result)| {
            let path = folder.join(format!("{kind}.prom"));
            fs::write(&path, text("prom", &[result])).unwrap();
            path
        })
        .collect()
}

#[test]
#[ignore = "needs promtool: apt-get install prometheus"]
fn promtool_finds_nothing_to_complain_of() {
    let folder = TempDir::new().unwrap();
    for path in prom_files(folder.path()) {
        let output = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(fs::File::open(&path).unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", path.display());
    }
}

/// Starts a server that says where it listens, in a line of its log.
fn served(command: &mut Command) -> (std::process::Child, String) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let child = command
        .arg(format!("--web.listen-address={address}"))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    (child, address)
}

/// What a server answers, once it answers.
fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args([
            "-sS",
            "--retry",
            "20",
            "--retry-connrefused",
            "--retry-delay",
            "1",
        ])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs curl, and prometheus-pushgateway of apt-get install prometheus-pushgateway"]
fn a_push_gateway_takes_the_text() {
    let folder = TempDir::new().unwrap();
    let (mut gateway, address) = served(&mut Command::new("prometheus-pushgateway"));
    for path in prom_files(folder.path()) {
        let kind = path.file_stem().unwrap().to_str().unwrap();
        let body = format!("@{}", path.display());
        let url = format!("http://{address}/metrics/job/{kind}");
        let said = curl(&["--data-binary", &body, &url]);
        assert_eq!(said, "", "{kind}");
        let shown = curl(&[&format!("http://{address}/metrics")]);
        let held = format!("hrload_held{{instance=\"\",job=\"{kind}\"}}");
        assert!(shown.contains(&held), "{kind}: {shown}");
    }
    gateway.kill().unwrap();
    gateway.wait().unwrap();
}

#[test]
#[ignore = "needs curl, and prometheus-node-exporter of apt-get install prometheus-node-exporter"]
fn a_collector_of_text_files_reads_the_text() {
    for (kind, result) in kinds() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("run.prom"), text("prom", &[result])).unwrap();
        let folder = folder.path().display();
        let (mut exporter, address) = served(
            Command::new("prometheus-node-exporter")
                .args(["--collector.disable-defaults", "--collector.textfile"])
                .arg(format!("--collector.textfile.directory={folder}")),
        );
        let shown = curl(&[&format!("http://{address}/metrics")]);
        assert!(
            shown.contains("node_textfile_scrape_error 0"),
            "{kind}: {shown}"
        );
        assert!(shown.contains("\nhrload_held "), "{kind}: {shown}");
        exporter.kill().unwrap();
        exporter.wait().unwrap();
    }
}

#[test]
fn junit_has_a_case_for_the_run_and_for_each_threshold() {
    let mut result = Case::default().run();
    let p99 = result.latency.e2e.as_ref().unwrap().p99;
    for (expression, measured, met) in [("e2e.p99<1s", p99, true), ("missing>5", 0.0, false)] {
        result.thresholds.push(Threshold {
            expression: expression.into(),
            measured: Some(measured),
            met,
        });
    }
    let xml = text("xml", &[result]);
    assert!(
        xml.contains(r#"tests="3" failures="1" errors="0""#),
        "{xml}"
    );
    assert_eq!(xml.matches("<testcase ").count(), 3);
    assert_eq!(xml.matches("<failure ").count(), 1);
    assert!(xml.contains(r#"name="e2e.p99&lt;1s" time="#));
    assert!(xml.contains("missing&gt;5: measured 0"));
    let lossy = text("xml", &[Case::lossy().run()]);
    assert!(lossy.contains("50 failed"), "{lossy}");
    for (kind, result) in kinds() {
        let xml = text("xml", &[result]);
        assert!(
            !xml.contains("<script") && !xml.contains('\u{1b}'),
            "{kind}"
        );
        assert_balanced(&xml);
    }
}

/// Elements are closed in the order in which they were opened.
#[track_caller]
fn assert_balanced(xml: &str) {
    let mut open = Vec::new();
    for part in xml.split('<').skip(2) {
        let (tag, _) = part.split_once('>').unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn markdown_says_the_verdict_first_and_keeps_text_as_text() {
    let held = text("md", &[Case::default().run()]);
    assert!(
        held.starts_with("### hrload: ✅ held: 500.0/s of 500/s for 4 s\n"),
        "{held}"
    );
    let lossy = text("md", &[Case::lossy().run()]);
    assert!(lossy.starts_with("### hrload: ❌ not held"), "{lossy}");
    assert!(lossy.contains("- 50 failed (2.5 %)"));
    let mut warned = Case::lossy().run();
    warned.warnings = vec!["say `--drain 30s|1m`, or *more*".into()];
    let warned = text("md", &[warned]);
    let shown = "> **Warning:** say `--drain 30s|1m`, or \\*more\\*";
    assert!(warned.contains(shown), "{warned}");
    let two = text("md", &[Case::default().run(), Case::lossy().run()]);
    assert!(two.contains("### base: ✅ held") && two.contains("### new: ❌ not held"));
    assert!(
        two.contains("| achieved | 500.0/s | 487.5/s | -12.5/s | -2.5 % |"),
        "{two}"
    );
    assert!(two.contains("not held: new run"), "{two}");
    assert!(
        two.contains("| missing | 0.0 % | 0.5 % | +0.5 % | - |"),
        "{two}"
    );
    for (kind, result) in kinds() {
        let markdown = text("md", &[result]);
        assert!(
            !markdown.contains("<script") && !markdown.contains('\u{1b}'),
            "{kind}"
        );
        assert!(
            markdown.len() < 20_000,
            "{kind}: a step's summary has little room"
        );
        let (opened, closed) = ("<details>", "</details>");
        assert_eq!(
            markdown.matches(opened).count(),
            markdown.matches(closed).count()
        );
        for row in markdown.lines().filter(|line| line.starts_with('|')) {
            assert!(row.ends_with('|') && !row.contains(HARM), "{kind}: {row}");
        }
    }
}
