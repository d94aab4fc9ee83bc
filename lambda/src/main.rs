//! The transform between Firehose and S3, as a Lambda function.

use hrload_codec::transform::{Answers, Event, answer};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(transform)).await
}

async fn transform(event: LambdaEvent<Event>) -> Result<Answers, Error> {
    Ok(answer(&event.payload))
}
