//! Which shards a Kinesis data stream has.

use aws_sdk_kinesis::types::Shard as ListedShard;

use super::KinesisStream;
use super::backoff::Backoff;
use super::failure::{Failed, FollowError};
use super::session::Session;
use super::shards::Shard;

/// All pages of ListShards.
pub(super) async fn list(
    session: &Session,
    stream: &KinesisStream,
) -> Result<Vec<Shard>, FollowError> {
    let mut backoff = Backoff::default();
    let mut shards = Vec::new();
    let mut next_token: Option<String> = None;
    loop {
        let request = stream.client.list_shards();
        let request = match &next_token {
            // A token stands for the stream; both together are refused.
            Some(token) => request.next_token(token),
            None => request.stream_name(&stream.name),
        };
        let failed = match session.call(request.send()).await {
            Ok(page) => {
                shards.extend(page.shards().iter().map(shard));
                let whole = page.shards.is_some();
                next_token = page.next_token;
                match (whole, &next_token) {
                    (true, Some(_)) => {
                        backoff.succeeded();
                        continue;
                    }
                    (true, None) if !shards.is_empty() => return Ok(shards),
                    // A stream has a shard at any time.
                    _ => Failed::unusable("an answer that names no shards"),
                }
            }
            Err(failed) => failed,
        };
        session
            .wait_after("ListShards", failed, &mut backoff)
            .await?;
        // Tokens expire: begin again.
        next_token = None;
        shards.clear();
    }
}

fn shard(listed: &ListedShard) -> Shard {
    let parents = [listed.parent_shard_id(), listed.adjacent_parent_shard_id()];
    Shard {
        id: listed.shard_id().to_owned(),
        parents: parents.into_iter().flatten().map(str::to_owned).collect(),
        closed: listed
            .sequence_number_range()
            .is_some_and(|range| range.ending_sequence_number().is_some()),
    }
}
