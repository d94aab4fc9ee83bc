//! The page: what is asked, the numbers, the charts.

use maud::{DOCTYPE, Markup, html};

use super::charts;
use super::left_out::LeftOut;
use super::reference::Shares;
use super::server::Shown;
use super::summary::Summary;
use super::view::{Aggregation, Range, SPANS, View, ViewError, written};
use crate::measure::Stage;
use crate::report::plot::PlotError;
use crate::report::{amount, count, duration};

/// Devices that the picker offers: a list of all would be longer than the page.
const OFFERED: usize = 500;

/// What the page is made of.
pub(super) struct Parts<'a> {
    pub(super) shown: &'a Shown,
    pub(super) view: &'a View,
    pub(super) summary: &'a Summary,
    pub(super) left_out: &'a LeftOut,
    pub(super) reference: &'a Shares,
    pub(super) devices: &'a [String],
    pub(super) all_devices: usize,
    pub(super) newest_us: u64,
    pub(super) state: &'a State,
    pub(super) changes: u64,
}

/// How the feed is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// What is read is not there yet.
    Waiting(String),
    /// What was there is being read.
    Reading,
    /// The source was asked a moment ago, and everything that it then had is on the
    /// board: shown, or counted among what is left out.
    Current,
    /// It ended, or goes on trying.
    Failed(String),
}

/// The whole page.
pub(super) fn page(parts: &Parts<'_>) -> Result<Markup, PlotError> {
    let body = board(parts)?;
    let form = form(parts.view, parts.devices);
    let main = html! { main #main { div #board data-changes=(parts.changes) { (body) } } };
    Ok(document(parts.shown, &form, &main))
}

/// The page of a link that is not understood: why, and the form to ask otherwise.
pub(super) fn refused(shown: &Shown, view: &View, devices: &[String], error: &ViewError) -> Markup {
    let main = html! {
        main #main {
            p.note role="alert" { strong { "This cannot be shown: " } (error) "." }
            p { "Ask otherwise above, or " a href="." { "look at the last 15 minutes" } "." }
        }
    };
    document(shown, &form(view, devices), &main)
}

fn document(shown: &Shown, form: &Markup, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                link rel="icon" href="data:,";
                title { "hrload: heart rates of " (shown.what) }
                link rel="stylesheet" href="style.css";
                script src="script.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the charts" }
                header {
                    h1 { "Heart rates" }
                    p.origin { (shown.what) }
                }
                (form)
                (main)
                footer {
                    p { "Times are in UTC. hrload " (env!("CARGO_PKG_VERSION")) "." }
                }
            }
        }
    }
}

fn form(view: &View, devices: &[String]) -> Markup {
    let is_last =
        |seconds: u64| matches!(view.range, Range::Last(span) if span.as_secs() == seconds);
    let (from, to) = match view.range {
        Range::Between(from, to) => (
            if from > 0 {
                written(from)
            } else {
                String::new()
            },
            if to < u64::MAX {
                written(to)
            } else {
                String::new()
            },
        ),
        _ => (String::new(), String::new()),
    };
    let between = matches!(view.range, Range::Between(..));
    html! {
        form #view method="get" action="." aria-label="What is shown" {
            label { "Time range "
                select name="last" {
                    @for (key, name, seconds) in SPANS {
                        option value=(key) selected[is_last(seconds)] { (name) }
                    }
                    option value="all" selected[view.range == Range::All] { "all that is kept" }
                    @if between { option value="" selected { "from and to" } }
                }
            }
            label { "From (UTC) " input type="datetime-local" name="from" value=(from); }
            label { "to (UTC) " input type="datetime-local" name="to" value=(to); }
            label { "Wearable "
                input name="device" list="devices" autocomplete="off" placeholder="all"
                    value=[view.device.as_deref()];
            }
            datalist #devices {
                @for device in devices { option value=(device) {} }
            }
            label { "Show "
                select name="agg" {
                    @for of in Aggregation::ALL {
                        option value=(of.key()) selected[of == view.aggregation] { (of.name()) }
                    }
                }
            }
            button type="submit" { "Show" }
            label.check hidden #live-label { input #live type="checkbox" checked; " live" }
        }
    }
}

/// What changes while one looks.
pub(super) fn board(parts: &Parts<'_>) -> Result<Markup, PlotError> {
    let summary = parts.summary;
    let bars = charts::bars(summary, parts.view)?;
    let is_one = parts.view.device.is_some();
    let rate = charts::rate(summary, is_one)?;
    let delays = charts::delays(summary, is_one)?;
    let distribution = match parts.view.device {
        None => charts::distribution(summary, parts.reference)?,
        Some(_) => html! {},
    };
    Ok(html! {
        p.note #state role="status" { (state(parts)) }
        dl.tiles { @for (what, value) in tiles(parts) {
            div { dt { (what) } dd { (value) } }
        } }
        @if let Some(device) = parts.view.device.as_deref() {
            @if summary.unknown_device && summary.ahead_of_device == 0 {
                p { "No reading of wearable " strong { (device) } " was seen. "
                    (count(parts.all_devices as u64)) " others were." }
            }
            @if summary.ahead_of_device > 0 {
                p { "Not in the charts: " (count(summary.ahead_of_device)) " of its readings, \
                    dated later than it can have taken them." }
            }
        }
        (bars)
        p.links {
            a #csv href={ "readings.csv?" (parts.view) } download { "Download as CSV" } " "
            a #share href={ "?" (parts.view) } { "Link to this view" }
        }
        div.beside {
            (rate)
            (delays)
            (distribution)
            (charts::zones(summary))
        }
        (left_out(parts.left_out))
    })
}

/// What is not in the charts, with its counts.
fn left_out(of: &LeftOut) -> Markup {
    if of.causes.is_empty() {
        return html! {};
    }
    html! {
        section #left-out {
            h2 { "Left out" }
            p { "Of all that was read, whatever is shown." }
            div.scroll tabindex="0" role="group" aria-label="Left out" {
                table {
                    caption.hidden { "Left out" }
                    thead { tr {
                        th.number scope="col" { "how many" }
                        th scope="col" { "what, and the first places" }
                    } }
                    tbody { @for cause in &of.causes { tr {
                        td.number { (count(cause.count)) }
                        th scope="row" {
                            (cause.what)
                            @if !cause.named.is_empty() {
                                ul { @for named in &cause.named { li { (named) } } }
                            }
                        }
                    } } }
                }
            }
        }
    }
}

fn state(parts: &Parts<'_>) -> Markup {
    let LeftOut {
        unread, is_empty, ..
    } = *parts.left_out;
    match parts.state {
        State::Waiting(why) => html! { strong { "Waiting: " } (why) "." },
        State::Reading => html! { "Reading what is there already…" },
        State::Failed(why) => html! { strong { "Not up to date: " } (why) "." },
        State::Current if unread > 0 => html! {
            strong { "Not all of it can be read: " }
            (count(unread)) " " (if unread == 1 { "place is" } else { "places are" })
            " bad, and named under " a href="#left-out" { "Left out" } ". The rest is up to date."
        },
        State::Current if is_empty => html! { "There are no readings yet." },
        State::Current => html! { "Up to date." },
    }
}

fn tiles(parts: &Parts<'_>) -> Vec<(String, String)> {
    let summary = parts.summary;
    // What is not of the wearable that was picked says so.
    let of_all = |what: &str| match parts.view.device {
        None => what.to_owned(),
        Some(_) => format!("{what}, all wearables"),
    };
    let mut tiles = vec![
        (
            of_all("readings a second, last minute"),
            amount(summary.rate),
        ),
        ("readings shown".to_owned(), count(summary.readings)),
        ("wearables".to_owned(), count(summary.devices)),
    ];
    if let Some(mean) = summary.mean_bpm {
        tiles.push(("mean heart rate".to_owned(), format!("{mean:.1}")));
    }
    for (stage, median, tail) in [
        (Stage::EndToEnd, "due to read, p50", "due to read, p99"),
        (
            Stage::Freshness,
            "lake freshness, p50",
            "lake freshness, p99",
        ),
    ] {
        if let Some(of) = summary.stage(stage) {
            let at = |quantile| duration(of.quantile_us(quantile) as f64 / 1e6);
            tiles.push((of_all(median), at(0.5)));
            tiles.push((of_all(tail), at(0.99)));
        }
    }
    if parts.newest_us > 0 {
        let newest = crate::report::timestamp(parts.newest_us);
        let newest = newest.get(11..19).unwrap_or(&newest).to_owned();
        tiles.push(("newest reading taken at".to_owned(), newest));
    }
    tiles
}

/// Names for the picker, the first of them in the order of people.
pub(super) fn offered(mut names: Vec<String>) -> Vec<String> {
    names.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    names.truncate(OFFERED);
    names
}
