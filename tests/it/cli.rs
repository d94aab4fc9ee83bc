//! Bad input gets one clear error, the documented exit code, and leaves nothing
//! behind; good input prints what it says.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::net::TcpListener;

use crate::support::{hrload, output};

/// Runs and asserts exit code and what the error must say.
#[track_caller]
fn refused(words: &str, code: i32, says: &[&str]) {
    let output = output(words);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{words}\n{stderr}");
    assert!(stderr.contains("error:"), "{words}\n{stderr}");
    for text in says {
        assert!(stderr.contains(text), "{words}: no {text:?} in\n{stderr}");
    }
    for text in ["panicked", "RUST_BACKTRACE", "stack backtrace"] {
        assert!(!stderr.contains(text), "{words}\n{stderr}");
    }
    assert!(output.stdout.is_empty(), "{words}");
}

#[test]
fn wrong_numbers_are_refused_by_flag_and_value() {
    for (words, says) in [
        ("--devices 0", ["--devices", "0"]),
        ("--devices -5", ["-5", "--"]),
        ("--devices 1.5", ["--devices", "1.5"]),
        ("--rate 0", ["--rate", "0"]),
        ("--rate fast", ["--rate", "fast"]),
        ("--rate 5000/fortnight", ["--rate", "5k/s"]),
        ("--interval 0s", ["--interval", "0s"]),
        ("--duration 0s", ["--duration", "0s"]),
        ("--duration soon", ["--duration", "30s"]),
        ("--batch 0", ["--batch", "1..=25"]),
        ("--batch 26", ["--batch", "1..=25"]),
        ("--threads 0", ["--threads", "0"]),
        ("--concurrency 0", ["--concurrency", "0"]),
        ("--attempts 0", ["--attempts", "0"]),
        ("--catch-up 0.5", ["--catch-up", "1.5"]),
        ("--retain 0", ["--retain", "512MiB"]),
        ("--change-delay never", ["--change-delay", "never"]),
        ("--fault mischief=1", ["--fault", "mischief"]),
        ("--wcu 0", ["--wcu", "0"]),
        ("--shards 0", ["--shards", "0"]),
        ("--warm-throughput cold", ["--warm-throughput", "`new`"]),
        ("--time-scale 0", ["--time-scale", "1..=100"]),
        ("--auto-scaling 70", ["--auto-scaling", "70%,1000..40000"]),
        ("--auto-scaling 95%,1..2", ["95%", "20% to 90%"]),
        ("--no-such-flag", ["--no-such-flag", "--help"]),
        ("-p 4294967295", ["--concurrency", "1 to 65,536"]),
        ("-t 4294967295", ["--threads", "1 to 1,024"]),
        ("--interval 99999999h", ["interval", "7 days"]),
        ("--rate 1,5/s", ["--rate", "1,5/s"]),
        ("--duration 30s1m", ["--duration", "30s1m"]),
        ("--endpoint-url http://127.0.0.1:99999", ["99999", "65535"]),
        ("sweep --plot p.png", ["p.png", ".svg"]),
        ("trend --plot p.png h.jsonl", ["p.png", ".svg"]),
        ("diff /dev/zero --against /dev/zero", ["/dev/zero", "JSON"]),
    ] {
        refused(words, 2, &says);
    }
}

#[test]
fn contradictions_are_refused() {
    for flag in [
        "--shards 2",
        "--stream-mode on-demand",
        "--stream s",
        "--consumer enhanced-fan-out",
        "--poll-interval 1s",
    ] {
        let name = flag.split(' ').next().unwrap();
        refused(&format!("--via none {flag}"), 2, &[name, "--via none"]);
    }
    for (words, says) in [
        // What is of the embedded services, against another server.
        (
            "--endpoint-url http://127.0.0.1:1 --fault lose=50",
            ["--fault lose=50", "embedded"],
        ),
        (
            "--endpoint-url http://127.0.0.1:1 --change-delay 0",
            ["--change-delay 0", "embedded"],
        ),
        (
            "--endpoint-url http://127.0.0.1:1 --retain 512MiB",
            ["--retain", "embedded"],
        ),
        (
            "--target aws --fault lose=50",
            ["--fault lose=50", "embedded"],
        ),
        ("--target aws --retain 1MiB", ["--retain", "embedded"]),
        (
            "sweep --to 1k --endpoint-url http://127.0.0.1:1 --fault lose=1",
            ["--fault", "embedded"],
        ),
        // What is of another server, against them.
        (
            "--target local --aws-profile load",
            ["--aws-profile load", "name another target"],
        ),
        ("--keep", ["--keep", "name another target"]),
        ("--cloudwatch 1m", ["--cloudwatch", "name another target"]),
        // What nothing comes of.
        (
            "--auto-scaling 70%,1..9",
            ["--auto-scaling 70%,1..9", "--mode provisioned"],
        ),
        (
            "sweep --auto-scaling 70%,1..9",
            ["--auto-scaling", "--mode provisioned"],
        ),
        (
            "--capacity unlimited --wcu 5",
            ["--wcu 5", "--capacity unlimited"],
        ),
        (
            "--capacity unlimited --mode provisioned",
            ["--mode", "--capacity unlimited"],
        ),
        (
            "--capacity unlimited --warm-throughput new",
            ["--warm-throughput", "unlimited"],
        ),
        (
            "--via none --change-delay 0",
            ["--change-delay 0", "--via none"],
        ),
        (
            "--via put-records --change-delay 1s",
            ["--change-delay", "--via put-records"],
        ),
        (
            "--via none --fault throttle=1,lose=5",
            ["--fault lose=5", "--via none"],
        ),
        (
            "--via put-records --fault duplicate=1%",
            ["--fault duplicate=1%", "put-records"],
        ),
        (
            "--lake folder --s3-endpoint-url http://127.0.0.1:1",
            ["--s3-endpoint-url http://127.0.0.1:1", "s3://BUCKET"],
        ),
        (
            "dashboard --lake folder --s3-endpoint-url http://127.0.0.1:1",
            ["--s3-endpoint-url", "s3://BUCKET"],
        ),
        (
            "deliver --stream s --lake folder --s3-endpoint-url http://127.0.0.1:1",
            ["--s3-endpoint-url", "s3://BUCKET"],
        ),
        (
            "dashboard --lake folder --endpoint-url http://127.0.0.1:1",
            ["--lake <PLACE>", "--endpoint-url"],
        ),
        (
            "dashboard --lake folder --aws-profile load",
            ["--lake <PLACE>", "--aws-profile"],
        ),
        (
            "dashboard --stream s --s3-endpoint-url http://127.0.0.1:1",
            ["--stream <NAME>", "--s3-endpoint-url"],
        ),
        (
            "--via none --endpoint-url http://127.0.0.1:1 --kinesis-endpoint-url http://127.0.0.1:2",
            ["--kinesis-endpoint-url http://127.0.0.1:2", "--via none"],
        ),
        (
            "--consumer enhanced-fan-out --poll-interval 1s",
            ["--poll-interval is about", "fan-out"],
        ),
        (
            "--poll-interval 199ms",
            ["--poll-interval of 199 ms", "every 200 ms"],
        ),
        (
            "--via dynamodb-streams --poll-interval 99ms",
            ["--poll-interval of 99", "every 100 ms"],
        ),
        ("--lake-interval 1s", ["--lake", "--lake <PLACE>"]),
        ("--lake-size 1MiB", ["--lake", "--lake <PLACE>"]),
        ("--lake-compression gzip", ["--lake", "--lake <PLACE>"]),
        ("--lake-format json", ["--lake", "--lake <PLACE>"]),
        (
            "local --null --fault throttle=50%",
            ["--fault throttle=50%", "--null"],
        ),
    ] {
        refused(words, 2, &says);
    }
    refused("--rate 100 --interval 2s", 2, &["--rate", "--interval"]);
    refused("--wcu 500", 2, &["--wcu 500", "--mode provisioned"]);
    refused(
        "--mode provisioned --warm-throughput 5k",
        2,
        &["--warm-throughput", "--wcu"],
    );
    refused(
        "--stream-mode on-demand --shards 3",
        2,
        &["--shards 3", "--stream-mode"],
    );
    refused(
        "--capacity unlimited --time-scale 60",
        2,
        &["--time-scale 60", "--capacity unlimited"],
    );
    refused(
        "--target aws --auto-scaling 70%,1..9",
        2,
        &["--auto-scaling 70%,1..9", "embedded"],
    );
    refused("local --wcu 500", 2, &["--wcu 500", "--mode provisioned"]);
    refused(
        "--target local --endpoint-url http://127.0.0.1:1",
        2,
        &["--target local", "--endpoint-url"],
    );
    refused(
        "--kinesis-endpoint-url http://127.0.0.1:1",
        2,
        &["--endpoint-url"],
    );
}

#[test]
fn a_rate_beyond_the_profile_says_what_is_possible() {
    refused(
        "--devices 10 --rate 1M/s",
        2,
        &["steady", "at most", "10000 devices would do"],
    );
}

#[test]
fn an_unknown_profile_suggests_the_nearest_name() {
    refused("--profile stedy", 2, &["stedy", "did you mean `steady`"]);
    refused("profiles show maraton", 2, &["did you mean `marathon`"]);
}

#[test]
fn a_malformed_profile_names_line_and_key() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml");
    let path = file.display().to_string();
    fs::write(&file, "name = \"mine\"\nsummary = \n").unwrap();
    refused(&format!("--profile {path}"), 2, &["mine.toml", "line 2"]);
    let steady = String::from_utf8(output("profiles show steady").stdout).unwrap();
    fs::write(&file, format!("mood = \"good\"\n{steady}")).unwrap();
    refused(
        &format!("--profile {path}"),
        2,
        &["mine.toml", "mood", "line 1"],
    );
    refused("--profile ./nowhere.toml", 2, &["nowhere.toml"]);
}

#[test]
fn an_unwritable_output_is_found_before_the_load_starts() {
    refused(
        "-d 1s -w 0s -o /nonexistent/folder/result.json",
        1,
        &["/nonexistent/folder"],
    );
    let directory = tempfile::tempdir().unwrap();
    refused(
        &format!("-d 1s -w 0s -o {}", directory.path().display()),
        1,
        &["directory"],
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn an_unreachable_endpoint_is_told_before_the_load_starts() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let output = hrload()
        .args([
            "-d",
            "1s",
            "--endpoint-url",
            &format!("http://127.0.0.1:{port}"),
        ])
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("refused"), "{stderr}");
    assert!(stderr.contains(&port.to_string()), "{stderr}");
    refused("--endpoint-url not-a-url", 2, &["not-a-url"]);
}

#[test]
fn missing_credentials_are_told_before_the_load_starts() {
    let output = hrload()
        .args(["--target", "aws", "--region", "us-east-1", "-d", "1s"])
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("error: no AWS credentials: set "),
        "{stderr}"
    );
    assert!(!stderr.contains("CredentialsNotLoaded"), "{stderr}");
}

#[test]
fn a_metadata_service_that_refuses_is_told_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = std::io::Read::read(&mut client, &mut [0; 4096]);
            let refusal =
                b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = std::io::Write::write_all(&mut client, refusal);
        }
    });
    let output = hrload()
        .args(["--target", "aws", "--region", "us-east-1", "-d", "1s"])
        .env("HOME", "/nonexistent")
        .env_remove("AWS_EC2_METADATA_DISABLED")
        .env(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            format!("http://{address}"),
        )
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let error = stderr.split("error: ").nth(1).unwrap();
    assert!(error.contains("AWS_ACCESS_KEY_ID"), "{stderr}");
    assert!(error.len() < 400, "{stderr}");
    for dump in ["ErrorResponse", "Response {", "SdkBody", "source:"] {
        assert!(!error.contains(dump), "{stderr}");
    }
}

#[test]
fn an_empty_region_is_as_good_as_none() {
    let output = hrload()
        .args(["--target", "aws", "-d", "1s"])
        .env("HOME", "/nonexistent")
        .env("AWS_REGION", "")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("no AWS region: give --region"), "{stderr}");
}

#[test]
fn an_empty_endpoint_is_told_by_its_variable() {
    let output = hrload()
        .args(["--target", "aws", "--region", "us-east-1", "-d", "1s"])
        .env("AWS_ENDPOINT_URL_DYNAMODB", " ")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("AWS_ENDPOINT_URL_DYNAMODB is set and empty"),
        "{stderr}"
    );
}

#[test]
fn a_server_on_this_machine_needs_no_configuration_of_aws() {
    let local = crate::support::local::Local::start("");
    let url = format!("http://{}", local.address());
    let output = hrload()
        .args("--devices 50 -r 100/s -w 0s -d 1s --via none --endpoint-url".split(' '))
        .arg(url)
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let told = "called with region us-east-1 and made-up keys";
    assert_eq!(stderr.matches(told).count(), 1, "{stderr}");
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    refused(
        &format!("local --listen {address}"),
        1,
        &[&address.to_string()],
    );
    let told = output(&format!("local --listen {address}")).stderr;
    let told = String::from_utf8(told).unwrap();
    assert_eq!(told.matches("Address already in use").count(), 1, "{told}");
}

#[test]
fn a_result_that_is_none_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("result.json");
    for (text, says) in [
        ("", "JSON"),
        ("{}", "schema"),
        ("{\"schema\": \"hrload.result/99\"}", "hrload.result/99"),
        ("not json", "JSON"),
    ] {
        fs::write(&file, text).unwrap();
        refused(
            &format!("show {}", file.display()),
            2,
            &["result.json", says],
        );
    }
    refused("show /nonexistent.json", 2, &["/nonexistent.json"]);
}

#[test]
fn help_version_completions_and_manual_are_printed() {
    for (words, says) in [
        ("--help", "Run and look:"),
        ("run --help", "Examples:"),
        ("run --help", "--devices"),
        ("local --help", "AWS"),
        ("--version", env!("CARGO_PKG_VERSION")),
        ("completions bash", "_hrload"),
        ("completions zsh", "#compdef hrload"),
        ("completions fish", "complete -c hrload"),
        ("man", ".TH hrload"),
    ] {
        let output = output(words);
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{words}");
        assert!(stdout.contains(says), "{words}: no {says:?} in\n{stdout}");
    }
}

#[test]
fn every_profile_is_listed_and_shown_with_its_rates() {
    let output = output("profiles --json");
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = rows.as_array().unwrap();
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
        let name = row["name"].as_str().unwrap();
        let (mean, peak) = (
            row["mean_rate"].as_f64().unwrap(),
            row["peak_rate"].as_f64().unwrap(),
        );
        assert!(
            mean > 0.0 && peak >= mean,
            "{name}: mean {mean}, peak {peak}"
        );
    }
    let shown = String::from_utf8(crate::support::output("profiles show steady").stdout).unwrap();
    assert!(shown.contains("name = \"steady\""), "{shown}");
    // 142 million readings of an outage and 4,934 a second besides, over a day; most come
    // in the 64 s of the return, of which the profile's text says 2.2 million a second.
    let storm = rows.iter().find(|row| row["name"] == "reconnect-storm");
    let rate = |of: &str| storm.unwrap()[of].as_f64().unwrap();
    assert!((6_300.0..6_800.0).contains(&rate("mean_rate")), "{storm:?}");
    assert!((2.1e6..2.3e6).contains(&rate("peak_rate")), "{storm:?}");
}

#[test]
fn commands_of_several_runs_do_not_offer_what_is_of_one() {
    for command in ["sweep --to 1k", "modes"] {
        let help = output(&format!("{} --help", command.split(' ').next().unwrap()));
        let help = String::from_utf8(help.stdout).unwrap();
        for (flag, says) in [
            ("--lake lake", "single run"),
            ("--report r.md", "single run"),
            ("--baseline b.json", "single run"),
            ("--tui", "single run"),
            ("--metrics-listen 0", "single run"),
            ("--otlp", "single run"),
            ("--dry-run", "single run"),
            ("--abort-on-fail", "single run"),
            ("--threshold lost=0", "--slo"),
        ] {
            refused(
                &format!("{command} {flag}"),
                2,
                &[flag.split(' ').next().unwrap(), says],
            );
            let name = format!(
                "--{}",
                flag.trim_start_matches('-').split(' ').next().unwrap()
            );
            // Options begin at the sixth column at most, what is said of them later.
            let offered = help.lines().any(|line| {
                let words = line.trim_start();
                line.len() - words.len() <= 6 && words.split([' ', ',']).any(|of| of == name)
            });
            assert!(!offered, "{command} offers {name}:\n{help}");
        }
        for gone in ["--lake-interval", "--s3-endpoint-url", "--allow-host"] {
            assert!(!help.contains(gone), "{command} offers {gone}");
        }
        assert!(help.contains("--max-cost"), "{help}");
    }
    let help = String::from_utf8(output("sweep --help").stdout).unwrap();
    assert!(help.contains("achieved>=99%"), "{help}");
}

#[test]
fn a_plan_that_cannot_be_made_says_what_is_wrong() {
    refused("plan --devices 0", 2, &["--devices", "0"]);
    refused(
        "plan --devices 10 --region mars-north-1",
        2,
        &["mars-north-1", "us-east-1"],
    );
    refused(
        "plan --devices 10 --prices nowhere.toml",
        2,
        &["nowhere.toml"],
    );
    refused("plan --devices 10 --profile stedy", 2, &["steady"]);
    refused(
        "plan --devices 10 --rate 5M/s",
        2,
        &["5000000", "10 devices"],
    );
}

#[test]
fn a_plan_goes_to_standard_output_as_text_or_json() {
    let text = output("plan --devices 500");
    assert_eq!(text.status.code(), Some(0));
    let text = String::from_utf8(text.stdout).unwrap();
    for part in ["demand", "auto scaling", "take", "bill ", "shard"] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let json = output("plan --devices 500 -o -");
    let plan: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(plan["schema"], "hrload.plan/2");
    assert!(plan["tables"].as_array().unwrap().len() > 4);
}

#[cfg(not(feature = "sql"))]
#[test]
fn without_sql_query_says_how_to_get_it() {
    let output = output("query --lake .");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains("cargo build --release --features sql"),
        "{told}"
    );
}
