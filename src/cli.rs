//! What was typed: subcommands and flags, with upstream's flag names and defaults
//! (upstream `pkg/config`). What it means is worked out once, by `config`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::config::parse;

/// An AWS load balancer controller for Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "elbow", version, about, args_override_self = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the controller.
    #[command(next_line_help = true)]
    Controller(Box<ControllerArgs>),
    /// Print what the controller would do, and do nothing.
    #[command(next_line_help = true)]
    Plan(Box<PlanArgs>),
    /// Renumber listener rules as upstream's controller would, before it takes over.
    #[command(next_line_help = true)]
    Handover(Box<HandoverArgs>),
    /// Print the custom resource definitions as YAML.
    Crds(CrdsArgs),
}

/// Flags of `elbow crds`.
#[derive(Debug, Args)]
pub struct CrdsArgs {
    /// Write one file per definition into this folder instead of printing.
    #[arg(long)]
    pub write: Option<PathBuf>,
}

/// Flags of `elbow controller`.
#[derive(Debug, Args)]
pub struct ControllerArgs {
    /// Flags shared with `plan`.
    #[command(flatten)]
    pub flags: Flags,
    /// Flags of the process.
    #[command(flatten)]
    pub process: ProcessFlags,
}

/// Flags of `elbow plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Flags shared with `controller`.
    #[command(flatten)]
    pub flags: Flags,
    /// Manifests to plan for as if they were applied: files, or folders of .yaml, .yml and .json files.
    #[arg(short = 'f', long, num_args = 1.., action = ArgAction::Append, value_name = "FILE_OR_FOLDER")]
    pub filename: Vec<PathBuf>,
    /// Form of the output: a text for people, a document for programs, or the wanted model in upstream's stack JSON.
    #[arg(short = 'o', long, value_enum, default_value_t = PlanOutput::Text)]
    pub output: PlanOutput,
}

/// Flags of `elbow handover`: those of the controller, so that it looks at the same things.
#[derive(Debug, Args)]
pub struct HandoverArgs {
    /// Print what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Flags shared with `controller` and `plan`.
    #[command(flatten)]
    pub flags: Flags,
    /// Flags of the controller; those of leader election say which lease is looked at.
    #[command(flatten)]
    pub process: ProcessFlags,
}

/// Forms in which a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanOutput {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
    /// The wanted model, in upstream's stack JSON, one object per line.
    Stack,
}

/// Flags that decide what is built, and where.
#[derive(Clone, Debug, Args)]
pub struct Flags {
    /// Name of the cluster: part of tags and of the hashes in names. Required.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    pub cluster_name: String,
    /// `info` or `debug`; anything else is info.
    #[arg(long, default_value = "info")]
    pub log_level: String,
    /// Tags put on all AWS resources, `k=v,k2=v2`.
    #[arg(long, action = ArgAction::Append)]
    pub default_tags: Vec<String>,
    /// `instance` or `ip`.
    #[arg(long, default_value = "instance")]
    pub default_target_type: String,
    /// `internal` or `internet-facing`.
    #[arg(long, default_value = "internal")]
    pub default_load_balancer_scheme: String,
    /// Tag keys that reconciliation never touches.
    #[arg(long, action = ArgAction::Append)]
    pub external_managed_tags: Vec<String>,
    /// Extra tags that select the security group of a network interface, `k=v,k2=v2`.
    #[arg(long, action = ArgAction::Append)]
    pub service_target_eni_security_group_tags: Vec<String>,
    /// TLS policy of listeners that name none.
    #[arg(long, default_value = "ELBSecurityPolicy-2016-08")]
    pub default_ssl_policy: String,
    /// Use a shared security group as the source of rules on targets.
    #[arg(long, default_value = "true", value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub enable_backend_security_group: bool,
    /// Manage rules on targets also for load balancers with given security groups.
    #[arg(long, default_value = "false", value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub enable_manage_backend_security_group_rules: bool,
    /// Use this security group instead of an own shared one; begins with `sg-`.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "GROUP_ID")]
    pub backend_security_group: String,
    /// Open all ports on targets instead of port ranges.
    #[arg(long, default_value = "false", value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub disable_restricted_sg_rules: bool,
    /// Most targets per target group; 0 is unlimited.
    #[arg(long, default_value_t = 0)]
    pub max_targets_per_target_group: u32,
    /// `loadBalancerClass` of Services that are ours.
    #[arg(long, default_value = "service.k8s.aws/nlb")]
    pub load_balancer_class: String,
    /// Value of the annotation `kubernetes.io/ingress.class` of Ingresses that are ours; empty: also Ingresses
    /// without any class.
    #[arg(long, default_value = "alb")]
    pub ingress_class: String,
    /// Answer requests to a Service that does not exist with 503, instead of refusing its Ingress.
    #[arg(long, default_value = "true", value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub tolerate_non_existent_backend_service: bool,
    /// Answer requests to an action annotation that does not exist with 503, instead of refusing its Ingress.
    #[arg(long, default_value = "true", value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub tolerate_non_existent_backend_action: bool,
    /// Environment variable that carries a pod's QUIC server id.
    #[arg(long, default_value = "AWS_LBC_QUIC_SERVER_ID")]
    pub quic_environment_variable_name: String,
    /// Feature gates, `Name=bool,...`.
    #[arg(long, action = ArgAction::Append)]
    pub feature_gates: Vec<String>,
    /// Pause between two looks at the health of targets that gate a pod.
    #[arg(long, default_value = "15s", value_parser = parse::duration)]
    pub targetgroupbinding_requeue_duration: std::time::Duration,
    /// How often everything is verified against AWS, spread over the period.
    #[arg(long, default_value = "10h", value_parser = parse::duration)]
    pub sync_period: std::time::Duration,
    /// Look at this namespace only; empty is all.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAMESPACE")]
    pub watch_namespace: String,
    /// Kubeconfig file; empty is the cluster the process runs in. `plan` and `handover` look at `KUBECONFIG`
    /// before that, `controller` does not.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "FILE")]
    pub kubeconfig: String,
    /// AWS region; empty is found out.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "REGION")]
    pub aws_region: String,
    /// VPC id; empty is found out.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "VPC_ID")]
    pub aws_vpc_id: String,
    /// Tags by which the VPC is found, `k=v,k2=v2`, all of them.
    #[arg(long, action = ArgAction::Append)]
    pub aws_vpc_tags: Vec<String>,
    /// Ignored, kept for upstream's sake.
    #[arg(long, default_value = "Name", hide = true)]
    pub aws_vpc_tag_key: String,
    /// Most attempts per AWS call.
    #[arg(long, default_value_t = 10)]
    pub aws_max_retries: u32,
    /// Buckets of API calls, `serviceID:operationRegex=rate:burst,...`; replaces ours for that service.
    #[arg(long, action = ArgAction::Append)]
    pub aws_api_throttle: Vec<String>,
    /// Endpoints, `serviceID=URL,...`.
    #[arg(long, action = ArgAction::Append)]
    pub aws_api_endpoints: Vec<String>,
}

/// Flags of the controller process.
#[derive(Clone, Debug, Args)]
pub struct ProcessFlags {
    /// Address of `/metrics`; `0` serves none.
    #[arg(long, default_value = ":8080")]
    pub metrics_bind_addr: String,
    /// Address of `/healthz` and `/readyz`.
    #[arg(long, default_value = ":61779")]
    pub health_probe_bind_addr: String,
    /// Loopback address of `/debug/stacks` and `/debug/enqueue`, such as 127.0.0.1:6060; none by default.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub debug_bind_addr: Option<SocketAddr>,
    /// Let one process of several work.
    #[arg(long, default_value = "true", value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub enable_leader_election: bool,
    /// Name of the lease.
    #[arg(long, default_value = "aws-load-balancer-controller-leader")]
    pub leader_election_id: String,
    /// Namespace of the lease; empty is the pod's.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAMESPACE")]
    pub leader_election_namespace: String,
    /// Most stacks of Services worked on at once; unset: 32.
    #[arg(long)]
    pub service_max_concurrent_reconciles: Option<usize>,
    /// Stacks of Ingresses that are worked on at a time; stacks of all kinds share the larger of both numbers.
    #[arg(long)]
    pub ingress_max_concurrent_reconciles: Option<usize>,
    /// Most bindings worked on at once; unset: 32.
    #[arg(long)]
    pub targetgroupbinding_max_concurrent_reconciles: Option<usize>,
    /// Longest back-off of a binding; unset: 30 s.
    #[arg(long, value_parser = parse::duration)]
    pub targetgroupbinding_max_exponential_backoff_delay: Option<std::time::Duration>,
    /// Read Endpoints where false; only EndpointSlices are supported.
    #[arg(long, default_value = "true", value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub enable_endpoint_slices: bool,
    /// Flags without effect; accepted so that upstream's arguments start the process.
    #[command(flatten)]
    pub later: LaterFlags,
}

/// Upstream's flags for front ends, webhooks and add-ons that are not built yet, and for pauses that nothing here
/// makes. They are read and checked, and have no effect.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Accepted, without effect")]
#[allow(missing_docs)] // upstream's names
pub struct LaterFlags {
    /// Nothing waits for a load balancer to be provisioned: its address is published as soon as AWS names it.
    #[arg(long, hide = true, value_parser = parse::duration)]
    pub lb_stabilization_monitor_interval: Option<std::time::Duration>,
    #[arg(long, hide = true, value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disable_ingress_class_annotation: Option<bool>,
    #[arg(long, hide = true, value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disable_ingress_group_name_annotation: Option<bool>,
    #[arg(long, hide = true, value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub enable_waf: Option<bool>,
    #[arg(long, hide = true, value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub enable_wafv2: Option<bool>,
    #[arg(long, hide = true, value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub enable_shield: Option<bool>,
    #[arg(long, hide = true, value_parser = parse::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub enable_pod_readiness_gate_inject: Option<bool>,
    #[arg(long, hide = true, action = ArgAction::Append)]
    pub allowed_certificate_authority_arns: Vec<String>,
    #[arg(long, hide = true)]
    pub default_pca_arn: Option<String>,
    #[arg(long, hide = true, value_parser = parse::label)]
    pub required_secrets_label: Option<String>,
    #[arg(long, hide = true)]
    pub webhook_bind_port: Option<i32>,
    #[arg(long, hide = true)]
    pub webhook_cert_dir: Option<PathBuf>,
    #[arg(long, hide = true)]
    pub webhook_cert_file: Option<String>,
    #[arg(long, hide = true)]
    pub webhook_key_file: Option<String>,
    #[arg(long, hide = true)]
    pub kube_ca_pem_filepath: Option<PathBuf>,
    #[arg(long, hide = true)]
    pub gateway_class_max_concurrent_reconciles: Option<usize>,
    #[arg(long, hide = true)]
    pub alb_gateway_max_concurrent_reconciles: Option<usize>,
    #[arg(long, hide = true)]
    pub nlb_gateway_max_concurrent_reconciles: Option<usize>,
    #[arg(long, hide = true)]
    pub globalaccelerator_max_concurrent_reconciles: Option<usize>,
    #[arg(long, hide = true, value_parser = parse::duration)]
    pub globalaccelerator_max_exponential_backoff_delay: Option<std::time::Duration>,
}
