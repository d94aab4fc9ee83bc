//! What a reading costs as the fleet grows: `hrload` at one rate with fleets of
//! 1,000 to 1,000,000 devices against the null server, and the CPU time of its
//! load threads over the readings written. Prints a table, and fails when the
//! dearest fleet costs over [`ALLOWANCE`] times the cheapest.
//!
//! `cargo bench --bench scaling` prints; with `-- --write` the table and its plot
//! go to `results/`.
#![allow(missing_docs, clippy::print_stdout)]

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use hrload::report::plot::{Axis, Colour, Line, Plot};
use hrload::report::{RunResult, write_text};

/// Sizes of the fleet.
const DEVICES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Readings a second, at every size: one thread of either client holds it.
const RATE: u32 = 50_000;

/// Seconds measured, and how often each size runs, the sizes in turn.
const SECONDS: u32 = 5;
const ROUNDS: usize = 3;

/// What the dearest size may cost over the cheapest.
const ALLOWANCE: f64 = 1.5;

/// A service that answers and keeps nothing, in a process of its own.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start() -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_hrload"))
            .args(["local", "--null", "--listen", "127.0.0.1:0", "--quiet"])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().ok_or("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .ok_or_else(|| format!("no address in {line:?}"))?
            .to_owned();
        Ok(Self { process, url })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What one run cost.
#[derive(Clone, Copy)]
struct Cost {
    /// CPU time of the load threads, microseconds a reading.
    cpu_us: f64,
    /// Peak memory of the whole process.
    memory_mb: f64,
}

fn measure(url: &str, devices: u32, output: &Path) -> Result<Cost, Box<dyn Error>> {
    let status = Command::new(env!("CARGO_BIN_EXE_hrload"))
        .args(["--endpoint-url", url, "--table", "scaling", "--via", "none"])
        .args(["--client", "direct", "--threads", "1", "--quiet"])
        .args(["--devices", &devices.to_string()])
        .args(["--rate", &format!("{RATE}/s")])
        .args(["--warmup", "1s", "--duration", &format!("{SECONDS}s")])
        .arg("--output")
        .arg(output)
        .env("AWS_ACCESS_KEY_ID", "none")
        .env("AWS_SECRET_ACCESS_KEY", "none")
        .env("AWS_REGION", "us-east-1")
        .status()?;
    let result = RunResult::read(output)?;
    if !status.success() || result.ledger.acknowledged == 0 {
        return Err(format!("the run with {devices} devices ended with {status}").into());
    }
    let written = result.rate.achieved * f64::from(SECONDS);
    Ok(Cost {
        cpu_us: result.generator.send_cpu * 1e6 / written,
        memory_mb: result.generator.memory_bytes.unwrap_or(0) as f64 / 1e6,
    })
}

/// Median, minimum and maximum.
fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let [first, .., last] = values[..] else {
        return (values[0], values[0], values[0]);
    };
    (values[values.len() / 2], first, last)
}

fn table(costs: &[(u32, Vec<Cost>)]) -> (String, f64) {
    let medians: Vec<f64> = costs
        .iter()
        .map(|(_, runs)| spread(runs.iter().map(|cost| cost.cpu_us).collect()).0)
        .collect();
    let cheapest = medians.iter().copied().fold(f64::INFINITY, f64::min);
    let ratio = medians.iter().copied().fold(0.0, f64::max) / cheapest;
    let mut text = String::from(
        "| devices | CPU us a reading | of the cheapest | peak memory MB |\n| --: | --: | --: | --: |\n",
    );
    for (devices, runs) in costs {
        let (cpu, low, high) = spread(runs.iter().map(|cost| cost.cpu_us).collect());
        let (memory, ..) = spread(runs.iter().map(|cost| cost.memory_mb).collect());
        let _ = writeln!(
            text,
            "| {devices} | {cpu:.2} ({low:.2} to {high:.2}) | {:.2} | {memory:.0} |",
            cpu / cheapest,
        );
    }
    let verdict = if ratio <= ALLOWANCE { "met" } else { "missed" };
    let _ = writeln!(
        text,
        "\nThe dearest costs {ratio:.2} times the cheapest; at most {ALLOWANCE}: {verdict}."
    );
    (text, ratio)
}

fn plot(costs: &[(u32, Vec<Cost>)]) -> Result<String, Box<dyn Error>> {
    let points = costs
        .iter()
        .map(|(devices, runs)| {
            let (cpu, ..) = spread(runs.iter().map(|cost| cost.cpu_us).collect());
            (f64::from(*devices), cpu)
        })
        .collect();
    let plot = Plot::new(
        "What a reading costs as the fleet grows",
        Axis::log("devices"),
        Axis::linear("CPU time of the load thread, us a reading"),
    )
    .subtitle(format!(
        "--client direct, {RATE} readings a second, null server; median of {ROUNDS} runs"
    ))
    .line(Line::new("load thread", Colour::Blue, points).with_points());
    Ok(plot.svg()?)
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let write = std::env::args().any(|argument| argument == "--write");
    let server = Server::start()?;
    let output = std::env::temp_dir().join(format!("hrload-scaling-{}.json", std::process::id()));
    let mut costs: Vec<(u32, Vec<Cost>)> = DEVICES.map(|devices| (devices, Vec::new())).into();
    for round in 1..=ROUNDS {
        for (devices, runs) in &mut costs {
            eprintln!("round {round} of {ROUNDS}: {devices} devices");
            runs.push(measure(&server.url, *devices, &output)?);
        }
    }
    std::fs::remove_file(&output)?;
    let (table, ratio) = table(&costs);
    println!("{table}");
    if write {
        let results = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("results");
        let text = format!(
            "# What a reading costs as the fleet grows\n\n    \
             cargo bench --bench scaling -- --write\n\n\
             One load thread of `--client direct` writes {RATE} readings a second for {SECONDS} s \
             to `hrload local --null`; {ROUNDS} rounds, the sizes in turn; median (minimum to \
             maximum).\n\n{table}\n![CPU time a reading over the number of devices](scaling.svg)\n"
        );
        write_text(&results.join("scaling.md"), &text)?;
        write_text(&results.join("scaling.svg"), &plot(&costs)?)?;
        println!("written to results/scaling.md and results/scaling.svg");
    }
    Ok(if ratio <= ALLOWANCE {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(4)
    })
}
