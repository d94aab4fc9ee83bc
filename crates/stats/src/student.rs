//! Student's t: its quantiles, and the power of the test that uses it.

use std::f64::consts::LN_2;

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use statrs::function::gamma::{gamma_lr, ln_gamma};

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
/// difference is `shift` standard errors, at least 0, and `critical` is the
/// value that t has to exceed.
///
/// It is the tail of the noncentral t distribution, written as a mean of normal
/// tails over the estimated standard error, relative to the true one (`scale`),
/// whose square times `degrees` is chi-squared.
pub(super) fn power(shift: f64, degrees: f64, critical: f64) -> f64 {
    let degrees = degrees.min(NORMAL_FROM);
    let half = 0.5 * degrees;
    // Beyond so many standard deviations a normal tail is 0 or 1 to ten digits.
    const FAR: f64 = 7.0;
    let spread = 1.0 / (2.0 * degrees).sqrt();
    let from = ((shift - FAR) / critical).max(1.0 - FAR * spread).max(0.0);
    let to = ((shift + FAR) / critical).min(1.0 + FAR * spread);
    // Smaller scales exclude zero for sure.
    let sure = if from > 0.0 {
        gamma_lr(half, half * from * from)
    } else {
        0.0
    };
    if to <= from {
        return sure;
    }
    let log_factor = LN_2 + half * half.ln() - ln_gamma(half);
    let density = |scale: f64| {
        if scale > 0.0 {
            (log_factor + (degrees - 1.0) * scale.ln() - half * scale * scale).exp()
        } else if degrees > 1.0 {
            0.0
        } else {
            log_factor.exp()
        }
    };
    let found = |scale: f64| {
        let tails = normal(shift - critical * scale) + normal(-shift - critical * scale);
        density(scale) * tails
    };
    // Simpson's rule; the span is as wide as the narrower of the two factors,
    // 14 standard deviations of it at most.
    const STEPS: usize = 96;
    let width = (to - from) / STEPS as f64;
    let inner: f64 = (1..STEPS)
        .map(|step| {
            let weight = if step % 2 == 1 { 4.0 } else { 2.0 };
            weight * found(from + width * step as f64)
        })
        .sum();
    let integral = (found(from) + inner + found(to)) * width / 3.0;
    (sure + integral).clamp(0.0, 1.0)
}

/// The shift, in standard errors, that the test at `confidence` finds with
/// probability `wanted`, which is more than it finds of no shift.
pub(super) fn detectable_shift(wanted: f64, degrees: f64, confidence: f64) -> f64 {
    let critical = two_sided(confidence, degrees);
    let lacking = |shift: f64| wanted - power(shift, degrees, critical);
    let (mut low, mut lack) = (0.0, lacking(0.0));
    let (mut high, mut excess) = (critical + 1.0, lacking(critical + 1.0));
    while excess > 0.0 && high < 1e12 {
        (low, lack) = (high, excess);
        high *= 2.0;
        excess = lacking(high);
    }
    // The Illinois variant of false position.
    for _ in 0..100 {
        if high - low <= 1e-10 * high {
            break;
        }
        let middle = (low * excess - high * lack) / (excess - lack);
        let found = lacking(middle);
        if found.abs() < 1e-12 {
            return middle;
        }
        if found > 0.0 {
            (low, lack) = (middle, found);
            excess *= 0.5;
        } else {
            (high, excess) = (middle, found);
            lack *= 0.5;
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
