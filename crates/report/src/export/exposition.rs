//! Writing metrics as text: families, samples and what has to be escaped in them.
//! For the file of a run that is over, and for whoever scrapes one that is not.
//!
//! There are two dialects of one language, with the same samples. Prometheus'
//! text format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>) is what push
//! gateways and collectors of text files read; it has neither units nor infos, and
//! the head of a family names its samples. OpenMetrics
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>) is what a scraper may
//! ask for.

use std::fmt::Write;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Prometheus' text format 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Dialect {
    /// What a text in it calls itself in `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The text of an exposition.
pub struct Exposition {
    dialect: Dialect,
    text: String,
}

/// Labels and value of a sample.
pub(super) type Sample<'a> = (Vec<(&'a str, String)>, f64);

impl Exposition {
    /// Nothing yet.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            text: String::new(),
        }
    }

    /// A family of gauges; left out when it has no samples. `unit` ends the name.
    pub fn gauges(&mut self, name: &str, unit: &str, help: &str, samples: Vec<Sample<'_>>) {
        self.family(name, "gauge", "", unit, help, samples);
    }

    /// One gauge, where its value is known.
    pub fn gauge(&mut self, name: &str, unit: &str, help: &str, value: Option<f64>) {
        let samples = value.map(|value| (Vec::new(), value)).into_iter().collect();
        self.gauges(name, unit, help, samples);
    }

    /// A family of counters.
    pub fn counters(&mut self, name: &str, unit: &str, help: &str, samples: Vec<Sample<'_>>) {
        self.family(name, "counter", "_total", unit, help, samples);
    }

    /// A family whose samples all end in `suffix`.
    pub fn family(
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
        self.head(name, kind, suffix, unit, help);
        for (labels, value) in samples {
            self.sample(name, suffix, &labels, value);
        }
    }

    /// What does not change, in the labels of one sample.
    pub fn info(&mut self, name: &str, help: &str, labels: Vec<(&str, String)>) {
        let kind = match self.dialect {
            Dialect::Prometheus => "gauge",
            Dialect::OpenMetrics => "info",
        };
        self.family(name, kind, "_info", "", help, vec![(labels, 1.0)]);
    }

    /// What stands before the samples of a family, which all end in `suffix`.
    pub fn head(&mut self, name: &str, kind: &str, suffix: &str, unit: &str, help: &str) {
        let text = &mut self.text;
        let help = escaped(help);
        // Writing to a string does not fail.
        let _ = match self.dialect {
            Dialect::Prometheus => {
                // A quote is escaped in values of labels alone.
                let help = help.replace("\\\"", "\"");
                write!(
                    text,
                    "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}\n"
                )
            }
            Dialect::OpenMetrics => {
                let _ = writeln!(text, "# TYPE {name} {kind}");
                if !unit.is_empty() {
                    let _ = writeln!(text, "# UNIT {name} {unit}");
                }
                writeln!(text, "# HELP {name} {help}")
            }
        };
    }

    /// A sample of the family whose head stands last.
    pub fn sample(&mut self, name: &str, suffix: &str, labels: &[(&str, String)], value: f64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.text, "{name}{suffix}{labels} {value}");
    }

    /// The whole text, ended as it has to be.
    pub fn end(self) -> String {
        match self.dialect {
            Dialect::Prometheus => self.text,
            Dialect::OpenMetrics => self.text + "# EOF\n",
        }
    }
}

/// Escapes of label values and help texts.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
