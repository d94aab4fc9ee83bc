//! A run compared with what was measured before it.

use hrload::report::RunResult;
use tempfile::TempDir;

use crate::support::{hrload, run};
use crate::{files_of, write};

#[test]
fn a_run_is_compared_with_its_baseline_in_one_go() {
    let folder = TempDir::new().unwrap();
    let words = "-q --devices 100 -r 500 -w 0s -d 3s --change-delay 0";
    let real = run(words);
    assert_eq!(real.code, 0, "{}", real.stderr);
    let real: RunResult = serde_json::from_value(real.result).unwrap();
    // One run against one has no verdict.
    let base = files_of(folder.path(), "base", &real, &[(1.0, 1.0)]);
    let alone = run(&format!("{words} -b {}", base[0]));
    assert_eq!(alone.code, 0, "{}", alone.stderr);
    // A hundredth of its own latency before, twice over: it got worse.
    let scales = [(0.01, 1.0), (0.0101, 1.0)];
    let fast = files_of(folder.path(), "fast", &real, &scales);
    let baselines = format!("{words} -b {}", fast.join(" -b "));
    assert_eq!(run(&baselines).code, 4);
}

#[test]
fn a_baseline_that_says_nothing_of_the_run_is_refused_before_it() {
    let folder = TempDir::new().unwrap();
    let words = "-q --devices 50 -r 200 -w 0s";
    let real = run(&format!("{words} -d 1s"));
    assert_eq!(real.code, 0, "{}", real.stderr);
    let real: RunResult = serde_json::from_value(real.result).unwrap();
    let mut interrupted = real.clone();
    interrupted.run.interrupted = true;
    interrupted.verdict = None;
    let mut other = real.clone();
    other.config.seed = 2;
    other.run.id = "other".to_owned();
    let file = |name: &str, results: &[RunResult]| write(folder.path(), name, results).join(" ");
    let good = file("good", std::slice::from_ref(&real));
    let cases = [
        (good.clone(), "-d 1h", "duration is 1 s against 3600 s"),
        (good.clone(), "-d 1s -r 300", "rate is 200 against 300"),
        (
            good.clone(),
            "-d 1s --via none",
            "via is kinesis against none",
        ),
        (
            file("interrupted", std::slice::from_ref(&interrupted)),
            "-d 1s",
            "did not hold: interrupted",
        ),
        (
            file("mixed", &[real.clone(), other]),
            "-d 1s",
            "seed is 2 against 1",
        ),
    ];
    for (baseline, more, says) in cases {
        let words = words.replace("-r 200", if more.contains("-r") { "" } else { "-r 200" });
        let output = hrload()
            .args(format!("{words} {more} -o - -b {baseline}").split_whitespace())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{more}: {stderr}");
        assert!(stderr.contains(says), "{more}: {stderr}");
        assert!(output.stdout.is_empty(), "{more}: nothing was run");
    }
}
