//! What a process told.

use std::process::Output;

use serde_json::Value;

/// What a process told by its end: to people, and in its result.
pub(crate) struct Told {
    pub(crate) code: Option<i32>,
    /// All that people read, with single spaces for all white space.
    pub(crate) words: String,
    text: String,
    pub(crate) result: Option<Value>,
}

impl Told {
    /// Of a process whose result, if it has one, went to standard output.
    pub(crate) fn of(output: &Output) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let mut text = String::from_utf8_lossy(&output.stderr).into_owned();
        let result = serde_json::from_slice(&output.stdout).ok();
        if result.is_none() {
            text.push_str(&stdout);
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        Self {
            code: output.status.code(),
            words: words.join(" "),
            text,
            result,
        }
    }

    /// Of a page that was answered: its text, without its marks.
    pub(crate) fn page(body: &str) -> Self {
        let mut text = String::new();
        for part in body.split('<') {
            text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let words = words.join(" ");
        Self {
            code: Some(0),
            text: words.clone(),
            words,
            result: None,
        }
    }

    fn at(&self, path: &str) -> Option<&Value> {
        path.split('.')
            .try_fold(self.result.as_ref()?, |value, key| value.get(key))
    }

    /// A count in the result, by its path.
    pub(crate) fn count(&self, path: &str) -> Option<u64> {
        self.at(path)?.as_u64()
    }

    /// A number in the result.
    pub(crate) fn number(&self, path: &str) -> Option<f64> {
        self.at(path)?.as_f64()
    }

    /// Two counts are the same, and not none.
    pub(crate) fn same(&self, one: &str, other: &str) -> Result<(), String> {
        let (a, b) = (self.count(one), self.count(other));
        match a {
            Some(1..) if a == b => Ok(()),
            _ => Err(format!("{one} is {a:?}, {other} is {b:?}")),
        }
    }

    /// The verdict's word.
    pub(crate) fn word(&self) -> Option<String> {
        Some(self.at("verdict.word")?.as_str()?.to_owned())
    }

    /// Kinds of the verdict's reasons that nothing allows.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let reasons = self.at("verdict.reasons").and_then(Value::as_array);
        let against = |reason: &&Value| reason.get("allowed_by").is_none_or(Value::is_null);
        let kinds = reasons.into_iter().flatten().filter(against);
        kinds.map(|reason| text_of(reason, "kind")).collect()
    }

    /// Causes, as `whose: what; advice`.
    pub(crate) fn causes(&self) -> Vec<String> {
        let causes = self.at("causes").and_then(Value::as_array);
        let told = causes.into_iter().flatten().map(|of| {
            let [whose, what, advice] = ["whose", "what", "advice"].map(|key| text_of(of, key));
            format!("{whose}: {what}; {advice}")
        });
        told.collect()
    }

    /// Where the ledger does not close: its own word, and the sums themselves.
    pub(crate) fn open_ledger(&self) -> Vec<String> {
        let count = |name: &str| self.count(&format!("ledger.{name}"));
        let sum = |names: &[&str]| names.iter().filter_map(|name| count(name)).sum::<u64>();
        let mut open = Vec::new();
        if self.at("ledger.closed") != Some(&Value::Bool(true)) {
            open.push("the ledger is open".to_owned());
        }
        let mut identities = vec![
            ("scheduled", &["sent", "dropped", "cut_off"][..]),
            ("sent", &["acknowledged", "failed"][..]),
        ];
        if count("seen").is_some() {
            identities.push(("acknowledged", &["seen", "missing"][..]));
        }
        for (whole, parts) in identities {
            if count(whole) != Some(sum(parts)) {
                open.push(format!("{whole} is not the sum of {parts:?}"));
            }
        }
        open
    }

    /// How many errors were told.
    pub(crate) fn errors(&self) -> usize {
        let is_error = |line: &&str| line.starts_with("error:");
        self.text.lines().filter(is_error).count()
    }

    /// All of it, to find out what was wrong.
    pub(crate) fn whole(&self) -> String {
        let of = |path: &str| {
            self.at(path)
                .map_or(String::new(), |of| format!("{of:#}\n"))
        };
        let result = ["verdict", "causes", "ledger", "lake"].map(of).concat();
        format!("--- told\n{}\n{result}", self.text)
    }

    /// In few words: how it came out, and why.
    pub(crate) fn brief(&self) -> String {
        let code = self
            .code
            .map_or("killed".to_owned(), |code| code.to_string());
        let mut parts = Vec::new();
        match self.word() {
            Some(word) => parts.push(format!("{} ({code})", word.replace('-', " "))),
            None => parts.push(format!("exit {code}")),
        }
        let reasons = self.at("verdict.reasons").and_then(Value::as_array);
        let reasons = reasons.into_iter().flatten();
        parts.extend(reasons.map(|reason| text_of(reason, "text")));
        let causes = self.causes();
        let what = |cause: &String| cause.split("; ").next().unwrap_or_default().to_owned();
        parts.extend(causes.iter().map(what));
        if self.word().is_none() {
            let of_interest = |line: &&str| line.starts_with("error:") || self.errors() == 0;
            let line = self.text.lines().rev().find(of_interest);
            parts.extend(line.map(str::to_owned));
        }
        parts.join("; ")
    }
}

fn text_of(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_default().to_owned()
}
