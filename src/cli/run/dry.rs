//! `--dry-run`: the calls of a run, without making them.

use crate::aws::permissions::{self, Action};
use crate::experiment::{Request, Target, Via};
use crate::stream::Consumer;

/// The calls in the order of their first use, and what is needed besides. With
/// `made_before`, table and stream are those of a state file.
pub(super) fn calls(request: &Request, made_before: bool) -> String {
    let (order, needed) = if made_before {
        (permissions::RUN_ON_STATE_ORDER, permissions::RUN_ON_STATE)
    } else {
        (permissions::RUN_ORDER, permissions::RUN)
    };
    let via_kinesis = request.via.consumer().is_some();
    let captured = matches!(request.via, Via::Kinesis(_));
    let keep = request.resources.keep;
    let wanted = |name: &str| {
        let of_kinesis =
            name.starts_with("kinesis:") || name.contains("KinesisStreamingDestination");
        let of_cloudwatch = name.starts_with("cloudwatch:");
        (via_kinesis || !of_kinesis)
            && (request.cloudwatch.is_some() || !of_cloudwatch)
            && (captured || !of_capture(name))
            && !(keep && name.contains(":Delete"))
    };
    let mut order: Vec<&str> = order.iter().copied().filter(|name| wanted(name)).collect();
    let needed = needed.iter().filter(|action| wanted(action.name));
    let mut needed: Vec<Action> = needed.copied().collect();
    if let Via::DynamoDbStreams { .. } = request.via {
        needed.extend(permissions::TABLE_STREAM);
        // Between what is made and what is written.
        let writes = |name: &&str| *name == "dynamodb:BatchWriteItem";
        let at = order.iter().position(writes).unwrap_or(order.len());
        order.splice(at..at, permissions::TABLE_STREAM_ORDER.iter().copied());
    }
    if let Some(Consumer::EnhancedFanOut { .. }) = request.via.consumer() {
        let polls = |name: &&str| permissions::POLLING_ORDER.contains(name);
        let at = order.iter().position(polls).unwrap_or(order.len());
        order.retain(|name| !permissions::POLLING_ORDER.contains(name));
        order.splice(at..at, permissions::FAN_OUT_ORDER.iter().copied());
    }
    if let Via::PutRecords(_) = request.via {
        let writes = order
            .iter()
            .position(|name| *name == "dynamodb:BatchWriteItem");
        let at = writes.map_or(order.len(), |at| at + 1);
        order.insert(at, "kinesis:PutRecords");
    }
    if matches!(request.target, Target::Aws { .. }) {
        let around = permissions::LOOK_AROUND_ORDER.iter();
        order.splice(0..0, around.copied().filter(|name| wanted(name)));
        if request.cloudwatch.is_some() {
            order.push("cloudwatch:GetMetricData");
        }
    }
    let region = match &request.target {
        Target::Aws { region, .. } | Target::Endpoint { region, .. } => region.as_deref(),
        Target::Embedded(embedded) => embedded.region.as_deref(),
    };
    // Names that are made up begin so.
    let made_up = "hrload-*";
    let table = request.resources.table.as_deref().unwrap_or(made_up);
    let stream = request.resources.stream.as_deref().unwrap_or(made_up);
    let mut text = permissions::dry_run(&order, &needed, region.unwrap_or("*"), table, stream);
    let named = |what: &str, name: &Option<String>| {
        let name = name.as_ref().filter(|_| !made_before)?;
        Some(format!(
            "\nwhere {what} {name} is there already, it is neither made nor removed\n"
        ))
    };
    text.extend(named("table", &request.resources.table));
    text.extend(named("stream", &request.resources.stream));
    text
}

/// Whether it is for the streaming destination alone.
fn of_capture(name: &str) -> bool {
    name.starts_with("iam:")
        || name.contains("KinesisStreamingDestination")
        || name == "kinesis:DescribeStream"
}
