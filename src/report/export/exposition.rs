//! Writing OpenMetrics text
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>): families, samples
//! and what has to be escaped in them. For the file of a run that is over, and
//! for whoever scrapes one that is not.

use std::fmt::Write;

/// The text of an exposition.
#[derive(Default)]
pub(crate) struct Exposition(String);

/// Labels and value of a sample.
pub(crate) type Sample<'a> = (Vec<(&'a str, String)>, f64);

impl Exposition {
    /// A family of gauges; left out when it has no samples. `unit` ends the name.
    pub(crate) fn gauges(&mut self, name: &str, unit: &str, help: &str, samples: Vec<Sample<'_>>) {
        self.family(name, "gauge", "", unit, help, samples);
    }

    /// One gauge, where its value is known.
    pub(crate) fn gauge(&mut self, name: &str, unit: &str, help: &str, value: Option<f64>) {
        let samples = value.map(|value| (Vec::new(), value)).into_iter().collect();
        self.gauges(name, unit, help, samples);
    }

    /// A family of counters.
    pub(crate) fn counters(
        &mut self,
        name: &str,
        unit: &str,
        help: &str,
        samples: Vec<Sample<'_>>,
    ) {
        self.family(name, "counter", "_total", unit, help, samples);
    }

    /// One counter, where its value is known.
    pub(crate) fn counter(&mut self, name: &str, unit: &str, help: &str, value: Option<f64>) {
        let samples = value.map(|value| (Vec::new(), value)).into_iter().collect();
        self.counters(name, unit, help, samples);
    }

    /// A family whose samples all end in `suffix`.
    pub(crate) fn family(
        &mut self,
        name: &str,
        kind: &str,
        suffix: &str,
        unit: &str,
        help: &str,
        samples: Vec<Sample<'_>>,
    ) {
        if samples.is_empty() {
            return;
        }
        self.head(name, kind, unit, help);
        for (labels, value) in samples {
            self.sample(name, suffix, &labels, value);
        }
    }

    /// What stands before the samples of a family.
    pub(crate) fn head(&mut self, name: &str, kind: &str, unit: &str, help: &str) {
        let text = &mut self.0;
        // Writing to a string does not fail.
        let _ = writeln!(text, "# TYPE {name} {kind}");
        if !unit.is_empty() {
            let _ = writeln!(text, "# UNIT {name} {unit}");
        }
        let _ = writeln!(text, "# HELP {name} {}", escaped(help));
    }

    /// A sample of the family whose head stands last.
    pub(crate) fn sample(
        &mut self,
        name: &str,
        suffix: &str,
        labels: &[(&str, String)],
        value: f64,
    ) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.0, "{name}{suffix}{labels} {value}");
    }

    /// The whole text, ended as it has to be.
    pub(crate) fn end(self) -> String {
        self.0 + "# EOF\n"
    }
}

/// Escapes of label values and help texts.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
