//! Where metrics are sent, and how: what was asked for, and the environment
//! variables of the specification
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>).

use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::endpoint::{Endpoint, redact};

/// Where a collector on this machine listens, by the specification.
const DEFAULT: &str = "http://127.0.0.1:4318";

/// Where metrics go, below the endpoint of all signals.
const PATH: &str = "/v1/metrics";

/// How often metrics are sent where `OTEL_METRIC_EXPORT_INTERVAL` does not say:
/// runs are short, so more often than the specification's minute.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long a request may take, by the specification.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where metrics are sent, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpSettings {
    /// The whole URL that metrics are posted to.
    pub url: Endpoint,
    /// Headers of each request; they may hold secrets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Time between two exports.
    pub interval: Duration,
    /// How long an export may take.
    pub timeout: Duration,
    /// What the metrics are of: `service.name`.
    pub service: String,
    /// Further attributes of it.
    pub attributes: Vec<(String, String)>,
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {found:?}; expected {expected}")]
pub struct OtlpSettingsError {
    /// The flag or the environment variable.
    name: &'static str,
    /// Its value; left out where it may be a secret.
    found: String,
    /// What would be right.
    expected: &'static str,
}

impl OtlpSettings {
    /// `endpoint` as it was asked for, if it was; `variable` looks up an
    /// environment variable. An empty variable is as good as none.
    ///
    /// # Errors
    /// A URL, header or number that is none.
    pub fn new(
        endpoint: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, OtlpSettingsError> {
        let variable = |name| variable(name).filter(|value| !value.trim().is_empty());
        let first = |names: [&'static str; 2]| {
            let mut named = names.into_iter();
            named.find_map(|name| Some((name, variable(name)?)))
        };
        let (name, url) = if let Some(endpoint) = endpoint {
            ("--otlp", below(endpoint))
        } else if let Some(url) = variable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") {
            // This one is used as it is.
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", url)
        } else if let Some(url) = variable("OTEL_EXPORTER_OTLP_ENDPOINT") {
            ("OTEL_EXPORTER_OTLP_ENDPOINT", below(&url))
        } else {
            ("--otlp", below(DEFAULT))
        };
        let headers = first([
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
            "OTEL_EXPORTER_OTLP_HEADERS",
        ]);
        let timeout = first([
            "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
            "OTEL_EXPORTER_OTLP_TIMEOUT",
        ]);
        let interval_name = "OTEL_METRIC_EXPORT_INTERVAL";
        let interval = variable(interval_name).map(|value| (interval_name, value));
        let attributes_name = "OTEL_RESOURCE_ATTRIBUTES";
        let mut attributes = match variable(attributes_name) {
            Some(text) => pairs(attributes_name, &text)?,
            None => Vec::new(),
        };
        let named = attributes.iter().position(|(key, _)| key == "service.name");
        let named = named.map(|index| attributes.remove(index).1);
        Ok(Self {
            url: parse_url(name, &url)?,
            headers: match headers {
                Some((name, text)) => parse_headers(name, &text)?,
                None => Vec::new(),
            },
            interval: milliseconds(interval, INTERVAL)?,
            timeout: milliseconds(timeout, TIMEOUT)?,
            service: variable("OTEL_SERVICE_NAME")
                .or(named)
                .unwrap_or_else(|| "hrload".to_owned()),
            attributes,
        })
    }
}

/// The place of metrics below an endpoint of all signals; a query stays behind it.
fn below(endpoint: &str) -> String {
    let (place, query) = match endpoint.split_once('?') {
        Some((place, query)) => (place, format!("?{query}")),
        None => (endpoint, String::new()),
    };
    format!("{}{PATH}{query}", place.trim_end_matches('/'))
}

fn parse_url(name: &'static str, text: &str) -> Result<Endpoint, OtlpSettingsError> {
    text.parse().map_err(|_| OtlpSettingsError {
        name,
        found: redact(text.strip_suffix(PATH).unwrap_or(text)),
        expected: "the URL of a collector, such as http://127.0.0.1:4318",
    })
}

fn milliseconds(
    given: Option<(&'static str, String)>,
    default: Duration,
) -> Result<Duration, OtlpSettingsError> {
    let Some((name, text)) = given else {
        return Ok(default);
    };
    match text.trim().parse::<u64>() {
        Ok(milliseconds @ 1..=86_400_000) => Ok(Duration::from_millis(milliseconds)),
        _ => Err(OtlpSettingsError {
            name,
            found: text,
            expected: "a number of milliseconds, such as 5000",
        }),
    }
}

fn parse_headers(
    name: &'static str,
    text: &str,
) -> Result<Vec<(HeaderName, HeaderValue)>, OtlpSettingsError> {
    let headers = pairs(name, text)?.into_iter().map(|(key, value)| {
        let key = HeaderName::from_bytes(key.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((key, value))
    });
    let headers: Option<Vec<_>> = headers.collect();
    headers.ok_or_else(|| not_pairs(name))
}

/// `key=value,key=value`, values percent-encoded, as in W3C Baggage.
fn pairs(name: &'static str, text: &str) -> Result<Vec<(String, String)>, OtlpSettingsError> {
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    let pairs = pairs.map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let key = key.trim();
        (!key.is_empty()).then_some(())?;
        Some((key.to_owned(), decoded(value.trim())?))
    });
    let pairs: Option<Vec<_>> = pairs.collect();
    pairs.ok_or_else(|| not_pairs(name))
}

fn not_pairs(name: &'static str) -> OtlpSettingsError {
    OtlpSettingsError {
        name,
        // Headers are where keys of hosted collectors are.
        found: "(not shown)".to_owned(),
        expected: "key=value pairs with commas between them, values percent-encoded",
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let hex = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn settings(
        endpoint: Option<&str>,
        environment: &[(&str, &str)],
    ) -> Result<OtlpSettings, OtlpSettingsError> {
        let find = |name: &str| environment.iter().find(|(key, _)| *key == name);
        OtlpSettings::new(endpoint, |name| find(name).map(|of| of.1.to_owned()))
    }

    #[test]
    fn the_flag_goes_before_the_variable_of_metrics_and_that_before_the_one_of_all() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:1/base/");
        let metrics = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics:2/");
        for (endpoint, environment, url) in [
            (None, &[][..], "http://127.0.0.1:4318/v1/metrics"),
            (None, &[all], "http://all:1/base/v1/metrics"),
            (None, &[all, metrics], "http://metrics:2/"),
            (
                Some("https://c:3"),
                &[all, metrics],
                "https://c:3/v1/metrics",
            ),
            (
                None,
                &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")],
                "http://127.0.0.1:4318/v1/metrics",
            ),
        ] {
            let settings = settings(endpoint, environment).unwrap();
            assert_eq!(settings.url.uri().to_string(), url);
        }
    }

    #[test]
    fn headers_and_attributes_are_pairs_with_encoded_values() {
        let settings = settings(
            None,
            &[
                (
                    "OTEL_EXPORTER_OTLP_HEADERS",
                    "api-key=a%2Cb%3D, x-scope = team ",
                ),
                (
                    "OTEL_RESOURCE_ATTRIBUTES",
                    "service.name=mine,deployment.environment=ci",
                ),
                ("OTEL_METRIC_EXPORT_INTERVAL", "250"),
            ],
        )
        .unwrap();
        let headers: Vec<(&str, &str)> = settings
            .headers
            .iter()
            .map(|(key, value)| (key.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(headers, [("api-key", "a,b="), ("x-scope", "team")]);
        assert_eq!(settings.service, "mine");
        let attributes = [("deployment.environment".to_owned(), "ci".to_owned())];
        assert_eq!(settings.attributes, attributes);
        assert_eq!(settings.interval, Duration::from_millis(250));
        assert!(!format!("{settings:?}").contains("a,b="));
    }

    #[test]
    fn what_is_wrong_is_named_and_secrets_are_not_repeated() {
        for (endpoint, variable, value, says) in [
            (Some("collector"), "", "", "--otlp"),
            (None, "OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://x", "ftp://x"),
            (None, "OTEL_EXPORTER_OTLP_HEADERS", "secret", "not shown"),
            (None, "OTEL_EXPORTER_OTLP_HEADERS", "a=%zz", "not shown"),
            (Some("ftp://secret@c?token=secret"), "", "", "ftp://c"),
            (None, "OTEL_METRIC_EXPORT_INTERVAL", "soon", "soon"),
            (None, "OTEL_EXPORTER_OTLP_TIMEOUT", "0", "milliseconds"),
        ] {
            let error = settings(endpoint, &[(variable, value)]).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(says) && text.contains(variable), "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
