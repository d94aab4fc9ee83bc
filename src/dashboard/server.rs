//! The routes, and who may take them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use super::board::Board;
use super::feed::{self, Shared, Source};
use super::left_out::LeftOut;
use super::page::{self, Parts};
use super::reference::Shares;
use super::summary::Summary;
use super::view::View;
use crate::clock::Clock;
use crate::hosts::{HostName, Hosts};
use crate::report::html::STYLE as REPORT_STYLE;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Nothing from elsewhere, and nothing that stands in the page itself.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                      connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
const COOKIE_NAME: &str = "hrload-dashboard";
/// All that is served.
const PATHS: [&str; 5] = ["/", "/board", "/readings.csv", "/style.css", "/script.js"];
const CHANGES: HeaderName = HeaderName::from_static("x-changes");

/// What a person who opens the page should know.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Where the readings come from.
    pub what: String,
    /// What whoever looks has to know; `None`: whoever reaches it may.
    pub token: Option<String>,
    /// Names besides `localhost` by which it may be asked on a loopback address.
    pub allow_hosts: Vec<HostName>,
}

/// Why it cannot be served.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {address}: {source}; name another with --listen, or port 0 for a free one"
)]
pub struct ServerError {
    address: SocketAddr,
    source: io::Error,
}

/// A page that is listened for, and not yet served.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

#[derive(Debug)]
struct App {
    shared: Shared,
    shown: Shown,
    reference: Shares,
    clock: Clock,
    /// Who is answered on a loopback address; elsewhere there is a token.
    hosts: Option<Hosts>,
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let failed = |source| ServerError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves what `source` gives, as long as it is polled.
    ///
    /// # Errors
    /// Listening ended.
    pub async fn serve(
        self,
        source: Source,
        board: Board,
        shown: Shown,
        reference: Shares,
        clock: Clock,
    ) -> io::Result<()> {
        let shared = Shared::new(board);
        let ip = self.address.ip();
        let hosts = Hosts::of(ip, &shown.allow_hosts);
        let app = Arc::new(App {
            shared: shared.clone(),
            shown,
            reference,
            clock,
            hosts: ip.is_loopback().then_some(hosts),
        });
        let routes = Router::new()
            .route(PATHS[0], get(whole))
            .route(PATHS[1], get(board_alone))
            .route(PATHS[2], get(csv))
            .route(PATHS[3], get(style))
            .route(PATHS[4], get(script))
            .fallback(async || {
                (
                    StatusCode::NOT_FOUND,
                    "there is nothing here; the page is at /\n",
                )
            })
            .layer(middleware::from_fn_with_state(Arc::clone(&app), guard))
            .with_state(app);
        let serve = axum::serve(self.listener, routes);
        tokio::select! {
            ended = serve.into_future() => ended,
            () = feed::run(source, shared, clock) => Ok(()),
        }
    }
}

/// Lets in whoever knows the token, and on loopback only who asked for loopback:
/// a page elsewhere may have its name lead here.
async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let refuse = |why: &str| (StatusCode::FORBIDDEN, format!("{why}\n")).into_response();
    let unknown = |hosts: &&Hosts| !hosts.allow(request.uri(), request.headers());
    let mut response = if let Some(hosts) = app.hosts.as_ref().filter(unknown) {
        refuse(hosts.refusal())
    } else if let Some(token) = &app.shown.token {
        let query = request.uri().query().unwrap_or("");
        if query_token(query).is_some_and(|given| same(given, token)) {
            into_cookie(&request, token)
        } else if brings(request.headers(), token) {
            next.run(request).await
        } else {
            refuse("open the address that the dashboard printed: it has the token in it")
        }
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn query_token(query: &str) -> Option<&str> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))
}

/// Takes the token out of the address, where it would be seen and shared.
fn into_cookie(request: &Request, token: &str) -> Response {
    let query = request.uri().query().unwrap_or("");
    let rest: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.starts_with("token="))
        .collect();
    // To a page of ours alone: `//evil.example/` is another server's.
    let asked = request.uri().path();
    let path = PATHS.into_iter().find(|path| *path == asked).unwrap_or("/");
    let to = match rest.join("&") {
        rest if rest.is_empty() => path.to_owned(),
        rest => format!("{path}?{rest}"),
    };
    let cookie = format!("{COOKIE_NAME}={token}; HttpOnly; SameSite=Strict; Path=/");
    (
        StatusCode::SEE_OTHER,
        [(LOCATION, to), (SET_COOKIE, cookie)],
    )
        .into_response()
}

fn brings(headers: &HeaderMap, token: &str) -> bool {
    let texts = |name| {
        headers
            .get_all(name)
            .into_iter()
            .filter_map(|of: &HeaderValue| of.to_str().ok())
    };
    let bearer = texts(AUTHORIZATION).filter_map(|of| of.strip_prefix("Bearer "));
    let cookies = texts(COOKIE).flat_map(|of| of.split(';'));
    let cookies = cookies.filter_map(|of| of.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='));
    bearer.chain(cookies).any(|given| same(given, token))
}

/// Compares in a time that does not tell how much of it is right.
fn same(given: &str, token: &str) -> bool {
    let pairs = given.bytes().zip(token.bytes());
    given.len() == token.len() && pairs.fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

type Asked = Query<Vec<(String, String)>>;

fn pairs(asked: &Asked) -> impl Iterator<Item = (&str, &str)> {
    let pairs = asked.0.iter();
    pairs.map(|(key, value)| (key.as_str(), value.as_str()))
}

fn view(asked: &Asked) -> Result<View, (StatusCode, String)> {
    View::of(pairs(asked)).map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}\n")))
}

async fn whole(State(app): State<Arc<App>>, asked: Asked) -> Response {
    match View::of(pairs(&asked)) {
        Ok(view) => app.render(&view, None),
        Err(error) => {
            let view = View::understood(pairs(&asked));
            let devices = page::offered(app.shared.board().names());
            let markup = page::refused(&app.shown, &view, &devices, &error);
            let kind = [(CONTENT_TYPE, "text/html; charset=utf-8")];
            (StatusCode::BAD_REQUEST, kind, markup.into_string()).into_response()
        }
    }
}

async fn board_alone(State(app): State<Arc<App>>, asked: Asked) -> Response {
    let known = asked.0.iter().find(|(key, _)| key == "changes");
    let known = known
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(u64::MAX);
    match view(&asked) {
        Ok(view) => app.render(&view, Some(known)),
        Err(refused) => refused.into_response(),
    }
}

async fn csv(State(app): State<Arc<App>>, asked: Asked) -> Response {
    let view = match view(&asked) {
        Ok(view) => view,
        Err(refused) => return refused.into_response(),
    };
    let text = Summary::of(&app.shared.board(), &view, app.clock.now_us()).csv(&view);
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"heart-rates.csv\"",
        ),
    ];
    (headers, text).into_response()
}

async fn style() -> Response {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8")];
    (headers, [REPORT_STYLE, STYLE].concat()).into_response()
}

async fn script() -> Response {
    let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (headers, SCRIPT).into_response()
}

impl App {
    /// The page; or, for who `knows` how the board was, what changes of it.
    fn render(&self, view: &View, knows: Option<u64>) -> Response {
        let now_us = self.clock.now_us();
        let state = self.shared.state(now_us);
        let board = self.shared.board();
        // The rate of the last minute falls, and silence grows, although nothing comes.
        let passing = board.seen_lately(now_us) ^ self.shared.silent_s(now_us) << 24;
        let changes = board.changes().wrapping_mul(1 << 32) ^ passing;
        if knows == Some(changes) {
            return StatusCode::NO_CONTENT.into_response();
        }
        let summary = Summary::of(&board, view, now_us);
        let left_out = LeftOut::of(&board);
        let newest_us = match &view.device {
            None => board.newest_us,
            Some(name) => {
                (board.known(name)).map_or(0, |number| board.devices[number as usize].newest.0)
            }
        };
        let all_devices = board.devices.len();
        let names = knows.is_none().then(|| board.names());
        drop(board);
        let devices = page::offered(names.unwrap_or_default());
        let parts = Parts {
            shown: &self.shown,
            view,
            summary: &summary,
            left_out: &left_out,
            reference: &self.reference,
            devices: &devices,
            all_devices,
            newest_us,
            state: &state,
            changes,
        };
        let markup = match knows {
            None => page::page(&parts),
            Some(_) => page::board(&parts),
        };
        match markup {
            Ok(markup) => {
                let kind = (CONTENT_TYPE, "text/html; charset=utf-8".to_owned());
                ([kind, (CHANGES, changes.to_string())], markup.into_string()).into_response()
            }
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_in_a_cookie_or_as_a_bearer_and_has_to_be_whole() {
        for (name, value, expected) in [
            (COOKIE, "a=b; hrload-dashboard=secret", true),
            (COOKIE, "hrload-dashboard=secre", false),
            (COOKIE, "hrload-dashboard-x=secret", false),
            (AUTHORIZATION, "Bearer secret", true),
            (AUTHORIZATION, "secret", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(brings(&headers, "secret"), expected, "{value}");
        }
    }
}
