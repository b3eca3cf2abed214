//! What the flags mean: built once, checked once; nobody looks at flags afterwards.

pub mod gates;
pub mod parse;

use std::collections::BTreeMap;
use std::time::Duration;

use elbow_core::model::tracking::is_tracking_tag;
use elbow_core::model::{Scheme, TargetType};
use elbow_core::settings::Settings;

use crate::aws::{AwsOptions, Endpoints, Throttle};
use crate::cli::{Flags, ProcessFlags};

/// Longest back-off unless a flag says otherwise (upstream: 1000 s).
const BACK_OFF_CAP: Duration = Duration::from_secs(30);
/// Runs at once unless a flag says otherwise: they wait for API budget, not for each other.
const CONCURRENT_RUNS: usize = 32;

/// Everything `plan` and `controller` share.
#[derive(Clone, Debug)]
pub struct Config {
    /// Settings of the pure rooms. Region and VPC are empty where they have to be found out.
    pub settings: Settings,
    /// `--kubeconfig`; `None` is in-cluster (or `KUBECONFIG` for `plan`).
    pub kubeconfig: Option<String>,
    /// `--log-level debug`.
    pub debug_log: bool,
    /// `--quic-environment-variable-name`.
    pub quic_variable: String,
    /// How AWS is found and called.
    pub aws: AwsOptions,
}

/// What only the controller process needs.
#[derive(Clone, Debug)]
pub struct Process {
    /// Runs of stacks at once.
    pub stack_runs: usize,
    /// Runs of bindings and of the keys they need at once.
    pub binding_runs: usize,
    /// Longest back-off.
    pub back_off_cap: Duration,
    /// Leader election, if enabled: lease namespace (empty: the pod's) and name.
    pub election: Option<(String, String)>,
}

impl Config {
    /// Checks the flags, in upstream's order; the first wrong one is the error, in one sentence.
    pub fn read(flags: &Flags) -> Result<Self, String> {
        if flags.cluster_name.is_empty() {
            return Err("flag --cluster-name is missing: give the name of the cluster".to_owned());
        }
        let vpc_tags = parse::string_map("aws-vpc-tags", &flags.aws_vpc_tags)?;
        if !vpc_tags.is_empty() && flags.aws_vpc_tag_key != "Name" {
            tracing::warn!("flag --aws-vpc-tag-key is deprecated and ignored");
        }
        Ok(Self {
            settings: settings(flags)?,
            kubeconfig: Some(flags.kubeconfig.clone()).filter(|path| !path.is_empty()),
            debug_log: flags.log_level == "debug",
            quic_variable: flags.quic_environment_variable_name.clone(),
            aws: aws_options(flags, vpc_tags)?,
        })
    }
}

impl Process {
    /// Bounds of a process that makes one pass and no more.
    pub fn one_shot() -> Self {
        Self {
            stack_runs: 1,
            binding_runs: 1,
            back_off_cap: BACK_OFF_CAP,
            election: None,
        }
    }

    /// Checks the flags of the process.
    pub fn read(flags: &ProcessFlags) -> Result<Self, String> {
        if !flags.enable_endpoint_slices {
            return Err(
                "flag --enable-endpoint-slices=false: only EndpointSlices are supported; leave it out"
                    .to_owned(),
            );
        }
        if let Some(addr) = flags.debug_bind_addr.filter(|addr| !addr.ip().is_loopback()) {
            return Err(format!(
                "flag --debug-bind-addr has the value '{addr}': allowed is a loopback address such as 127.0.0.1:6060"
            ));
        }
        let election = (
            flags.leader_election_namespace.clone(),
            flags.leader_election_id.clone(),
        );
        Ok(Self {
            stack_runs: flags
                .service_max_concurrent_reconciles
                .max(flags.ingress_max_concurrent_reconciles)
                .unwrap_or(CONCURRENT_RUNS)
                .max(1),
            binding_runs: flags
                .targetgroupbinding_max_concurrent_reconciles
                .unwrap_or(CONCURRENT_RUNS)
                .max(1),
            back_off_cap: flags
                .targetgroupbinding_max_exponential_backoff_delay
                .unwrap_or(BACK_OFF_CAP),
            election: flags.enable_leader_election.then_some(election),
        })
    }
}

fn settings(flags: &Flags) -> Result<Settings, String> {
    let mut settings = Settings::new(&flags.cluster_name, &flags.aws_region, &flags.aws_vpc_id);
    settings
        .scope
        .load_balancer_class
        .clone_from(&flags.load_balancer_class);
    settings.scope.ingress_class.clone_from(&flags.ingress_class);
    settings.tolerate_non_existent_backend_service = flags.tolerate_non_existent_backend_service;
    settings.tolerate_non_existent_backend_action = flags.tolerate_non_existent_backend_action;
    settings.scope.namespace = Some(flags.watch_namespace.clone()).filter(|ns| !ns.is_empty());
    settings.default_tags = parse::string_map("default-tags", &flags.default_tags)?;
    settings.external_managed_tags =
        parse::string_set("external-managed-tags", &flags.external_managed_tags)?;
    check_tags(&settings)?;
    settings.default_target_type = TargetType::parse(&flags.default_target_type)
        .filter(|t| *t != TargetType::Alb)
        .ok_or_else(|| {
            wrong(
                "default-target-type",
                &flags.default_target_type,
                "instance and ip",
            )
        })?;
    settings.default_scheme = Scheme::parse(&flags.default_load_balancer_scheme).map_err(|_| {
        wrong(
            "default-load-balancer-scheme",
            &flags.default_load_balancer_scheme,
            "internal and internet-facing",
        )
    })?;
    let group = &flags.backend_security_group;
    if !group.is_empty() && !group.starts_with("sg-") {
        return Err(wrong(
            "backend-security-group",
            group,
            "security group ids, which begin with sg-",
        ));
    }
    if flags.enable_manage_backend_security_group_rules && !flags.enable_backend_security_group {
        return Err(
            "flag --enable-manage-backend-security-group-rules needs --enable-backend-security-group=true"
                .to_owned(),
        );
    }
    settings.backend_security_group = Some(group.clone()).filter(|group| !group.is_empty());
    settings.enable_backend_security_group = flags.enable_backend_security_group;
    settings.enable_manage_backend_security_group_rules = flags.enable_manage_backend_security_group_rules;
    settings.disable_restricted_sg_rules = flags.disable_restricted_sg_rules;
    settings.service_target_eni_security_group_tags = parse::string_map(
        "service-target-eni-security-group-tags",
        &flags.service_target_eni_security_group_tags,
    )?;
    settings.default_ssl_policy.clone_from(&flags.default_ssl_policy);
    settings.max_targets_per_target_group = flags.max_targets_per_target_group;
    settings.target_group_binding_requeue = flags.targetgroupbinding_requeue_duration;
    settings.sync_period = flags.sync_period;
    settings.gates = gates::read(&flags.feature_gates)?;
    Ok(settings)
}

fn aws_options(flags: &Flags, vpc_tags: BTreeMap<String, String>) -> Result<AwsOptions, String> {
    let mut throttle = Throttle::default();
    for value in &flags.aws_api_throttle {
        let rules: Throttle = value
            .parse()
            .map_err(|rule| format!("flag --aws-api-throttle: {rule}"))?;
        throttle.0.extend(rules.0);
    }
    Ok(AwsOptions {
        region: Some(flags.aws_region.clone()).filter(|region| !region.is_empty()),
        vpc: Some(flags.aws_vpc_id.clone()).filter(|vpc| !vpc.is_empty()),
        vpc_tags,
        endpoints: endpoints(&flags.aws_api_endpoints)?,
        throttle,
        max_attempts: flags.aws_max_retries.max(1),
    })
}

fn endpoints(values: &[String]) -> Result<Endpoints, String> {
    let mut endpoints = Endpoints::default();
    for value in values {
        let more: Endpoints = value
            .parse()
            .map_err(|rule| format!("flag --aws-api-endpoints: {rule}"))?;
        endpoints.0.extend(more.0);
    }
    Ok(endpoints)
}

fn check_tags(settings: &Settings) -> Result<(), String> {
    let defaults = settings.default_tags.keys().map(|key| ("default-tags", key));
    let external = settings
        .external_managed_tags
        .iter()
        .map(|key| ("external-managed-tags", key));
    for (flag, key) in defaults.chain(external) {
        if is_tracking_tag(key) {
            return Err(format!("tag key {key} cannot be specified in {flag} flag"));
        }
    }
    match settings
        .default_tags
        .keys()
        .find(|key| settings.external_managed_tags.contains(*key))
    {
        Some(key) => Err(format!(
            "tag key {key} cannot be specified in both default-tags and external-managed-tags flag"
        )),
        None => Ok(()),
    }
}

fn wrong(flag: &str, value: &str, allowed: &str) -> String {
    format!("flag --{flag} has the value '{value}': allowed are {allowed}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn read(args: &[&str]) -> Result<(Config, Process), String> {
        let args = ["elbow", "controller"].iter().chain(args);
        let Command::Controller(args) = Cli::try_parse_from(args).map_err(|e| e.to_string())?.command else {
            panic!("not the controller")
        };
        Ok((Config::read(&args.flags)?, Process::read(&args.process)?))
    }

    #[test]
    fn upstreams_defaults_stand() {
        let (config, process) = read(&["--cluster-name=c"]).unwrap();
        assert_eq!(config.settings, Settings::new("c", "", ""));
        assert_eq!(config.aws.max_attempts, 10);
        assert_eq!(process.election.unwrap().1, "aws-load-balancer-controller-leader");
    }

    #[test]
    fn a_bare_boolean_flag_is_true_and_a_later_value_wins() {
        let args = [
            "--cluster-name",
            "c",
            "--disable-restricted-sg-rules",
            "--enable-leader-election=false",
        ];
        let (config, process) = read(&args).unwrap();
        assert!(config.settings.disable_restricted_sg_rules && process.election.is_none());
    }

    #[test]
    fn a_flag_without_effect_is_checked_all_the_same() {
        let with = |pause: &str| {
            let flag = format!("--lb-stabilization-monitor-interval={pause}");
            read(&["--cluster-name=c", &flag])
        };
        let (config, _) = with("30s").unwrap();
        assert_eq!(config.settings, Settings::new("c", "", ""));
        let error = with("30").unwrap_err();
        assert!(error.contains("--lb-stabilization-monitor-interval"), "{error}");
    }

    #[test]
    fn every_wrong_flag_gives_one_sentence_that_names_it() {
        for (args, part) in [
            (vec![], "--cluster-name"),
            (
                vec!["--cluster-name=c", "--default-target-type=alb"],
                "--default-target-type",
            ),
            (
                vec!["--cluster-name=c", "--default-load-balancer-scheme=public"],
                "'public'",
            ),
            (vec!["--cluster-name=c", "--backend-security-group=x"], "sg-"),
            (
                vec!["--cluster-name=c", "--default-tags=elbv2.k8s.aws/cluster=x"],
                "tag key elbv2.k8s.aws/cluster",
            ),
            (
                vec![
                    "--cluster-name=c",
                    "--default-tags=a=1",
                    "--external-managed-tags=a",
                ],
                "both",
            ),
            (
                vec!["--cluster-name=c", "--debug-bind-addr=0.0.0.0:1"],
                "loopback",
            ),
            (
                vec![
                    "--cluster-name=c",
                    "--enable-backend-security-group=false",
                    "--enable-manage-backend-security-group-rules",
                ],
                "--enable-manage-backend-security-group-rules",
            ),
            (
                vec!["--cluster-name=c", "--enable-endpoint-slices=false"],
                "--enable-endpoint-slices=false: only EndpointSlices",
            ),
            (
                vec!["--cluster-name=c", "--aws-api-endpoints=EC2=localhost:4566"],
                "flag --aws-api-endpoints: EC2=localhost:4566: localhost:4566 must be",
            ),
            (vec!["--cluster-name=c", "--sync-period=10"], "--sync-period"),
            (vec!["--cluster-name=c", "--no-such-flag"], "--no-such-flag"),
        ] {
            let error = read(&args).unwrap_err();
            assert!(error.contains(part), "{args:?}: {error}");
        }
    }
}
