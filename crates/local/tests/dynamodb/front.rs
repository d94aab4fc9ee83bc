//! Who may ask, and what those hear who ask for something else.

use hrload_local::Services;
use serde_json::json;

use crate::http::{Raw, SIGNED, connect, exchange, request};

const LIST: &str = "DynamoDB_20120810.ListTables";

fn guarded(hosts: &[&str], origins: &[&str]) -> Services {
    Services::builder()
        .allow_hosts(hosts.iter().map(|name| name.parse().unwrap()).collect())
        .allow_origins(origins.iter().map(|name| name.parse().unwrap()).collect())
        .start()
        .unwrap()
}

/// Lists the tables, asking by the name `host`.
fn list_as(services: &Services, host: &str) -> Raw {
    let asks = format!(
        "POST / HTTP/1.1\r\n{host}X-Amz-Target: {LIST}\r\nContent-Length: 2\r\n{SIGNED}\r\n{{}}"
    );
    exchange(&mut connect(services), asks.as_bytes()).unwrap()
}

#[test]
fn a_page_elsewhere_whose_name_leads_here_is_refused_whatever_it_asks() {
    let services = guarded(&["bench.example"], &[]);
    for (host, status) in [
        ("Host: 127.0.0.1:8000\r\n", 200),
        ("Host: localhost\r\n", 200),
        ("Host: BENCH.example:8000\r\n", 200),
        ("Host: evil.example\r\n", 403),
        ("Host: localhost.evil.example:8000\r\n", 403),
        ("", 403),
    ] {
        assert_eq!(list_as(&services, host).status, status, "{host}");
    }
    let refused = list_as(&services, "Host: evil.example\r\n").json();
    assert_eq!(
        refused["__type"],
        "com.amazon.coral.service#AccessDeniedException"
    );
    let says = refused["Message"].as_str().unwrap();
    assert!(says.contains("--allow-host"), "{says}");
    for asks in [
        "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(),
        "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        format!(
            "POST / HTTP/1.1\r\nHost: evil.example\r\nX-Amz-Target: \
             Kinesis_20131202.ListStreams\r\nContent-Length: 2\r\n{SIGNED}\r\n{{}}"
        ),
    ] {
        let raw = exchange(&mut connect(&services), asks.as_bytes()).unwrap();
        assert_eq!(raw.status, 403, "{asks}");
    }
}

fn preflight(services: &Services, origin: &str) -> Raw {
    let asks = format!(
        "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\
         Access-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: authorization,x-amz-target\r\n\
         Access-Control-Request-Private-Network: true\r\n\r\n"
    );
    exchange(&mut connect(services), asks.as_bytes()).unwrap()
}

#[test]
fn pages_are_answered_where_their_origin_was_allowed_and_nowhere_else() {
    let services = guarded(&[], &["http://localhost:5173"]);
    let raw = preflight(&services, "http://localhost:5173");
    assert_eq!(raw.status, 200);
    for (header, value) in [
        ("access-control-allow-origin", "http://localhost:5173"),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", "authorization,x-amz-target"),
        ("access-control-allow-private-network", "true"),
        ("access-control-max-age", "172800"),
        ("vary", "Origin"),
    ] {
        assert_eq!(raw.header(header), Some(value), "{header}");
    }
    let call = |origin: &str| {
        let headers = format!("{SIGNED}Origin: {origin}\r\n");
        exchange(&mut connect(&services), &request(LIST, &headers, b"{}")).unwrap()
    };
    let raw = call("http://localhost:5173");
    assert_eq!(
        raw.header("access-control-allow-origin"),
        Some("http://localhost:5173")
    );
    assert!(
        raw.header("access-control-expose-headers")
            .is_some_and(|names| names.contains("x-amz-crc32"))
    );
    // A page that may not is not told what the answer is.
    assert_eq!(
        call("http://localhost:1").header("access-control-allow-origin"),
        None
    );
    let none = guarded(&[], &[]);
    let every = guarded(&[], &["*"]);
    for (services, origin, status) in [
        (&services, "http://localhost:1", 403),
        (&services, "null", 403),
        (&none, "http://localhost:5173", 403),
        (&every, "https://app.example", 200),
    ] {
        let raw = preflight(services, origin);
        assert_eq!(raw.status, status, "{origin}");
        let allowed = raw.header("access-control-allow-origin");
        assert_eq!(allowed, (status == 200).then_some(origin));
    }
}

#[test]
fn a_service_that_is_not_here_is_told_which_ones_are() {
    let services = guarded(&[], &[]);
    for (target, says) in [
        (
            "Logs_20140328.PutLogEvents",
            "not Logs_20140328.PutLogEvents",
        ),
        ("", "X-Amz-Target names none"),
    ] {
        let raw = exchange(&mut connect(&services), &request(target, SIGNED, b"{}")).unwrap();
        assert_eq!(raw.status, 400);
        let answer = raw.json();
        assert_eq!(
            answer["__type"],
            "com.amazon.coral.service#UnknownOperationException"
        );
        let text = answer["message"].as_str().unwrap();
        assert!(text.contains("DynamoDB Streams and Kinesis"), "{text}");
        assert!(text.contains(says), "{text}");
    }
    // STS and its like speak XML.
    let asks = "POST / HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 24\r\n\r\n\
                Action=GetCallerIdentity";
    // So does S3.
    let bucket = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{SIGNED}\r\n");
    for asks in [asks.to_owned(), bucket] {
        let raw = exchange(&mut connect(&services), asks.as_bytes()).unwrap();
        let text = String::from_utf8(raw.body).unwrap();
        assert!(
            text.contains("<Code>UnknownOperationException</Code>"),
            "{text}"
        );
        assert!(text.contains("DynamoDB Streams and Kinesis"), "{text}");
    }
}

#[test]
fn a_body_that_is_too_large_is_read_to_its_end_so_that_the_answer_is_seen() {
    let services = guarded(&[], &[]);
    let mut stream = connect(&services);
    let too_large = request(LIST, SIGNED, &vec![b' '; (16 << 20) + 1]);
    let chunked = [
        format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: {LIST}\r\n\
             Transfer-Encoding: chunked\r\n{SIGNED}\r\n1000001\r\n"
        )
        .into_bytes(),
        vec![b' '; (16 << 20) + 1],
        b"\r\n0\r\n\r\n".to_vec(),
    ]
    .concat();
    for asks in [&too_large, &chunked] {
        let raw = exchange(&mut stream, asks).unwrap();
        assert_eq!(raw.status, 413);
        assert_eq!(raw.header("connection"), None);
    }
    // The connection goes on.
    let raw = exchange(&mut stream, &request(LIST, SIGNED, b"{}")).unwrap();
    assert_eq!(raw.json(), json!({"TableNames": []}));
    // Who asks before sending is told at once, and who stops in the middle is told, too.
    let expects = format!("{SIGNED}Expect: 100-continue\r\n");
    for asks in [
        request(LIST, &expects, &vec![b' '; (16 << 20) + 1])[..600].to_vec(),
        too_large[..600].to_vec(),
    ] {
        let raw = exchange(&mut connect(&services), &asks).unwrap();
        assert_eq!((raw.status, raw.header("connection")), (413, Some("close")));
    }
}
