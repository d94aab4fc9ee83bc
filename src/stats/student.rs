//! Student's t: its quantiles, and the power of the test that uses it.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use statrs::function::gamma::ln_gamma;

/// Beyond so many degrees of freedom Student's t and the normal distribution
/// differ by less than a millionth.
const NORMAL_FROM: f64 = 1e6;

/// The value that Student's t with `degrees` degrees of freedom exceeds, in
/// either direction, with probability `1 - confidence`.
///
/// Callers give degrees above 0 and a confidence within 0 to 1.
pub(super) fn two_sided(confidence: f64, degrees: f64) -> f64 {
    let below = 0.5 + confidence / 2.0;
    match StudentsT::new(0.0, 1.0, degrees.min(NORMAL_FROM)) {
        Ok(student) => student.inverse_cdf(below),
        // Degrees of 0: nothing can be excluded.
        Err(_) => f64::INFINITY,
    }
}

/// How probable a t at least as far from zero is, were there no difference.
pub(super) fn p_value(t: f64, degrees: f64) -> f64 {
    match StudentsT::new(0.0, 1.0, degrees.min(NORMAL_FROM)) {
        Ok(student) => (2.0 * student.sf(t.abs())).min(1.0),
        Err(_) => 1.0,
    }
}

/// The probability that the two-sided t test excludes zero when the true
/// difference is `shift` standard errors, `critical` being the value that t has
/// to exceed.
///
/// It is the tail of the noncentral t distribution, written as a mean of normal
/// tails over the estimated standard error, relative to the true one, whose
/// square times `degrees` is chi-squared.
pub(super) fn power(shift: f64, degrees: f64, critical: f64) -> f64 {
    let degrees = degrees.min(NORMAL_FROM);
    let tails = |scale: f64| normal(shift - critical * scale) + normal(-shift - critical * scale);
    let reach = 9.0 / degrees.sqrt();
    let (from, to) = ((1.0 - reach).max(0.0), 1.0 + reach);
    let log_factor = (2.0f64).ln() + 0.5 * degrees * (0.5 * degrees).ln() - ln_gamma(0.5 * degrees);
    let density = |scale: f64| {
        if scale > 0.0 {
            (log_factor + (degrees - 1.0) * scale.ln() - 0.5 * degrees * scale * scale).exp()
        } else if degrees > 1.0 {
            0.0
        } else {
            log_factor.exp()
        }
    };
    // Simpson's rule; its weights are normalised by the same sum of densities,
    // so that what lies out of reach costs no probability.
    const STEPS: usize = 256;
    let width = (to - from) / STEPS as f64;
    let (mut total, mut mass) = (0.0, 0.0);
    for step in 0..=STEPS {
        let scale = from + width * step as f64;
        let weight = match step {
            0 | STEPS => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        } * density(scale);
        total += weight * tails(scale);
        mass += weight;
    }
    (total / mass).clamp(0.0, 1.0)
}

/// The shift, in standard errors, that the test at `confidence` finds with
/// probability `wanted`.
pub(super) fn detectable_shift(wanted: f64, degrees: f64, confidence: f64) -> f64 {
    let critical = two_sided(confidence, degrees);
    let found = |shift: f64| power(shift, degrees, critical) >= wanted;
    let (mut low, mut high) = (0.0, critical.max(1.0));
    while !found(high) && high < 1e12 {
        low = high;
        high *= 2.0;
    }
    while high - low > 1e-9 * high {
        let middle = 0.5 * (low + high);
        if found(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// The factor that takes the upward bias from a standardised difference with
/// `degrees` degrees of freedom (Hedges 1981,
/// <https://doi.org/10.3102/10769986006002107>); `None` below 2, where the
/// standardised difference has no mean.
pub(super) fn hedges_factor(degrees: f64) -> Option<f64> {
    (degrees >= 2.0).then(|| {
        let log = ln_gamma(0.5 * degrees) - ln_gamma(0.5 * (degrees - 1.0));
        log.exp() / (0.5 * degrees).sqrt()
    })
}

fn normal(x: f64) -> f64 {
    Normal::standard().cdf(x)
}
