//! Addresses of services, and texts that may hold one, without their secrets.
//!
//! A URL may carry a user's name and password, and a token among its query.
//! [`Endpoint`] is one that shows neither, however it is printed; what it is
//! called with is asked for by name. [`redact`] does the same for a text that
//! holds URLs: a command line, an error of a library.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use http::Uri;
use http::uri::Authority;

/// What stands for a query that was left out.
const LEFT_OUT: &str = "...";

/// An absolute http or https URL that prints without its secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Uri);

impl Endpoint {
    /// The whole URL, secrets included: for calls, never for people.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// The URL without user name, password and query, which calls that are
    /// signed have no use for.
    #[must_use]
    pub fn bare(&self) -> Uri {
        let authority = self
            .0
            .authority()
            .map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        let bare = Uri::builder()
            .scheme(self.0.scheme_str().unwrap_or("http"))
            .authority(host)
            .path_and_query(self.0.path());
        // Its parts are those of a URL.
        bare.build().unwrap_or_default()
    }

    /// That as a text, without a slash at its end.
    #[must_use]
    pub fn bare_text(&self) -> String {
        self.bare().to_string().trim_end_matches('/').to_owned()
    }

    /// Whether it names this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By its parts: a password may hold what ends a URL in a text.
        write!(f, "{}", self.bare())?;
        match self.0.query() {
            Some(_) => write!(f, "?{LEFT_OUT}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// A text that is no URL to call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEndpoint {
    /// It is not an absolute http or https URL.
    #[error("expected an absolute URL, such as http://127.0.0.1:4566")]
    Form,
    /// Its port is none.
    #[error("expected a port from 1 to 65535, such as http://127.0.0.1:4566")]
    Port,
}

impl FromStr for Endpoint {
    type Err = NoEndpoint;

    fn from_str(text: &str) -> Result<Self, NoEndpoint> {
        text.parse::<Uri>()
            .map_err(|_| NoEndpoint::Form)
            .and_then(Self::try_from)
    }
}

impl TryFrom<Uri> for Endpoint {
    type Error = NoEndpoint;

    fn try_from(uri: Uri) -> Result<Self, NoEndpoint> {
        let http = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().ok_or(NoEndpoint::Form)?;
        // The library takes any UTF-8 in a path; a URL is ASCII (RFC 3986), and what is
        // printed must hold no control character of Latin-1 either.
        let ascii = uri.path_and_query().is_none_or(|of| of.as_str().is_ascii());
        if !http || !ascii || authority.host().is_empty() {
            return Err(NoEndpoint::Form);
        }
        // The library takes brackets and colons anywhere around a user's name.
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        let alone: Authority = host.parse().map_err(|_| NoEndpoint::Form)?;
        if let Some(address) = alone.host().strip_prefix('[') {
            let address = address.strip_suffix(']').unwrap_or(address);
            address.parse::<Ipv6Addr>().map_err(|_| NoEndpoint::Form)?;
        }
        // A port that is out of range is no error of the library's, and would
        // be taken for none.
        let after_host = host.rsplit(']').next().unwrap_or_default();
        let has_port = after_host.contains(':');
        if has_port && alone.port_u16().is_none_or(|port| port == 0) {
            return Err(NoEndpoint::Port);
        }
        Ok(Self(uri))
    }
}

/// What is wrong with an endpoint that the environment names (`AWS_ENDPOINT_URL` and
/// those of single services). The SDKs panic over an empty one, and take a port that is
/// out of range for port 80.
pub fn wrong_in_environment() -> Option<String> {
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        Some((name, value.to_string_lossy().trim().to_owned()))
    });
    let mut named = variables.filter(|(name, _)| name.starts_with("AWS_ENDPOINT_URL"));
    named.find_map(|(name, value)| wrong_variable(&name, &value))
}

fn wrong_variable(name: &str, value: &str) -> Option<String> {
    if value.is_empty() {
        return Some(format!(
            "{name} is set and empty: give it a URL, or unset it"
        ));
    }
    let wrong = value.parse::<Endpoint>().err()?;
    Some(format!("{name} is {}: {wrong}", redact(value)))
}

/// Whether a URL, or a part of one, ends before `c`.
fn ends(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\'' | '"' | '`' | '<' | '>' | ',')
}

/// `text` with user name and password, and the values of the query, taken out
/// of any URL in it.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + 3);
        kept.push_str(&without_users(before));
        let (url, after) = url.split_at(url_len(url));
        let authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
        // A password may hold any of those, where it was not encoded.
        let user = match url.rfind('@') {
            Some(at) if at < authority_end => at + 1,
            Some(at) if url[..authority_end].contains(':') && !is_port(&url[..authority_end]) => {
                at + 1
            }
            _ => 0,
        };
        let shown = &url[user..];
        match shown.split_once('?') {
            Some((place, _query)) => {
                kept.push_str(place);
                kept.push('?');
                kept.push_str(LEFT_OUT);
            }
            None => kept.push_str(shown),
        }
        rest = after;
    }
    kept + &without_users(rest)
}

/// Bytes of the URL at the beginning of `text`, its scheme left out. A comma ends it,
/// unless it belongs to a password: an `@` follows, and no other URL does.
fn url_len(text: &str) -> usize {
    let len = text.find(|c| ends(c) && c != ',').unwrap_or(text.len());
    let in_password = |at: &usize| {
        let behind = &text[*at + 1..len];
        let this = behind.split("://").next().unwrap_or_default();
        behind.len() == this.len() && this.contains('@')
    };
    let commas = text[..len].match_indices(',').map(|(at, _)| at);
    let mut ending = commas.filter(|at| !in_password(at));
    ending.next().unwrap_or(len)
}

/// `text` with name and password taken out of any word that looks like a URL whose
/// scheme is missing or misspelt: `user:password@host`.
fn without_users(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for word in text.split_inclusive(ends) {
        // An escape ends a word: what colours the next stands at its beginning.
        let (colour, word) = word.split_at(colour_len(word));
        kept.push_str(colour);
        let user = word.rfind('@').filter(|at| {
            // An ARN may end in a person's address.
            word[..*at].contains(':') && !word.starts_with("arn:")
        });
        kept.push_str(user.map_or(word, |at| &word[at + 1..]));
    }
    kept
}

/// Bytes of `[33m` at the beginning of a word.
fn colour_len(word: &str) -> usize {
    let Some((digits, _)) = word.strip_prefix('[').and_then(|of| of.split_once('m')) else {
        return 0;
    };
    let is_colour = digits.bytes().all(|of| of.is_ascii_digit() || of == b';');
    if is_colour { digits.len() + 2 } else { 0 }
}

/// Whether what follows the last colon of an authority is a port.
fn is_port(authority: &str) -> bool {
    let port = authority.rsplit(':').next().unwrap_or_default();
    port.ends_with(']') || port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_in_urls_are_taken_out_wherever_they_stand() {
        for (text, expected) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("https://me:secret@host/x", "https://host/x"),
            ("https://me:se/cr?et@host/x", "https://host/x"),
            (
                "--endpoint-url=http://a:b@c:1,http://d:p@ss@e",
                "--endpoint-url=http://c:1,http://e",
            ),
            ("'http://u:p@h:99999' for", "'http://h:99999' for"),
            (
                "\u{1b}[33mhttp://u:p@h\u{1b}[0m",
                "\u{1b}[33mhttp://h\u{1b}[0m",
            ),
            ("'http://u:p,a,ss@h:99999' for", "'http://h:99999' for"),
            ("http://h:1, or me@host", "http://h:1, or me@host"),
            ("http://c:4318/?token=x: no", "http://c:4318/?... no"),
            ("http://c/p?a=1&key=@x#y z", "http://c/p?... z"),
            ("http://c:80/a@b", "http://c:80/a@b"),
            ("s3://key:secret@bucket/prefix", "s3://bucket/prefix"),
            ("no url, me@host", "no url, me@host"),
            ("value 'user:secret@host:8000' for", "value 'host:8000' for"),
            (
                "\u{1b}[1;33muser:secret@h\u{1b}[0m",
                "\u{1b}[1;33mh\u{1b}[0m",
            ),
            ("--otlp=http:/user:secret@h:1 //u:s@h", "h:1 h"),
            (
                "arn:aws:sts::1:assumed-role/a/me@host, x",
                "arn:aws:sts::1:assumed-role/a/me@host, x",
            ),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn endpoints_are_urls_with_a_port_that_there_is() {
        for text in [
            "http://127.0.0.1:4566",
            "https://host",
            "http://[::1]:1/",
            "http://u:p@h:8000/path",
        ] {
            assert!(text.parse::<Endpoint>().is_ok(), "{text}");
        }
        for (text, error) in [
            ("http://127.0.0.1:99999", NoEndpoint::Port),
            ("http://127.0.0.1:0", NoEndpoint::Port),
            ("http://[::1]:65536/", NoEndpoint::Port),
            ("http://u:p@h:70000", NoEndpoint::Port),
            ("localhost:8000", NoEndpoint::Form),
            ("/path", NoEndpoint::Form),
            ("ftp://host", NoEndpoint::Form),
            ("http://host/a\u{87}b", NoEndpoint::Form),
            ("http://[:@1]:8000/", NoEndpoint::Form),
            ("http://[host]:8000/", NoEndpoint::Form),
            ("", NoEndpoint::Form),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_variable_that_names_no_endpoint_is_told_by_its_name() {
        for (value, told) in [
            ("", Some("is set and empty")),
            (
                "http://127.0.0.1:99999",
                Some("is http://127.0.0.1:99999: expected a port"),
            ),
            (
                "user:secret@host",
                Some("is host: expected an absolute URL"),
            ),
            ("https://host/path", None),
        ] {
            let found = wrong_variable("AWS_ENDPOINT_URL_S3", value);
            let fits = match told {
                Some(told) => found.as_ref().is_some_and(|found| found.contains(told)),
                None => found.is_none(),
            };
            assert!(fits, "{value}: {found:?}");
        }
    }

    #[test]
    fn an_endpoint_prints_without_its_secrets_whatever_is_in_them() {
        for (text, expected) in [
            ("http://user:pa,ss@h:1/p?token=x", "http://h:1/p?..."),
            ("http://user:p@h", "http://h/"),
            ("http://h:8000", "http://h:8000/"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (text, is) in [
            ("http://127.0.0.1:1", true),
            ("http://127.9.9.9", true),
            ("http://LOCALHOST:4566/", true),
            ("http://[::1]:8000", true),
            ("http://10.0.0.1", false),
            ("https://dynamodb.eu-central-1.amazonaws.com", false),
            ("http://localhost.example.com", false),
        ] {
            assert_eq!(
                text.parse::<Endpoint>().unwrap().is_loopback(),
                is,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn an_endpoint_never_prints_its_password_or_token(
            password in "S[a-z0-9]{6,12}T", token in "U[a-z0-9]{6,12}V", port in 1u16..,
        ) {
            let url = format!("http://user:{password}@127.0.0.1:{port}/path?token={token}");
            let endpoint: Endpoint = url.parse().unwrap();
            for shown in [endpoint.to_string(), format!("{endpoint:?}"), redact(&url)] {
                prop_assert!(!shown.contains(&password) && !shown.contains(&token), "{}", shown);
                prop_assert!(shown.contains(&format!("127.0.0.1:{port}/path")), "{}", shown);
            }
            prop_assert!(endpoint.uri().to_string().contains(&password));
            prop_assert_eq!(endpoint.bare_text(), format!("http://127.0.0.1:{port}/path"));
        }
    }
}
