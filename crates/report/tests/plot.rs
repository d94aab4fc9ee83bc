//! Plots: an SVG that any viewer reads, with what was asked for on it.
#![allow(clippy::unwrap_used)]

use hrload_report::plot::{Axis, Band, Colour, Lanes, Line, Mark, Plot, PlotError, Rule, Stroke};

/// Rate against latency, as a sweep has it.
fn sweep() -> Plot {
    let p99 = [
        (500.0, 7.9),
        (1_000.0, 8.1),
        (2_000.0, 8.6),
        (4_000.0, 11.0),
        (5_000.0, 19.0),
        (5_500.0, 160.0),
        (6_000.0, 2_400.0),
    ];
    let p50 = p99.map(|(rate, ms)| (rate, 4.0 + ms * 0.1));
    Plot::new(
        "Latency against rate: the knee is at 5,000/s",
        Axis::log("rate (readings/s)"),
        Axis::log("end-to-end latency (ms)"),
    )
    .subtitle("profile steady, 10,000 devices, seed 1; 30 s at each rate <after 5 s of \"settling\"> & bisected")
    .rule(Rule::level(50.0, "p99 < 50 ms"))
    .rule(Rule::upright(5_250.0, "throttled from here on"))
    .line(Line::new("p99", Colour::Blue, p99.to_vec()).with_points())
    .line(Line::new("p50", Colour::Vermillion, p50.to_vec()).stroked(Stroke::Dashed))
    .mark(Mark::new(5_000.0, 19.0, "knee: 5,000/s, p99 19 ms"))
}

/// A day's demand against two capacities.
fn day() -> Plot {
    let hour = |minute: u32| f64::from(minute) / 60.0;
    let mean =
        |minute: u32| 1_500.0 - 1_200.0 * (hour(minute) / 24.0 * std::f64::consts::TAU).cos();
    let minutes = 0..1_440;
    let band = minutes.map(|m| (hour(m), mean(m) * 0.9, mean(m) * 1.1));
    Plot::new(
        "Demand against capacity",
        Axis::linear("hour of the day").range(0.0, 24.0).every(3.0),
        Axis::linear("write units a second"),
    )
    .band(Band::new(
        "demand, least to most of a minute",
        Colour::Grey,
        band.collect(),
    ))
    .line(
        Line::steps(
            "auto scaling",
            Colour::Green,
            &[(0.0, 500.0), (7.0, 2_000.0), (20.0, 900.0), (24.0, 900.0)],
        )
        .stroked(Stroke::Dotted),
    )
    .line(Line::steps(
        "provisioned",
        Colour::Blue,
        &[(0.0, 1_500.0), (24.0, 1_500.0)],
    ))
    .lanes(
        Lanes::new("throttled")
            .row(
                "auto scaling",
                Colour::Green,
                vec![(6.0, 7.1), (7.2, 7.21), (21.0, 30.0)],
            )
            .row("provisioned", Colour::Blue, vec![(6.5, 17.5)]),
    )
}

/// Leaves the file in target/tmp, to be looked at.
fn keep(name: &str, svg: &str) {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(path, svg).unwrap();
}

/// Elements are balanced, attributes quoted, text escaped.
fn assert_well_formed(svg: &str) {
    let mut open = Vec::new();
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        assert!(!text.contains('&') || text.contains(';'), "{text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
            if !tag.ends_with('/') {
                open.push(tag.split(' ').next().unwrap());
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn texts(svg: &str) -> Vec<&str> {
    let texts = svg.split("<text").skip(1);
    texts
        .map(|part| {
            part.split_once('>')
                .unwrap()
                .1
                .split('<')
                .next()
                .unwrap()
                .trim()
        })
        .collect()
}

#[test]
fn a_plot_names_its_axes_layers_and_marks() {
    let svg = sweep().svg().unwrap();
    keep("plot-sweep.svg", &svg);
    assert_well_formed(&svg);
    let texts = texts(&svg);
    for wanted in [
        "Latency against rate: the knee is at 5,000/s",
        "rate (readings/s)",
        "end-to-end latency (ms)",
        "p99 &lt; 50 ms",
        "throttled from here on",
        "knee: 5,000/s, p99 19 ms",
        "p99",
        "p50",
        "1,000",
    ] {
        assert!(texts.contains(&wanted), "{wanted}: {texts:?}");
    }
    assert!(svg.contains("&amp; bisected"));
}

#[test]
fn lanes_stand_under_the_plot_and_end_where_it_ends() {
    let svg = day().svg().unwrap();
    keep("plot-day.svg", &svg);
    assert_well_formed(&svg);
    assert!(texts(&svg).contains(&"throttled"));
    let number = |rect: &str, key: &str| -> i32 {
        let (_, after) = rect.split_once(&format!(" {key}=\"")).unwrap();
        after.split('"').next().unwrap().parse().unwrap()
    };
    let rects = svg.split("<rect").skip(1);
    let rects: Vec<&str> = rects.map(|rect| rect.split('>').next().unwrap()).collect();
    let of_colour = |colour: &str| {
        let ends = rects.iter().filter(|r| r.contains(colour));
        ends.map(|r| (number(r, "x"), number(r, "x") + number(r, "width")))
            .collect::<Vec<_>>()
    };
    // Two of the three touch; the last is cut off at the axis' end.
    let ground = of_colour("#F0F0F0")[0];
    let stretches = of_colour("#009E73");
    assert_eq!(stretches.last().unwrap().1, ground.1);
    assert_eq!(of_colour("#0072B2").len(), 1);
}

#[test]
fn a_plot_of_nothing_says_which_axis_is_empty() {
    let nothing = Plot::new("", Axis::linear("x"), Axis::log("latency (ms)"));
    let error = nothing.svg().unwrap_err();
    assert_eq!(
        error,
        PlotError::Nothing {
            axis: "x".to_owned()
        }
    );
    let below = nothing.line(Line::new("", Colour::Blue, vec![(1.0, 0.0)]));
    let error = below.svg().unwrap_err().to_string();
    assert!(error.contains("latency (ms)"), "{error}");
}

#[test]
fn numbers_that_are_none_are_left_out() {
    let points = vec![
        (1.0, 2.0),
        (2.0, f64::NAN),
        (f64::INFINITY, 3.0),
        (3.0, 4.0),
    ];
    let plot = Plot::new("", Axis::linear("x"), Axis::linear("y"));
    let svg = plot
        .line(Line::new("some", Colour::Sky, points))
        .svg()
        .unwrap();
    assert_well_formed(&svg);
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}
