//! Compressed bodies, in the ways in which DynamoDB takes and sends them.
//!
//! In goes what stands between a connection and an operation: a request's body with
//! its `Content-Encoding`, an answer with the request's `Accept-Encoding`. Bodies that
//! are not compressed pass as they are. Kinesis does without.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use flate2::Compression;
use flate2::bufread::{GzEncoder, MultiGzDecoder, ZlibDecoder, ZlibEncoder};
use http::Response;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};

use super::Failure;
use super::body::{Body, Held};

/// An answer that is not larger is never compressed.
const SMALL_ANSWER_BYTES: usize = 4 << 10;

/// The body of a request before it was compressed, which has at most `most` bytes.
pub(super) fn decoded<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
    most: usize,
) -> Result<Cow<'a, [u8]>, Failure> {
    let Some(encoding) = headers.get(CONTENT_ENCODING) else {
        return Ok(Cow::Borrowed(body));
    };
    let encoding = encoding.to_str().unwrap_or_default().trim();
    let mut plain = Vec::new();
    let limit = most as u64 + 1;
    let read = match encoding.to_ascii_lowercase().as_str() {
        "" | "identity" => return Ok(Cow::Borrowed(body)),
        "gzip" | "x-gzip" => MultiGzDecoder::new(body)
            .take(limit)
            .read_to_end(&mut plain),
        "deflate" => ZlibDecoder::new(body).take(limit).read_to_end(&mut plain),
        _ => {
            return Err(Failure::serialization(format!(
                "Content-Encoding {encoding:?} is not known: send gzip, deflate or none"
            )));
        }
    };
    if read.is_err() {
        return Err(Failure::serialization(format!(
            "The body is not what its Content-Encoding says: {encoding}"
        )));
    }
    if plain.len() > most {
        return Err(Failure {
            status: 413,
            ..Failure::new(
                "RequestEntityTooLargeException",
                format!("Request body is larger than {most} bytes when decompressed"),
            )
        });
    }
    Ok(Cow::Owned(plain))
}

/// The answer, compressed if it is large and the request takes that. Its checksum is
/// that of what is sent.
pub(super) fn encoded(
    headers: &HeaderMap,
    response: Response<Body>,
    held: &Arc<Held>,
) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let plain = match &body {
        Body::Whole(Some(bytes)) if bytes.len() > SMALL_ANSWER_BYTES => bytes,
        _ => return Response::from_parts(head, body),
    };
    let mut sent = Vec::with_capacity(plain.len() / 4);
    let level = Compression::fast();
    let (encoding, read) = match accepted(headers) {
        Some(Encoding::Gzip) => {
            let mut encoder = GzEncoder::new(&**plain, level);
            ("gzip", encoder.read_to_end(&mut sent))
        }
        Some(Encoding::Deflate) => {
            let mut encoder = ZlibEncoder::new(&**plain, level);
            ("deflate", encoder.read_to_end(&mut sent))
        }
        None => return Response::from_parts(head, body),
    };
    // Nothing that is in memory fails to be read.
    if read.is_err() {
        return Response::from_parts(head, body);
    }
    let checksum = HeaderValue::from(crc32fast::hash(&sent));
    head.headers.insert("x-amz-crc32", checksum);
    head.headers
        .insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    Response::from_parts(head, Body::Whole(Some(held.count(sent.into()))))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Deflate,
}

/// The encoding that an answer may have: gzip rather than deflate
/// (<https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3>).
fn accepted(headers: &HeaderMap) -> Option<Encoding> {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let words = values.filter_map(|value| value.to_str().ok());
    let mut deflate = false;
    for word in words.flat_map(|words| words.split(',')) {
        let (name, weight) = word.split_once(';').unwrap_or((word, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        if weight
            .trim()
            .parse::<f64>()
            .is_ok_and(|weight| weight <= 0.0)
        {
            continue;
        }
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" | "*" => return Some(Encoding::Gzip),
            "deflate" => deflate = true,
            _ => {}
        }
    }
    deflate.then_some(Encoding::Deflate)
}
