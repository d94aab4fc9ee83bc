//! aws-sdk-kinesis against the embedded services, over HTTP.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    PutRecordsRequestEntry, ScalingType, ShardFilter, ShardFilterType, ShardIteratorType,
    StartingPosition, StreamMode, StreamModeDetails, StreamStatus, SubscribeToShardEventStream,
};
use hrload_local::Services;
use hrload_local::capture::ChangeDelay;

use crate::account::{ACCOUNT, REGION, arn};

fn services() -> Services {
    Services::builder()
        .threads(1)
        .region(REGION)
        .account(ACCOUNT)
        .change_delay(ChangeDelay::Fixed(0))
        .retain_bytes(64 << 20)
        .start()
        .unwrap()
}

fn client(services: &Services) -> Client {
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .endpoint_url(services.endpoint())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

async fn wait_until_active(client: &Client, stream: &str) {
    loop {
        let summary = client
            .describe_stream_summary()
            .stream_name(stream)
            .send()
            .await
            .unwrap();
        let summary = summary.stream_description_summary.unwrap();
        if summary.stream_status == StreamStatus::Active {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_sdk_writes_and_reads_over_a_resharding() {
    let services = services();
    let client = client(&services);
    let created = client.create_stream().stream_name("s").shard_count(1);
    created.send().await.unwrap();
    wait_until_active(&client, "s").await;
    let entries = (0..10).map(|i| {
        let entry = PutRecordsRequestEntry::builder().partition_key(i.to_string());
        entry.data(Blob::new(format!("data-{i}"))).build().unwrap()
    });
    let put = client.put_records().stream_arn(arn("s"));
    let put = put
        .set_records(Some(entries.collect()))
        .send()
        .await
        .unwrap();
    assert_eq!(put.failed_record_count, Some(0));
    let scale = client.update_shard_count().stream_name("s");
    let scale = scale
        .target_shard_count(2)
        .scaling_type(ScalingType::UniformScaling);
    assert_eq!(scale.send().await.unwrap().current_shard_count, Some(1));
    wait_until_active(&client, "s").await;

    let filter = ShardFilter::builder()
        .r#type(ShardFilterType::AtLatest)
        .build()
        .unwrap();
    let open = client.list_shards().stream_name("s").shard_filter(filter);
    assert_eq!(open.send().await.unwrap().shards().len(), 2);

    let iterator = client
        .get_shard_iterator()
        .stream_name("s")
        .shard_id("shardId-000000000000")
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await
        .unwrap();
    let page = client
        .get_records()
        .set_shard_iterator(iterator.shard_iterator);
    let page = page.send().await.unwrap();
    assert_eq!(page.records().len(), 10);
    for (record, sent) in page.records().iter().zip(put.records()) {
        assert_eq!(
            Some(record.sequence_number.as_str()),
            sent.sequence_number()
        );
        assert!(record.approximate_arrival_timestamp.is_some());
    }
    assert_eq!(page.records()[3].data.as_ref(), b"data-3");
    assert_eq!(page.next_shard_iterator, None);
    assert_eq!(page.millis_behind_latest, Some(0));
    assert_eq!(page.child_shards().len(), 2);
}

#[tokio::test]
async fn the_sdk_subscribes_to_a_shard() {
    let services = services();
    let client = client(&services);
    let details = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand);
    let created = client.create_stream().stream_name("s");
    let created = created.stream_mode_details(details.build().unwrap());
    created.send().await.unwrap();
    wait_until_active(&client, "s").await;
    let consumer = client.register_stream_consumer().stream_arn(arn("s"));
    let consumer = consumer.consumer_name("c").send().await.unwrap();
    let consumer_arn = consumer.consumer.unwrap().consumer_arn;
    let put = |data: &'static str| {
        let put = client.put_record().stream_name("s").partition_key("k");
        put.explicit_hash_key("0").data(Blob::new(data)).send()
    };
    put("one").await.unwrap();
    let from = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon);
    let from = from.build().unwrap();
    let mut subscription = loop {
        let subscribe = client.subscribe_to_shard().consumer_arn(&consumer_arn);
        let subscribe = subscribe.shard_id("shardId-000000000000");
        match subscribe.starting_position(from.clone()).send().await {
            Ok(subscription) => break subscription,
            // The consumer is not ACTIVE yet.
            Err(error) => assert_eq!(error.code(), Some("ResourceInUseException")),
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    for expected in ["one", "two"] {
        let event = subscription.event_stream.recv().await.unwrap().unwrap();
        let SubscribeToShardEventStream::SubscribeToShardEvent(event) = event else {
            panic!("{event:?}");
        };
        assert_eq!(event.records()[0].data.as_ref(), expected.as_bytes());
        assert_eq!(event.millis_behind_latest, 0);
        assert_eq!(event.continuation_sequence_number.len(), 56);
        put("two").await.unwrap();
    }
}

#[tokio::test]
async fn the_sdk_knows_the_refusals() {
    let services = services();
    let client = client(&services);
    let missing = client.describe_stream().stream_name("s").send().await;
    let error = missing.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception());
    assert_eq!(
        error.message(),
        Some("Stream s under account 123456789012 not found.")
    );
    let create = || {
        client
            .create_stream()
            .stream_name("s")
            .shard_count(1)
            .send()
    };
    create().await.unwrap();
    let error = create().await.unwrap_err().into_service_error();
    assert!(error.is_resource_in_use_exception());
    let stale = client
        .get_records()
        .shard_iterator("AAAAAAAAAAE")
        .send()
        .await;
    let error = stale.unwrap_err().into_service_error();
    assert!(error.is_invalid_argument_exception());
}
