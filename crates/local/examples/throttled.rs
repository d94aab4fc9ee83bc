//! A table of five write units, and a client that is throttled and still gets
//! all of its items written.
//!
//! `cargo run -p hrload-local --example throttled`

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ProvisionedThroughput, PutRequest, ScalarAttributeType, TableStatus, WriteRequest,
};
use aws_sdk_dynamodb::{Client, Config};
use hrload_local::{Limits, Services};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Items to write.
const ITEMS: usize = 25;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Nothing is saved up in a new table, so that it throttles at once.
    let services = Services::builder()
        .capacity(Limits::default().without_savings())
        .start()?;
    let client = client(&services);
    create(&client).await?;

    let mut left = (0..ITEMS).map(put).collect::<Result<Vec<_>>>()?;
    let mut calls = 0;
    while !left.is_empty() {
        calls += 1;
        let call = client
            .batch_write_item()
            .request_items("readings", left.clone());
        match call.send().await {
            // What the table had no capacity for comes back.
            Ok(answer) => {
                let mut unprocessed = answer.unprocessed_items.unwrap_or_default();
                left = unprocessed.remove("readings").unwrap_or_default();
            }
            // Not one of the items was written.
            Err(error) => {
                let error = error.into_service_error();
                if !error.is_provisioned_throughput_exceeded_exception() {
                    return Err(error.into());
                }
            }
        }
        println!(
            "call {calls}: {} of {ITEMS} items written",
            ITEMS - left.len()
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    let scan = client.scan().table_name("readings").send().await?;
    println!("the table holds {} items", scan.count());
    Ok(())
}

/// Returns a client of the services that tries nothing again by itself.
fn client(services: &Services) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(services.endpoint())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("any", "any", None, None, "example"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled());
    Client::from_conf(config.build())
}

/// Makes a table of five write units a second.
async fn create(client: &Client) -> Result<()> {
    let key = KeySchemaElement::builder().attribute_name("id");
    let id = AttributeDefinition::builder().attribute_name("id");
    let units = ProvisionedThroughput::builder()
        .read_capacity_units(5)
        .write_capacity_units(5);
    let table = client
        .create_table()
        .table_name("readings")
        .billing_mode(BillingMode::Provisioned)
        .provisioned_throughput(units.build()?)
        .key_schema(key.key_type(KeyType::Hash).build()?)
        .attribute_definitions(id.attribute_type(ScalarAttributeType::S).build()?);
    table.send().await?;
    // The SDK's own waiter looks every 20 seconds; here a table is ready in 20 ms.
    loop {
        let answer = client
            .describe_table()
            .table_name("readings")
            .send()
            .await?;
        let status = answer.table.and_then(|table| table.table_status);
        if status == Some(TableStatus::Active) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Returns the request to write the item of this number.
fn put(number: usize) -> Result<WriteRequest> {
    let id = AttributeValue::S(format!("reading-{number}"));
    let put = PutRequest::builder().item("id", id).build()?;
    Ok(WriteRequest::builder().put_request(put).build())
}
