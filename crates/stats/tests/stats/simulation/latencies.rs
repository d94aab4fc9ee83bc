//! Runs as a caller keeps them: a sparse histogram for each second.

use hrload_stats::{BlockBootstrap, RunFigure, block_length};

use super::{Draws, normal};

/// Latencies of a run, log-normal around a level that drifts from second to
/// second, in buckets of 2 %, as sparse histograms of its seconds.
pub(super) struct Latencies {
    seconds: Vec<Vec<(u16, u32)>>,
}

impl Latencies {
    pub(super) fn run(seconds: usize, phi: f64, readings: usize, draws: &mut Draws) -> Self {
        let mut state = normal(draws);
        let fresh = (1.0 - phi * phi).sqrt();
        let mut second = |draws: &mut Draws| {
            state = phi * state + fresh * normal(draws);
            let mut buckets: Vec<u16> = (0..readings)
                .map(|_| {
                    let log = 0.2 * state + 0.5 * normal(draws);
                    (400.0 + log / 1.02f64.ln()).clamp(0.0, 799.0) as u16
                })
                .collect();
            buckets.sort_unstable();
            let chunks = buckets.chunk_by(|a, b| a == b);
            chunks.map(|same| (same[0], same.len() as u32)).collect()
        };
        Self {
            seconds: (0..seconds).map(|_| second(draws)).collect(),
        }
    }

    /// Percentiles 50, 99 and 99.9 of the seconds, so often counted, on a
    /// logarithmic scale (in buckets).
    pub(super) fn percentiles(&self, times: &[u32], merged: &mut [u32; 800], figures: &mut [f64]) {
        merged.fill(0);
        for (&times, second) in times.iter().zip(&self.seconds) {
            for &(bucket, count) in second {
                merged[usize::from(bucket)] += times * count;
            }
        }
        let total: u32 = merged.iter().sum();
        let ranks = [0.5, 0.99, 0.999].map(|share| (share * f64::from(total)).ceil() as u32);
        let mut passed = 0;
        let mut next = 0;
        for (bucket, &count) in merged.iter().enumerate() {
            passed += count;
            while next < ranks.len() && passed >= ranks[next] {
                // Within a bucket values are taken to be spread evenly.
                let into = f64::from(passed - ranks[next]) / f64::from(count.max(1));
                figures[next] = bucket as f64 + 1.0 - into;
                next += 1;
            }
        }
    }

    pub(super) fn figures(&self, resamples: usize) -> Vec<RunFigure> {
        let mut merged = [0; 800];
        let mut whole = [0.0; 3];
        let seconds = self.seconds.len();
        self.percentiles(&vec![1; seconds], &mut merged, &mut whole);
        let above = |bound: f64| {
            let share = move |second: &Vec<(u16, u32)>| {
                let above = second
                    .iter()
                    .filter(|&&(bucket, _)| f64::from(bucket) > bound);
                f64::from(above.map(|&(_, count)| count).sum::<u32>())
            };
            let series: Vec<f64> = self.seconds.iter().map(share).collect();
            block_length(&series).unwrap()
        };
        let block = whole.map(above).into_iter().max().unwrap();
        let bootstrap = BlockBootstrap {
            block,
            resamples,
            seed: 10,
        };
        let figures = bootstrap.figures(seconds, 3, |times, figures| {
            self.percentiles(times, &mut merged, figures);
        });
        figures.unwrap().into_iter().flatten().collect()
    }
}
