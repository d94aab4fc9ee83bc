//! The way to a server, as TCP has it: it may cut, reset, delay and swallow.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What the way does with connections and bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    Pass,
    /// Hangs up on who connects.
    HangUp,
    /// Resets who connects.
    Reset,
    /// Takes what comes, and lets nothing through: a half-open connection.
    Silent,
    /// Lets heads of answers through, and nothing behind them.
    HeadsOnly,
    /// Answers take so much longer.
    Late(Duration),
    /// Answers take longer by this much for each second that passes.
    LaterAndLater(Duration),
}

const BURST: Duration = Duration::from_millis(400);

/// Listens until the process ends.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    mode: Mode,
    since: Instant,
    /// Connections, with those to the server that go with them.
    open: Vec<(TcpStream, TcpStream)>,
}

impl Way {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let way = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::new(Mutex::new(Shared {
                mode: Mode::Pass,
                since: Instant::now(),
                open: Vec::new(),
            })),
        };
        let taking = way.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                taking.take(client, server);
            }
        });
        way
    }

    /// From now on it does this, with connections that are there as well.
    pub(crate) fn turn(&self, mode: Mode) {
        let mut shared = self.shared.lock().unwrap();
        shared.mode = mode;
        shared.since = Instant::now();
    }

    /// Closes all connections that are there.
    pub(crate) fn cut(&self) {
        for (client, server) in self.shared.lock().unwrap().open.drain(..) {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }

    /// Resets all connections that are there.
    pub(crate) fn reset(&self) {
        for (client, server) in self.shared.lock().unwrap().open.drain(..) {
            reset(&client);
            let _ = server.shutdown(Shutdown::Both);
        }
    }

    /// Resets all that is there and all that comes, twice for a while.
    pub(crate) fn reset_in_bursts(&self) {
        for _ in 0..2 {
            self.turn(Mode::Reset);
            self.reset();
            thread::sleep(BURST);
            self.turn(Mode::Pass);
            thread::sleep(BURST);
        }
    }

    fn mode(&self) -> (Mode, Duration) {
        let shared = self.shared.lock().unwrap();
        (shared.mode, shared.since.elapsed())
    }

    fn take(&self, client: TcpStream, server: SocketAddr) {
        match self.mode().0 {
            Mode::HangUp => return,
            Mode::Reset => return reset(&client),
            _ => {}
        }
        // A server that is not there is not there for the client either.
        let Ok(server) = TcpStream::connect(server) else {
            return;
        };
        let copy = |stream: &TcpStream| stream.try_clone().unwrap();
        let both = (copy(&client), copy(&server));
        self.shared.lock().unwrap().open.push(both);
        let (there, back) = (self.clone(), self.clone());
        let (client_too, server_too) = (copy(&client), copy(&server));
        thread::spawn(move || there.pump(client, server, false));
        thread::spawn(move || back.pump(server_too, client_too, true));
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream, answers: bool) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            let mut passed = &bytes[..n];
            match self.mode() {
                (Mode::Silent, _) => continue,
                (Mode::HeadsOnly, _) if answers => {
                    let end = passed.windows(4).position(|four| four == b"\r\n\r\n");
                    passed = &passed[..end.map_or(0, |end| end + 4)];
                }
                (Mode::Late(by), _) if answers => thread::sleep(by),
                (Mode::LaterAndLater(by), since) if answers => {
                    thread::sleep(by.mul_f64(since.as_secs_f64()));
                }
                _ => {}
            }
            if to.write_all(passed).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }
}

/// The system resets a connection that is closed with a linger of none: when the last
/// handle of it is.
fn reset(client: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(client, Some(Duration::ZERO));
    let _ = client.shutdown(Shutdown::Read);
}
