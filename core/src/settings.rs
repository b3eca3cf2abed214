//! What the operator configured, as far as the pure rooms read it. Built once by `config.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{IpFamily, Scheme, TargetType};

/// Where AWS resources live: partition, account or role, region and VPC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Realm {
    /// `aws`, `aws-cn`, ...
    pub partition: String,
    /// Role to assume; empty for the controller's own credentials.
    pub role: String,
    /// Region, for example `us-west-2`.
    pub region: String,
    /// VPC id.
    pub vpc: String,
}

/// Which objects this controller looks at, and under which id it does so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// `--load-balancer-class`.
    pub load_balancer_class: String,
    /// `--ingress-class`: the value of the older class annotation that is ours; empty: also Ingresses without
    /// any class.
    pub ingress_class: String,
    /// `--watch-namespace`; `None` is all namespaces.
    pub namespace: Option<String>,
    /// Cluster name: part of tags and name hashes.
    pub cluster: String,
}

/// Feature gates that change what is built (upstream `pkg/config/feature_gates.go`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are upstream's own, documented with the flag
pub struct Gates {
    pub listener_rules_tagging: bool,
    pub weighted_target_groups: bool,
    pub service_type_load_balancer_only: bool,
    pub endpoints_fail_open: bool,
    pub enable_service_controller: bool,
    pub enable_ip_target_type: bool,
    pub subnets_cluster_tag_check: bool,
    pub nlb_health_check_advanced_config: bool,
    pub nlb_security_group: bool,
    pub alb_single_subnet: bool,
    pub lb_capacity_reservation: bool,
    pub subnet_discovery_by_reachability: bool,
    pub enable_tcp_udp_listener: bool,
    pub enhanced_default_behavior: bool,
    pub enable_default_tags_low_priority: bool,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            listener_rules_tagging: true,
            weighted_target_groups: true,
            service_type_load_balancer_only: false,
            endpoints_fail_open: true,
            enable_service_controller: true,
            enable_ip_target_type: true,
            subnets_cluster_tag_check: true,
            nlb_health_check_advanced_config: true,
            nlb_security_group: true,
            alb_single_subnet: false,
            lb_capacity_reservation: true,
            subnet_discovery_by_reachability: true,
            enable_tcp_udp_listener: false,
            enhanced_default_behavior: false,
            enable_default_tags_low_priority: false,
        }
    }
}

/// Settings of the pure rooms. Defaults are upstream's (`pkg/config/controller_config.go`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Where our AWS resources live.
    pub realm: Realm,
    /// What we look at.
    pub scope: Scope,
    /// `--default-tags`.
    pub default_tags: BTreeMap<String, String>,
    /// `--external-managed-tags`: keys that reconciliation never touches.
    pub external_managed_tags: BTreeSet<String>,
    /// `--default-target-type`.
    pub default_target_type: TargetType,
    /// `--default-load-balancer-scheme`.
    pub default_scheme: Scheme,
    /// `--default-ssl-policy`.
    pub default_ssl_policy: String,
    /// `--enable-backend-security-group`.
    pub enable_backend_security_group: bool,
    /// `--backend-security-group`: use this group instead of an own one.
    pub backend_security_group: Option<String>,
    /// `--enable-manage-backend-security-group-rules`.
    pub enable_manage_backend_security_group_rules: bool,
    /// `--disable-restricted-sg-rules`.
    pub disable_restricted_sg_rules: bool,
    /// `--tolerate-non-existent-backend-service`: requests to a Service that is missing are answered with 503.
    pub tolerate_non_existent_backend_service: bool,
    /// `--tolerate-non-existent-backend-action`: so are those to an action annotation that is missing.
    pub tolerate_non_existent_backend_action: bool,
    /// `--service-target-eni-security-group-tags`.
    pub service_target_eni_security_group_tags: BTreeMap<String, String>,
    /// `--max-targets-per-target-group`; 0 is unlimited.
    pub max_targets_per_target_group: u32,
    /// `--targetgroupbinding-requeue-duration`.
    pub target_group_binding_requeue: Duration,
    /// `--sync-period`.
    pub sync_period: Duration,
    /// Families of the cluster's addresses that targets may have.
    pub families: BTreeSet<IpFamily>,
    /// Feature gates.
    pub gates: Gates,
}

impl Settings {
    /// Upstream's defaults for a cluster in a VPC.
    pub fn new(cluster: &str, region: &str, vpc: &str) -> Self {
        Self {
            realm: Realm {
                partition: "aws".to_owned(),
                role: String::new(),
                region: region.to_owned(),
                vpc: vpc.to_owned(),
            },
            scope: Scope {
                load_balancer_class: "service.k8s.aws/nlb".to_owned(),
                ingress_class: "alb".to_owned(),
                namespace: None,
                cluster: cluster.to_owned(),
            },
            default_tags: BTreeMap::new(),
            external_managed_tags: BTreeSet::new(),
            default_target_type: TargetType::Instance,
            default_scheme: Scheme::Internal,
            default_ssl_policy: "ELBSecurityPolicy-2016-08".to_owned(),
            enable_backend_security_group: true,
            backend_security_group: None,
            enable_manage_backend_security_group_rules: false,
            disable_restricted_sg_rules: false,
            tolerate_non_existent_backend_service: true,
            tolerate_non_existent_backend_action: true,
            service_target_eni_security_group_tags: BTreeMap::new(),
            max_targets_per_target_group: 0,
            target_group_binding_requeue: Duration::from_secs(15),
            sync_period: Duration::from_hours(10),
            families: BTreeSet::from([IpFamily::Ipv4, IpFamily::Ipv6]),
            gates: Gates::default(),
        }
    }
}
