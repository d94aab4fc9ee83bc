//! Compressed requests and answers.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use hrload_local::Services;
use serde_json::{Value, json};

use crate::http::{Raw, SIGNED, call, connect, create_table, exchange, put, request, services};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A call with a further header.
fn call_with(services: &Services, operation: &str, header: &str, body: &[u8]) -> Raw {
    let target = format!("DynamoDB_20120810.{operation}");
    let headers = format!("{SIGNED}{header}\r\n");
    let bytes = request(&target, &headers, body);
    exchange(&mut connect(services), &bytes).unwrap()
}

#[test]
fn requests_may_be_compressed() {
    let services = services("");
    create_table(&services, false);
    let item = |id: &str| {
        let body = json!({"TableName": "t.t", "Item": {"id": {"S": id}}});
        body.to_string().into_bytes()
    };
    for (header, body) in [
        ("Content-Encoding: gzip", gzip(&item("gzip"))),
        ("content-encoding: GZIP", gzip(&item("upper"))),
        ("Content-Encoding: deflate", deflate(&item("deflate"))),
        ("Content-Encoding: identity", item("identity")),
    ] {
        let raw = call_with(&services, "PutItem", header, &body);
        assert_eq!(raw.status, 200, "{header}: {}", raw.json());
    }
    let scan = call(&services, "Scan", &json!({"TableName": "t.t"})).unwrap();
    let mut ids: Vec<Value> = scan.json()["Items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"]["S"].clone())
        .collect();
    ids.sort_by_key(Value::to_string);
    assert_eq!(ids, ["deflate", "gzip", "identity", "upper"]);

    let whole = gzip(&item("a"));
    let zeros = gzip(&vec![b' '; (16 << 20) + 1]);
    for (header, body, status, kind) in [
        (
            "Content-Encoding: gzip",
            &whole[..whole.len() / 2],
            400,
            "SerializationException",
        ),
        (
            "Content-Encoding: deflate",
            &whole[..],
            400,
            "SerializationException",
        ),
        ("Content-Encoding: br", b"{}", 400, "SerializationException"),
        (
            "Content-Encoding: gzip",
            &zeros[..],
            413,
            "RequestEntityTooLargeException",
        ),
    ] {
        let raw = call_with(&services, "PutItem", header, body);
        assert_eq!(raw.status, status, "{header}");
        let found = raw.json()["__type"].as_str().unwrap().to_owned();
        assert!(found.ends_with(kind), "{header}: {}", raw.json());
    }
}

#[test]
fn large_answers_are_compressed_for_those_who_ask() {
    let services = services("");
    create_table(&services, false);
    for n in 0..200 {
        put(&services, &format!("{n:0>100}")).unwrap();
    }
    let scan = json!({"TableName": "t.t"}).to_string().into_bytes();
    let plain = call(&services, "Scan", &json!({"TableName": "t.t"})).unwrap();
    assert_eq!(plain.header("content-encoding"), None);
    assert!(plain.body.len() > 4096);
    for (accept, encoding) in [
        ("gzip", Some("gzip")),
        ("deflate, gzip;q=0.5", Some("gzip")),
        ("deflate", Some("deflate")),
        ("gzip;q=0, deflate", Some("deflate")),
        ("*", Some("gzip")),
        ("identity", None),
        ("gzip;q=0", None),
        ("br", None),
    ] {
        let header = format!("Accept-Encoding: {accept}");
        let raw = call_with(&services, "Scan", &header, &scan);
        assert_eq!(raw.status, 200, "{accept}");
        assert_eq!(raw.header("content-encoding"), encoding, "{accept}");
        let checksum = crc32fast::hash(&raw.body).to_string();
        assert_eq!(raw.header("x-amz-crc32"), Some(&*checksum), "{accept}");
        let mut body = Vec::new();
        match encoding {
            Some("gzip") => GzDecoder::new(&*raw.body).read_to_end(&mut body).unwrap(),
            Some(_) => ZlibDecoder::new(&*raw.body).read_to_end(&mut body).unwrap(),
            None => (&*raw.body).read_to_end(&mut body).unwrap(),
        };
        assert_eq!(body, plain.body, "{accept}");
        assert!(encoding.is_none() || raw.body.len() < plain.body.len() / 2);
    }
    // What is small is sent as it is.
    let header = "Accept-Encoding: gzip";
    let small = call_with(&services, "ListTables", header, b"{}");
    assert_eq!(small.header("content-encoding"), None);
    assert_eq!(small.json()["TableNames"], json!(["t.t"]));
}
