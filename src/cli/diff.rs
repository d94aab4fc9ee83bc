//! `hrload diff`: runs of two sides compared.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::problem::{Exit, Outputs, Problem};
use super::run;
use super::screen;
use super::values;
use crate::experiment::Output;
use crate::report::{
    self, Config, DiffResult, DiffSettings, Difference, Measure, RunResult, Verdict,
};

pub(super) const HELP: &str = "\
Examples:
  hrload diff base-*.json --against new-*.json
      several runs per side: what changed, what did not, what is inconclusive
  hrload diff base-*.json --against new-*.json --practical 10% \\
      --inconclusive fail
      in CI: changes within 10 % do not matter, and inconclusive figures fail
  hrload diff base-*.json --against new-*.json --practical e2e.p99=20ms
      a different bound for one figure
  hrload diff old.json --against new.json
      one run per side: changes, the noise within the runs, and no verdict

Make the runs of both sides in turns, on one machine, so that drift affects
both. Besides --practical, each figure has a smallest difference that matters: 1
ms of a latency, 0.01 % of readings lost and so on (docs/method.md, \"How runs
are compared\"). A figure that only the base has got worse.

Exit codes: 0 nothing got worse; 1 failed; 2 wrong use, or runs that cannot be
compared; 4 something got worse, or a run did not hold (with --inconclusive
fail: or is inconclusive).";

/// Arguments of `hrload diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// Result files of the base
    #[arg(value_name = "BASE", required = true)]
    base: Vec<PathBuf>,

    /// Result files of the new side
    #[arg(long, value_name = "NEW", required = true, num_args = 1..)]
    against: Vec<PathBuf>,

    #[command(flatten)]
    judging: JudgingArgs,

    /// Compare runs even if their workloads or targets differ
    #[arg(long)]
    allow_different: bool,

    #[command(flatten)]
    outputs: OutputArgs,
}

/// Where a comparison goes.
#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    /// Write the comparison here as JSON; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write the comparison as Markdown (.md), for a pull request
    #[arg(long, value_name = "FILE", value_parser = markdown)]
    report: Option<PathBuf>,

    /// Print errors only
    #[arg(short, long)]
    quiet: bool,
}

fn markdown(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().and_then(|ending| ending.to_str());
    if ending.is_some_and(|ending| ending.eq_ignore_ascii_case("md")) {
        Ok(path)
    } else {
        Err(
            "a comparison of several runs is reported as Markdown: expected a file with the ending \
             .md (hrload report makes pages, of two runs)"
                .to_owned(),
        )
    }
}

impl OutputArgs {
    /// Finds out, before any work, whether the files can be written.
    pub(super) fn probe(&self) -> Result<(), Problem> {
        let output = self.output.clone().map(Output::of);
        run::probe(output.as_ref())?;
        match &self.report {
            Some(path) if Some(path) == self.output.as_ref() => Err(Problem::usage(format!(
                "{} is asked for twice; give the report a file of its own",
                path.display()
            ))),
            Some(path) => report::probe(path).map_err(Problem::failed),
            None => Ok(()),
        }
    }

    /// Whether nothing but errors is to be printed.
    pub(super) fn quiet(&self) -> bool {
        self.quiet
    }

    /// Prints and writes the comparison; each output is tried.
    pub(super) fn put_out(&self, result: &DiffResult) -> Result<(), Problem> {
        let mut outputs = Outputs::default();
        let output = self.output.clone().map(Output::of);
        outputs.note(run::put_out(
            output.as_ref(),
            self.quiet,
            result,
            report::diff,
        ));
        if let Some(path) = &self.report {
            let written = report::write_text(path, &report::diff_markdown(result));
            outputs.note(written.map_err(Problem::from));
        }
        outputs.end()
    }
}

/// How a comparison is judged.
#[derive(Debug, Clone, Args)]
pub(super) struct JudgingArgs {
    /// Largest change that does not matter [default: 5%]; repeatable for single figures, such
    /// as e2e.p99=20ms, missing=0.1% or achieved=50
    #[arg(long, value_name = "PERCENT|FIGURE=AMOUNT", value_parser = practical, help_heading = "Comparison")]
    practical: Vec<PracticalBound>,

    /// Compare runs even if some did not hold or were cut short
    #[arg(long, help_heading = "Comparison")]
    allow_unheld: bool,

    /// Probability that all intervals together are right, 50% to 99.99%
    #[arg(long, value_name = "PERCENT", default_value = "95%", value_parser = confidence, help_heading = "Comparison")]
    confidence: f64,

    /// Whether inconclusive figures fail the comparison
    #[arg(long, value_enum, default_value = "pass", help_heading = "Comparison")]
    inconclusive: Inconclusive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Inconclusive {
    /// They fail it, with exit code 4
    Fail,
    /// They do not
    Pass,
}

fn confidence(text: &str) -> Result<f64, String> {
    match values::percent(text) {
        Ok(share) if (0.5..0.9999).contains(&share) => Ok(share),
        _ => Err("expected a percentage from 50% to 99.99%, such as 95%".to_owned()),
    }
}

/// The largest difference that does not matter: of all figures, or of one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum PracticalBound {
    Share(f64),
    Figure(Measure, f64),
}

fn practical(text: &str) -> Result<PracticalBound, String> {
    let Some((figure, amount)) = text.split_once('=') else {
        return values::percent(text).map(PracticalBound::Share);
    };
    let (figure, amount) = (figure.trim(), amount.trim());
    let Some(measure) = Measure::named(figure) else {
        let known: Vec<String> = Measure::all().map(Measure::name).collect();
        return Err(format!(
            "unknown figure `{figure}` of a comparison: there are {}",
            known.join(", ")
        ));
    };
    let bound = match measure {
        // A bare number could be seconds or milliseconds.
        Measure::Latency(..) | Measure::SendCpu => report::parse_duration(amount)
            .filter(|_| amount.parse::<f64>().is_err())
            .ok_or_else(|| format!("expected a time with its unit, such as {figure}=20ms")),
        Measure::Unheld | Measure::Counted(_) | Measure::Throttled => {
            values::percent(amount).map_err(|error| format!("{figure}: {error}"))
        }
        Measure::Achieved | Measure::WriteUnits | Measure::UsdPerMillion => {
            report::parse_number(amount)
                .ok_or_else(|| format!("expected a number, such as {figure}=0.5"))
        }
    };
    bound.map(|bound| PracticalBound::Figure(measure, bound))
}

impl JudgingArgs {
    /// What is asked of the comparison.
    pub(super) fn settings(&self) -> DiffSettings {
        let mut settings = DiffSettings {
            confidence: self.confidence,
            allow_unheld: self.allow_unheld,
            allow_inconclusive: self.inconclusive == Inconclusive::Pass,
            ..DiffSettings::default()
        };
        for bound in &self.practical {
            match *bound {
                PracticalBound::Share(share) => settings.practical = share,
                PracticalBound::Figure(measure, bound) => settings.matters.push((measure, bound)),
            }
        }
        settings
    }
}

/// How the process ends.
pub(super) fn exit(result: &DiffResult) -> Exit {
    if result.failed() {
        Exit::Regressed
    } else {
        Exit::Held
    }
}

/// Compares, and prints the comparison.
pub(crate) fn run(args: &DiffArgs) -> Result<Exit, Problem> {
    args.outputs.probe()?;
    // A run that is on both sides is compared with itself.
    let mut base = read(&[&args.base[..], &args.against].concat())?;
    let new = base.split_off(args.base.len());
    let result = DiffResult::new(&base, &new, &args.judging.settings()).map_err(Problem::usage)?;
    if !args.allow_different {
        comparable(&result)?;
    }
    args.outputs.put_out(&result)?;
    Ok(exit(&result))
}

/// Compares a run that was just made with runs from before, by the defaults of
/// `hrload diff`, and prints the comparison to standard error.
pub(super) fn against(base: &[RunResult], new: &RunResult, quiet: bool) -> Result<Exit, Problem> {
    let new = std::slice::from_ref(new);
    let result = DiffResult::new(base, new, &DiffSettings::default()).map_err(Problem::usage)?;
    comparable(&result)?;
    if !quiet {
        anstream::eprint!("\n{}", report::diff(&result, screen::of_stderr()));
    }
    Ok(exit(&result))
}

/// Refuses, before a run, baselines that it could not be compared with afterwards.
pub(super) fn comparable_before(base: &[RunResult], planned: &Config) -> Result<(), Problem> {
    for run in base {
        refuse(&report::unlike(&run.config, planned))?;
        let verdict = Verdict::of(run);
        if !verdict.held() {
            let why: Vec<String> = verdict.reasons.iter().map(ToString::to_string).collect();
            return Err(Problem::usage(format!(
                "the baseline run {} did not hold: {}; make it again, or compare the two files \
                 with hrload diff --allow-unheld",
                run.run.id,
                why.join("; ")
            )));
        }
    }
    refuse(&report::differences(base, &[]))
}

/// Refuses runs of which a comparison would say nothing.
pub(super) fn comparable(result: &DiffResult) -> Result<(), Problem> {
    refuse(&result.differences)
}

fn refuse(differences: &[Difference]) -> Result<(), Problem> {
    let forbidding: Vec<String> = differences
        .iter()
        .filter(|of| of.forbids)
        .map(|of| of.line("is"))
        .collect();
    if forbidding.is_empty() {
        return Ok(());
    }
    Err(Problem::usage(format!(
        "these runs are not of the same: {}; compare runs of one workload and target, or say \
         hrload diff --allow-different",
        forbidding.join(", ")
    )))
}

/// The results in these files, each run once: what is given twice would count as two
/// runs that agree.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<RunResult>, Problem> {
    let mut results: Vec<RunResult> = Vec::with_capacity(paths.len());
    for path in paths {
        let result = RunResult::read(path).map_err(Problem::usage)?;
        let known = results.iter().position(|of| of.run.id == result.run.id);
        if let Some(known) = known {
            return Err(Problem::usage(format!(
                "{} and {} are of one run, {}: give each run once",
                paths[known].display(),
                path.display(),
                result.run.id
            )));
        }
        results.push(result);
    }
    Ok(results)
}
