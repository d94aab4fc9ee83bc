//! Sending over real HTTP: both clients do the same, and account for it alike.

#![allow(clippy::unwrap_used)]

#[path = "support/account.rs"]
mod account;
#[path = "support/scripted.rs"]
mod scripted;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use account::{Account, Ten};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use hrload::aws::{Options, Target, connect};
use hrload::clock::Clock;
use hrload::codec::Layout;
use hrload::load::{
    Abort, Backoff, Client, Config, Direct, DirectError, NotedCalls, Sdk, Stop, run, run_with,
};
use hrload::measure::{IntervalSink, Ledger, Reach, Rendezvous, SendRecorder, Stage};
use scripted::{Answer, Received, Scripted};

const BOTH: [&str; 2] = ["sdk", "direct"];

fn on_a_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

/// Sends ten readings in batches of five, one call at a time, without pauses,
/// so that the calls come in one order only.
fn send_ten(client: &str, server: &Scripted, layout: Layout, timeout: Duration) -> Account {
    send_ten_noting(client, server, layout, timeout).0
}

fn send_ten_noting(
    client: &str,
    server: &Scripted,
    layout: Layout,
    timeout: Duration,
) -> (Account, NotedCalls) {
    on_a_runtime(async {
        let options = Options {
            timeout,
            ..Options::default()
        };
        let connection = connect(&Target::Local(server.address), &options)
            .await
            .unwrap();
        let client = match client {
            "sdk" => Client::Sdk(Sdk::new(connection.worker_dynamodb())),
            _ => {
                let direct = Direct::new(
                    &connection.dynamodb_endpoint,
                    &connection.region,
                    connection.credentials.clone(),
                    options.connect_timeout,
                    timeout,
                );
                Client::Direct(direct.unwrap())
            }
        };
        send_noting(&client, layout, timeout).await
    })
}

async fn send(client: &Client, layout: Layout, timeout: Duration) -> Account {
    send_noting(client, layout, timeout).await.0
}

async fn send_noting(client: &Client, layout: Layout, timeout: Duration) -> (Account, NotedCalls) {
    let clock = Clock::start();
    let now_us = clock.now_us();
    let stop = Stop::at(now_us + 1);
    let config = Config {
        batch: 5,
        in_flight: 1,
        attempts: 3,
        backoff: Backoff {
            base: Duration::ZERO,
            cap: Duration::ZERO,
        },
        end_grace: Duration::from_secs(60),
        timeout,
        ..Config::new("heart-rates", layout, 10.0)
    };
    let mut account = Account::default();
    let outcome = run_with(&config, Ten::at(now_us), client, clock, &mut account, &stop).await;
    assert_eq!(outcome.calls as usize, account.attempts.len());
    account.abort = stop
        .abort_reason()
        .map(|Abort { code, message }| format!("{code}: {message}"));
    (account, outcome.noted)
}

fn error(status: u16, body: &str) -> Answer {
    Answer::Raw(status, "application/x-amz-json-1.0", body.to_owned())
}

#[test]
fn both_clients_account_alike_for_whatever_the_service_answers() {
    const PATIENT: Duration = Duration::from_secs(20);
    const IMPATIENT: Duration = Duration::from_millis(300);
    let provisioned = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down","ThrottlingReasons":[{"reason":"TableWriteProvisionedThroughputExceeded","resource":"arn:aws:dynamodb:us-east-1:123456789012:table/heart-rates"}]}"#;
    let on_demand = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down","throttlingReasons":[{"reason":"TableWriteMaxOnDemandThroughputExceeded","resource":"arn"},{"reason":"TableWriteKeyRangeThroughputExceeded","resource":"arn"}]}"#;
    let validation =
        r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"bad"}"#;
    let denied =
        r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not you"}"#;
    let html = Answer::Raw(500, "text/html", "<html><body>Oops</body></html>".into());
    let all_written: &[(&str, usize)] = &[("acknowledged", 10)];

    struct Case<'a> {
        name: &'a str,
        script: Vec<Answer>,
        timeout: Duration,
        attempts: Vec<&'a str>,
        ends: &'a [(&'a str, usize)],
        abort: Option<&'a str>,
    }
    let case = |name, script, attempts| Case {
        name,
        script,
        timeout: PATIENT,
        attempts,
        ends: all_written,
        abort: None,
    };
    let cases = [
        case("all written", vec![], vec!["5+0", "5+0"]),
        case(
            "connections closed after each answer",
            vec![Answer::WrittenAndClosed, Answer::WrittenAndClosed],
            vec!["5+0", "5+0"],
        ),
        case(
            "some come back, and leave again with new ones",
            vec![Answer::Unprocessed(2), Answer::Unprocessed(1)],
            vec!["3+2", "4+1", "3+0"],
        ),
        case(
            "all come back",
            vec![Answer::Unprocessed(5)],
            vec!["0+5", "5+0", "5+0"],
        ),
        case(
            "provisioned throughput exceeded",
            vec![error(400, provisioned)],
            vec![
                "ProvisionedThroughputExceededException TableWriteProvisionedThroughputExceeded",
                "5+0",
                "5+0",
            ],
        ),
        case(
            "throttled on demand, for two reasons",
            vec![error(400, on_demand)],
            vec![
                "ThrottlingException TableWriteKeyRangeThroughputExceeded+TableWriteMaxOnDemandThroughputExceeded",
                "5+0",
                "5+0",
            ],
        ),
        Case {
            ends: &[("ThrottlingException", 5), ("acknowledged", 5)],
            ..case(
                "throttled once too often",
                vec![
                    Answer::Written,
                    error(400, on_demand),
                    error(400, on_demand),
                    error(400, on_demand),
                ],
                vec![
                    "5+0",
                    "ThrottlingException TableWriteKeyRangeThroughputExceeded+TableWriteMaxOnDemandThroughputExceeded",
                    "ThrottlingException TableWriteKeyRangeThroughputExceeded+TableWriteMaxOnDemandThroughputExceeded",
                    "ThrottlingException TableWriteKeyRangeThroughputExceeded+TableWriteMaxOnDemandThroughputExceeded",
                ],
            )
        },
        case(
            "an answer that is not what was sent",
            vec![Answer::Garbled],
            vec!["crc32-mismatch", "5+0", "5+0"],
        ),
        case(
            "a page instead of an answer",
            vec![html],
            vec!["http-500", "5+0", "5+0"],
        ),
        case(
            "an internal error",
            vec![error(
                500,
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}"#,
            )],
            vec!["InternalServerError", "5+0", "5+0"],
        ),
        case(
            "a dropped connection",
            vec![Answer::Written, Answer::Drop],
            vec!["5+0", "connection", "5+0"],
        ),
        Case {
            timeout: IMPATIENT,
            ..case(
                "an answer that comes too late",
                vec![Answer::Late(Duration::from_secs(30))],
                vec!["timeout", "5+0", "5+0"],
            )
        },
        case(
            "an answer that says nothing",
            vec![error(200, "{}")],
            vec!["unreadable-answer", "5+0", "5+0"],
        ),
        case(
            "an answer that is no JSON",
            vec![error(200, "<ok/>")],
            vec!["unreadable-answer", "5+0", "5+0"],
        ),
        Case {
            ends: &[("ValidationException", 5), ("acknowledged", 5)],
            ..case(
                "a call that is refused",
                vec![error(400, validation)],
                vec!["ValidationException", "5+0"],
            )
        },
        Case {
            ends: &[("AccessDeniedException", 5), ("cut off", 5)],
            abort: Some("AccessDeniedException: not you"),
            ..case(
                "no access",
                vec![error(400, denied)],
                vec!["AccessDeniedException"],
            )
        },
    ];
    for case in cases {
        for client in BOTH {
            let name = format!("{}, {client}", case.name);
            let server = Scripted::start(case.script.clone());
            let account = send_ten(client, &server, Layout::Post, case.timeout);
            assert_eq!(account.attempts, case.attempts, "{name}");
            let ends: Vec<(&str, usize)> = account.ends().into_iter().collect();
            assert_eq!(ends, case.ends, "{name}");
            assert_eq!(account.abort.as_deref(), case.abort, "{name}");
            assert_eq!(account.scheduled, 10, "{name}");
            let cut_off = account
                .ends
                .values()
                .filter(|how| *how == "cut off")
                .count();
            assert_eq!(account.sent, 10 - cut_off, "{name}");
            assert_eq!(server.received().len(), account.attempts.len(), "{name}");
        }
    }
}

#[test]
fn both_clients_keep_the_ids_of_the_slowest_calls_and_of_those_that_failed() {
    let late = Answer::Late(Duration::from_millis(200));
    for client in ["sdk", "direct"] {
        let refused = r#"{"__type":"x#InternalServerError","message":"m"}"#;
        let script = vec![error(500, refused), Answer::Drop, late.clone()];
        let server = Scripted::start(script);
        let patient = Duration::from_secs(20);
        let (_, noted) = send_ten_noting(client, &server, Layout::Post, patient);
        let failed: Vec<_> = noted
            .failed_calls()
            .map(|call| (call.code.as_deref(), call.request_id.text(), call.items))
            .collect();
        assert_eq!(
            failed,
            [
                (Some("InternalServerError"), Some("REQUEST0"), 5),
                (Some("connection"), None, 5)
            ],
            "{client}"
        );
        let slowest = &noted.slowest()[0];
        assert_eq!(slowest.request_id.text(), Some("REQUEST2"), "{client}");
        assert!(slowest.took_us >= 200_000, "{client}: {slowest:?}");
        assert_eq!(noted.slowest().len(), 2, "{client}");
    }
}

#[test]
fn both_clients_send_the_same_items_in_every_layout_and_recognise_those_that_come_back() {
    for layout in [Layout::Post, Layout::TimeSeries, Layout::Fhir] {
        for client in BOTH {
            let server = Scripted::start(vec![Answer::Unprocessed(3)]);
            let account = send_ten(client, &server, layout, Duration::from_secs(20));
            assert_eq!(
                account.attempts,
                ["2+3", "5+0", "3+0"],
                "{layout:?}, {client}"
            );
            assert_eq!(account.ends().get("acknowledged"), Some(&10));
            assert_eq!(account.settled_batches, 3);

            // Each item exactly as the codec writes it, whoever sent it.
            let received = server.received();
            let key = layout.key_schema().partition.0;
            let mut items = BTreeMap::new();
            for request in &received {
                let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
                assert_eq!(body["ReturnConsumedCapacity"], "TOTAL");
                for put in body["RequestItems"]["heart-rates"].as_array().unwrap() {
                    let item = put["PutRequest"]["Item"].clone();
                    items.insert(item[key]["S"].as_str().unwrap().to_owned(), item);
                }
            }
            assert_eq!(items.len(), 10, "{layout:?}, {client}");
            let again: serde_json::Value = serde_json::from_slice(&received[1].body).unwrap();
            let first: serde_json::Value = serde_json::from_slice(&received[0].body).unwrap();
            let puts =
                |body: &serde_json::Value, n: usize| body["RequestItems"]["heart-rates"][n].clone();
            for n in 0..3 {
                assert_eq!(puts(&again, n), puts(&first, n), "{layout:?}, {client}");
            }
        }
    }
}

/// Computes the signature of a received request anew, by AWS's own crate, from
/// the headers that the request says are signed.
fn verify(received: &Received, host: &str, credentials: &Credentials) {
    let header = |name: &str| received.headers[name].to_str().unwrap();
    let authorization = header("authorization");
    let (_, signed) = authorization.split_once("SignedHeaders=").unwrap();
    let (signed, signature) = signed.split_once(", Signature=").unwrap();
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", header("x-amz-date")).unwrap();
    let date: SystemTime = date
        .to_zoned(jiff::tz::TimeZone::UTC)
        .unwrap()
        .timestamp()
        .into();

    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("dynamodb")
        .time(date)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let added = ["x-amz-date", "x-amz-security-token"];
    let headers = signed.split(';').filter(|name| !added.contains(name));
    let headers: Vec<(&str, &str)> = headers.map(|name| (name, header(name))).collect();
    for needed in ["host", "content-type", "x-amz-target"] {
        assert!(
            headers.iter().any(|(name, _)| *name == needed),
            "{needed} in {signed}"
        );
    }
    assert_eq!(
        signed.contains("x-amz-security-token"),
        credentials.session_token().is_some()
    );
    let url = format!("http://{host}{}", received.path);
    let body = SignableBody::Bytes(&received.body);
    let request = SignableRequest::new("POST", url, headers.into_iter(), body).unwrap();
    let (_, expected) = sign(request, &params).unwrap().into_parts();
    assert_eq!(signature, expected);
}

/// A `direct` client of `server` with these credentials.
fn direct(server: &Scripted, credentials: impl ProvideCredentials + 'static) -> Client {
    let direct = Direct::new(
        &format!("http://{}", server.address).parse().unwrap(),
        "us-east-1",
        SharedCredentialsProvider::new(credentials),
        Duration::from_secs(3),
        Duration::from_secs(20),
    );
    Client::Direct(direct.unwrap())
}

#[test]
fn direct_signs_as_the_sdk_does() {
    let server = Scripted::start(vec![]);
    send_ten("sdk", &server, Layout::Post, Duration::from_secs(20));
    let by_sdk = server.received();
    let host = server.address.to_string();
    let local = Credentials::new("hrload", "hrload", None, None, "test");
    verify(&by_sdk[0], &host, &local); // the check itself holds

    for token in [None, Some("a+session/token==".to_owned())] {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", token, None, "test");
        let server = Scripted::start(vec![]);
        let client = direct(&server, credentials.clone());
        on_a_runtime(send(&client, Layout::Post, Duration::from_secs(20)));
        let received = server.received();
        assert_eq!(received.len(), 2);
        for request in &received {
            verify(request, &server.address.to_string(), &credentials);
            for name in ["content-type", "x-amz-target"] {
                assert_eq!(request.headers[name], by_sdk[0].headers[name]);
            }
            assert_eq!(request.path, by_sdk[0].path);
            let token = request.headers.get("x-amz-security-token");
            let token = token.map(|token| token.to_str().unwrap());
            assert_eq!(token, credentials.session_token());
            let length = request.headers["content-length"].to_str().unwrap();
            assert_eq!(length.parse(), Ok(request.body.len()));
        }
    }
}

/// Gives other keys each time it is asked; they live this long.
#[derive(Debug)]
struct Rotating {
    asked: Arc<AtomicU32>,
    life: Duration,
}

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let expires = SystemTime::now() + self.life;
        let key = format!("AKID{number}");
        let credentials = Credentials::new(key, "secret", None, Some(expires), "rotating");
        future::ProvideCredentials::ready(Ok(credentials))
    }
}

#[test]
fn direct_asks_for_credentials_once_and_again_when_they_expire() {
    for (life, asked_for_two_calls) in [(Duration::from_secs(3_600), 1), (Duration::ZERO, 2)] {
        let asked = Arc::new(AtomicU32::new(0));
        let rotating = Rotating {
            asked: Arc::clone(&asked),
            life,
        };
        let server = Scripted::start(vec![]);
        let client = direct(&server, rotating);
        on_a_runtime(send(&client, Layout::Post, Duration::from_secs(20)));
        assert_eq!(
            asked.load(Ordering::Relaxed),
            asked_for_two_calls,
            "{life:?}"
        );
        let last = &server.received()[1].headers["authorization"];
        let key = format!("Credential=AKID{}/", asked_for_two_calls - 1);
        assert!(last.to_str().unwrap().contains(&key), "{last:?}");
    }
}

#[test]
fn a_run_without_credentials_is_aborted_and_says_why() {
    #[derive(Debug)]
    struct None;
    impl ProvideCredentials for None {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let error =
                aws_credential_types::provider::error::CredentialsError::not_loaded("nothing here");
            future::ProvideCredentials::ready(Err(error))
        }
    }
    let server = Scripted::start(vec![]);
    let client = direct(&server, None);
    let account = on_a_runtime(send(&client, Layout::Post, Duration::from_secs(20)));
    let abort = account.abort.unwrap();
    assert!(
        abort.starts_with("credentials: ") && abort.contains("nothing here"),
        "{abort}"
    );
    assert_eq!(account.attempts, ["credentials"]);
    assert_eq!(server.received().len(), 0);
}

#[test]
fn direct_keeps_its_connection_and_makes_another_when_the_server_closes_it() {
    for (script, connections, attempts) in [
        (vec![], 1, vec!["5+0", "5+0"]),
        (vec![Answer::WrittenAndClosed], 2, vec!["5+0", "5+0"]),
        (vec![Answer::Drop], 2, vec!["connection", "5+0", "5+0"]),
    ] {
        let server = Scripted::start(script);
        let account = send_ten("direct", &server, Layout::Post, Duration::from_secs(20));
        assert_eq!(account.attempts, attempts);
        assert_eq!(account.ends().get("acknowledged"), Some(&10));
        assert_eq!(server.connections(), connections);
    }
}

#[test]
fn the_ledger_of_a_run_closes() {
    let script = vec![
        Answer::Unprocessed(2),
        error(500, "{}"),
        Answer::Drop,
        Answer::Unprocessed(1),
    ];
    let server = Scripted::start(script);
    let client = direct(&server, Credentials::new("a", "b", None, None, "test"));
    let (sink, _intervals) = IntervalSink::channel();
    let clock = Clock::start();
    let now_us = clock.now_us();
    let reach = Reach {
        run_start_us: now_us,
        measure_start_us: now_us,
        devices: 10,
    };
    let recorder = SendRecorder::new(reach, sink, Arc::new(Rendezvous::new(64)));
    let config = Config {
        attempts: 5,
        measure_start_us: now_us,
        backoff: Backoff {
            base: Duration::from_millis(2),
            ..Backoff::default()
        },
        end_grace: Duration::from_secs(60),
        ..Config::new("heart-rates", Layout::Post, 10.0)
    };
    let (source, stop) = (Ten::at(now_us), Stop::at(now_us + 1));
    let done = on_a_runtime(run(&config, source, client, clock, recorder, stop));
    let ledger = Ledger::new(&done.record, None);
    assert!(ledger.closed(), "{:?}", ledger.broken());
    assert_eq!((ledger.scheduled, ledger.acknowledged), (10, 10));
    assert_eq!(done.record.latencies.get(Stage::Response).count(), 10);
    assert_eq!(done.record.counts.calls, done.outcome.calls);
}

#[test]
fn an_endpoint_that_nobody_listens_at_fails_calls_and_not_the_worker() {
    let server = Scripted::start(vec![]);
    let client = direct(&server, Credentials::new("a", "b", None, None, "test"));
    drop(server);
    let account = on_a_runtime(send(&client, Layout::Post, Duration::from_secs(20)));
    assert_eq!(account.ends().get("connection"), Some(&10));
    assert_eq!(account.attempts.len(), 6);
}

#[test]
fn an_endpoint_that_is_no_url_is_refused() {
    for endpoint in ["localhost:8000", "/path", "ftp://host"] {
        let credentials =
            SharedCredentialsProvider::new(Credentials::new("a", "b", None, None, "t"));
        let second = Duration::from_secs(1);
        let refused = Direct::new(
            &endpoint.parse().unwrap(),
            "us-east-1",
            credentials,
            second,
            second,
        );
        assert!(
            matches!(refused, Err(DirectError::Endpoint(_))),
            "{endpoint}"
        );
        let said = refused.unwrap_err().to_string();
        assert!(
            said.contains(endpoint) && said.contains("https://host"),
            "{said}"
        );
    }
}

#[test]
fn the_local_target_needs_nothing_of_a_persons_account() {
    let server = Scripted::start(vec![Answer::Raw(
        200,
        "application/x-amz-json-1.0",
        r#"{"TableNames":["heart-rates"]}"#.into(),
    )]);
    on_a_runtime(async {
        let target = Target::Local(server.address);
        let connection = connect(&target, &Options::default()).await.unwrap();
        assert_eq!(connection.region, "us-east-1");
        assert_eq!(
            connection.dynamodb_endpoint.to_string(),
            format!("http://{}/", server.address)
        );
        let tables = connection.dynamodb.list_tables().send().await.unwrap();
        assert_eq!(tables.table_names(), ["heart-rates"]);
    });
}
