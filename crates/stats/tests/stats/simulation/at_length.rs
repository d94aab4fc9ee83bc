//! The same rates with more repetitions, printed, beside those of two simpler
//! methods.

use hrload_stats::{Comparison, Verdict};
use rand::RngExt;

use super::between::count_alarms;
use super::within::{misses_alone, percentile_misses};
use super::{Process, Rate, alarms, draws, normal, process};
use crate::{bare, strict};

/// What was not taken: runs drawn again from the runs of a side, and from each
/// the middle 95 % of the differences.
fn two_level_percentile_alarms(pairs: u32, runs: usize, process: &Process) -> Rate {
    let mut draws = draws(13);
    Rate::over(pairs, |_| {
        let sides = [(); 2].map(|()| process.means(runs, 0.0, &mut draws));
        let mut differences: Vec<f64> = (0..999)
            .map(|_| {
                let [base, new] = sides.each_ref().map(|side| {
                    let drawn = (0..runs).map(|_| side[draws.random_range(0..runs)]);
                    drawn.sum::<f64>()
                });
                new - base
            })
            .collect();
        differences.sort_by(f64::total_cmp);
        differences[24] > 0.0 || differences[974] < 0.0
    })
}

/// What was not taken: seconds taken for independent.
fn independent_alarms(pairs: u32, process: &Process) -> Rate {
    let mut draws = draws(14);
    Rate::over(pairs, |_| {
        let [base, new] = [(); 2].map(|()| process.run(0.0, &mut draws));
        let found = Comparison::of(&bare(&base), &bare(&new), &strict(0.95)).unwrap();
        found.verdict == Verdict::Changed
    })
}

#[test]
#[ignore = "minutes; scripts/statistics runs it in release and prints the rates"]
fn error_rates_at_length() {
    println!("\nfalse alarms at 95 %, 20,000 pairs, t over runs | resampled runs (2,000)");
    for runs in [2, 3, 5, 10] {
        for between in [0.0, 5.0] {
            let process = process(60, 0.8, between);
            let ours = alarms(20_000, runs, runs, &process, 0.95);
            let theirs = two_level_percentile_alarms(2_000, runs, &process);
            println!(
                "  {runs:2} runs a side, between {between}: {:.4} | {:.3}",
                ours.share(),
                theirs.share()
            );
            ours.is(0.05, "false alarms");
        }
    }
    println!("shares of counts, 20,000 pairs of runs of 1,000 readings");
    for runs in [2, 3, 5] {
        for chance in [0.0005, 0.005, 0.05] {
            let rate = count_alarms(20_000, runs, [chance; 2]);
            println!("  {runs} runs a side, {chance}: {:.4}", rate.share());
            rate.is_at_most(0.05, "false alarms of shares");
        }
    }
    println!("all noise on one side, 20,000 pairs");
    for (base, new) in [(2, 2), (3, 3), (5, 5), (10, 10), (8, 4), (10, 3), (4, 8)] {
        let mut draws = draws(16);
        let rate = Rate::over(20_000, |_| {
            let quiet = bare(&vec![100.0; base - 1]);
            let quiet = [quiet, bare(&[100.0 + 1e-6 * normal(&mut draws)])].concat();
            let noisy: Vec<f64> = (0..new).map(|_| 100.0 + normal(&mut draws)).collect();
            let found = Comparison::of(&quiet, &bare(&noisy), &strict(0.95)).unwrap();
            found.verdict == Verdict::Changed
        });
        println!(
            "  {base:2} quiet against {new:2} noisy runs: {:.4}",
            rate.share()
        );
    }
    println!("seconds taken for independent, one run of 60 s a side, 2,000 pairs");
    for phi in [0.0, 0.5, 0.8] {
        let rate = independent_alarms(2_000, &process(60, phi, 0.0));
        println!("  phi {phi}: {:.3}", rate.share());
    }
    println!("single runs whose 95 % interval misses the mean, 4,000 runs");
    for seconds in [60, 120, 300, 1_800] {
        for phi in [0.0, 0.5, 0.8, 0.9] {
            let rate = misses_alone(4_000, 400, &process(seconds, phi, 0.0));
            println!("  {seconds:4} s, phi {phi}: {:.3}", rate.share());
        }
    }
    println!("single runs whose 95 % interval misses p50, p99, p99.9, 1,000 runs");
    for seconds in [60, 120, 600] {
        for phi in [0.0, 0.5, 0.8] {
            let misses = percentile_misses(1_000, seconds, phi, 400);
            let [p50, p99, p999] = misses.map(Rate::share);
            println!("  {seconds:4} s, phi {phi}: {p50:.3} {p99:.3} {p999:.3}");
        }
    }
}
