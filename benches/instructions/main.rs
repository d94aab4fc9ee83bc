//! Instructions of the hot path's functions, which do not depend on how busy
//! the machine is, beside a baseline that is kept with the code.
//!
//! `scripts/instructions` prints them; `scripts/instructions --update` rewrites
//! the baseline. Exits 4 when a function grew by over 2 %.
#![allow(missing_docs)]

mod baseline;
mod call;
mod callgrind;
mod functions;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Command, ExitCode};

use baseline::{ALLOWANCE, Baseline, Environment, Verdict};
use callgrind::Count;
use functions::{FUNCTIONS, Function};

const BASELINE: &str = "results/baseline/instructions.json";
const UPDATE: &str = "scripts/instructions --update";
const FAILED: u8 = 1;
const MISUSED: u8 = 2;
const REGRESSED: u8 = 4;

fn main() -> ExitCode {
    let mut update = false;
    let mut only: Option<String> = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            callgrind::COUNT => {
                let name = arguments.next().unwrap_or_default();
                return match FUNCTIONS.iter().find(|function| function.name == name) {
                    Some(function) => {
                        callgrind::work(function);
                        ExitCode::SUCCESS
                    }
                    None => ExitCode::from(MISUSED),
                };
            }
            "--update" => update = true,
            "--bench" => {} // cargo's own
            _ if argument.starts_with('-') || only.is_some() => {
                eprintln!("usage: scripts/instructions [--update | PART-OF-A-NAME]");
                return ExitCode::from(MISUSED);
            }
            _ => only = Some(argument),
        }
    }
    if update && only.is_some() {
        eprintln!("--update counts everything; leave out the name");
        return ExitCode::from(MISUSED);
    }
    match count_all(update, only.as_deref().unwrap_or_default()) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(FAILED)
        }
    }
}

/// Counts the functions with `part` in their names, and prints or keeps them.
fn count_all(update: bool, part: &str) -> Result<ExitCode, String> {
    let Some(valgrind) = callgrind::find_valgrind() else {
        println!("instruction counts skipped: valgrind is not installed");
        return Ok(ExitCode::SUCCESS);
    };
    let wanted: Vec<_> = FUNCTIONS.iter().filter(|f| f.name.contains(part)).collect();
    if wanted.is_empty() {
        eprintln!("no function that is counted has {part:?} in its name");
        return Ok(ExitCode::from(MISUSED));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(BASELINE);
    let kept = read(&file)?;
    if kept.is_none() && !update {
        eprintln!("no baseline at {BASELINE}; `{UPDATE}` makes one");
    }
    let mut environment = environment(&valgrind)?;
    let mut regressions = Vec::new();
    let mut counts = std::collections::BTreeMap::new();

    println!(
        "{:<40} {:>12} {:>12} {:>8}  per",
        "function", "instructions", "+ SHA-256", "change"
    );
    for (function, count) in wanted.iter().zip(count_each(&valgrind, &wanted)) {
        let count = count?;
        // Two decimals: far below the allowance even of the smallest function.
        let per_call = ((count.per_call - count.sha_per_call) * 100.0).round() / 100.0;
        let before = kept
            .as_ref()
            .and_then(|kept| kept.instructions_per_call.get(function.name).copied());
        let verdict = Verdict::of(per_call, before);
        print_row(function, per_call, count.sha_per_call, verdict);
        if let (Verdict::Grown(change), Some(before)) = (verdict, before) {
            regressions.push((function.name, before, per_call, change));
        }
        counts.insert(function.name.to_owned(), per_call);
        environment.cpu_features = count.cpu_features;
    }

    if update {
        let baseline = Baseline {
            command: UPDATE.to_owned(),
            environment,
            instructions_per_call: counts,
        };
        write(&file, &baseline)?;
        println!("\nkept in {BASELINE}");
        return Ok(ExitCode::SUCCESS);
    }
    let Some(kept) = kept else {
        return Ok(ExitCode::SUCCESS);
    };
    if part.is_empty() {
        for gone in kept.instructions_per_call.keys() {
            if !counts.contains_key(gone) {
                println!("{gone:?} is in the baseline and is not counted any more: run `{UPDATE}`");
            }
        }
    }
    let differences = environment.differences(&kept.environment);
    Ok(judge(&regressions, &differences))
}

/// Counts each function, as many at a time as there are processors: counts do
/// not depend on what else runs.
fn count_each(valgrind: &Path, functions: &[&Function]) -> Vec<Result<Count, String>> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let share = functions.len().div_ceil(processors).max(1);
    std::thread::scope(|scope| {
        let count = |part: &[&Function]| -> Vec<_> {
            part.iter().map(|f| callgrind::count(valgrind, f)).collect()
        };
        let parts: Vec<_> = functions
            .chunks(share)
            .map(|part| scope.spawn(move || count(part)))
            .collect();
        parts
            .into_iter()
            .flat_map(|part| {
                part.join()
                    .unwrap_or_else(|_| vec![Err("a counting thread panicked".to_owned())])
            })
            .collect()
    })
}

/// Says what grew. Where the baseline was counted elsewhere, that alone may
/// have changed the counts, and they only warn.
fn judge(regressions: &[(&str, f64, f64, f64)], differences: &[String]) -> ExitCode {
    for (name, before, now, change) in regressions {
        eprintln!(
            "{name:?} grew by {:.1} %, from {before} to {now} instructions a call; {:.0} % are allowed",
            change * 100.0,
            ALLOWANCE * 100.0
        );
    }
    if !differences.is_empty() {
        eprintln!("warning: the baseline was counted elsewhere, so this decides nothing:");
        for difference in differences {
            eprintln!("  {difference}");
        }
        return ExitCode::SUCCESS;
    }
    if regressions.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "make it as cheap as it was, or keep the new counts with the change that is worth them: \
         run `{UPDATE}` and commit {BASELINE} along with it"
    );
    ExitCode::from(REGRESSED)
}

fn print_row(function: &Function, per_call: f64, sha_per_call: f64, verdict: Verdict) {
    let (items, unit) = function.items;
    let change = match verdict {
        Verdict::New => "new".to_owned(),
        Verdict::Same(change) | Verdict::Shrunk(change) | Verdict::Grown(change) => {
            format!("{:+.1} %", change * 100.0)
        }
    };
    let sha = match sha_per_call {
        0.0 => String::new(),
        sha => format!("{:.1}", sha / f64::from(items)),
    };
    println!(
        "{:<40} {:>12.1} {sha:>12} {change:>8}  {unit}",
        function.name,
        per_call / f64::from(items),
    );
}

/// The baseline, if there is one.
fn read(file: &Path) -> Result<Option<Baseline>, String> {
    match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|e| format!("cannot read {BASELINE}: {e}; `{UPDATE}` writes it anew")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(format!("cannot read {BASELINE}: {e}")),
    }
}

fn write(file: &Path, baseline: &Baseline) -> Result<(), String> {
    let failed = |e: &dyn std::fmt::Display| format!("cannot write {BASELINE}: {e}");
    let mut text = serde_json::to_string_pretty(baseline).map_err(|e| failed(&e))?;
    text.push('\n');
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
    }
    std::fs::write(file, text).map_err(|e| failed(&e))
}

/// What counts depend on; the processor's features are known once one was taken.
fn environment(valgrind: &Path) -> Result<Environment, String> {
    let rustc = output("rustc", &["-vV"])?;
    let line = |start: &str| {
        let line = rustc.lines().find_map(|line| line.strip_prefix(start));
        line.unwrap_or("unknown").to_owned()
    };
    Ok(Environment {
        rustc: line("rustc "),
        target: line("host: "),
        rustflags: std::env::var("RUSTFLAGS").unwrap_or_default(),
        libc: output("getconf", &["GNU_LIBC_VERSION"])
            .unwrap_or_else(|_| "unknown".to_owned())
            .trim()
            .to_owned(),
        valgrind: output(valgrind, &["--version"])?.trim().to_owned(),
        cpu_features: Vec::new(),
    })
}

fn output(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Result<String, String> {
    let program = program.as_ref();
    let ended = Command::new(program).args(arguments).output();
    match ended {
        Ok(ended) if ended.status.success() => {
            Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
        }
        Ok(ended) => Err(format!("{} {}", program.display(), ended.status)),
        Err(cause) => Err(format!("cannot run {}: {cause}", program.display())),
    }
}
