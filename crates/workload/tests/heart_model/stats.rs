//! Statistics over series with gaps, and the reference's.

/// Mean of what is there: hours off the wrist are NaN.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let there = values.into_iter().filter(|v| !v.is_nan());
    let (sum, n) = there.fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
    sum / n
}

pub(crate) fn sd(values: &[f64]) -> f64 {
    let m = mean(values.iter().copied());
    mean(values.iter().map(|v| (v - m).powi(2))).sqrt()
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn quantile(values: &mut [f64], p: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * p) as usize]
}

pub(crate) fn acf(series: &[f64], lag: usize) -> f64 {
    let m = mean(series.iter().copied());
    let pairs = series.iter().zip(&series[lag..]);
    let product = mean(pairs.map(|(a, b)| (a - m) * (b - m)));
    product / mean(series.iter().map(|v| (v - m).powi(2)))
}

pub(crate) fn reference(key: &str) -> serde_json::Value {
    let text = include_str!("../data/heart-reference.json");
    let all: serde_json::Value = serde_json::from_str(text).unwrap();
    all[key].clone()
}

pub(crate) fn numbers(key: &str) -> Vec<f64> {
    serde_json::from_value(reference(key)).unwrap()
}

/// Largest distance from the reference's distribution function, at its
/// tabulated quantiles.
pub(crate) fn distance(mut values: Vec<f64>, key: &str) -> f64 {
    values.sort_by(f64::total_cmp);
    let (p, q) = (numbers("p"), numbers(key));
    let mut largest: f64 = 0.0;
    for (i, (p, q_p)) in p.iter().zip(&q).enumerate() {
        if q.get(i + 1) == Some(q_p) {
            continue; // a tie: its last probability is the distribution's
        }
        let below = values.partition_point(|v| *v <= *q_p) as f64 / values.len() as f64;
        largest = largest.max((below - p).abs());
    }
    largest
}
