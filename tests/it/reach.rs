//! How both clients reach a server: over TLS with the platform's roots, over IPv6.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream as Plain};
use std::sync::{Arc, Mutex};

use crate::support::local::Local;
use crate::support::tls::Tls;
use crate::support::{finish, hrload_with_credentials};

const SMALL: &str = "--devices 100 -r 200/s -w 0s -d 1s --drain 20s";

#[test]
fn a_certificate_that_the_platform_trusts_is_trusted_and_no_other() {
    let local = Local::start("");
    let tls = Tls::before(local.address());
    let folder = tempfile::tempdir().unwrap();
    let roots = tls.roots(folder.path());
    for client in ["sdk", "direct"] {
        let words = format!("run {SMALL} --client {client} --endpoint-url {}", tls.url());
        let mut trusted = hrload_with_credentials(&format!("{words} -o -"));
        let run = finish(trusted.env("SSL_CERT_FILE", &roots).output().unwrap());
        assert_eq!(run.code, 0, "{client}: {}", run.stderr);
        run.assert_closed();
        assert_eq!(run.count("ledger.seen"), run.count("ledger.scheduled"));

        let refused = hrload_with_credentials(&words).output().unwrap();
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{client}: {stderr}");
        let errors: Vec<&str> = stderr.lines().filter(|l| l.starts_with("error:")).collect();
        assert_eq!(errors.len(), 1, "{stderr}");
        assert!(errors[0].contains("UnknownIssuer"), "{stderr}");
    }
}

/// A proxy that opens tunnels (CONNECT) to whatever is named `localhost`; the names it was
/// asked for. Listens until the process ends.
fn proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let shared = Arc::clone(&asked);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let asked = Arc::clone(&shared);
            std::thread::spawn(move || tunnel(client, &asked).ok());
        }
    });
    (address, asked)
}

fn tunnel(mut client: Plain, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut first, mut line) = (String::new(), String::new());
    reader.read_line(&mut first)?;
    let mut authorized = false;
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line)?;
        // ana:secret
        authorized |= line
            .to_ascii_lowercase()
            .starts_with("proxy-authorization: basic")
            && line.contains("YW5hOnNlY3JldA==");
    }
    let to = first.split(' ').nth(1).unwrap_or_default().to_owned();
    if !first.starts_with("CONNECT ") || !authorized {
        return write!(
            client,
            "HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n"
        );
    }
    let mut upstream = Plain::connect(to.replace("localhost", "127.0.0.1"))?;
    asked.lock().unwrap().push(to);
    write!(client, "HTTP/1.1 200 Go ahead\r\n\r\n")?;
    let (mut there, mut back) = (upstream.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut client, &mut there).ok());
    std::io::copy(&mut upstream, &mut back).map(drop)
}

#[test]
fn both_clients_go_through_the_proxy_that_the_environment_names() {
    let local = Local::start("");
    let tls = Tls::before(local.address());
    let folder = tempfile::tempdir().unwrap();
    let roots = tls.roots(folder.path());
    for client in ["sdk", "direct"] {
        for (no_proxy, tunnels) in [("elsewhere", true), ("localhost", false)] {
            let (proxy, asked) = proxy();
            let words = format!(
                "run {SMALL} --client {client} --via none --endpoint-url {} -o -",
                tls.url()
            );
            let mut command = hrload_with_credentials(&words);
            command
                .env("SSL_CERT_FILE", &roots)
                .env("HTTPS_PROXY", format!("http://ana:secret@{proxy}"))
                .env("NO_PROXY", no_proxy)
                .env_remove("https_proxy")
                .env_remove("no_proxy");
            let run = finish(command.output().unwrap());
            assert_eq!(run.code, 0, "{client}: {}", run.stderr);
            assert_eq!(
                run.count("ledger.acknowledged"),
                run.count("ledger.scheduled")
            );
            let asked = asked.lock().unwrap();
            let name = format!("localhost:{}", tls.address.port());
            assert!(asked.iter().all(|to| *to == name), "{asked:?}");
            // Table and calls: `direct` has connections of its own.
            assert_eq!(asked.len() > 1, tunnels, "{client}, {no_proxy}: {asked:?}");
        }
    }
}

#[test]
fn a_proxy_that_refuses_is_named_and_one_that_cannot_be_used_is_not_gone_around() {
    let local = Local::start("");
    let tls = Tls::before(local.address());
    let folder = tempfile::tempdir().unwrap();
    let roots = tls.roots(folder.path());
    for client in ["sdk", "direct"] {
        for (proxy, code, told) in [
            (
                "http://ana:secret@127.0.0.1:1",
                1,
                "the proxy 127.0.0.1:1 (HTTPS_PROXY): Connection refused",
            ),
            ("socks5://127.0.0.1:1", 1, "is no proxy that speaks HTTP"),
            ("http://bad host:1", 1, "is no URL"),
        ] {
            let words = format!(
                "run {SMALL} --client {client} --via none --endpoint-url {}",
                tls.url()
            );
            let mut command = hrload_with_credentials(&words);
            command
                .env("SSL_CERT_FILE", &roots)
                .env("HTTPS_PROXY", proxy)
                .env_remove("https_proxy")
                .env_remove("NO_PROXY")
                .env_remove("no_proxy");
            let output = command.output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(code), "{client}: {stderr}");
            assert!(stderr.contains(told), "{client}: {stderr}");
            assert!(!stderr.contains("secret"), "{client}: {stderr}");
        }
    }
}

#[test]
fn both_clients_speak_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no ::1");
        return;
    }
    let mut local = hrload_with_credentials("local --listen [::1]:0 -q");
    let mut local = local.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut endpoint = String::new();
    let stdout = local.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut endpoint).unwrap();
    assert!(endpoint.starts_with("http://[::1]:"), "{endpoint}");
    let runs = ["sdk", "direct"].map(|client| {
        let url = endpoint.trim();
        let words = format!("run {SMALL} --client {client} --endpoint-url {url} -o -");
        hrload_with_credentials(&words).output().unwrap()
    });
    local.kill().unwrap();
    local.wait().unwrap();
    for run in runs.map(finish) {
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.assert_closed();
        assert_eq!(run.count("ledger.seen"), run.count("ledger.scheduled"));
    }
}
