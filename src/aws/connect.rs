//! From a target to clients that can talk to it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use http::Uri;

use super::{Spread, endpoint, proxy};

/// Region of the embedded services, unless told otherwise.
const LOCAL_REGION: &str = "us-east-1";

/// Where to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// AWS, or wherever `AWS_ENDPOINT_URL*` and the profile point.
    Aws,
    /// A server that speaks DynamoDB, and one that speaks Kinesis (`None`: the
    /// same one), as absolute http or https URLs.
    Endpoint {
        /// DynamoDB's URL.
        dynamodb: Uri,
        /// Kinesis's URL.
        kinesis: Option<Uri>,
    },
    /// The embedded services, which take any credentials.
    Local(SocketAddr),
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct Options {
    /// Region; `None`: from the environment or profile.
    pub region: Option<String>,
    /// Profile; `None`: the default one.
    pub profile: Option<String>,
    /// Longest a connection may take to make.
    pub connect_timeout: Duration,
    /// Longest a call may take.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            region: None,
            profile: None,
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
        }
    }
}

/// Clients for one target, and what is needed to send without them.
///
/// The clients here belong to the runtime they are first used on. Each load
/// worker has its own: [`Connection::worker_dynamodb`].
#[derive(Debug, Clone)]
pub struct Connection {
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// CloudWatch.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// DynamoDB Streams.
    pub dynamodb_streams: aws_sdk_dynamodbstreams::Client,
    /// Kinesis Data Streams.
    pub kinesis: aws_sdk_kinesis::Client,
    /// Where credentials come from; they were there when this was made.
    pub credentials: SharedCredentialsProvider,
    /// The region that requests are signed for.
    pub region: String,
    /// Where DynamoDB calls go.
    pub dynamodb_endpoint: Uri,
    /// How it was connected.
    pub options: Options,
    config: SdkConfig,
    local: bool,
}

impl Connection {
    /// A DynamoDB client with a connection pool of its own, for one worker's
    /// runtime: connections are driven by the runtime that opened them.
    #[must_use]
    pub fn worker_dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.config)
            .http_client(http_client(self.local))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(self.dynamodb_endpoint.to_string());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// Tells whose credentials these are.
    pub(super) fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.config)
    }

    /// An Athena client; `endpoint` instead of AWS's.
    #[cfg(feature = "sql")]
    #[must_use]
    pub fn athena(&self, endpoint: Option<&Uri>) -> aws_sdk_athena::Client {
        let mut config = aws_sdk_athena::config::Builder::from(&self.config);
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint.to_string());
        }
        aws_sdk_athena::Client::from_conf(config.build())
    }

    /// A DynamoDB Streams client with a connection pool of its own.
    #[must_use]
    pub fn worker_dynamodb_streams(&self) -> aws_sdk_dynamodbstreams::Client {
        let config = self.dynamodb_streams.config().to_builder();
        let config = config
            .http_client(http_client(self.local))
            .retry_config(RetryConfig::disabled());
        aws_sdk_dynamodbstreams::Client::from_conf(config.build())
    }

    /// A Kinesis client with a connection pool of its own.
    #[must_use]
    pub fn worker_kinesis(&self) -> aws_sdk_kinesis::Client {
        let config = self.kinesis.config().to_builder();
        let config = config
            .http_client(http_client(self.local))
            .retry_config(RetryConfig::disabled());
        aws_sdk_kinesis::Client::from_conf(config.build())
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub enum ConnectError {
    /// No region was given or configured.
    Region,
    /// No credentials were found, or they could not be loaded; with the cause.
    Credentials(String),
    /// The SDK finds no endpoint for DynamoDB; with the cause.
    Endpoint(String),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Region => f.write_str(
                "no AWS region: give --region, or set AWS_REGION or the profile's region",
            ),
            ConnectError::Credentials(cause) => write!(
                f,
                "no AWS credentials: {cause}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
                 choose a profile that has some (--aws-profile, AWS_PROFILE), or run `aws sso login`"
            ),
            ConnectError::Endpoint(cause) => write!(f, "no endpoint for DynamoDB: {cause}"),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Connects to `target`: loads configuration, resolves credentials once and
/// finds DynamoDB's endpoint, so that what is missing is missed now. Sends
/// nothing to the services.
///
/// The clients here, which make, describe and remove, try again; those of the
/// workers do not, so that every throttle is seen. Time-outs are as in `options`.
///
/// # Errors
/// There is no region, there are no credentials, or no endpoint.
pub async fn connect(target: &Target, options: &Options) -> Result<Connection, ConnectError> {
    let local = matches!(target, Target::Local(_));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(options.connect_timeout)
        .operation_attempt_timeout(options.timeout)
        .build();
    let config = if local {
        // No chain: nothing of a person's account is needed, read or sent.
        let region = options.region.as_deref().unwrap_or(LOCAL_REGION);
        let keys = Credentials::new("hrload", "hrload", None, None, "hrload");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .http_client(http_client(true))
            .retry_config(patient())
            .timeout_config(timeouts)
            .build()
    } else {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client(false))
            .retry_config(patient())
            .timeout_config(timeouts);
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
        }
        loader.load().await
    };
    let region = config.region().ok_or(ConnectError::Region)?.to_string();
    let credentials = config
        .credentials_provider()
        .ok_or_else(|| ConnectError::Credentials("no provider is configured".to_owned()))?;
    if let Err(cause) = credentials.provide_credentials().await {
        return Err(ConnectError::Credentials(
            DisplayErrorContext(cause).to_string(),
        ));
    }

    let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(&config);
    let mut cloudwatch = aws_sdk_cloudwatch::config::Builder::from(&config);
    let mut streams = aws_sdk_dynamodbstreams::config::Builder::from(&config);
    let mut kinesis = aws_sdk_kinesis::config::Builder::from(&config);
    let dynamodb_endpoint = match target {
        Target::Aws => endpoint::of_dynamodb(&config).await?,
        Target::Endpoint {
            dynamodb: url,
            kinesis: kinesis_url,
        } => {
            kinesis = kinesis.endpoint_url(kinesis_url.as_ref().unwrap_or(url).to_string());
            // Servers other than AWS's serve both on one port.
            streams = streams.endpoint_url(url.to_string());
            cloudwatch = cloudwatch.endpoint_url(url.to_string());
            url.clone()
        }
        Target::Local(address) => {
            let url = format!("http://{address}");
            kinesis = kinesis.endpoint_url(&url);
            streams = streams.endpoint_url(&url);
            url.parse()
                .map_err(|cause| ConnectError::Endpoint(format!("{url}: {cause}")))?
        }
    };
    dynamodb = dynamodb.endpoint_url(dynamodb_endpoint.to_string());
    Ok(Connection {
        dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
        cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch.build()),
        dynamodb_streams: aws_sdk_dynamodbstreams::Client::from_conf(streams.build()),
        kinesis: aws_sdk_kinesis::Client::from_conf(kinesis.build()),
        credentials,
        region,
        dynamodb_endpoint,
        options: options.clone(),
        config,
        local,
    })
}

/// For calls that are not measured: AWS allows few of them a second, and a removal
/// that is not tried again leaves something that costs money. Waits 0 to 6 s in all.
fn patient() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(6)
        .with_initial_backoff(Duration::from_millis(200))
}

/// A connection pool. The usual one goes through the proxy that the environment names,
/// which the SDK's own does not; the way to the embedded services leads through none.
fn http_client(local: bool) -> SharedHttpClient {
    let (pool, spread) = (OnceLock::new(), Spread::new());
    http_client_fn(move |settings, components| {
        let connect = || {
            let mut connector = Connector::builder().connector_settings(settings.clone());
            connector.set_sleep_impl(components.sleep_impl());
            let connector = if local {
                let straight = connector.proxy_config(ProxyConfig::disabled());
                straight.build_http()
            } else {
                let through = connector.proxy_config(proxy::of_environment());
                let tls = Provider::Rustls(CryptoMode::Ring);
                through
                    .tls_provider(tls)
                    .build_with_resolver(spread.clone())
            };
            SharedHttpConnector::new(connector)
        };
        pool.get_or_init(connect).clone()
    })
}
