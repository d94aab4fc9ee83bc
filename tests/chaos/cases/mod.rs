//! All cases, by what the weather is in.

mod answers;
mod dashboard;
mod embedded;
mod lake;
mod machine;
mod network;
mod reader;
mod server;

use super::case::Case;

/// What is played with every `cargo test`: one of each kind, where clients or readers go
/// different ways each of them, and all that hrload once told wrong.
const SHORT: [&str; 48] = [
    "fault-none",
    "fault-lose",
    "fault-duplicate",
    "fault-reorder",
    "fault-delay",
    "fault-throttle/direct",
    "fault-unprocessed/sdk",
    "fault-disconnect/sdk",
    "fault-disconnect-after/direct",
    "fault-error/direct",
    "fault-error-html/sdk",
    "fault-respond/direct",
    "fault-stall/direct",
    "fault-lose-warm-up",
    "slots-too-few",
    "late-not-lost",
    "two-runs",
    "server-killed/direct",
    "server-killed/polling",
    "server-stopped/sdk",
    "server-stopped/table-stream",
    "server-not-there/sdk",
    "server-silent/direct",
    "server-slow/direct",
    "connections-cut/sdk",
    "connections-reset/direct",
    "ports-exhausted/direct",
    "network-unreachable/sdk",
    "names-fail/direct",
    "name-unknown",
    "tls-certificate/direct",
    "handles-exhausted/direct",
    "handles-exhausted/sdk",
    "clock-jumps-back",
    "service-clock-behind",
    "wrong-checksum/sdk",
    "unprocessed-null/direct",
    "unprocessed-null/sdk",
    "capacity-only/sdk",
    "unprocessed-foreign/direct",
    "records-absent/polling",
    "next-absent/table-stream",
    "reads-throttled/polling",
    "lake-removed",
    "lake-without-warm-up",
    "disk-full/lake",
    "interrupted-twice/lake",
    "dashboard-server-killed",
];

/// Every case there is, each name once.
pub(crate) fn all() -> Vec<Case> {
    let mut all = Vec::new();
    all.extend(embedded::cases());
    all.extend(server::cases());
    all.extend(network::cases());
    all.extend(machine::cases());
    all.extend(answers::cases());
    all.extend(reader::cases());
    all.extend(lake::cases());
    all.extend(dashboard::cases());
    for case in &mut all {
        case.long = !SHORT.contains(&case.name.as_str());
    }
    let unknown = SHORT
        .iter()
        .find(|name| !all.iter().any(|case| case.name == **name));
    assert!(unknown.is_none(), "no case is {unknown:?}");
    let mut names: Vec<&String> = all.iter().map(|case| &case.name).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
    assert!(twice.is_none(), "two cases have one name: {twice:?}");
    all
}
