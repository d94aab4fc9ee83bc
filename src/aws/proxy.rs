//! The proxy that the environment names, as most programs understand it: for HTTPS
//! alone, so that what is on this machine or beside it (an instance's credentials,
//! others' servers) is spoken to straight.

use aws_smithy_http_client::proxy::ProxyConfig;

/// What `HTTPS_PROXY` or `ALL_PROXY` says, and `NO_PROXY` of it. One that is no URL is
/// left out, as it is by `direct`.
pub(super) fn of_environment() -> ProxyConfig {
    let first = |names: [&str; 2]| {
        let values = names
            .into_iter()
            .filter_map(|name| std::env::var(name).ok());
        values
            .map(|value| value.trim().to_owned())
            .find(|value| !value.is_empty())
    };
    let proxy = first(["HTTPS_PROXY", "https_proxy"]).or_else(|| first(["ALL_PROXY", "all_proxy"]));
    let Some(proxy) = proxy else {
        return ProxyConfig::disabled();
    };
    let url = if proxy.contains("://") {
        proxy
    } else {
        format!("http://{proxy}")
    };
    let Ok(config) = ProxyConfig::https(url.as_str()) else {
        return ProxyConfig::disabled();
    };
    match first(["NO_PROXY", "no_proxy"]) {
        Some(besides) => config.no_proxy(besides),
        None => config,
    }
}
