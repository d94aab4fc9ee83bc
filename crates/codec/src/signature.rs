//! Signature Version 4 of calls that are all alike but for their bodies
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).
//!
//! All that a signature covers is laid out once; a call only puts its body's
//! hash in, and its time when the second is another. So a call allocates
//! nothing, and costs little besides the SHA-256 of its body. The key is good
//! for a day, and so is a [`Signer`]: whoever holds the secret makes the next.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::civil::Civil;

/// What signs: an access key's id and secret, and the session token of
/// temporary credentials.
#[derive(Clone, Copy)]
pub struct AccessKey<'a> {
    /// The access key's id, which is sent.
    pub id: &'a str,
    /// The secret, which is not.
    pub secret: &'a str,
    /// The session token, sent as `x-amz-security-token`.
    pub session_token: Option<&'a str>,
}

/// What calls are made to, and the headers that they have in common.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The header `host`.
    pub host: &'a str,
    /// The path of the request line, percent-encoded as it stands there.
    pub path: &'a str,
    /// The region, as in `us-west-2`.
    pub region: &'a str,
    /// The service's name in signatures, as in `dynamodb`.
    pub service: &'a str,
    /// The header `content-type`.
    pub content_type: &'a str,
    /// The header `x-amz-target`.
    pub operation: &'a str,
}

/// The two headers that differ from call to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// `x-amz-date`: `20240715T023925Z`.
    pub date: &'a [u8],
    /// `authorization`.
    pub authorization: &'a [u8],
}

/// Signs POST calls to one target with one key, for one day.
pub struct Signer {
    key: Hmac<Sha256>,
    /// Days since the Unix epoch that `key` is good for.
    day: u64,
    /// Seconds since the Unix epoch that stand in the texts below.
    second: u64,
    /// Ends in the body's hash.
    canonical_request: Vec<u8>,
    /// Where the date stands in it.
    date_at: usize,
    /// Ends in the canonical request's hash.
    string_to_sign: Vec<u8>,
    /// Ends in the signature.
    authorization: Vec<u8>,
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE_BYTES: usize = "20240715T023925Z".len();
const HASH_DIGITS: usize = 64;
const SECONDS_A_DAY: u64 = 86_400;

impl Signer {
    /// A signer for the day of `second`, in seconds since the Unix epoch.
    #[must_use]
    pub fn new(target: &Target<'_>, key: &AccessKey<'_>, second: u64) -> Self {
        let date = date(second);
        let (time, day) = (text(&date), text(&date[..8]));
        let Target {
            host,
            region,
            service,
            content_type,
            operation,
            ..
        } = target;
        let path = encoded_again(target.path);
        let (token, token_name) = match key.session_token {
            Some(token) => (
                format!("x-amz-security-token:{}\n", token.trim()),
                "x-amz-security-token;",
            ),
            None => (String::new(), ""),
        };
        let before_date =
            format!("POST\n{path}\n\ncontent-type:{content_type}\nhost:{host}\nx-amz-date:");
        let names = format!("content-type;host;x-amz-date;{token_name}x-amz-target");
        let hash = "0".repeat(HASH_DIGITS);
        let canonical_request =
            format!("{before_date}{time}\n{token}x-amz-target:{operation}\n\n{names}\n{hash}");
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let id = key.id;
        Self {
            key: signing_key(key.secret, &[day, region, service, "aws4_request"]),
            day: second / SECONDS_A_DAY,
            second,
            date_at: before_date.len(),
            canonical_request: canonical_request.into(),
            string_to_sign: format!("{ALGORITHM}\n{time}\n{scope}\n{hash}").into(),
            authorization: format!(
                "{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={hash}"
            )
            .into(),
        }
    }

    /// Whether calls made at `second`, in seconds since the Unix epoch, can be
    /// signed.
    #[must_use]
    pub fn is_good_at(&self, second: u64) -> bool {
        second / SECONDS_A_DAY == self.day
    }

    /// Signs a call with `body`, made at `second`, in seconds since the Unix
    /// epoch: of the day the signer was made for. Allocates nothing.
    pub fn sign(&mut self, body: &[u8], second: u64) -> Signature<'_> {
        debug_assert!(self.is_good_at(second));
        let date_to_sign = ALGORITHM.len() + 1;
        if second != self.second {
            let date = date(second);
            self.second = second;
            self.canonical_request[self.date_at..][..DATE_BYTES].copy_from_slice(&date);
            self.string_to_sign[date_to_sign..][..DATE_BYTES].copy_from_slice(&date);
        }
        put_hex(&mut self.canonical_request, &Sha256::digest(body).into());
        let request = Sha256::digest(&self.canonical_request);
        put_hex(&mut self.string_to_sign, &request.into());
        let signature = self.key.clone().chain_update(&self.string_to_sign);
        let signature = signature.finalize().into_bytes();
        put_hex(&mut self.authorization, &signature.into());
        Signature {
            date: &self.string_to_sign[date_to_sign..][..DATE_BYTES],
            authorization: &self.authorization,
        }
    }
}

/// Says nothing of the key.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("day", &self.day)
            .finish_non_exhaustive()
    }
}

/// The key of a scope: each part signed with the key of those before it.
fn signing_key(secret: &str, scope: &[&str]) -> Hmac<Sha256> {
    let first = keyed(format!("AWS4{secret}").as_bytes());
    scope.iter().fold(first, |key, part| {
        keyed(&key.chain_update(part).finalize().into_bytes())
    })
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length (RFC 2104, section 3).
    Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("a key of {} bytes", key.len()))
}

/// A path percent-encoded once more, which is what signatures of every service
/// but S3 cover.
fn encoded_again(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// `20240715T023925Z`.
fn date(second: u64) -> [u8; DATE_BYTES] {
    let time = Civil::at(second.saturating_mul(1_000_000));
    let mut date = *b"00000000T000000Z";
    let pairs = [
        (0, time.year / 100 % 100),
        (2, time.year % 100),
        (4, time.month),
        (6, time.day),
        (9, time.hour),
        (11, time.minute),
        (13, time.second),
    ];
    for (at, pair) in pairs {
        date[at] += (pair / 10) as u8;
        date[at + 1] += (pair % 10) as u8;
    }
    date
}

fn text(ascii: &[u8]) -> &str {
    std::str::from_utf8(ascii).unwrap_or_default()
}

/// Writes a hash as hexadecimal digits over the end of `text`.
fn put_hex(text: &mut [u8], hash: &[u8; HASH_DIGITS / 2]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let at = text.len() - HASH_DIGITS;
    for (digits, byte) in text[at..].chunks_exact_mut(2).zip(hash) {
        digits[0] = HEX[usize::from(byte >> 4)];
        digits[1] = HEX[usize::from(byte & 15)];
    }
}
