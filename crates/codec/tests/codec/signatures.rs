//! Signatures, beside those of the crate that the SDK signs with.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use hrload_codec::signature::{AccessKey, Signer, Target};
use proptest::prelude::*;

const OPERATION: &str = "DynamoDB_20120810.BatchWriteItem";
const CONTENT: &str = "application/x-amz-json-1.0";

/// The headers `x-amz-date` and `authorization` as aws-sigv4 has them.
fn theirs(target: &Target<'_>, key: &AccessKey<'_>, body: &[u8], second: u64) -> (String, String) {
    let token = key.session_token.map(str::to_owned);
    let credentials = Credentials::new(key.id, key.secret, token, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&credentials)
        .region(target.region)
        .name(target.service)
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(second))
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let url = format!("http://{}{}", target.host, target.path);
    let headers = [
        ("host", target.host),
        ("content-type", target.content_type),
        ("x-amz-target", target.operation),
    ];
    let signable =
        SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(body)).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    let header = |wanted: &str| {
        let mut headers = instructions.headers();
        let (_, value) = headers.find(|(name, _)| *name == wanted).unwrap();
        value.to_owned()
    };
    (header("x-amz-date"), header("authorization"))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn target<'a>(host: &'a str, path: &'a str, region: &'a str) -> Target<'a> {
    Target {
        host,
        path,
        region,
        service: "dynamodb",
        content_type: CONTENT,
        operation: OPERATION,
    }
}

proptest! {
    #[test]
    fn calls_are_signed_as_the_sdk_signs_them(
        host in "[a-z][a-z0-9.-]{0,30}(:[1-9][0-9]{1,3})?",
        path in "(/[A-Za-z0-9_~-]{1,8}(%[2-7][0-9A-F])?){1,3}|/",
        region in "[a-z]{2}-[a-z]{4,9}-[1-9]",
        id in "[A-Z0-9]{16,20}",
        secret in "[A-Za-z0-9/+]{1,90}",
        session_token in proptest::option::of("[A-Za-z0-9/+=]{1,300}"),
        first_second in 0u64..4_102_444_800,
        calls in proptest::collection::vec((any::<Vec<u8>>(), 0u64..86_400), 1..4),
    ) {
        let target = target(&host, &path, &region);
        let key = AccessKey { id: &id, secret: &secret, session_token: session_token.as_deref() };
        let mut signer = Signer::new(&target, &key, first_second);
        let midnight = first_second / 86_400 * 86_400;
        // One after the other, so that each has to overwrite the last one's texts.
        for (body, after) in calls {
            let second = midnight + after;
            prop_assert!(signer.is_good_at(second));
            let ours = signer.sign(&body, second);
            let (date, authorization) = theirs(&target, &key, &body, second);
            prop_assert_eq!(text(ours.date), date);
            prop_assert_eq!(text(ours.authorization), authorization);
        }
        prop_assert!(!signer.is_good_at(midnight + 86_400));
        prop_assert!(midnight == 0 || !signer.is_good_at(midnight - 1));
    }
}

#[test]
fn a_signer_does_not_show_its_key() {
    let key = AccessKey {
        id: "AKIAIOSFODNN7EXAMPLE",
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        session_token: Some("token-of-the-session"),
    };
    let signer = Signer::new(&target("localhost", "/", "us-west-2"), &key, 0);
    let shown = format!("{signer:?}");
    assert!(
        !shown.contains(key.secret) && !shown.contains("token-of-the-session"),
        "{shown}"
    );
}
