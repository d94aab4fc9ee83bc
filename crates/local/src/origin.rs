//! Pages that may use the services from a browser.
//!
//! A browser lets a page call another origin only if that says so (CORS,
//! <https://fetch.spec.whatwg.org/#http-cors-protocol>). The services say so to the
//! origins that were allowed, and to none unless asked.

use std::fmt;
use std::str::FromStr;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{Response, StatusCode, Uri};

use super::body::Body;

/// How long a browser may remember the answer, in seconds, as AWS says it.
const MAX_AGE: &str = "172800";
/// Headers of an answer that a page may read, as AWS names them, and DynamoDB's checksum.
const EXPOSED: &str = "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,x-amz-crc32,Date";
/// Asks whether a page of the Internet may call an address of this machine or network
/// (<https://wicg.github.io/private-network-access/>).
const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOWS_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// An origin of pages, such as `http://localhost:5173`; `*` is every one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "expected a scheme and a host, as http://localhost:5173, or * for every page".to_owned()
        };
        if text == "*" {
            return Ok(Self(text.to_owned()));
        }
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong());
        };
        if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(wrong());
        }
        // As a browser spells it: lower case, and no port where it is the scheme's own.
        let (host, port) = (authority.host(), authority.port_u16());
        let port = match (scheme, port) {
            ("http", Some(80)) | ("https", Some(443)) | (_, None) => String::new(),
            (_, Some(port)) => format!(":{port}"),
        };
        Ok(Self(
            format!("{scheme}://{host}{port}").to_ascii_lowercase(),
        ))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The origin of a request, if it is one of the `allowed`.
pub(super) fn allowed(allowed: &[Origin], headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = headers.get(ORIGIN)?;
    allowed
        .iter()
        .any(|Origin(known)| known == "*" || known.as_bytes() == asks.as_bytes())
        .then(|| asks.clone())
}

/// Lets pages of `origin` read an answer.
pub(super) fn admit(response: &mut Response<Body>, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
    headers.insert(VARY, HeaderValue::from_static("Origin"));
}

/// Answers a browser that asks before the page's own request; [`admit`] adds the rest.
pub(super) fn preflight(asked: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("POST"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    if asked.contains_key(ASKS_PRIVATE) {
        headers.insert(ALLOWS_PRIVATE, HeaderValue::from_static("true"));
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_origin_is_taken_as_a_browser_spells_it() {
        for (text, origin) in [
            ("http://localhost:5173", "http://localhost:5173"),
            ("http://LOCALHOST:5173/", "http://localhost:5173"),
            ("https://app.example:443", "https://app.example"),
            ("*", "*"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), origin);
        }
        for wrong in [
            "",
            "localhost:5173",
            "http://a/b",
            "http://a?b",
            "http://u@a",
            "null",
        ] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
