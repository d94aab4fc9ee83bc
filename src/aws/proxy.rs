//! The proxy that the environment names, as most programs understand it: for HTTPS
//! alone, so that what is on this machine or beside it (an instance's credentials,
//! others' servers) is spoken to straight.

use std::error::Error;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use crate::endpoint::redact;
use crate::trouble::ProxyError;

fn first(names: [&'static str; 2]) -> Option<(&'static str, String)> {
    let values = names
        .into_iter()
        .filter_map(|name| Some((name, std::env::var(name).ok()?)));
    values
        .map(|(name, value)| (name, value.trim().to_owned()))
        .find(|(_, value)| !value.is_empty())
}

/// The variable that names a proxy, and its URL.
fn named() -> Option<(&'static str, String)> {
    let (name, proxy) =
        first(["HTTPS_PROXY", "https_proxy"]).or_else(|| first(["ALL_PROXY", "all_proxy"]))?;
    let url = if proxy.contains("://") {
        proxy
    } else {
        format!("http://{proxy}")
    };
    Some((name, url))
}

/// Why the proxy that is named cannot be used on the way to `endpoint`: going around it
/// would be against what was asked for.
pub(super) fn wrong(endpoint: &Uri) -> Option<String> {
    if endpoint.scheme_str() != Some("https") {
        return None;
    }
    let (name, url) = named()?;
    let shown = redact(&url);
    let what = match url.parse::<Uri>() {
        Ok(parsed) if parsed.host().is_none_or(str::is_empty) => "has no host",
        Ok(parsed) => match parsed.scheme_str() {
            Some("http" | "https") => return None,
            _ => "is no proxy that speaks HTTP",
        },
        Err(_) => "is no URL",
    };
    Some(format!(
        "{name} is {shown:?}, which {what}: name one as http://HOST:PORT, or unset it to go straight"
    ))
}

/// What `HTTPS_PROXY` or `ALL_PROXY` says, and `NO_PROXY` of it. One that is no URL is
/// refused before ([`wrong`]).
pub(super) fn of_environment() -> ProxyConfig {
    let Some((_, url)) = named() else {
        return ProxyConfig::disabled();
    };
    let Ok(config) = ProxyConfig::https(url.as_str()) else {
        return ProxyConfig::disabled();
    };
    match first(["NO_PROXY", "no_proxy"]) {
        Some((_, besides)) => config.no_proxy(besides),
        None => config,
    }
}

/// An error on the way through the proxy that is named, which says so: whoever refused or
/// kept silent may be the proxy.
pub(crate) fn met(error: &(dyn Error + 'static)) -> ProxyError {
    let (name, url) = named().unwrap_or(("HTTPS_PROXY", String::new()));
    let url: Option<Uri> = url.parse().ok();
    let place = url.and_then(|url| Some(url.authority()?.as_str().to_owned()));
    // A user and a password stand before it.
    let place = place.map(|place| place.rsplit('@').next().unwrap_or_default().to_owned());
    let place = place.unwrap_or_default();
    ProxyError::new(&format!("the proxy {place} ({name})"), error)
}

/// `connector`, whose errors say that they came from behind a proxy, where there is one.
pub(super) fn telling(connector: SharedHttpConnector) -> SharedHttpConnector {
    if named().is_none() {
        return connector;
    }
    SharedHttpConnector::new(Telling {
        inner: connector,
        matcher: Matcher::from_env(),
    })
}

#[derive(Debug)]
struct Telling {
    inner: SharedHttpConnector,
    matcher: Matcher,
}

impl HttpConnector for Telling {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri: Option<Uri> = request.uri().parse().ok();
        let through = uri.is_some_and(|uri| {
            uri.scheme_str() == Some("https") && self.matcher.intercept(&uri).is_some()
        });
        let answer = self.inner.call(request);
        if !through {
            return answer;
        }
        HttpConnectorFuture::new(async move {
            answer.await.map_err(|error| {
                let told = Box::new(met(&error));
                if error.is_timeout() {
                    ConnectorError::timeout(told)
                } else if error.is_user() {
                    ConnectorError::user(told)
                } else if error.is_other() {
                    ConnectorError::other(told, error.as_other())
                } else {
                    ConnectorError::io(told)
                }
            })
        })
    }
}
