//! SDK clients: ring for TLS, SDK retry and time-outs off (`call.rs` does both), endpoints, credentials.

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::AwsConfig;
use super::endpoints::Endpoints;
use super::error::Service;
use super::wire::AwsWire;

/// Long enough for a cold path across regions, short enough to try again within one attempt of a read.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Upstream's product token, which IAM policies may match on, and ours.
fn user_agent() -> String {
    format!("elbv2.k8s.aws/v3.5.0 elbow/{}", env!("CARGO_PKG_VERSION"))
}

/// HTTPS through the proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`), if any.
pub(super) fn http_client() -> SharedHttpClient {
    client_with(ProxyConfig::from_env)
}

/// Never through a proxy: for the metadata service, which is only reachable from the machine itself.
fn direct_client() -> SharedHttpClient {
    client_with(ProxyConfig::disabled)
}

fn client_with(proxy: fn() -> ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .proxy_config(proxy());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    })
}

/// The metadata client, with the endpoint of `--aws-api-endpoints` (`ec2imds`) or of the environment.
pub(super) fn metadata(endpoints: &Endpoints, attempts: u32) -> Result<imds::Client, String> {
    let provider = ProviderConfig::without_region().with_http_client(direct_client());
    let mut builder = imds::Client::builder()
        .configure(&provider)
        .max_attempts(attempts);
    if std::env::var_os("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").is_none() && is_ipv6_only() {
        builder = builder.endpoint_mode(imds::client::EndpointMode::IpV6);
    }
    if let Some(url) = endpoints.get(Endpoints::METADATA) {
        builder = builder
            .endpoint(url)
            .map_err(|error| format!("the endpoint {url} of ec2imds is not usable: {error}"))?;
    }
    Ok(builder.build())
}

/// Whether the machine has no IPv4 address besides loopback ones (upstream `pkg/aws/cloud.go`); no where that
/// cannot be found out.
fn is_ipv6_only() -> bool {
    std::fs::read_to_string("/proc/net/fib_trie").is_ok_and(|trie| !has_ipv4(&trie))
}

/// Reads the kernel's routing table: a line `/32 host LOCAL` marks the address of the line before it.
fn has_ipv4(trie: &str) -> bool {
    let lines: Vec<_> = trie.lines().map(str::trim).collect();
    lines.windows(2).any(|pair| match pair {
        [address, mark] if mark.starts_with("/32 host LOCAL") => address
            .strip_prefix("|-- ")
            .is_some_and(|address| !address.starts_with("127.")),
        _ => false,
    })
}

/// The SDK's default chain.
pub(super) async fn default_chain(config: &AwsConfig, http: SharedHttpClient) -> SdkConfig {
    let region = Region::new(config.realm.region.clone());
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region.clone())
        .http_client(http.clone())
        .retry_config(RetryConfig::disabled());
    let loader = if let Some(credentials) = &config.credentials {
        loader.credentials_provider(credentials.expose().clone())
    } else {
        let provider = ProviderConfig::without_region()
            .with_http_client(http)
            .with_region(Some(region.clone()));
        let mut chain = DefaultCredentialsChain::builder()
            .configure(provider)
            .region(region);
        if let Ok(metadata) = metadata(&config.endpoints, 3) {
            chain = chain.imds_client(metadata);
        }
        loader.credentials_provider(chain.build().await)
    };
    loader.load().await
}

/// Nothing from outside: for tests in process.
pub(super) fn fixed(config: &AwsConfig, http: SharedHttpClient) -> SdkConfig {
    let test = || Credentials::new("test", "test", None, None, "fixed");
    let given = config.credentials.as_ref();
    let credentials = given.map_or_else(test, |credentials| credentials.expose().clone());
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.realm.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .build()
}

/// The two service clients.
pub(super) fn build(
    config: &AwsConfig,
    sdk: &SdkConfig,
    http: SharedHttpClient,
) -> (aws_sdk_elasticloadbalancingv2::Client, aws_sdk_ec2::Client) {
    let wire = SharedHttpClient::new(AwsWire::new(http, user_agent()));
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let mut elb = aws_sdk_elasticloadbalancingv2::config::Builder::from(sdk)
        .http_client(wire.clone())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.clone())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    elb = match config.endpoints.get(Service::Elb.id()) {
        Some(url) => elb.endpoint_url(url),
        None => elb,
    };
    let mut ec2 = aws_sdk_ec2::config::Builder::from(sdk)
        .http_client(wire)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    ec2 = match config.endpoints.get(Service::Ec2.id()) {
        Some(url) => ec2.endpoint_url(url),
        None => ec2,
    };
    (
        aws_sdk_elasticloadbalancingv2::Client::from_conf(elb.build()),
        aws_sdk_ec2::Client::from_conf(ec2.build()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: &str = "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n";

    #[test]
    fn only_addresses_of_the_machine_that_are_not_loopback_count_as_ipv4() {
        assert!(!has_ipv4(LOOPBACK));
        assert!(!has_ipv4("  |-- 10.0.0.0\n     /24 link UNICAST\n"));
        assert!(has_ipv4(&format!(
            "{LOOPBACK}     |-- 10.0.0.5\n        /32 host LOCAL\n"
        )));
    }
}
