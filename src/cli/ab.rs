//! `hrload ab`: two configurations, or two binaries, run in turns and compared.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::agree::{Asking, agree};
use super::diff::{self, JudgingArgs};
use super::problem::{Exit, Problem};
use super::{watching, words_of_run};
use crate::experiment::{self, Interrupts, Request, Target};
use crate::measure::Stage;
use crate::report::{self, DiffResult, RunResult};

pub(super) const HELP: &str = "\
Examples:
  hrload ab --base '--client sdk' --new '--client direct' -- -r 2k/s -d 20s
      two clients, five runs per side, in turns
  hrload ab --base-binary ./hrload-main -- -r 2k/s -d 20s
      another build of hrload and this one, with the same options
  hrload ab --base '--shards 1' --new '--shards 2' --rounds 8 --keep runs \\
      -- -r 1k/s
      keeps the result of each run in the folder runs

Each round runs both sides; which one goes first alternates, so that a machine
that slows down affects both. The options of `hrload run` after -- are those of
both sides.

Exit codes: 0 nothing got worse; 1 a run failed; 2 wrong use; 4 something got
worse, or a run did not hold (with --inconclusive fail: or is inconclusive);
130 interrupted (complete rounds are compared).";

/// Arguments of `hrload ab`.
#[derive(Debug, Args)]
pub(crate) struct AbArgs {
    /// Options of the base's runs, quoted as one argument
    #[arg(long, value_name = "WORDS", default_value = "", hide_default_value = true,
          allow_hyphen_values = true, value_parser = words)]
    base: Words,

    /// Options of the new side's runs, quoted as one argument
    #[arg(long, value_name = "WORDS", default_value = "", hide_default_value = true,
          allow_hyphen_values = true, value_parser = words)]
    new: Words,

    /// hrload binary of the base [default: this one]
    #[arg(long, value_name = "FILE")]
    base_binary: Option<PathBuf>,

    /// hrload binary of the new side [default: this one]
    #[arg(long, value_name = "FILE")]
    new_binary: Option<PathBuf>,

    /// Runs per side
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,

    /// Keep the result of each run in this folder, as base-1.json, new-1.json and so on
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,

    #[command(flatten)]
    judging: JudgingArgs,

    #[command(flatten)]
    outputs: diff::OutputArgs,

    /// Options of `hrload run` for both sides
    #[arg(last = true, value_name = "RUN")]
    common: Vec<String>,
}

/// Whether a file is named as the results of a comparison are: `base-1.json`.
fn is_kept(name: &str) -> bool {
    let number = ["base-", "new-"]
        .iter()
        .find_map(|side| name.strip_prefix(side)?.strip_suffix(".json"));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Words, as a shell would tell them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Words(Vec<String>);

fn words(text: &str) -> Result<Words, String> {
    shlex::split(text)
        .map(Words)
        .ok_or_else(|| "a quote is not closed".to_owned())
}

/// One of the two.
struct Side {
    name: &'static str,
    binary: PathBuf,
    words: Vec<String>,
    results: Vec<RunResult>,
}

/// How a run of a side ended.
enum Ended {
    /// With a result.
    Whole(Box<RunResult>),
    /// By a signal.
    Interrupted,
}

/// Runs both sides in turns, and compares them.
pub(crate) fn run(args: &AbArgs) -> Result<Exit, Problem> {
    if args.base == args.new && args.base_binary == args.new_binary {
        return Err(Problem::usage(
            "both sides are the same: say what differs with --base and --new (words of hrload \
             run), or with --base-binary and --new-binary",
        ));
    }
    for words in [&args.common, &args.base.0, &args.new.0] {
        watching::refuse_in(words)?;
    }
    args.outputs.probe()?;
    let temporary;
    let folder = match &args.keep {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| {
                Problem::usage(format!("cannot make --keep {}: {error}", folder.display()))
            })?;
            let before = std::fs::read_dir(folder).map_err(|error| {
                Problem::usage(format!(
                    "cannot look into --keep {}: {error}",
                    folder.display()
                ))
            })?;
            let names = before.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            let mut results = names.filter(|name| is_kept(name));
            if let Some(name) = results.next() {
                return Err(Problem::usage(format!(
                    "--keep {} holds {name} of an earlier comparison, which would stand among \
                     the results of this one; name another folder, or remove it",
                    folder.display()
                )));
            }
            // Not writable is better known now than after the first run.
            report::probe(&folder.join("base-1.json")).map_err(Problem::failed)?;
            folder.as_path()
        }
        None => {
            temporary = TempDir::with_prefix("hrload-ab-")?;
            temporary.path()
        }
    };
    let mut sides = [
        args.side("base", args.base_binary.as_ref(), &args.base)?,
        args.side("new", args.new_binary.as_ref(), &args.new)?,
    ];
    args.agree(&mut sides)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let interrupted = runtime.block_on(args.rounds(&mut sides, folder))?;
    let [base, new] = sides.map(|side| side.results);
    if base.is_empty() || new.is_empty() {
        // Interrupted before the first round was whole.
        return Ok(Exit::Interrupted);
    }
    let result = DiffResult::new(&base, &new, &args.judging.settings()).map_err(Problem::failed)?;
    // Sides that are given different words are meant to differ.
    if args.base == args.new {
        diff::comparable(&result)?;
    }
    args.outputs.put_out(&result)?;
    Ok(if interrupted {
        Exit::Interrupted
    } else {
        diff::exit(&result)
    })
}

fn cannot_run(binary: &Path, error: &std::io::Error) -> Problem {
    Problem::usage(format!("cannot run {}: {error}", binary.display()))
}

impl AbArgs {
    fn side(
        &self,
        name: &'static str,
        binary: Option<&PathBuf>,
        words: &Words,
    ) -> Result<Side, Problem> {
        let binary = match binary {
            Some(binary) => {
                // Better known now than after the other side's first run.
                std::process::Command::new(binary)
                    .arg("--version")
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
                    .map_err(|error| cannot_run(binary, &error))?;
                binary.clone()
            }
            None => std::env::current_exe()?,
        };
        let words = self.common.iter().chain(&words.0).cloned().collect();
        Ok(Side {
            name,
            binary,
            words,
            results: Vec::new(),
        })
    }

    /// Says what runs on AWS will cost, and asks on a terminal. They do not wait for
    /// CloudWatch, minutes for each of many, unless they are told to.
    fn agree(&self, sides: &mut [Side; 2]) -> Result<(), Problem> {
        let mut asking = Asking {
            yes: false,
            quiet: self.outputs.quiet(),
        };
        let mut on_aws = Vec::new();
        let other = [&self.base_binary, &self.new_binary].map(Option::is_some);
        for (side, other) in sides.iter_mut().zip(other) {
            let run = match words_of_run(&side.words) {
                Ok(run) => run,
                // Words of another version may be right; its run will say.
                Err(_) if other => continue,
                Err(error) => {
                    return Err(Problem::usage(format!(
                        "the {} side's words are none of hrload run: {}",
                        side.name,
                        error.to_string().trim_start_matches("error: ").trim_end()
                    )));
                }
            };
            asking.yes |= run.asking().yes;
            let says_cloudwatch = run.says_cloudwatch();
            let request = run.into_request()?;
            if matches!(request.target, Target::Aws { .. }) {
                if !says_cloudwatch && !other {
                    side.words.extend(["--cloudwatch".into(), "off".into()]);
                }
                on_aws.push(Request {
                    // That is each run's own.
                    max_cost_usd: None,
                    ..request
                });
            }
        }
        let Some(first) = on_aws.first() else {
            return Ok(());
        };
        agree(first, "comparison", "", asking, || {
            let runs = on_aws.iter().map(|of| (of, self.rounds));
            experiment::estimate_all(runs)
        })
    }

    /// Whether it was interrupted. Both sides then have as many results.
    async fn rounds(&self, sides: &mut [Side; 2], folder: &Path) -> Result<bool, Problem> {
        let mut interrupts = Interrupts::listen()?;
        for round in 1..=self.rounds {
            // Who goes second in a round goes first in the next.
            let order = if round % 2 == 1 { [0, 1] } else { [1, 0] };
            for at in order {
                let side = &mut sides[at];
                let file = folder.join(format!("{}-{round}.json", side.name));
                let progress =
                    self.progress(&format!("round {round} of {}: {}", self.rounds, side.name));
                let ended = side.run(&file, &mut interrupts).await;
                progress.finish_and_clear();
                match ended? {
                    Ended::Whole(result) => {
                        self.tell(round, side.name, &result);
                        side.results.push(*result);
                    }
                    Ended::Interrupted => {
                        let whole = sides.each_ref().map(|side| side.results.len());
                        let whole = whole[0].min(whole[1]);
                        sides
                            .iter_mut()
                            .for_each(|side| side.results.truncate(whole));
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// What is being done, for as long as it is.
    fn progress(&self, doing: &str) -> ProgressBar {
        if self.outputs.quiet() {
            return ProgressBar::hidden();
        }
        // Hidden where standard error is no terminal.
        let bar = ProgressBar::new_spinner();
        bar.set_message(doing.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    fn tell(&self, round: u32, side: &str, result: &RunResult) {
        if self.outputs.quiet() {
            return;
        }
        let mut line = format!(
            "round {round} of {}: {side:<4}  {}",
            self.rounds,
            report::rate(result.rate.achieved)
        );
        for stage in [Stage::Response, Stage::EndToEnd] {
            if let Some(of) = result.latency.get(stage) {
                line += &format!("  {} p99 {}", stage.key(), report::duration(of.p99));
            }
        }
        let verdict = report::Verdict::of(result);
        if !verdict.held() {
            line += &format!("  {}", verdict.word);
        }
        say!("{line}");
    }
}

impl Side {
    async fn run(&self, file: &Path, interrupts: &mut Interrupts) -> Result<Ended, Problem> {
        let mut child = Command::new(&self.binary)
            .arg("run")
            .args(&self.words)
            .arg("--quiet")
            .arg("--output")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A terminal's Ctrl-C then comes to us alone, to be passed on.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| cannot_run(&self.binary, &error))?;
        let mut interrupted = false;
        loop {
            tokio::select! {
                done = child.wait() => {
                    let status = done?;
                    // A run that did not hold has a result like any other.
                    let code = status.code();
                    if interrupted || code == Some(130) {
                        return Ok(Ended::Interrupted);
                    }
                    if !matches!(code, Some(0 | 3)) {
                        return Err(self.failure(child, code).await);
                    }
                    let result = RunResult::read(file).map_err(Problem::failed)?;
                    return Ok(Ended::Whole(Box::new(result)));
                }
                () = interrupts.next() => {
                    // The first ends the run gently, the second at once.
                    interrupted = true;
                    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id as i32)) {
                        // It may have ended by now.
                        let _ = kill_process(pid, Signal::TERM);
                    }
                }
            }
        }
    }

    /// A run that ended without a result: what it said.
    async fn failure(&self, mut child: Child, code: Option<i32>) -> Problem {
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            // What cannot be read is not told.
            let _ = tokio::io::AsyncReadExt::read_to_string(&mut stderr, &mut said).await;
        }
        let message = format!(
            "a run of the {} side failed: {} run {}\n{}",
            self.name,
            self.binary.display(),
            shlex::try_join(self.words.iter().map(String::as_str)).unwrap_or_default(),
            said.trim_end()
        );
        if code == Some(2) {
            Problem::usage(message)
        } else {
            Problem::failed(message)
        }
    }
}
