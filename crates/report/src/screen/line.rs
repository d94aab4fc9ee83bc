//! Lines broken between words.

use anstyle::Style;

use super::width::{shortened, width};
use super::{Columns, PLAIN, painted};
use crate::plain::tame;

/// A line before it is broken: pieces of text, each with its style.
#[derive(Debug, Clone, Default)]
pub struct Line(Vec<(Style, String)>);

/// What is never broken, but for what is wider than the screen: its parts with their
/// styles.
type Word = Vec<(Style, String)>;

impl Line {
    /// A line of one style.
    pub fn new(style: Style, text: &str) -> Self {
        Self::default().and(style, text)
    }

    /// The same with more text at its end.
    pub fn and(mut self, style: Style, text: &str) -> Self {
        self.0.push((style, tame(text).into_owned()));
        self
    }

    fn words(&self) -> Vec<Word> {
        let mut words = vec![Word::new()];
        for (style, text) in &self.0 {
            for (at, part) in text.split(char::is_whitespace).enumerate() {
                if at > 0 {
                    words.push(Word::new());
                }
                if let Some(word) = words.last_mut().filter(|_| !part.is_empty()) {
                    word.push((*style, part.to_owned()));
                }
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    /// The lines it makes where `most` columns are free. A word that is wider loses its
    /// middle.
    pub fn broken(&self, most: usize) -> Vec<String> {
        let mut lines = vec![(Vec::<Word>::new(), 0)];
        for mut word in self.words() {
            let mut wide = wide(&word);
            if wide > most {
                shorten(&mut word, wide - most);
                wide = self::wide(&word);
            }
            match lines.last_mut() {
                Some((line, taken)) if line.is_empty() => {
                    line.push(word);
                    *taken = wide;
                }
                Some((line, taken)) if *taken + 1 + wide <= most => {
                    line.push(word);
                    *taken += 1 + wide;
                }
                _ => lines.push((vec![word], wide)),
            }
        }
        lines.iter().map(|(words, _)| paint(words)).collect()
    }
}

fn wide(word: &[(Style, String)]) -> usize {
    word.iter().map(|(_, part)| width(part)).sum()
}

/// Takes `excess` columns out of the middle of the widest part.
fn shorten(word: &mut [(Style, String)], excess: usize) {
    let widest = word.iter_mut().max_by_key(|(_, part)| width(part));
    if let Some((_, part)) = widest {
        *part = shortened(part, width(part).saturating_sub(excess)).into_owned();
    }
}

/// Words with spaces between them; neighbours of one style are painted at once.
fn paint(words: &[Word]) -> String {
    let mut runs: Vec<(Style, String)> = Vec::new();
    let mut push = |style: Style, text: &str| match runs.last_mut() {
        Some((last, run)) if *last == style => run.push_str(text),
        _ => runs.push((style, text.to_owned())),
    };
    let mut before = None;
    for word in words {
        let style = word.first().map_or(PLAIN, |(style, _)| *style);
        if let Some(before) = before {
            push(if before == style { style } else { PLAIN }, " ");
        }
        for (style, part) in word {
            push(*style, part);
        }
        before = word.last().map(|(style, _)| *style);
    }
    let runs = runs.iter().map(|(style, run)| painted(*style, run));
    runs.collect()
}

/// A line in as many as it takes, each with its end; those after the first are indented.
pub fn folded(line: &Line, indent: usize, columns: Columns) -> String {
    let lines = line.broken(columns.beside(indent));
    let lines = lines.iter().enumerate().map(|(at, line)| match at {
        0 => format!("{line}\n"),
        _ => format!("{:indent$}{line}\n", ""),
    });
    lines.collect()
}

/// Columns before the lines of a section, which its heading has.
pub const LABEL: usize = 13;

/// Lines with a heading before the first, the others set in as far.
pub fn section(style: Style, heading: &str, lines: &[Line], columns: Columns) -> String {
    let lines = lines
        .iter()
        .flat_map(|line| line.broken(columns.beside(LABEL)));
    let lines = lines.enumerate().map(|(at, line)| match at {
        _ if line.is_empty() => format!("{}\n", painted(style, if at == 0 { heading } else { "" })),
        0 if !heading.is_empty() => {
            let spaces = LABEL.saturating_sub(width(heading));
            format!("{}{:spaces$}{line}\n", painted(style, heading), "")
        }
        _ => format!("{:LABEL$}{line}\n", ""),
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::super::{BAD, GOOD};
    use super::*;

    fn wrap(text: &str, most: usize) -> Vec<String> {
        Line::new(PLAIN, text).broken(most)
    }

    #[test]
    fn lines_are_broken_between_words_by_the_columns_they_take() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("心臓 鼓動 測る", 9), ["心臓 鼓動", "測る"]);
        assert_eq!(wrap("", 9), [""]);
        let name = "a".repeat(40);
        assert_eq!(
            wrap(&format!("in {name} now"), 9),
            ["in", "aaaa…aaaa", "now"]
        );
    }

    #[test]
    fn styles_go_with_their_words() {
        let line = Line::new(GOOD, "met")
            .and(PLAIN, ": e2e.p99<1s and")
            .and(BAD, " more of it");
        let lines = line.broken(14);
        let stripped: Vec<String> = lines
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect();
        assert_eq!(stripped, ["met:", "e2e.p99<1s and", "more of it"]);
        assert_eq!(lines[0], format!("{GOOD}met{GOOD:#}:"));
        assert_eq!(lines[2], format!("{BAD}more of it{BAD:#}"));
    }
}
