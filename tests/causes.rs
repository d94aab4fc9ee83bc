//! Each cause is injected, and told as what it is: whose it was, in words, and what to
//! do. The table stands in docs/method.md ("Causes").

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::local::Local;
use support::{Run, await_line, finish, hrload_with_credentials, run};

const LOAD: &str = "--devices 500 -r 2000/s -w 0s -d 3s --via none --timeout 10s";

/// What was told, as `whose: what; advice`.
fn told(run: &Run) -> Vec<String> {
    let causes = run.result["causes"].as_array().unwrap();
    let text = |of: &serde_json::Value, key: &str| of[key].as_str().unwrap().to_owned();
    let told = causes.iter().map(|of| {
        let [whose, what, advice] = ["whose", "what", "advice"].map(|key| text(of, key));
        format!("{whose}: {what}; {advice}")
    });
    told.collect()
}

/// Asserts that one cause says all of this, and that it stands in the summary too.
#[track_caller]
fn assert_told(name: &str, run: &Run, says: &[&str]) {
    let told = told(run);
    let is = |cause: &&String| says.iter().all(|text| cause.contains(text));
    let cause = told.iter().find(is);
    let cause = cause.unwrap_or_else(|| panic!("{name}: none says {says:?}: {told:#?}"));
    // The summary wraps its lines.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, said) = cause.split_once(": ").unwrap();
    for part in said.split("; ") {
        let shown = words(&run.stderr).contains(&words(part));
        assert!(shown, "{name}: {part} is not in\n{}", run.stderr);
    }
}

/// Asserts that nobody is sent to raise the batches in flight.
#[track_caller]
fn assert_no_slots_blamed(name: &str, run: &Run) {
    let told = told(run);
    assert!(
        !told.iter().any(|cause| cause.contains("-p/--concurrency")),
        "{name}: {told:#?}"
    );
}

#[test]
fn a_server_that_stalls_is_the_target_and_not_the_generator() {
    for client in ["sdk", "direct"] {
        let run = run(&format!(
            "{LOAD} -p 4 --client {client} --fault stall=1500ms@1s"
        ));
        let name = format!("stall, {client}");
        assert_told(&name, &run, &["target: ", "no call was answered for 1."]);
        assert_no_slots_blamed(&name, &run);
    }
}

#[test]
fn slots_too_few_for_a_steady_service_time_are_the_generators_limit() {
    let run = run(&format!("{LOAD} -p 2 --fault respond=100ms"));
    let says = [
        "generator: ",
        "all 2 batches in flight",
        "raise -p/--concurrency to ",
    ];
    assert_told("slots", &run, &says);
    let limit = run.result["generator"]["limit"]["what"].as_str().unwrap();
    assert!(limit.contains("all 2 batches"), "{limit}");
    assert!(!told(&run).iter().any(|cause| cause.starts_with("target")));
}

#[test]
fn a_table_without_capacity_is_told_as_such() {
    let run = run(&format!("{LOAD} --fault throttle=20%"));
    let says = ["target: ", "no capacity for", "ThrottlingException"];
    assert_told("throttle", &run, &says);
    assert_no_slots_blamed("throttle", &run);
}

#[test]
fn errors_of_the_server_are_told_with_their_count() {
    let run = run(&format!("{LOAD} --fault error=20"));
    let says = ["target: ", "answered 20 calls with an error"];
    assert_told("error", &run, &says);
}

#[test]
fn a_generator_out_of_file_handles_says_so_in_the_systems_words() {
    let local = Local::start("--fault respond=300ms");
    for client in ["sdk", "direct"] {
        let url = format!("http://{}", local.address());
        let words =
            format!("run {LOAD} -p 400 --client {client} --attempts 2 --endpoint-url {url} -o -");
        let plain = hrload_with_credentials("");
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""]);
        shell
            .arg(plain.get_program())
            .args(words.split_whitespace());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let run = finish(shell.output().unwrap());
        let says = ["generator: ", "Too many open files", " calls", "ulimit -n"];
        assert_told(client, &run, &says);
        let limit = run.result["generator"]["limit"]["what"].as_str().unwrap();
        assert!(limit.contains("Too many open files"), "{client}: {limit}");
    }
}

/// A run against `address`, during which `meddle` is called once it measures.
fn meddled(address: SocketAddr, words: &str, meddle: impl FnOnce()) -> Run {
    let words = format!("run {LOAD} {words} --endpoint-url http://{address} -o -");
    let mut command = hrload_with_credentials(&words);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    await_line(&mut stderr, "measuring");
    let mut stdout = child.stdout.take().unwrap();
    let result = std::thread::spawn(move || {
        let mut text = Vec::new();
        stdout.read_to_end(&mut text).unwrap();
        text
    });
    meddle();
    let mut text = Vec::new();
    stderr.read_to_end(&mut text).unwrap();
    finish(Output {
        status: child.wait().unwrap(),
        stdout: result.join().unwrap(),
        stderr: text,
    })
}

#[test]
fn a_server_that_is_stopped_for_a_while_is_the_target() {
    let local = Local::start("");
    let signal = |name: &str| {
        let kill = Command::new("kill")
            .args([name, &local.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    };
    let run = meddled(local.address(), "-p 4", || {
        signal("-STOP");
        std::thread::sleep(Duration::from_secs(2));
        signal("-CONT");
    });
    assert_told("stopped", &run, &["target: ", "no call was answered for "]);
    assert_no_slots_blamed("stopped", &run);
}

#[test]
fn a_server_that_goes_away_is_told_as_gone() {
    for client in ["sdk", "direct"] {
        let local = Local::start("");
        let address = local.address();
        let run = meddled(address, &format!("--client {client}"), || drop(local));
        let says = [
            "target: ",
            "nobody listened there: Connection refused",
            " calls",
        ];
        assert_told(client, &run, &says);
        assert_no_slots_blamed(client, &run);
    }
}

/// A way to `server` that can be cut; listens until the process ends.
fn way(server: SocketAddr) -> (SocketAddr, Arc<AtomicBool>, Arc<Mutex<Vec<TcpStream>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let cut = Arc::new(AtomicBool::new(false));
    let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    let (is_cut, all) = (Arc::clone(&cut), Arc::clone(&open));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if is_cut.load(Ordering::SeqCst) {
                // Hangs up on whoever comes.
                continue;
            }
            let upstream = TcpStream::connect(server).unwrap();
            all.lock().unwrap().push(client.try_clone().unwrap());
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), upstream.try_clone().unwrap()),
                (upstream, client),
            ] {
                std::thread::spawn(move || {
                    let mut bytes = [0; 16 * 1024];
                    while let Ok(n @ 1..) = from.read(&mut bytes) {
                        if to.write_all(&bytes[..n]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
    (address, cut, open)
}

#[test]
fn connections_that_are_cut_on_the_way_are_the_networks() {
    let local = Local::start("");
    for client in ["sdk", "direct"] {
        let (address, cut, open) = way(local.address());
        let words = format!("--client {client} --attempts 3");
        let run = meddled(address, &words, || {
            cut.store(true, Ordering::SeqCst);
            for connection in open.lock().unwrap().drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
            std::thread::sleep(Duration::from_secs(1));
            cut.store(false, Ordering::SeqCst);
        });
        let says = ["network: ", "cut connections before the answer", " calls"];
        assert_told(client, &run, &says);
        assert_no_slots_blamed(client, &run);
    }
}

#[test]
fn what_cannot_be_reached_at_all_is_told_in_the_systems_words() {
    for (url, says) in [
        (
            "http://nowhere.invalid:8000",
            "cannot look up nowhere.invalid",
        ),
        ("http://127.0.0.1:1", "Connection refused"),
    ] {
        let words = format!("run {LOAD} --endpoint-url {url}");
        let output = hrload_with_credentials(&words).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{url}: {stderr}");
        assert!(stderr.contains(says), "{url}: {stderr}");
    }
}

#[test]
fn a_run_that_nothing_holds_back_names_no_target_and_no_network() {
    let run = run("--devices 200 -r 200/s -w 0s -d 2s --via none");
    assert_no_slots_blamed("nothing", &run);
    let told = told(&run);
    let others = |cause: &String| cause.starts_with("target") || cause.starts_with("network");
    assert!(!told.iter().any(others), "{told:#?}");
}
