//! Which endpoint the SDK resolves for DynamoDB.
//!
//! Environment, profile, FIPS, dual stack and the account's own endpoint all
//! have a say, and the SDK does not tell. So it is asked for a call, through
//! an HTTP client that notes the URL and sends nothing.

use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use http::Uri;

use super::ConnectError;
use crate::trouble::words;

#[derive(Debug, Clone, Default)]
struct Noter(Arc<Mutex<Option<String>>>);

impl HttpConnector for Noter {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Ok(mut noted) = self.0.lock() {
            *noted = Some(request.uri().to_owned());
        }
        let unsent = ConnectorError::user("only the endpoint was wanted".into());
        HttpConnectorFuture::ready(Err(unsent))
    }
}

/// The URL that DynamoDB calls with this configuration go to.
pub(super) async fn of_dynamodb(config: &SdkConfig) -> Result<Uri, ConnectError> {
    let noter = Noter::default();
    let connector = SharedHttpConnector::new(noter.clone());
    let asking = aws_sdk_dynamodb::config::Builder::from(config)
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let call = aws_sdk_dynamodb::Client::from_conf(asking);
    let ended = call.describe_limits().send().await;
    let noted = noter.0.lock().ok().and_then(|mut noted| noted.take());
    let Some(url) = noted else {
        let cause = match ended {
            Err(error) => words(&error),
            Ok(_) => "the SDK made no request".to_owned(),
        };
        return Err(ConnectError::Endpoint(cause));
    };
    url.parse()
        .map_err(|cause| ConnectError::Endpoint(format!("{url}: {cause}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use aws_config::{BehaviorVersion, Region};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;

    fn configuration() -> SdkConfig {
        let keys = Credentials::new("a", "b", None, None, "test");
        SdkConfig::builder()
            .region(Region::new("eu-central-1"))
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .build()
    }

    #[test]
    fn it_is_whatever_the_sdk_would_send_to() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let given = "http://localhost:8000/";
        for (config, expected) in [
            (
                configuration(),
                "https://dynamodb.eu-central-1.amazonaws.com/",
            ),
            (
                configuration().into_builder().use_dual_stack(true).build(),
                "https://dynamodb.eu-central-1.api.aws/",
            ),
            (
                configuration().into_builder().endpoint_url(given).build(),
                given,
            ),
        ] {
            let found = runtime.block_on(of_dynamodb(&config)).unwrap();
            assert_eq!(found.to_string(), expected);
        }
    }
}
