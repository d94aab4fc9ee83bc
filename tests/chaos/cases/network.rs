//! The way to the server: cut, reset, unknown, unreachable, distrusted.

use crate::case::Case;
use crate::play::{CLIENTS, Machine, READERS, against, all, at, for_a_while, meddled, server};
use crate::support::tls::Tls;
use crate::told::Told;
use crate::wire::{Mode, Way};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for client in CLIENTS {
        cases.extend(cut(client));
        cases.extend(on_this_machine(client));
        cases.extend(tls(client));
    }
    cases.extend(of_readers());
    cases.push(
        Case::new("name-unknown", "the server's name has no address", || {
            all(at("http://nowhere.invalid:8000", "--via none"))
        })
        .exits(1)
        .says("cannot look up nowhere.invalid"),
    );
    cases
}

fn cut(client: &'static str) -> Vec<Case> {
    let words = move |attempts: u32| format!("--via none --client {client} --attempts {attempts}");
    vec![
        Case::new(
            format!("connections-cut/{client}"),
            "connections are closed, and new ones for 700 ms",
            move || {
                let local = server("");
                let way = Way::to(local.address());
                // Long enough for the last attempt of what was cut, on a slow machine too.
                let words = format!("{} -d 4s", words(10));
                meddled(against(way.address, &words), |_| {
                    way.turn(Mode::HangUp);
                    way.cut();
                    for_a_while();
                    way.turn(Mode::Pass);
                })
            },
        )
        .comes_out("held", &[])
        .all_written()
        .cause("network", &["cut connections before the answer", " call"]),
        Case::new(
            format!("connections-reset/{client}"),
            "connections are reset, in bursts",
            move || {
                let local = server("");
                let way = Way::to(local.address());
                let words = format!("{} -d 3s", words(10));
                meddled(against(way.address, &words), |_| way.reset_in_bursts())
            },
        )
        .comes_out("held", &[])
        .all_written()
        .cause("network", &["cut connections before the answer", " call"]),
        Case::new(
            format!("connections-gone/{client}"),
            "connections are reset from the middle on",
            move || {
                let local = server("");
                let way = Way::to(local.address());
                meddled(against(way.address, &words(2)), |_| {
                    way.turn(Mode::Reset);
                    way.reset();
                })
            },
        )
        .comes_out("not-held", &["failed"])
        .exits(1)
        .cause("network", &["cut connections before the answer", " calls"]),
    ]
}

/// What this machine's system says when it connects. Each call makes a connection:
/// those that are there are cut all the while.
fn on_this_machine(client: &'static str) -> Vec<Case> {
    let meet = move |told: &'static [(&'static str, &'static str)], host: &'static str| {
        let local = server("");
        let way = Way::to(local.address());
        let url = format!("http://{host}:{}", way.address.port());
        let words = format!("--via none --client {client} --attempts 2");
        let mut run = at(&url, &words);
        let machine = Machine::before(&mut run, told);
        meddled(run, |_| {
            machine.arm();
            way.cut();
            for_a_while();
            machine.disarm();
        })
    };
    let case = |name: &str, injected, play: Box<dyn Fn() -> Told + Send>| {
        Case::new(format!("{name}/{client}"), injected, play)
            .comes_out("not-held", &["failed"])
            .perhaps_cause("network", &["cut connections"])
    };
    vec![
        case(
            "ports-exhausted",
            "no local port is left (EADDRNOTAVAIL)",
            Box::new(move || meet(&[("SHIM_CONNECT", "99")], "127.0.0.1")),
        )
        .cause(
            "generator",
            &["out of local ports: Cannot assign requested address"],
        ),
        case(
            "network-unreachable",
            "no way to the network (ENETUNREACH)",
            Box::new(move || meet(&[("SHIM_CONNECT", "101")], "127.0.0.1")),
        )
        .cause("network", &["no way to the target: Network is unreachable"]),
        case(
            "host-unreachable",
            "no way to the host (EHOSTUNREACH)",
            Box::new(move || meet(&[("SHIM_CONNECT", "113")], "127.0.0.1")),
        )
        .cause("network", &["no way to the target: No route to host"]),
        case(
            "no-memory-for-sockets",
            "no memory for a socket (ENOBUFS)",
            Box::new(move || meet(&[("SHIM_CONNECT", "105")], "127.0.0.1")),
        )
        .cause(
            "generator",
            &["without memory for sockets: No buffer space"],
        ),
        case(
            "names-fail",
            "names cannot be looked up for a while (EAI_AGAIN)",
            Box::new(move || meet(&[("SHIM_NAMES", "1")], "localhost")),
        )
        .cause(
            "network",
            &["no address for the target's name", "localhost"],
        ),
    ]
}

fn tls(client: &'static str) -> Vec<Case> {
    let meet = move |turn: fn(&Tls)| {
        let local = server("");
        let tls = Tls::before(local.address());
        let folder = tempfile::tempdir().unwrap();
        let words = format!("--via none --client {client} --attempts 2");
        let mut run = at(&tls.url(), &words);
        run.env("SSL_CERT_FILE", tls.roots(folder.path()));
        meddled(run, |_| turn(&tls))
    };
    vec![
        Case::new(
            format!("tls-certificate/{client}"),
            "the server's certificate changes to one that is not trusted",
            move || meet(Tls::change_certificate),
        )
        .comes_out("not-held", &["failed"])
        .exits(1)
        .cause("network", &["broke TLS", "certificate"])
        .perhaps_cause("network", &["cut connections"]),
        Case::new(
            format!("tls-spoken-plainly/{client}"),
            "the server stops speaking TLS",
            move || meet(Tls::speak_plainly),
        )
        .comes_out("not-held", &["failed"])
        .exits(1)
        .cause("network", &["broke TLS"])
        .perhaps_cause("network", &["cut connections"]),
    ]
}

/// Cut, with who reads the changes: a loss that is none.
fn of_readers() -> Vec<Case> {
    let readers = READERS.into_iter().map(|(reader, via)| {
        Case::new(
            format!("connections-reset/{reader}"),
            "connections are reset, in bursts",
            move || {
                let local = server("");
                let way = Way::to(local.address());
                let words = format!("--attempts 10 -d 3s --drain 20s {via}");
                meddled(against(way.address, &words), |_| way.reset_in_bursts())
            },
        )
        .comes_out("held", &[])
        .all_seen()
        .cause("network", &["cut connections before the answer", " call"])
        .perhaps_cause("network", &["calls to read the stream failed"])
        .perhaps_cause("reader", &["calls to read the stream failed"])
    });
    readers.collect()
}
