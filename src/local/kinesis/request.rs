//! Reading and checking requests, and the refusals that have one wording
//! everywhere. Wordings are the service's own where public sources show them:
//! kinesalite's tests, which were run against AWS
//! (<https://github.com/mhart/kinesalite/tree/master/test>).

use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Failure};

/// Reads a request's members.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| Failure::new("SerializationException", error.to_string()))
}

/// An answer without members: the service sends an empty body.
pub(super) fn nothing() -> Answer {
    Answer::Json(Vec::new())
}

/// An answer from a JSON tree. For the control plane; records are written directly.
pub(super) fn json(value: &Value) -> Answer {
    Answer::Json(value.to_string().into_bytes())
}

/// Epoch microseconds as the protocol's timestamps: seconds, to the millisecond.
pub(super) fn timestamp(epoch_us: u64) -> Value {
    Value::from((epoch_us / 1000) as f64 / 1000.0)
}

/// A timestamp of a request as epoch milliseconds.
pub(super) fn timestamp_ms(seconds: f64) -> u64 {
    // Saturates: negative and NaN to 0.
    (seconds * 1000.0).round() as u64
}

/// A wrong argument.
pub(super) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("InvalidArgumentException", message)
}

/// What one request's members fail to satisfy, collected so that the refusal
/// names all, as the service's does.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<String>);

impl Checks {
    pub(super) fn fail(&mut self, value: impl std::fmt::Display, at: &str, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
        ));
    }

    /// A member that must be there. Gives it, or a default that nobody sees,
    /// because [`Self::done`] refuses.
    pub(super) fn required<T: Default>(&mut self, value: Option<T>, at: &str) -> T {
        value.unwrap_or_else(|| {
            self.0.push(format!(
                "Value null at '{at}' failed to satisfy constraint: Member must not be null"
            ));
            T::default()
        })
    }

    /// Length of a text, in characters.
    pub(super) fn length(&mut self, value: &str, at: &str, min: usize, max: usize) {
        let length = value.chars().count();
        if length < min {
            let constraint = format!("Member must have length greater than or equal to {min}");
            self.fail(value, at, &constraint);
        }
        if length > max {
            let constraint = format!("Member must have length less than or equal to {max}");
            self.fail(value, at, &constraint);
        }
    }

    pub(super) fn range(&mut self, value: i64, at: &str, min: i64, max: i64) {
        if value < min {
            let constraint = format!("Member must have value greater than or equal to {min}");
            self.fail(value, at, &constraint);
        }
        if value > max {
            let constraint = format!("Member must have value less than or equal to {max}");
            self.fail(value, at, &constraint);
        }
    }

    /// A name of a stream, shard or consumer.
    pub(super) fn name(&mut self, value: &str, at: &str) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if value.is_empty() || !value.chars().all(allowed) {
            let constraint =
                "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+".to_owned();
            self.fail(value, at, &constraint);
        }
        self.length(value, at, 1, 128);
    }

    pub(super) fn one_of(&mut self, value: &str, at: &str, allowed: &[&str]) {
        if !allowed.contains(&value) {
            let constraint = format!(
                "Member must satisfy enum value set: [{}]",
                allowed.join(", ")
            );
            self.fail(value, at, &constraint);
        }
    }

    /// Refuses the request if anything failed.
    pub(super) fn done(self) -> Result<(), Failure> {
        let failed = self.0.len();
        if failed == 0 {
            return Ok(());
        }
        let s = if failed == 1 { "" } else { "s" };
        Err(Failure::new(
            "ValidationException",
            format!(
                "{failed} validation error{s} detected: {}",
                self.0.join("; ")
            ),
        ))
    }
}

/// The number of a page of `Limit` or `MaxResults` entries: at least 1, at
/// most `cap`, which is also the default.
pub(super) fn page_limit(asked: Option<i64>, at: &str, cap: usize) -> Result<usize, Failure> {
    let mut checks = Checks::default();
    if let Some(asked) = asked {
        checks.range(asked, at, 1, 10_000);
    }
    checks.done()?;
    Ok(asked.map_or(cap, |asked| (asked as usize).min(cap)))
}
