//! A dashboard whose lake or stream is in trouble: its page says so, and shows what it has.

use crate::case::Case;
use crate::play::{lines, server};
use crate::support::dashboard::Dashboard;
use crate::support::hrload_with_credentials;
use crate::support::local::Local;
use crate::support::proxy::{Fate, Proxy};
use crate::told::Told;
use crate::wire::{Mode, Way};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("dashboard-well", "nothing", || {
            let local = filled("");
            let dashboard = of_stream(local.address());
            page(&dashboard, "Up to date.")
        })
        .says("Up to date."),
        Case::new(
            "dashboard-server-killed",
            "the stream's server is killed",
            || {
                let local = filled("");
                let dashboard = of_stream(local.address());
                page(&dashboard, "Up to date.");
                drop(local);
                page(&dashboard, "Connection refused")
            },
        )
        .says("Not up to date: GetRecords on stream feed failed")
        .says("Connection refused")
        .says_not("There are no readings yet"),
        Case::new(
            "dashboard-server-comes-back",
            "connections are reset, and pass again",
            || {
                let local = filled("");
                let way = Way::to(local.address());
                let dashboard = of_stream(way.address);
                page(&dashboard, "Up to date.");
                way.turn(Mode::Reset);
                way.reset();
                page(&dashboard, "Not up to date");
                way.turn(Mode::Pass);
                page(&dashboard, "Up to date.")
            },
        )
        .says("Up to date."),
        Case::new(
            "dashboard-pages-broken",
            "reads are answered with web pages",
            || {
                let local = filled("");
                let proxy = Proxy::in_weather(local.address(), |called, before| {
                    match called == "GetRecords" && before >= 1 {
                        true => Fate::Answer(503, "text/html", "<html>busy</html>"),
                        false => Fate::Pass,
                    }
                });
                let dashboard = of_stream(proxy.address);
                page(&dashboard, "Not up to date")
            },
        )
        .says("Not up to date: GetRecords on stream feed failed"),
        Case::new(
            "dashboard-lake-removed",
            "the lake's folder is removed",
            || {
                let folder = tempfile::tempdir().unwrap();
                let lake = folder.path().join("lake");
                let _local = filled(&format!("--lake {} --lake-interval 500ms", lake.display()));
                assert!(lines(&lake) > 0);
                let dashboard = Dashboard::of_lake(&lake, "");
                page(&dashboard, "Up to date.");
                std::fs::remove_dir_all(&lake).unwrap();
                page(&dashboard, "Not up to date")
            },
        )
        .says("Not up to date"),
    ]
}

/// A stream with 200 readings in it, and where else they are to go.
fn filled(more: &str) -> Local {
    let local = server("");
    let words = format!(
        "run -q --devices 100 -r 200/s -w 0s -d 1s --drain 10s --stream feed --table wear --keep {more}"
    );
    let made = local.client(&words).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    local
}

fn of_stream(address: std::net::SocketAddr) -> Dashboard {
    let mut command = hrload_with_credentials("dashboard");
    command.args(["--endpoint-url", &format!("http://{address}")]);
    Dashboard::start(&mut command, "--stream feed")
}

/// The page, once it says this.
fn page(dashboard: &Dashboard, says: &str) -> Told {
    Told::page(&dashboard.until("/board", |of| of.body.contains(says)).body)
}
