//! Which shards a Kinesis data stream has.

use aws_sdk_kinesis::types::Shard as ListedShard;

use super::KinesisStream;
use super::backoff::Backoff;
use super::failure::FollowError;
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
        match session.call(request.send()).await {
            Ok(page) => {
                backoff.succeeded();
                shards.extend(page.shards().iter().map(shard));
                next_token = page.next_token;
                if next_token.is_none() {
                    return Ok(shards);
                }
            }
            Err(failed) => {
                session
                    .wait_after("ListShards", failed, &mut backoff)
                    .await?;
                // Tokens expire: begin again.
                next_token = None;
                shards.clear();
            }
        }
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
