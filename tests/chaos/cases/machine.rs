//! The machine that hrload runs on: handles, clocks.

use crate::case::Case;
use crate::play::{CLIENTS, Machine, against, all, limited, meddled, server};
use crate::support::shim;
use crate::told::Told;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = CLIENTS.map(out_of_handles).into();
    cases.extend(clocks());
    cases
}

fn out_of_handles(client: &'static str) -> Case {
    Case::new(
        format!("handles-exhausted/{client}"),
        "40 file handles (ulimit -n), 400 calls in flight",
        move || {
            let local = server("--fault respond=300ms");
            let words = format!(
                "run --devices 500 -r 2000/s -w 0s -d 3s --via none --timeout 10s -p 400 \
                 --client {client} --attempts 2 --endpoint-url http://{} -o -",
                local.address()
            );
            let plain = crate::support::hrload_with_credentials(&words);
            all(limited(&plain, "-n 40"))
        },
    )
    .comes_out("not-held", &["failed"])
    .perhaps(&["dropped", "cut-off"])
    .cause("generator", &["Too many open files", " calls", "ulimit -n"])
    .perhaps_cause("target", &["no call was answered"])
    .check(
        |told| match told.result.as_ref().map(|of| &of["generator"]["limit"]) {
            Some(limit) if limit["what"].to_string().contains("Too many open files") => Ok(()),
            limit => Err(format!("the generator's limit is {limit:?}")),
        },
    )
}

/// Clocks cost no reading, and are told where they make a figure doubtful.
fn clocks() -> Vec<Case> {
    let client = |seconds: &'static str, early: bool| {
        move || {
            let local = server("");
            let mut run = against(local.address(), "--drain 10s");
            let machine = Machine::before(&mut run, &[("SHIM_CLOCK_S", seconds)]);
            if early {
                machine.arm();
            }
            meddled(run, |_| {
                if !early {
                    machine.arm();
                    crate::play::for_a_while();
                    machine.disarm();
                }
            })
        }
    };
    let service = |seconds: i64| move || with_service_ahead(seconds);
    vec![
        Case::new(
            "clock-ahead",
            "this machine's clock is an hour ahead",
            client("3600", true),
        )
        .comes_out("held", &[])
        .all_seen(),
        Case::new(
            "clock-behind",
            "this machine's clock is an hour behind",
            client("-3600", true),
        )
        .comes_out("held", &[])
        .all_seen(),
        Case::new(
            "clock-jumps-ahead",
            "this machine's clock jumps an hour ahead and back",
            client("3600", false),
        )
        .comes_out("held", &[])
        .all_seen(),
        Case::new(
            "clock-jumps-back",
            "this machine's clock jumps an hour back and ahead",
            client("-3600", false),
        )
        .comes_out("held", &[])
        .all_seen(),
        Case::new(
            "service-clock-behind",
            "the service's clock is 60 s behind",
            service(-60),
        )
        .comes_out("held", &[])
        .all_seen(),
        Case::new(
            "service-clock-ahead",
            "the service's clock is 60 s ahead",
            service(60),
        )
        .comes_out("held", &[])
        .all_seen(),
    ]
}

fn with_service_ahead(seconds: i64) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let library = shim::shim(folder.path());
    let command = shim::hrload_ahead(&library, seconds);
    let local = crate::support::local::Local::started(command, "--change-delay 0");
    all(against(local.address(), "--drain 10s"))
}
