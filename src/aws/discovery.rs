//! Region and VPC, as upstream finds them (`pkg/aws/cloud.go`): flags, environment, metadata service.
//!
//! In: flags and environment. Out: a [`Realm`], or one sentence about what to set.

use std::collections::BTreeMap;

use aws_config::imds;
use elbow_core::key::Lane;
use elbow_core::question::Vpc;
use elbow_core::settings::Realm;

use super::endpoints::Endpoints;
use super::error::AwsError;
use super::failure::deepest;
use super::throttle::Throttle;
use super::{Aws, AwsConfig, Cx, clients};

/// What was typed about AWS.
#[derive(Clone, Debug)]
pub struct AwsOptions {
    /// `--aws-region`.
    pub region: Option<String>,
    /// `--aws-vpc-id`.
    pub vpc: Option<String>,
    /// `--aws-vpc-tags`; empty: not given.
    pub vpc_tags: BTreeMap<String, String>,
    /// `--aws-api-endpoints`.
    pub endpoints: Endpoints,
    /// `--aws-api-throttle`.
    pub throttle: Throttle,
    /// `--aws-max-retries`.
    pub max_attempts: u32,
}

impl Default for AwsOptions {
    fn default() -> Self {
        Self {
            region: None,
            vpc: None,
            vpc_tags: BTreeMap::new(),
            endpoints: Endpoints::default(),
            throttle: Throttle::default(),
            max_attempts: 10,
        }
    }
}

impl AwsOptions {
    /// Services named by flags that no client has, each as a sentence.
    pub fn unknown_services(&self) -> Vec<String> {
        let (endpoints, throttle) = (self.endpoints.unknown(), self.throttle.unknown());
        endpoints.into_iter().chain(throttle).collect()
    }

    /// The configuration of a client for a realm.
    pub fn config(&self, realm: Realm) -> AwsConfig {
        AwsConfig {
            endpoints: self.endpoints.clone(),
            throttle: self.throttle.clone(),
            max_attempts: self.max_attempts,
            ..AwsConfig::new(realm)
        }
    }
}

/// Why the place of our resources is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// No region.
    #[error(
        "failed to introspect region from EC2Metadata, specify --aws-region instead if EC2Metadata is unavailable: {0}"
    )]
    Region(String),
    /// No VPC carries the tags.
    #[error("no VPC exists with tags {0}")]
    NoVpcWithTags(String),
    /// Several VPCs carry the tags.
    #[error("multiple VPCs exist with tags {0}")]
    SeveralVpcsWithTags(String),
    /// Neither metadata nor `NODENAME` led to a VPC.
    #[error("failed to get VPC ID: {0}; specify --aws-vpc-id instead if EC2Metadata is unavailable")]
    Vpc(String),
    /// The VPC of the flags does not exist.
    #[error("there is no VPC {vpc} in region {region}: check --aws-vpc-id and --aws-region")]
    UnknownVpc {
        /// VPC id.
        vpc: String,
        /// Region.
        region: String,
    },
    /// AWS did not say.
    #[error("cannot look up the VPC: {0}")]
    Aws(AwsError),
}

/// An environment variable; empty counts as unset.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// The environment of the process.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Finds region and VPC. An explicit VPC id is taken as it is; [`verify_vpc`] looks it up.
pub async fn discover(options: &AwsOptions, environment: Environment<'_>) -> Result<Realm, DiscoveryError> {
    let region = region(options, environment).await?;
    let mut realm = Realm {
        partition: partition(&region).to_owned(),
        role: String::new(),
        region,
        vpc: options.vpc.clone().unwrap_or_default(),
    };
    if realm.vpc.is_empty() {
        realm.vpc = vpc(options, environment, &realm).await?;
    }
    Ok(realm)
}

/// The realm's VPC as AWS describes it.
pub async fn verify_vpc(aws: &Aws) -> Result<Vpc, DiscoveryError> {
    let found = aws
        .vpc(&Cx::lane(Lane::Edit))
        .await
        .map_err(DiscoveryError::Aws)?;
    found.ok_or_else(|| DiscoveryError::UnknownVpc {
        vpc: aws.realm().vpc.clone(),
        region: aws.realm().region.clone(),
    })
}

async fn region(options: &AwsOptions, environment: Environment<'_>) -> Result<String, DiscoveryError> {
    let given = options.region.clone().filter(|region| !region.is_empty());
    let from_environment = || environment("AWS_DEFAULT_REGION").or_else(|| environment("AWS_REGION"));
    if let Some(region) = given.or_else(from_environment) {
        return Ok(region);
    }
    metadata(options, environment, "/latest/meta-data/placement/region")
        .await
        .map_err(DiscoveryError::Region)
}

async fn vpc(
    options: &AwsOptions,
    environment: Environment<'_>,
    realm: &Realm,
) -> Result<String, DiscoveryError> {
    if !options.vpc_tags.is_empty() {
        let aws = Aws::connect(options.config(realm.clone())).await;
        return vpc_of_tags(&aws, &options.vpc_tags).await;
    }
    let from_metadata = match vpc_of_metadata(options, environment).await {
        Ok(vpc) => return Ok(vpc),
        Err(cause) => format!("failed to fetch VPC ID from instance metadata: {cause}"),
    };
    let Some(node) = environment("NODENAME").filter(|node| node.starts_with("i-")) else {
        return Err(DiscoveryError::Vpc(from_metadata));
    };
    let aws = Aws::connect(options.config(realm.clone())).await;
    let found = vpc_of_instance(&aws, &node).await;
    found.map_err(|cause| DiscoveryError::Vpc(format!("{from_metadata}; {cause}")))
}

/// The VPC of the instance that the environment variable `NODENAME` names; else one sentence.
pub async fn vpc_of_instance(aws: &Aws, node: &str) -> Result<String, String> {
    let found = aws
        .instances(&Cx::lane(Lane::Edit), &[node.to_owned()])
        .await
        .map_err(|error| error.to_string())?;
    let instance = found
        .first()
        .ok_or_else(|| format!("there is no instance {node} (NODENAME)"))?;
    Ok(instance.vpc.clone())
}

/// The one VPC that carries all given tags. The realm's VPC does not matter.
pub async fn vpc_of_tags(aws: &Aws, tags: &BTreeMap<String, String>) -> Result<String, DiscoveryError> {
    let found = aws
        .vpcs_by_tags(&Cx::lane(Lane::Edit), tags)
        .await
        .map_err(DiscoveryError::Aws)?;
    let words = || {
        let pairs: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        pairs.join(",")
    };
    match found.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => Err(DiscoveryError::NoVpcWithTags(words())),
        _ => Err(DiscoveryError::SeveralVpcsWithTags(words())),
    }
}

/// The VPC of the machine's primary interface.
async fn vpc_of_metadata(options: &AwsOptions, environment: Environment<'_>) -> Result<String, String> {
    let mac = metadata(options, environment, "/latest/meta-data/mac").await?;
    let path = format!(
        "/latest/meta-data/network/interfaces/macs/{}/vpc-id",
        mac.trim_end_matches('/')
    );
    metadata(options, environment, &path).await
}

async fn metadata(options: &AwsOptions, environment: Environment<'_>, path: &str) -> Result<String, String> {
    if environment("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err("the instance metadata service is disabled by AWS_EC2_METADATA_DISABLED".to_owned());
    }
    let client: imds::Client = clients::metadata(&options.endpoints, 2)?;
    let value = client.get(path).await.map_err(|error| {
        let cause = deepest(&error);
        format!("the instance metadata service did not answer for {path}: {cause}")
    })?;
    let value = value.as_ref().trim().to_owned();
    if value.is_empty() {
        return Err(format!("the instance metadata service has nothing at {path}"));
    }
    Ok(value)
}

/// The partition of a region (AWS SDK, `partitions.json`).
fn partition(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-iso-", "aws-iso"),
        ("eusc-", "aws-eusc"),
    ];
    let found = PREFIXES
        .into_iter()
        .find(|(prefix, _)| region.starts_with(prefix));
    found.map_or("aws", |(_, partition)| partition)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[tokio::test]
    async fn the_flag_wins_over_the_environment_and_default_region_over_region() {
        let both = |name: &str| match name {
            "AWS_DEFAULT_REGION" => Some("eu-west-1".to_owned()),
            "AWS_REGION" => Some("eu-west-2".to_owned()),
            _ => None,
        };
        let mut options = AwsOptions {
            vpc: Some("vpc-1".to_owned()),
            ..AwsOptions::default()
        };
        assert_eq!(discover(&options, &both).await.unwrap().region, "eu-west-1");
        options.region = Some("cn-north-1".to_owned());
        let realm = discover(&options, &both).await.unwrap();
        assert_eq!(
            (realm.region.as_str(), realm.partition.as_str()),
            ("cn-north-1", "aws-cn")
        );
        assert_eq!(realm.vpc, "vpc-1");
    }

    #[tokio::test]
    async fn without_any_source_each_failure_is_one_sentence_that_names_the_flag() {
        let disabled = |name: &str| (name == "AWS_EC2_METADATA_DISABLED").then(|| "true".to_owned());
        let error = discover(&AwsOptions::default(), &disabled)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("--aws-region") && error.contains("disabled"),
            "{error}"
        );
        let options = AwsOptions {
            region: Some("us-west-2".to_owned()),
            ..AwsOptions::default()
        };
        let error = discover(&options, &disabled).await.unwrap_err().to_string();
        assert!(
            error.contains("failed to get VPC ID") && error.contains("--aws-vpc-id"),
            "{error}"
        );
        let unreachable = AwsOptions {
            endpoints: "ec2imds=http://127.0.0.1:9".parse().unwrap(),
            ..AwsOptions::default()
        };
        let error = discover(&unreachable, &nothing).await.unwrap_err().to_string();
        assert!(error.contains("did not answer"), "{error}");
    }
}
