//! An answer that is no AWS error: a proxy's page, or a server that lacks the call.

/// Characters of the answer that are shown.
const SHOWN: usize = 200;

/// What there is to say of an answer whose error has no name: its HTTP status, and
/// how its body begins, in one line.
pub(super) fn unnamed(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = line.chars().take(SHOWN).collect();
    if shown.len() < line.len() {
        shown.push_str("...");
    }
    match shown.as_str() {
        "" => format!("HTTP {status} without an AWS error, and without a body"),
        _ => format!("HTTP {status} without an AWS error: {shown}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_instead_of_an_error_is_told_in_one_line() {
        for (status, body, told) in [
            (500, "", "HTTP 500 without an AWS error, and without a body"),
            (
                404,
                "<UnknownOperationException/>\n",
                "HTTP 404 without an AWS error: <UnknownOperationException/>",
            ),
            (
                502,
                "<html>\r\n  <h1>Bad\tGateway</h1>\n</html>\n",
                "HTTP 502 without an AWS error: <html> <h1>Bad Gateway</h1> </html>",
            ),
        ] {
            assert_eq!(unnamed(status, body.as_bytes()), told);
        }
    }

    #[test]
    fn a_long_page_is_cut_between_characters() {
        let told = unnamed(503, "ä".repeat(1000).as_bytes());
        assert!(
            told.ends_with(&format!("{}...", "ä".repeat(SHOWN))),
            "{told}"
        );
        assert!(unnamed(503, &[0xff; 1000]).ends_with("..."));
    }
}
