//! Names by which a server on this machine may be asked.
//!
//! A page of elsewhere can have its own name lead to this machine (DNS rebinding); the
//! browser then takes what answers here for a part of that page, which may read it. What
//! gives such a request away is the name in it. A browser does not look up an address,
//! so nobody else's name can be behind one.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri};

/// A name by which a server may be asked, as `--allow-host` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if name.is_empty() || name.len() > 253 || !name.chars().all(fits) {
            return Err(
                "expected the name of a host such as bench.example, without port or path"
                    .to_owned(),
            );
        }
        Ok(Self(name.to_ascii_lowercase()))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The names by which one server may be asked.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    /// Any address will do, not only those of loopback.
    any_address: bool,
    names: Vec<HostName>,
}

impl Hosts {
    /// Those of a server that listens on `listen`: `localhost`, these names, and
    /// addresses; on a loopback address those of loopback alone.
    #[must_use]
    pub fn of(listen: IpAddr, names: &[HostName]) -> Self {
        Self {
            any_address: !listen.is_loopback(),
            names: names.to_vec(),
        }
    }

    /// Says whether a request asks by one of them, and by nothing else.
    #[must_use]
    pub fn allow(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let authority = uri.authority().map(Authority::as_str);
        let hosts = headers.get_all(HOST).iter();
        let hosts = hosts.map(|host| host.to_str().unwrap_or_default());
        let mut asked = authority.into_iter().chain(hosts).peekable();
        asked.peek().is_some() && asked.all(|host| self.know(host))
    }

    /// Says who is answered, for whoever was not.
    #[must_use]
    pub fn refusal(&self) -> &'static str {
        if self.any_address {
            "asked by a name that is not allowed: ask by address, or allow the name with \
             --allow-host"
        } else {
            "asked by a name that is not allowed: ask for localhost or 127.0.0.1, or allow the \
             name with --allow-host"
        }
    }

    fn know(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let inner = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
        if let Ok(address) = inner.unwrap_or(name).parse::<IpAddr>() {
            return self.any_address || address.is_loopback();
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        name.eq_ignore_ascii_case("localhost")
            || self
                .names
                .iter()
                .any(|HostName(known)| name.eq_ignore_ascii_case(known))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::Ipv4Addr;

    use http::HeaderValue;

    use super::*;

    fn asked(hosts: &Hosts, uri: &str, names: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for name in names {
            headers.append(HOST, HeaderValue::from_str(name).unwrap());
        }
        hosts.allow(&uri.parse().unwrap(), &headers)
    }

    #[test]
    fn loopback_answers_to_its_own_names_and_those_that_are_allowed() {
        let hosts = Hosts::of(
            IpAddr::from(Ipv4Addr::LOCALHOST),
            &["Bench.Example".parse().unwrap()],
        );
        for (host, expected) in [
            ("localhost:8080", true),
            ("127.0.0.1:8080", true),
            ("127.9.9.9", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("LOCALHOST", true),
            ("localhost.", true),
            ("bench.example:1", true),
            ("BENCH.example.", true),
            ("evil.example:8080", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("evil.bench.example", false),
            ("bench.example@evil.example", false),
            ("localhost:8080@evil.example", false),
            ("192.168.1.9", false),
            ("[::1", false),
            ("", false),
            (":8080", false),
        ] {
            assert_eq!(asked(&hosts, "/", &[host]), expected, "{host}");
        }
        assert!(!asked(&hosts, "/", &[]));
        assert!(!asked(&hosts, "/", &["localhost", "evil.example"]));
        assert!(!asked(&hosts, "http://evil.example/", &["localhost"]));
        assert!(!asked(&hosts, "http://localhost/", &["evil.example"]));
        assert!(asked(&hosts, "http://localhost/", &[]));
    }

    #[test]
    fn other_addresses_answer_to_any_address_and_to_no_unknown_name() {
        let hosts = Hosts::of(IpAddr::from(Ipv4Addr::UNSPECIFIED), &[]);
        for (host, expected) in [
            ("localhost:8080", true),
            ("192.168.1.9:8080", true),
            ("[fe80::1]:8080", true),
            ("evil.example", false),
        ] {
            assert_eq!(asked(&hosts, "/", &[host]), expected, "{host}");
        }
    }

    #[test]
    fn a_name_is_a_name_alone() {
        for wrong in ["", "a:80", "http://a", "a/b", "*", "a b", "[::1]"] {
            assert!(wrong.parse::<HostName>().is_err(), "{wrong}");
        }
    }
}
