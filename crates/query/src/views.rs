//! The views that are always there.

use hrload_codec::sample::CLOCKS_AGREE_US;
use hrload_workload::{HIGHEST_OF_FORTY, ZONES};

/// The names and the statements of the views, each on those before it.
pub(super) fn views() -> Vec<(&'static str, String)> {
    let limits = ZONES.iter().skip(1).zip(&ZONES);
    let cases: String = limits
        .map(|(above, zone)| {
            let below = HIGHEST_OF_FORTY * f64::from(above.from_percent) / 100.0;
            format!("WHEN bpm < {below} THEN '{}' ", zone.name)
        })
        .collect();
    let hardest = ZONES[ZONES.len() - 1].name;
    vec![
        // A reading is itself by what it says: a wearable has one heart rate at a
        // time. Written again, or delivered again, it is still the same.
        (
            "readings",
            "SELECT device, bpm, observed, intended, min(created) AS created, \
             min(written) AS written, count(*) AS copies \
             FROM samples GROUP BY device, bpm, observed, intended"
                .to_owned(),
        ),
        (
            "per_minute",
            "SELECT date_trunc('minute', observed) AS minute, device, avg(bpm) AS bpm, \
             min(bpm) AS lowest, max(bpm) AS highest, count(*) AS readings \
             FROM readings GROUP BY date_trunc('minute', observed), device"
                .to_owned(),
        ),
        // Later than any pipeline makes them: the wearable kept them.
        (
            "late_arrivals",
            "SELECT device, bpm, observed, created, created - observed AS late \
             FROM readings WHERE created > observed + INTERVAL '1 minute'"
                .to_owned(),
        ),
        // Dated later than they can have been taken: the wearable's clock is wrong.
        (
            "future_dated",
            format!(
                "SELECT device, bpm, observed, created, observed - created AS ahead \
                 FROM readings WHERE observed > created + INTERVAL '{} seconds'",
                CLOCKS_AGREE_US / 1_000_000
            ),
        ),
        (
            "zones",
            format!(
                "SELECT device, zone, count(*) AS readings, \
                 100.0 * count(*) / sum(count(*)) OVER (PARTITION BY device) AS percent \
                 FROM (SELECT device, CASE {cases}ELSE '{hardest}' END AS zone FROM readings) \
                 GROUP BY device, zone"
            ),
        ),
        // Silent is who was heard at least twice and then not for five times as long
        // as usual, and not for a minute either. Heard is when a reading was taken, or
        // when its item was written if its clock says later: the newest time that any
        // clock says is not the present.
        (
            "silent_devices",
            "SELECT device, last_observed, newest - last_observed AS silent \
             FROM (SELECT device, max(heard) AS last_observed, min(heard) AS first_observed, \
             count(*) AS readings, max(max(heard)) OVER () AS newest \
             FROM (SELECT device, coalesce(least(observed, created), observed, created) AS heard FROM readings) \
             GROUP BY device) \
             WHERE readings > 1 AND newest > last_observed + INTERVAL '1 minute' \
             AND to_unixtime(newest) - to_unixtime(last_observed) \
             > 5.0 * (to_unixtime(last_observed) - to_unixtime(first_observed)) / (readings - 1)"
                .to_owned(),
        ),
    ]
}
