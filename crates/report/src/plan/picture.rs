//! A plan's day, drawn: demand against capacity.

use super::text::money;
use crate::plot::{Axis, Band, Colour, Lanes, Line, Plot, PlotError, Stroke};
use crate::units::amount;
use hrload_capacity::plan::{Candidate, Paying, Plan};

/// The day as SVG: write units a second, the band from the quietest to the
/// busiest second of each minute, and for each table what it had to give and
/// in which minutes it throttled. `workload` says whose day it is.
///
/// # Errors
///
/// [`PlotError::Nothing`] for a day of no length.
pub fn plan_plot(plan: &Plan, workload: &str) -> Result<String, PlotError> {
    let minutes = &plan.demand.minutes;
    let hour = |minute: usize| minute as f64 / 60.0;
    let last = minutes.mean.len().saturating_sub(1);
    // The first and the last minute reach to the day's ends.
    let middle = |minute: usize| match minute {
        0 => 0.0,
        _ if minute == last => hour(minute + 1),
        _ => hour(minute) + 0.5 / 60.0,
    };
    let band = minutes.least.iter().zip(&minutes.most).enumerate();
    let band = band.map(|(at, (&least, &most))| (middle(at), least as f64, most as f64));
    let mean = minutes.mean.iter().enumerate();
    let mean = mean.map(|(at, &mean)| (middle(at), mean));

    let ends = hour(minutes.mean.len());
    let whole_days = Axis::linear("hour of the day").range(0.0, ends.max(1.0 / 60.0));
    let hours = if ends > 12.0 {
        whole_days.every(3.0)
    } else {
        whole_days
    };
    let taken = plan.tables.get(plan.recommended);
    let subtitle = taken.map(|taken| {
        format!(
            "Write units of a table; recommended: {}, {} USD for {} days with {}",
            taken.name,
            money(taken.bill.total),
            amount(plan.days),
            stream(plan),
        )
    });
    let mut plot = Plot::new(
        format!("Demand against capacity: {workload}"),
        hours,
        Axis::linear("write units a second"),
    )
    .subtitle(subtitle.unwrap_or_default())
    .band(Band::new(
        "demand, quietest to busiest second of each minute",
        Colour::Grey,
        band.collect(),
    ))
    .line(Line::new(
        "demand, mean of each minute",
        Colour::Grey,
        mean.collect(),
    ));
    let mut lanes = Lanes::new("minutes with throttled writes");
    let tables = plan.tables.iter().enumerate();
    for ((at, table), colour) in tables.zip(Colour::SERIES.into_iter().cycle()) {
        let mark = if at == plan.recommended {
            " (recommended)"
        } else {
            ""
        };
        let line = Line::steps(format!("{}{mark}", table.name), colour, &steps(table, ends));
        plot = plot.line(line.stroked(match table.paying {
            Paying::Provisioned => Stroke::Solid,
            Paying::AutoScaling => Stroke::Dashed,
            Paying::OnDemand => Stroke::Dotted,
        }));
        let throttled = table.throttled.iter();
        let throttled = throttled.map(|stretch| {
            let [from, to] = [stretch.from_minute, stretch.to_minute];
            (hour(from as usize), hour(to as usize))
        });
        lanes = lanes.row(table.short.clone(), colour, throttled.collect());
    }
    plot.lanes(lanes).svg()
}

/// What a table had to give, by the hour, to the day's end.
fn steps(table: &Candidate, ends: f64) -> Vec<(f64, f64)> {
    let steps = table.capacity.iter();
    let mut steps: Vec<(f64, f64)> = steps
        .map(|step| (step.from_s as f64 / 3_600.0, step.units as f64))
        .collect();
    if let Some(&(_, units)) = steps.last() {
        steps.push((ends, units));
    }
    steps
}

/// The recommended stream, in a few words.
fn stream(plan: &Plan) -> String {
    match plan.streams.get(plan.recommended_stream) {
        Some(stream) if stream.on_demand => "an on-demand stream".to_owned(),
        Some(stream) if stream.shards == 1 => "1 shard".to_owned(),
        Some(stream) => format!("{} shards", stream.shards),
        None => "no stream".to_owned(),
    }
}
