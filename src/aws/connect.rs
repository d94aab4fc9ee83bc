//! From a target to clients that can talk to it.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use http::Uri;

use super::complete::Complete;
use super::{Spread, endpoint, proxy};
use crate::endpoint::{Endpoint, redact, wrong_in_environment};
use crate::trouble::words;

/// Region of the embedded services, and of others' on this machine, unless told
/// otherwise.
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
        dynamodb: Endpoint,
        /// Kinesis's URL.
        kinesis: Option<Endpoint>,
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
    /// Tells people which region and keys were assumed for a server on this machine;
    /// `None` when none were.
    pub assumed: Option<String>,
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
    pub fn athena(&self, endpoint: Option<&Endpoint>) -> aws_sdk_athena::Client {
        let mut config = aws_sdk_athena::config::Builder::from(&self.config);
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint.bare().to_string());
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
    /// No credentials were found; or they could not be loaded, with the cause.
    Credentials(Option<String>),
    /// The SDK finds no endpoint; with the cause.
    Endpoint(String),
    /// The environment names a proxy that cannot be used; with what is wrong.
    Proxy(String),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Region => f.write_str(
                "no AWS region: give --region, or set AWS_REGION or the profile's region",
            ),
            ConnectError::Credentials(None) => write!(f, "no AWS credentials: {WAYS}"),
            ConnectError::Credentials(Some(cause)) => {
                write!(f, "AWS credentials cannot be had: {cause}; {WAYS}")
            }
            ConnectError::Endpoint(cause) => write!(f, "no endpoint: {cause}"),
            ConnectError::Proxy(cause) => f.write_str(cause),
        }
    }
}

/// How credentials are given.
const WAYS: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile that has \
                    some (--aws-profile, AWS_PROFILE), or run `aws sso login`";

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
    let is_here = matches!(target, Target::Endpoint { dynamodb, .. } if dynamodb.is_loopback());
    let mut assumed = None;
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
        if let Some(wrong) = wrong_in_environment() {
            return Err(ConnectError::Endpoint(wrong));
        }
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client(false))
            .retry_config(patient())
            .timeout_config(timeouts);
        let (loader, told) = settled(loader, options, is_here);
        assumed = told;
        loader.load().await
    };
    let region = config.region().ok_or(ConnectError::Region)?.to_string();
    let credentials = config
        .credentials_provider()
        .ok_or(ConnectError::Credentials(None))?;
    if let Err(error) = credentials.provide_credentials().await {
        return Err(ConnectError::Credentials(match error {
            CredentialsError::CredentialsNotLoaded(_) => None,
            other => Some(words(&other)),
        }));
    }

    let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(&config).interceptor(Complete);
    let mut cloudwatch = aws_sdk_cloudwatch::config::Builder::from(&config);
    let mut streams = aws_sdk_dynamodbstreams::config::Builder::from(&config);
    let mut kinesis = aws_sdk_kinesis::config::Builder::from(&config).interceptor(Complete);
    let dynamodb_endpoint = match target {
        Target::Aws => endpoint::of_dynamodb(&config).await?,
        Target::Endpoint {
            dynamodb: url,
            kinesis: kinesis_url,
        } => {
            kinesis = kinesis.endpoint_url(kinesis_url.as_ref().unwrap_or(url).bare().to_string());
            let url = url.bare();
            // Servers other than AWS's serve both on one port.
            streams = streams.endpoint_url(url.to_string());
            cloudwatch = cloudwatch.endpoint_url(url.to_string());
            url
        }
        Target::Local(address) => {
            let url = format!("http://{address}");
            kinesis = kinesis.endpoint_url(&url);
            streams = streams.endpoint_url(&url);
            url.parse()
                .map_err(|cause| ConnectError::Endpoint(format!("{url}: {cause}")))?
        }
    };
    if let (false, Some(wrong)) = (local, proxy::wrong(&dynamodb_endpoint)) {
        return Err(ConnectError::Proxy(wrong));
    }
    // Those of a configuration file, too, are to be endpoints.
    let named = config.endpoint_url().map(str::to_owned);
    let resolved = Some(dynamodb_endpoint.to_string());
    for url in named.into_iter().chain(resolved) {
        let endpoint = url.parse::<Endpoint>();
        endpoint.map_err(|wrong| ConnectError::Endpoint(format!("{}: {wrong}", redact(&url))))?;
    }
    dynamodb = dynamodb.endpoint_url(dynamodb_endpoint.to_string());
    tracing::info!(%region, endpoint = %dynamodb_endpoint, "the target is known");
    Ok(Connection {
        dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
        cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch.build()),
        dynamodb_streams: aws_sdk_dynamodbstreams::Client::from_conf(streams.build()),
        kinesis: aws_sdk_kinesis::Client::from_conf(kinesis.build()),
        credentials,
        region,
        dynamodb_endpoint,
        options: options.clone(),
        assumed,
        config,
        local,
    })
}

/// An environment variable that says something: an empty one is as good as none.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Tells whether a variable is set to nothing, which the SDK would take for a value.
fn is_empty(name: &str) -> bool {
    std::env::var_os(name).is_some() && variable(name).is_none()
}

/// Region, profile and, for a server on this machine (`is_here`), keys; with what was
/// assumed there, which of AWS is never assumed.
fn settled(
    mut loader: ConfigLoader,
    options: &Options,
    is_here: bool,
) -> (ConfigLoader, Option<String>) {
    let profile = options.profile.clone().or_else(|| variable("AWS_PROFILE"));
    if let Some(profile) = &profile {
        loader = loader.profile_name(profile);
    } else if is_empty("AWS_PROFILE") {
        loader = loader.profile_name("default");
    }
    let is_configured = profile.is_some() || has_files();
    let region = options
        .region
        .clone()
        .or_else(|| variable("AWS_REGION"))
        .or_else(|| variable("AWS_DEFAULT_REGION"));
    let mut assumed = Vec::new();
    let of_profile = || {
        let provider = ProfileFileRegionProvider::builder();
        let provider = match &profile {
            Some(profile) => provider.profile_name(profile),
            None => provider,
        };
        RegionProviderChain::first_try(provider.build())
    };
    if let Some(region) = region {
        loader = loader.region(Region::new(region));
    } else if is_here {
        if !is_configured {
            assumed.push(format!("region {LOCAL_REGION}"));
        }
        loader = loader.region(of_profile().or_else(Region::new(LOCAL_REGION)));
    } else if is_empty("AWS_REGION") || is_empty("AWS_DEFAULT_REGION") {
        loader = loader.region(of_profile());
    }
    let has_keys = [
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    ];
    let has_keys = has_keys.iter().any(|name| variable(name).is_some());
    if is_here && !is_configured && !has_keys {
        assumed.push("made-up keys".to_owned());
        let keys = Credentials::new("hrload", "hrload", None, None, "hrload");
        loader = loader.credentials_provider(SharedCredentialsProvider::new(keys));
    }
    let told = (!assumed.is_empty()).then(|| {
        format!(
            "nothing of AWS is configured: this machine's server is called with {}",
            assumed.join(" and ")
        )
    });
    (loader, told)
}

/// Tells whether an AWS configuration or credentials file exists.
fn has_files() -> bool {
    let home = variable("HOME").map(PathBuf::from);
    let files = [
        ("AWS_CONFIG_FILE", ".aws/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
    ];
    files.iter().any(|(name, usual)| {
        let named = variable(name).map(PathBuf::from);
        let file = named.or_else(|| Some(home.as_ref()?.join(usual)));
        file.is_some_and(|file| file.is_file())
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
            let connector = SharedHttpConnector::new(connector);
            if local {
                connector
            } else {
                proxy::telling(connector)
            }
        };
        pool.get_or_init(connect).clone()
    })
}
