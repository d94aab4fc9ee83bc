//! How values are spelled on the command line: rates, durations, sizes, counts.
//!
//! Each is a `FromStr` of its own, so that clap's message names the flag, the
//! value found and a right one.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::endpoint::{Endpoint, NoEndpoint};
use crate::report::{Condition, parse_duration, parse_number, parse_scaled};

/// Readings (or units) a second: `5000`, `5k`, `5000/s`, `300k/min`, `1M/h`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(pub f64);

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a rate above zero, such as 5000, 5k/s or 300k/min".to_owned();
        let (amount, unit) = text.split_once('/').unwrap_or((text, "s"));
        let number = parse_number(amount).ok_or_else(wrong)?;
        let seconds = match unit.trim() {
            "s" | "sec" | "second" => 1.0,
            "min" | "minute" => 60.0,
            "h" | "hour" => 3600.0,
            _ => return Err(wrong()),
        };
        let rate = number / seconds;
        if rate > 0.0 && rate.is_finite() {
            Ok(Self(rate))
        } else {
            Err(wrong())
        }
    }
}

/// A length of time: `30s`, `500ms`, `2m`, `1h`, `1.5s`; a bare number is seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a length of time, such as 30s, 500ms, 2m or 1h".to_owned();
        let seconds = parse_duration(text).ok_or_else(wrong)?;
        Duration::try_from_secs_f64(seconds)
            .map(Self)
            .map_err(|_| wrong())
    }
}

/// A length of time above zero.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn positive_span(text: &str) -> Result<Duration, String> {
    match text.parse::<Span>()? {
        Span(span) if span.is_zero() => Err("must be longer than zero".to_owned()),
        Span(span) => Ok(span),
    }
}

/// Any length of time, zero included.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn span(text: &str) -> Result<Duration, String> {
    text.parse::<Span>().map(|Span(span)| span)
}

/// A length of time, or `off`, which is none.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn span_or_off(text: &str) -> Result<Duration, String> {
    match text {
        "off" => Ok(Duration::ZERO),
        _ => positive_span(text).map_err(|error| format!("{error}, or `off`")),
    }
}

/// Bytes: `512MiB`, `1GB`, `65536`.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size, such as 512MiB, 2GiB or 65536".to_owned();
    let size = parse_scaled(
        &text.to_ascii_lowercase(),
        &[
            ("", 1.0),
            ("b", 1.0),
            ("k", 1_024.0),
            ("kib", 1_024.0),
            ("kb", 1e3),
            ("m", 1_048_576.0),
            ("mib", 1_048_576.0),
            ("mb", 1e6),
            ("g", 1_073_741_824.0),
            ("gib", 1_073_741_824.0),
            ("gb", 1e9),
        ],
    )
    .ok_or_else(wrong)?;
    if size >= 1.0 && size < u64::MAX as f64 {
        Ok(size as u64)
    } else {
        Err(wrong())
    }
}

/// An absolute URL.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn url(text: &str) -> Result<Endpoint, NoEndpoint> {
    text.parse()
}

/// A count above zero: `10000`, `10k`, `1M`.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn count(text: &str) -> Result<u32, String> {
    let wrong = || "expected a whole number above zero, such as 10000, 10k or 1M".to_owned();
    let count = parse_number(text).ok_or_else(wrong)?;
    if count >= 1.0 && count <= f64::from(u32::MAX) && count.fract() == 0.0 {
        Ok(count as u32)
    } else {
        Err(wrong())
    }
}

/// Batches in flight: each may take a connection, and a machine has some 64,000 ports to
/// an address.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn in_flight(text: &str) -> Result<u32, String> {
    up_to(text, 65_536)
}

/// Shards of a stream: a hundred times what an account may have by default.
pub(crate) fn shards(text: &str) -> Result<u32, String> {
    up_to(text, 100_000)
}

/// Threads.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn threads(text: &str) -> Result<u32, String> {
    up_to(text, 1_024)
}

fn up_to(text: &str, most: u32) -> Result<u32, String> {
    match count(text) {
        Ok(number) if number <= most => Ok(number),
        _ => Err(format!(
            "expected a whole number from 1 to {}",
            crate::report::count(u64::from(most))
        )),
    }
}

/// An address to listen on: `127.0.0.1:9464`, or a port alone on the loopback address.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    let loopback = port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let localhost = text.strip_prefix("localhost");
    let localhost = localhost.map(|rest| format!("127.0.0.1{rest}"));
    let address = loopback.or_else(|_| localhost.as_deref().unwrap_or(text).parse());
    address.map_err(|_| {
        "expected an address and a port such as 127.0.0.1:9464, or a port alone".to_owned()
    })
}

/// A file for a picture, which is SVG: standard output has the text.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending {
        Some(ending) if ending.eq_ignore_ascii_case("svg") => Ok(path),
        _ if text == "-" => Err("wants a file of its own, such as plot.svg".to_owned()),
        _ => Err("expected a file that ends in .svg, the one form of pictures".to_owned()),
    }
}

/// A percentage as a share: `5%`, `0.5%`.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').and_then(parse_number);
    number
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "expected a percentage, such as 5%".to_owned())
}

/// What a run must show: conditions with commas between them.
#[derive(Debug, Clone)]
pub struct Slo(pub Vec<Condition>);

/// Conditions, as `--slo` has them.
///
/// # Errors
/// The text is no such value: what one looks like.
pub fn slo(text: &str) -> Result<Slo, String> {
    Condition::list(text)
        .map(Slo)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_many_is_refused_with_the_range() {
        for (text, read) in [
            ("65536", true),
            ("65,536", true),
            ("65537", false),
            ("4294967295", false),
        ] {
            let found = in_flight(text);
            assert_eq!(found.is_ok(), read, "{text}");
            if let Err(error) = found {
                assert!(error.contains("1 to 65,536"), "{error}");
            }
        }
        assert!(
            threads("1025")
                .expect_err("too many")
                .contains("1 to 1,024")
        );
    }

    #[test]
    fn addresses_to_listen_on_may_be_a_port_alone() {
        for (text, address) in [
            ("18001", "127.0.0.1:18001"),
            (":0", "127.0.0.1:0"),
            ("localhost:80", "127.0.0.1:80"),
            ("0.0.0.0:8080", "0.0.0.0:8080"),
            ("[::1]:1", "[::1]:1"),
        ] {
            assert_eq!(
                listen(text).map(|of| of.to_string()),
                Ok(address.to_owned())
            );
        }
        for text in ["", "70000", "host:80", "127.0.0.1"] {
            assert!(listen(text).expect_err(text).contains("a port alone"));
        }
    }

    #[test]
    fn pictures_are_svg() {
        assert!(picture("plots/p.SVG").is_ok());
        for text in ["p.png", "p", "-", "svg"] {
            assert!(picture(text).expect_err(text).contains(".svg"), "{text}");
        }
    }

    #[test]
    fn rates_are_read_in_the_ways_people_write_them() {
        for (text, per_second) in [
            ("5000", 5000.0),
            ("5k", 5000.0),
            ("5000/s", 5000.0),
            ("300k/min", 5000.0),
            ("18M/h", 5000.0),
            ("0.5/s", 0.5),
            ("10_000/s", 10_000.0),
            ("5,000/s", 5000.0),
            ("1,234,567.5", 1_234_567.5),
        ] {
            assert_eq!(text.parse::<Rate>(), Ok(Rate(per_second)), "{text}");
        }
    }

    #[test]
    fn wrong_values_are_refused_with_a_right_one() {
        for text in [
            "",
            "0",
            "-5",
            "5000/fortnight",
            "fast",
            "1e309",
            "5kk",
            "1,5",
            ",000",
            "1,00,000",
            "1.000,5",
            "1234,567",
        ] {
            let error = text.parse::<Rate>().expect_err(text);
            assert!(error.contains("5k/s"), "{error}");
        }
        for text in [
            "", "-1s", "soon", "1y", "1m30", "30s1m", "1s1s", "m", "1m 2",
        ] {
            assert!(span(text).expect_err(text).contains("30s"));
        }
        for text in ["0", "-1", "1.5", "many", "5G"] {
            assert!(count(text).expect_err(text).contains("10000"));
        }
        for text in ["0", "12 parsecs"] {
            assert!(bytes(text).expect_err(text).contains("512MiB"));
        }
        assert!(positive_span("0s").is_err());
    }

    #[test]
    fn spans_sizes_and_counts_are_read() {
        assert_eq!(span("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(span("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(span("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(span("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(span("1h 2m 3s"), Ok(Duration::from_secs(3_723)));
        assert_eq!(span("1s500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(count("10,000"), Ok(10_000));
        assert_eq!(bytes("512MiB"), Ok(512 << 20));
        assert_eq!(count("10k"), Ok(10_000));
        assert_eq!(count("1M"), Ok(1_000_000));
    }
}
