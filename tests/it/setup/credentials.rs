//! Credentials that live for seconds, as they do for an hour on AWS: from a container's
//! endpoint, an instance's, an assumed role and a portal (SSO). A run must go over to the next ones
//! while it sends, whichever client it has.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::World;
use crate::support::proxy::Proxy;

/// How long credentials live. The SDK asks for others ten seconds before they expire,
/// and so for each call; `direct` halfway through.
const LIFE: Duration = Duration::from_secs(4);

/// Gives other credentials each time it is asked, in whichever way. Listens until the
/// process ends.
struct Issuer {
    address: SocketAddr,
    issued: Arc<AtomicU32>,
}

impl Issuer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let issued = Arc::new(AtomicU32::new(0));
        let shared = Arc::clone(&issued);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let issued = Arc::clone(&shared);
                std::thread::spawn(move || serve(client, &issued).ok());
            }
        });
        Self { address, issued }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn issued(&self) -> u32 {
        self.issued.load(Ordering::Relaxed)
    }
}

fn serve(client: TcpStream, issued: &AtomicU32) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut length, mut line) = (0, String::new());
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    let path = first.split(' ').nth(1).unwrap_or_default();
    let body = match (first.starts_with("PUT"), path) {
        (true, _) => "a-token-of-the-instance".to_owned(),
        (_, "/latest/meta-data/iam/security-credentials/") => "role".to_owned(),
        (_, "/") => assumed(issued),
        (_, path) if path.starts_with("/federation/") => federated(issued),
        _ => plain(issued),
    };
    let kind = if path == "/" {
        "text/xml"
    } else {
        "application/json"
    };
    let mut client = client;
    write!(
        client,
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nx-aws-ec2-metadata-token-ttl-seconds: 600\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A number, and when credentials of now expire.
fn next(issued: &AtomicU32) -> (u32, String) {
    let number = issued.fetch_add(1, Ordering::Relaxed);
    let expires = jiff::Timestamp::try_from(SystemTime::now() + LIFE).unwrap();
    (number, expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn plain(issued: &AtomicU32) -> String {
    let (number, expires) = next(issued);
    format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","LastUpdated":"2026-01-01T00:00:00Z",
        "AccessKeyId":"ASIA{number:06}","SecretAccessKey":"secret","Token":"token{number}",
        "Expiration":"{expires}"}}"#
    )
}

fn federated(issued: &AtomicU32) -> String {
    let (number, expires) = next(issued);
    let expires: jiff::Timestamp = expires.parse().unwrap();
    format!(
        r#"{{"roleCredentials":{{"accessKeyId":"ASIA{number:06}","secretAccessKey":"secret",
        "sessionToken":"token{number}","expiration":{}}}}}"#,
        expires.as_millisecond()
    )
}

fn assumed(issued: &AtomicU32) -> String {
    let (number, expires) = next(issued);
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <Credentials><AccessKeyId>ASIA{number:06}</AccessKeyId><SecretAccessKey>secret\
         </SecretAccessKey><SessionToken>token{number}</SessionToken><Expiration>{expires}\
         </Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::000000000000:assumed-role/\
         load/run</Arn><AssumedRoleId>A:run</AssumedRoleId></AssumedRoleUser></AssumeRoleResult>\
         </AssumeRoleResponse>"
    )
}

/// A run of five seconds through a proxy that notes whose calls it sees; keys of all
/// BatchWriteItem calls, each once.
fn keys_of_a_run(client: &str, with: impl FnOnce(&mut Command, &World)) -> Vec<String> {
    let world = World::new();
    let proxy = Proxy::before(world.address);
    let file = world.folder.path().join("result.json");
    let words = format!(
        "run --target aws --cloudwatch off --devices 100 -r 100/s -w 0s -d 5s --via none \
         --client {client} -o {}",
        file.display()
    );
    let mut command = world.command(&words);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_ENDPOINT_URL", format!("http://{}", proxy.address));
    with(&mut command, &world);
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{client}: {stderr}");
    let result: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(result["ledger"]["closed"], true);
    assert_eq!(result["ledger"]["failed"], 0, "{client}");
    assert_eq!(result["calls"]["failed"], serde_json::json!([]), "{client}");
    proxy.keys("BatchWriteItem")
}

#[track_caller]
fn assert_renewed(client: &str, keys: &[String], issuer: &Issuer) {
    assert!(keys.len() > 1, "{client}: {keys:?}");
    assert!(keys.iter().all(|key| key.starts_with("ASIA")), "{keys:?}");
    assert!(issuer.issued() as usize >= keys.len());
}

#[test]
fn a_containers_credentials_are_renewed_while_a_run_sends() {
    for client in ["sdk", "direct"] {
        let issuer = Issuer::start();
        let keys = keys_of_a_run(client, |command, _| {
            let url = format!("{}/credentials", issuer.url());
            command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
        });
        assert_renewed(client, &keys, &issuer);
    }
}

#[test]
fn an_instances_credentials_are_renewed_while_a_run_sends() {
    for client in ["sdk", "direct"] {
        let issuer = Issuer::start();
        let keys = keys_of_a_run(client, |command, _| {
            command
                .env_remove("AWS_EC2_METADATA_DISABLED")
                .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", issuer.url());
        });
        assert_renewed(client, &keys, &issuer);
    }
}

#[test]
fn an_assumed_roles_credentials_are_renewed_while_a_run_sends() {
    for client in ["sdk", "direct"] {
        let issuer = Issuer::start();
        let keys = keys_of_a_run(client, |command, world| {
            let file = world.folder.path().join("config");
            let config = "[profile load]\nrole_arn = arn:aws:iam::000000000000:role/load\n\
                          source_profile = base\n\n[profile base]\naws_access_key_id = AKIABASE\n\
                          aws_secret_access_key = secret\n";
            std::fs::write(&file, config).unwrap();
            command
                .args(["--aws-profile", "load"])
                .env("AWS_CONFIG_FILE", file)
                .env("AWS_ENDPOINT_URL_STS", issuer.url());
        });
        assert_renewed(client, &keys, &issuer);
    }
}

/// As after `aws sso login`, which leaves the portal's token in a file that is named
/// after the session.
#[test]
fn a_portals_credentials_are_renewed_while_a_run_sends() {
    for client in ["sdk", "direct"] {
        let issuer = Issuer::start();
        let keys = keys_of_a_run(client, |command, world| {
            let home = world.folder.path();
            let cache = home.join(".aws/sso/cache");
            std::fs::create_dir_all(&cache).unwrap();
            let config = "[profile load]\nsso_session = portal\nsso_account_id = 000000000000\n\
                          sso_role_name = load\n\n[sso-session portal]\n\
                          sso_region = us-east-1\nsso_start_url = https://portal.invalid/start\n";
            std::fs::write(home.join(".aws/config"), config).unwrap();
            let token = r#"{"accessToken":"of-the-portal","expiresAt":"2099-01-01T00:00:00Z",
                "startUrl":"https://portal.invalid/start","region":"us-east-1"}"#;
            // printf portal | sha1sum
            let named = "23f3fd77a464cbe250150f60d785f08978d07e40.json";
            std::fs::write(cache.join(named), token).unwrap();
            command
                .args(["--aws-profile", "load"])
                .env("HOME", home)
                .env_remove("AWS_CONFIG_FILE")
                .env("AWS_ENDPOINT_URL_SSO", issuer.url());
        });
        assert_renewed(client, &keys, &issuer);
    }
}

/// Each service has its own variable, and a profile may name the endpoint instead.
#[test]
fn endpoints_are_found_where_the_sdks_look_for_them() {
    for by_profile in [false, true] {
        let world = World::new();
        let (dynamodb, kinesis) = (Proxy::before(world.address), Proxy::before(world.address));
        let words = "run --target aws --cloudwatch off --devices 100 -r 100/s -w 0s -d 1s";
        let mut command = world.command(words);
        let urls = [&dynamodb, &kinesis].map(|proxy| format!("http://{}", proxy.address));
        if by_profile {
            let file = world.folder.path().join("config");
            let config = format!(
                "[default]\nservices = here\n\n[services here]\ndynamodb =\n  endpoint_url = {}\n\
                 kinesis =\n  endpoint_url = {}\nsts =\n  endpoint_url = {}\n",
                urls[0], urls[1], urls[1]
            );
            std::fs::write(&file, config).unwrap();
            command.env("AWS_CONFIG_FILE", file);
        } else {
            command
                .env("AWS_ENDPOINT_URL_DYNAMODB", &urls[0])
                .env("AWS_ENDPOINT_URL_KINESIS", &urls[1])
                .env("AWS_ENDPOINT_URL_STS", &urls[1]);
        }
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        let only = |proxy: &Proxy, service: &str| {
            let seen = proxy.seen();
            let services = seen.iter().filter(|name| !name.ends_with(':'));
            assert!(services.clone().count() > 0, "{seen:?}");
            assert!(
                services.clone().all(|name| name.starts_with(service)),
                "{seen:?}"
            );
        };
        only(&dynamodb, "dynamodb:");
        only(&kinesis, "kinesis:");
    }
}
