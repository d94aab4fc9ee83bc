//! What to do about a refusal that a person can mend.

/// Names of exceptions, and what helps against them
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html>).
const REMEDIES: [(&[&str], &str); 10] = [
    (
        &["Signature expired", "Signature not yet current"],
        "this machine's clock is wrong by more than AWS lets pass: set it by NTP",
    ),
    (
        &[
            "ExpiredTokenException",
            "ExpiredToken",
            "TokenRefreshRequired",
        ],
        "the credentials have expired: log in again (`aws sso login`), or get new ones for the session",
    ),
    (
        &["UnrecognizedClientException", "InvalidClientTokenId"],
        "the access key is not known there: look at AWS_ACCESS_KEY_ID or the profile, and whether \
         the region is enabled for the account",
    ),
    (
        &["InvalidSignatureException", "SignatureDoesNotMatch"],
        "the secret key is not that of the access key: look at AWS_SECRET_ACCESS_KEY or the profile",
    ),
    (
        &["AccessDeniedException", "AccessDenied"],
        "the credentials lack a permission: `--dry-run` prints those that are needed",
    ),
    (
        &["OptInRequired", "SubscriptionRequiredException"],
        "the account is not enabled for this service or region: enable it, or choose another --region",
    ),
    (
        &["LimitExceededException", "ThrottlingException"],
        "the account makes too many such calls, or has too many of these: wait a minute, or have \
         the quota raised",
    ),
    (
        &[
            "UnknownOperationException",
            "InvalidAction",
            "without an AWS error",
        ],
        "the server does not have this call, or failed in it: `--via dynamodb-streams` follows the \
         table's own stream, `--via none` measures writes alone, `--kinesis-endpoint-url` names \
         another server's Kinesis, which `--via put-records` fills",
    ),
    (
        &["dns error", "failed to lookup address"],
        "no such host: look at the region's name, the endpoint and the network",
    ),
    (
        &["Too many open files"],
        "this process may have no more file handles: raise `ulimit -n`",
    ),
];

/// What to do about a failure, from its exception's name or its cause as told;
/// `None` where the failure says all there is to say.
#[must_use]
pub fn advice(failure: &str) -> Option<&'static str> {
    let (_, remedy) = REMEDIES
        .iter()
        .find(|(names, _)| names.iter().any(|name| names_it(failure, name)))?;
    // A refusal that says which quota it is about says more than this can.
    let says_more = failure.contains("quota") && remedy.contains("quota");
    if says_more {
        return None;
    }
    Some(remedy)
}

/// Whether a failure has this name, and not a longer one that it is a part of:
/// ItemCollectionSizeLimitExceededException is of an item collection, and of no account.
fn names_it(failure: &str, name: &str) -> bool {
    let is_outside = |end: Option<char>| !end.is_some_and(char::is_alphanumeric);
    failure.match_indices(name).any(|(at, _)| {
        is_outside(failure[..at].chars().next_back())
            && is_outside(failure[at + name.len()..].chars().next())
    })
}

/// The failure, and what to do about it behind it.
#[must_use]
pub fn with_advice(failure: &str) -> String {
    match advice(failure) {
        Some(advice) => format!("{}; {advice}", failure.trim_end_matches('.')),
        None => failure.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_found_within_a_longer_one() {
        let quota = "the account makes too many such calls";
        for (failure, expected) in [
            ("LimitExceededException: too many", Some(quota)),
            ("LimitExceededException", Some(quota)),
            (
                "LimitExceededException: the quota for a table is 40000",
                None,
            ),
            ("ItemCollectionSizeLimitExceededException", None),
            ("ProvisionedThroughputExceededException", None),
            (
                "looking for table t: AccessDeniedException: no",
                Some("the credentials lack"),
            ),
        ] {
            let found = advice(failure);
            let fits = match expected {
                Some(expected) => found.is_some_and(|found| found.starts_with(expected)),
                None => found.is_none(),
            };
            assert!(fits, "{failure}: {found:?}");
        }
    }
}
