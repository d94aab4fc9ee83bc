//! A page of one result, or of two beside each other: one file that needs no
//! network and no script.
//!
//! In go results that were found sound; out comes the text of the page. Text of
//! the results is escaped by the templates (`maud`), pictures come from
//! [`plot`](super::plot) and take their colours from the page's style sheet, and
//! each picture has its numbers as a table beside it, for whoever does not see
//! it. Must not know where the page goes.
//!
//! | file | holds |
//! |---|---|
//! | `parts` | tables and figures, as all sections have them |
//! | `summary` | the verdict, what it rests on, and what changed |
//! | `ledger` | the account of every reading |
//! | `latency` | stages, waterfall, percentiles |
//! | `heat` | latency over time |
//! | `time` | rates and throttles over time |
//! | `bins` | the series in as many pieces as a plot can show |
//! | `around` | devices, capacity, cost, configuration, machine |

mod around;
mod bins;
mod heat;
mod latency;
mod ledger;
pub mod parts;
mod summary;
mod time;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::export::{ReportError, second};
use super::{DiffResult, DiffSettings, RunResult};
use hrload_measure::Stage;

/// Colours, tables and figures, as other pages have them too.
pub const STYLE: &str = include_str!("style.css");

/// A result, and what it is called on the page.
#[derive(Clone, Copy)]
struct Run<'a> {
    /// `run`, or `base` and `new` of two.
    name: &'static str,
    result: &'a RunResult,
}

impl Run<'_> {
    /// The stage that says how late readings were: to the end of their way.
    fn headline_stage(self) -> Stage {
        match self.result.latency.e2e {
            Some(_) => Stage::EndToEnd,
            None => Stage::Response,
        }
    }
}

/// A part of the page with a place in its contents.
struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

/// The page.
///
/// # Errors
///
/// When two results cannot be compared, or a histogram of a second does not
/// decode.
pub(super) fn page(results: &[RunResult]) -> Result<String, ReportError> {
    let names: &[&'static str] = match results.len() {
        1 => &["run"],
        _ => &["base", "new"],
    };
    let runs: Vec<Run<'_>> = names
        .iter()
        .zip(results)
        .map(|(&name, result)| Run { name, result })
        .collect();
    let mut sections = vec![section("summary", "Summary", summary::body(&runs))];
    if let [base, new] = results {
        let one = std::slice::from_ref;
        let diff = DiffResult::new(one(base), one(new), &DiffSettings::default())?;
        sections.push(section("changes", "Changes", summary::changes(&diff)));
    }
    sections.extend([
        section("ledger", "Ledger", ledger::body(&runs)),
        section("latency", "Latency", latency::body(&runs)?),
        section("latency-over-time", "Latency over time", heat::body(&runs)?),
        section("rate", "Rate and throttles", time::body(&runs)?),
        section("devices", "Slowest devices", around::devices(&runs)),
        section("calls", "Calls", around::calls(&runs)),
        section("capacity", "Capacity and cost", around::capacity(&runs)),
        section(
            "configuration",
            "Configuration and machine",
            around::configuration(&runs),
        ),
    ]);
    Ok(document(&runs, &sections).into_string())
}

fn section(id: &'static str, title: &'static str, body: Markup) -> Section {
    Section { id, title, body }
}

fn document(runs: &[Run<'_>], sections: &[Section]) -> Markup {
    let title = match runs {
        [run] => format!("hrload: {}", run.result.config.profile),
        _ => "hrload: two runs compared".to_owned(),
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Nothing is fetched, whatever a result has in it.
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the report" }
                header {
                    h1 { (title) }
                    @for run in runs {
                        p.origin {
                            @if runs.len() > 1 { strong { (run.name) } ": " }
                            (run.result.run.id) ", " (second(&run.result.run.started))
                            @for tag in &run.result.config.tags { " " span.tag { (tag) } }
                        }
                    }
                    nav aria-label="Contents" {
                        ul { @for of in sections { li { a href={ "#" (of.id) } { (of.title) } } } }
                    }
                }
                main #main {
                    @for of in sections {
                        section id=(of.id) aria-labelledby={ (of.id) "-title" } {
                            h2 id={ (of.id) "-title" } { (of.title) }
                            (of.body)
                        }
                    }
                }
                footer {
                    p {
                        "Durations are in seconds or their parts, rates per second of measuring. "
                        "Written by hrload " (env!("CARGO_PKG_VERSION")) "."
                    }
                }
            }
        }
    }
}
