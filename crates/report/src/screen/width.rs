//! How wide text is on a terminal.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Stands for what is left out.
const GAP: &str = "\u{2026}";

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most so many columns: where it is longer, its middle is left out, as
/// names that are alike at the start mostly differ at the end.
pub(super) fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    let room = most.saturating_sub(width(GAP));
    let head = up_to(text.graphemes(true), room.div_ceil(2));
    let tail = up_to(text.graphemes(true).rev(), room / 2);
    let tail = tail.iter().rev().copied();
    let shortened = head.iter().copied().chain([GAP]).chain(tail);
    Cow::Owned(shortened.collect())
}

/// Characters, as people count them, that fit.
fn up_to<'a>(graphemes: impl Iterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let mut taken = 0;
    graphemes
        .take_while(|grapheme| {
            taken += width(grapheme);
            taken <= most
        })
        .collect()
}

/// The text with spaces around it to `columns`.
pub(super) fn padded(text: &str, columns: usize, to_the_right: bool) -> (String, String) {
    let spaces = " ".repeat(columns.saturating_sub(width(text)));
    if to_the_right {
        (spaces, String::new())
    } else {
        (String::new(), spaces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_lose_their_middle_and_no_character_is_cut() {
        for (text, most, expected) in [
            ("readings", 8, "readings"),
            ("readings-of-the-fleet-2026-a", 12, "readin…026-a"),
            ("心臓の鼓動を測る装置", 9, "心臓…装置"),
            ("心臓の鼓動を測る装置", 8, "心臓…置"),
            ("👩‍⚕️👩‍⚕️👩‍⚕️👩‍⚕️", 5, "👩‍⚕️…👩‍⚕️"),
            ("abc", 1, "…"),
        ] {
            let found = shortened(text, most);
            assert_eq!(found, expected, "{text}");
            assert!(width(&found) <= most, "{text}");
        }
    }
}
