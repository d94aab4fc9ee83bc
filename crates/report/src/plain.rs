//! Text from elsewhere, such as a result's names and codes, made harmless for
//! whoever prints it.
//!
//! A file may hold what drives a terminal, turns the order of a line around or
//! is a formula to a spreadsheet. Every sink of such text goes through here.

use std::borrow::Cow;

/// Whether a character does something other than being seen: control characters
/// and those that turn or end lines.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// The text without what acts: white space becomes a space, the rest U+FFFD.
fn without(text: &str, kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| acts(c) && !kept(c)) {
        return Cow::Borrowed(text);
    }
    let harmless = text.chars().map(|c| match c {
        c if !acts(c) || kept(c) => c,
        c if c.is_whitespace() => ' ',
        _ => '\u{fffd}',
    });
    Cow::Owned(harmless.collect())
}

/// A piece of a line: nothing in it ends the line or drives a terminal.
#[must_use]
pub fn tame(text: &str) -> Cow<'_, str> {
    without(text, |_| false)
}

/// A text of several lines, which stay lines.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    without(text, |c| matches!(c, '\n' | '\r'))
}

/// The parts of a text of ours, and whether each is code: what stands between backticks,
/// as commands and flags do.
pub(super) fn coded(text: &str) -> impl Iterator<Item = (bool, &str)> {
    // The last is not closed where their number is odd.
    let closed = text.matches('`').count() / 2 * 2;
    let parts = text.splitn(closed + 1, '`').enumerate();
    let parts = parts.map(|(at, part)| (at % 2 == 1, part));
    parts.filter(|(_, part)| !part.is_empty())
}

/// A word as a quoted cell of a table in CSV (RFC 4180), which no spreadsheet takes
/// for a formula: one that could be is led by an apostrophe
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
#[must_use]
pub fn cell(text: &str) -> String {
    let text = tame(text).replace('"', "\"\"");
    let guard = match text.trim_start().chars().next() {
        Some('=' | '+' | '-' | '@') => "'",
        _ => "",
    };
    format!("\"{guard}{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_taken_out_and_what_is_seen_stays() {
        for (text, expected) in [
            ("http-500", "http-500"),
            ("Gerät é 心 👩‍⚕️", "Gerät é 心 👩‍⚕️"),
            ("\u{1b}]0;title\u{7}", "\u{fffd}]0;title\u{fffd}"),
            ("a\u{202e}b\u{2066}c\u{9b}d", "a\u{fffd}b\u{fffd}c\u{fffd}d"),
            ("two\r\nlines\tand\u{2028}more", "two  lines and more"),
        ] {
            assert_eq!(tame(text), expected);
        }
        assert_eq!(lines("a\r\nb\u{1b}c\n"), "a\r\nb\u{fffd}c\n");
    }

    #[test]
    fn code_is_what_stands_between_backticks() {
        let parts = |text| coded(text).collect::<Vec<_>>();
        assert_eq!(
            parts("give `-p`, or"),
            [(false, "give "), (true, "-p"), (false, ", or")]
        );
        assert_eq!(parts("`a` b ` c"), [(true, "a"), (false, " b ` c")]);
        assert_eq!(parts("none"), [(false, "none")]);
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in [
            ("7", "\"7\""),
            ("=1+1", "\"'=1+1\""),
            (" @SUM(A1)", "\"' @SUM(A1)\""),
            ("\t+1", "\"' +1\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
