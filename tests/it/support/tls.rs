//! TLS before a server, with certificates that nobody knows.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener as Listener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a client meets that connects.
#[derive(Clone)]
enum Front {
    Tls(TlsAcceptor),
    /// Something that speaks no TLS.
    Plain,
}

/// TLS before a server, until the process ends.
pub(crate) struct Tls {
    pub(crate) address: SocketAddr,
    /// In PEM, for `localhost`.
    pub(crate) certificate: String,
    front: Arc<Mutex<Front>>,
    cut: watch::Sender<()>,
}

fn certificate() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

impl Tls {
    pub(crate) fn before(server: SocketAddr) -> Self {
        let (acceptor, certificate) = certificate();
        let front = Arc::new(Mutex::new(Front::Tls(acceptor)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, is_cut) = watch::channel(());
        let shared = Arc::clone(&front);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let listener = Listener::from_std(listener).unwrap();
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    let front = shared.lock().unwrap().clone();
                    let mut is_cut = is_cut.clone();
                    is_cut.mark_unchanged();
                    tokio::spawn(async move {
                        tokio::select! {
                            () = serve(client, front, server) => {}
                            _ = is_cut.changed() => {}
                        }
                    });
                }
            });
        });
        Self {
            address,
            certificate,
            front,
            cut,
        }
    }

    /// The URL that the certificate is for.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Its certificate in a file, for `SSL_CERT_FILE`.
    pub(crate) fn roots(&self, folder: &Path) -> PathBuf {
        let roots = folder.join("roots.pem");
        std::fs::write(&roots, &self.certificate).unwrap();
        roots
    }

    /// From now on with a certificate that not even the client knows; connections that
    /// are there are closed.
    pub(crate) fn change_certificate(&self) {
        self.turn(Front::Tls(certificate().0));
    }

    /// From now on without TLS; connections that are there are closed.
    pub(crate) fn speak_plainly(&self) {
        self.turn(Front::Plain);
    }

    fn turn(&self, front: Front) {
        *self.front.lock().unwrap() = front;
        self.cut.send_replace(());
    }
}

async fn serve(mut client: TcpStream, front: Front, server: SocketAddr) {
    match front {
        Front::Tls(acceptor) => {
            // A client that does not trust it hangs up.
            let Ok(mut client) = acceptor.accept(client).await else {
                return;
            };
            let mut upstream = TcpStream::connect(server).await.unwrap();
            let _ = copy_bidirectional(&mut client, &mut upstream).await;
        }
        Front::Plain => {
            let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            let _ = client.write_all(answer).await;
        }
    }
}
