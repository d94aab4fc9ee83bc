//! A case: what is injected, how, and what must be told.

use std::sync::{PoisonError, RwLock};

use super::told::Told;

/// How often a case is played that came out otherwise: a machine that does much else may
/// keep a server from answering, which is another trouble than the one that was injected.
const PLAYS: usize = 4;

/// Cases are played beside each other; one that came out otherwise, by itself.
static MACHINE: RwLock<()> = RwLock::new(());

/// Whose a cause is, as the result names it, and texts that it has.
struct Cause {
    whose: &'static str,
    says: Vec<&'static str>,
    must: bool,
}

/// Something that must be so of what was told; what is wrong, if it is not.
type Check = dyn Fn(&Told) -> Result<(), String> + Send;

/// One trouble, by name.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) injected: &'static str,
    /// Not among the tests of every day.
    pub(crate) long: bool,
    play: Box<dyn Fn() -> Told + Send>,
    code: i32,
    /// The verdict's word, of a run that has a result.
    word: Option<&'static str>,
    /// Kinds of the verdict's reasons: those that must be there, and those that may.
    reasons: (Vec<&'static str>, Vec<&'static str>),
    causes: Vec<Cause>,
    says: Vec<&'static str>,
    says_not: Vec<&'static str>,
    checks: Vec<Box<Check>>,
}

/// A case that was played.
pub(crate) struct Played {
    /// In few words.
    pub(crate) told: String,
    /// What was told otherwise than it should have been; empty when nothing was.
    pub(crate) differs: Vec<String>,
}

/// Causes that a machine makes which does other things beside the test.
const OF_A_BUSY_MACHINE: [&str; 3] = [
    "catching up was held to its ceiling",
    "woke the load threads late",
    "out of CPU",
];

impl Case {
    /// One that ends well, until more is said of it.
    pub(crate) fn new(
        name: impl Into<String>,
        injected: &'static str,
        play: impl Fn() -> Told + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            injected,
            long: true,
            play: Box::new(play),
            code: 0,
            word: None,
            reasons: (Vec::new(), Vec::new()),
            causes: Vec::new(),
            says: Vec::new(),
            says_not: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// A run that comes out so, for exactly these reasons.
    pub(crate) fn comes_out(mut self, word: &'static str, reasons: &[&'static str]) -> Self {
        self.code = match word {
            "held" => 0,
            "rate-held" | "not-held" | "ended-early" => 3,
            "interrupted" => 130,
            "ledger-open" => 5,
            other => panic!("no verdict has the word {other}"),
        };
        self.word = Some(word);
        self.reasons.0.extend(reasons);
        self
    }

    /// Reasons that there may be as well.
    pub(crate) fn perhaps(mut self, reasons: &[&'static str]) -> Self {
        self.reasons.1.extend(reasons);
        self
    }

    /// Ends so; after [`Case::comes_out`], for something else than the verdict.
    pub(crate) fn exits(mut self, code: i32) -> Self {
        self.code = code;
        self
    }

    /// This cause is told, with all these texts, and none beside those that are named.
    pub(crate) fn cause(mut self, whose: &'static str, says: &[&'static str]) -> Self {
        self.causes.push(Cause {
            whose,
            says: says.to_vec(),
            must: true,
        });
        self
    }

    /// This cause may be told.
    pub(crate) fn perhaps_cause(mut self, whose: &'static str, says: &[&'static str]) -> Self {
        self.causes.push(Cause {
            whose,
            says: says.to_vec(),
            must: false,
        });
        self
    }

    /// What people read has this text.
    pub(crate) fn says(mut self, text: &'static str) -> Self {
        self.says.push(text);
        self
    }

    /// What people read has it not.
    pub(crate) fn says_not(mut self, text: &'static str) -> Self {
        self.says_not.push(text);
        self
    }

    /// This is so, too.
    pub(crate) fn check(
        mut self,
        check: impl Fn(&Told) -> Result<(), String> + Send + 'static,
    ) -> Self {
        self.checks.push(Box::new(check));
        self
    }

    /// Every reading that became due was written.
    pub(crate) fn all_written(self) -> Self {
        self.check(|told| told.same("ledger.acknowledged", "ledger.scheduled"))
    }

    /// Every reading that became due was seen.
    pub(crate) fn all_seen(self) -> Self {
        self.check(|told| told.same("ledger.seen", "ledger.scheduled"))
    }

    /// The result has this count.
    pub(crate) fn counts(self, path: &'static str, expected: u64) -> Self {
        self.check(move |told| match told.count(path) {
            Some(count) if count == expected => Ok(()),
            count => Err(format!("{path} is {count:?} and not {expected}")),
        })
    }

    /// The result has more than none of these.
    pub(crate) fn some(self, path: &'static str) -> Self {
        self.check(move |told| match told.count(path) {
            Some(1..) => Ok(()),
            count => Err(format!("{path} is {count:?}")),
        })
    }

    /// Plays it, and compares; again and by itself where it came out otherwise, which is
    /// said on standard error.
    pub(crate) fn play(&self) -> Played {
        let beside = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
        let mut played = self.play_once();
        drop(beside);
        for _ in 1..PLAYS {
            let Some(first) = played.differs.first() else {
                break;
            };
            eprintln!("{} is played again: {first}", self.name);
            let _alone = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
            played = self.play_once();
        }
        played
    }

    fn play_once(&self) -> Played {
        let told = (self.play)();
        let mut differs = Vec::new();
        if told.code != Some(self.code) {
            differs.push(format!("exit code {:?} and not {}", told.code, self.code));
        }
        self.compare_texts(&told, &mut differs);
        if self.word.is_some() {
            self.compare_result(&told, &mut differs);
        }
        for check in &self.checks {
            differs.extend(check(&told).err());
        }
        if !differs.is_empty() {
            differs.push(told.whole());
        }
        Played {
            told: told.brief(),
            differs,
        }
    }

    fn compare_texts(&self, told: &Told, differs: &mut Vec<String>) {
        let has = |text: &str| told.words.contains(text);
        let unsaid = self.says.iter().filter(|text| !has(text));
        differs.extend(unsaid.map(|text| format!("not told: {text}")));
        let said = self.says_not.iter().filter(|text| has(text));
        differs.extend(said.map(|text| format!("told, and not so: {text}")));
        let errors = told.errors();
        if errors > 1 {
            differs.push(format!("{errors} errors for one trouble"));
        }
        if told.words.contains("panicked at") {
            differs.push("it panicked".to_owned());
        }
    }

    fn compare_result(&self, told: &Told, differs: &mut Vec<String>) {
        if told.result.is_none() {
            differs.push("there is no result".to_owned());
            return;
        }
        let word = told.word();
        if word.as_deref() != self.word {
            differs.push(format!("{word:?} and not {:?}", self.word));
        }
        let (must, may) = &self.reasons;
        let reasons = told.reasons();
        let is_told = |kind: &str| reasons.iter().any(|reason| reason == kind);
        let unsaid = must.iter().filter(|kind| !is_told(kind));
        differs.extend(unsaid.map(|kind| format!("no reason is {kind}")));
        let known = |kind: &str| must.contains(&kind) || may.contains(&kind);
        let other = reasons.iter().filter(|kind| !known(kind));
        differs.extend(other.map(|kind| format!("a reason is {kind}")));
        differs.extend(told.open_ledger());
        self.compare_causes(told, differs);
    }

    fn compare_causes(&self, told: &Told, differs: &mut Vec<String>) {
        let causes = told.causes();
        let fits = |cause: &Cause, told: &str| {
            told.split_once(": ").unwrap().0 == cause.whose
                && cause.says.iter().all(|text| told.contains(text))
        };
        for cause in self.causes.iter().filter(|cause| cause.must) {
            if !causes.iter().any(|told| fits(cause, told)) {
                let says = cause.says.join(" ... ");
                differs.push(format!("no cause is the {}'s: {says}", cause.whose));
            }
        }
        for text in causes {
            let known = self.causes.iter().any(|cause| fits(cause, &text));
            let busy = OF_A_BUSY_MACHINE.iter().any(|of| text.contains(of));
            if !known && !busy {
                differs.push(format!("a cause is {text}"));
            }
            // The summary has it too; it wraps its lines, and shortens words that are
            // longer than one.
            let (_, said) = text.split_once(": ").unwrap();
            let is_shown = |part: &&str| {
                let words: Vec<&str> = part.split(' ').collect();
                let mut between = words.split(|word| word.len() > 60);
                between.all(|words| told.words.contains(&words.join(" ")))
            };
            let unshown = said.split("; ").filter(|part| !is_shown(part));
            differs.extend(unshown.map(|part| format!("the summary has not: {part}")));
        }
    }
}
