//! Quotas and delays of the emulated account, each with AWS's value and changeable by the seed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many of something AWS allows.
///
/// Values: <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html>,
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>,
/// <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Inbound rules of a security group, counted for IPv4 and IPv6 separately.
    pub rules_per_security_group: u32,
    /// Security groups of one network interface.
    pub security_groups_per_interface: u32,
    /// Security groups of the region.
    pub security_groups_per_region: u32,
    /// Tags of one resource.
    pub tags_per_resource: u32,
    /// Application load balancers of the region.
    pub application_load_balancers: u32,
    /// Network load balancers of the region.
    pub network_load_balancers: u32,
    /// Target groups of the region.
    pub target_groups: u32,
    /// Listeners of one load balancer.
    pub listeners_per_load_balancer: u32,
    /// Rules of one application load balancer, default rules not counted.
    pub rules_per_load_balancer: u32,
    /// Values of all conditions of one rule.
    pub condition_values_per_rule: u32,
    /// Wildcard characters in all conditions of one rule.
    pub condition_wildcards_per_rule: u32,
    /// Certificates of one load balancer, default certificates not counted.
    pub certificates_per_load_balancer: u32,
    /// Target groups of one application load balancer.
    pub target_groups_per_application_load_balancer: u32,
    /// Target groups of one forward action.
    pub target_groups_per_action: u32,
    /// Targets of one target group.
    pub targets_per_target_group: u32,
    /// Targets of one application load balancer.
    pub targets_per_application_load_balancer: u32,
    /// Targets of one network load balancer.
    pub targets_per_network_load_balancer: u32,
    /// Targets of one network load balancer in one zone, or in all with cross-zone balancing.
    pub targets_per_zone: u32,
    /// Listeners of one load balancer that verify client certificates.
    pub verifying_listeners_per_load_balancer: u32,
    /// Trust stores of the region.
    pub trust_stores: u32,
    /// CA certificates of one trust store.
    pub ca_certificates_per_trust_store: u32,
    /// Revocation lists of one trust store.
    pub revocation_lists_per_trust_store: u32,
    /// Revoked certificates of one trust store, over all its lists.
    pub revoked_entries_per_trust_store: u32,
    /// Domain names of one certificate that is requested
    /// (<https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html>).
    pub domains_per_certificate: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            rules_per_security_group: 60,
            security_groups_per_interface: 5,
            security_groups_per_region: 2_500,
            tags_per_resource: 50,
            application_load_balancers: 50,
            network_load_balancers: 50,
            target_groups: 3_000,
            listeners_per_load_balancer: 50,
            rules_per_load_balancer: 100,
            condition_values_per_rule: 5,
            condition_wildcards_per_rule: 5,
            certificates_per_load_balancer: 25,
            target_groups_per_application_load_balancer: 100,
            target_groups_per_action: 5,
            targets_per_target_group: 1_000,
            targets_per_application_load_balancer: 1_000,
            targets_per_network_load_balancer: 3_000,
            targets_per_zone: 500,
            verifying_listeners_per_load_balancer: 2,
            trust_stores: 20,
            ca_certificates_per_trust_store: 25,
            revocation_lists_per_trust_store: 30,
            revoked_entries_per_trust_store: 500_000,
            domains_per_certificate: 10,
        }
    }
}

/// How long something takes, in whole seconds of emulated time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delays {
    /// From CreateLoadBalancer to state `active`.
    pub provisioning: u32,
    /// From RegisterTargets to the first health check behind an application load balancer.
    pub application_registration: u32,
    /// From RegisterTargets to the first health check behind a network load balancer.
    pub network_registration: u32,
    /// How long the network interfaces of a deleted load balancer stay.
    pub lingering_interfaces: u32,
    /// From RequestCertificate to status `ISSUED` of a public certificate.
    pub certificate_validation: u32,
    /// From CreateTrustStore to status `ACTIVE`.
    pub trust_store: u32,
}

impl Default for Delays {
    /// Field reports: two to three minutes to active, 90 to 180 s for a network load balancer's registration,
    /// tens of seconds of lingering. Nobody reports how long a certificate or a trust store takes at least.
    fn default() -> Self {
        Self {
            provisioning: 120,
            application_registration: 5,
            network_registration: 90,
            lingering_interfaces: 45,
            certificate_validation: 60,
            trust_store: 0,
        }
    }
}

impl Delays {
    /// A number of seconds as a duration.
    pub fn seconds(seconds: u32) -> Duration {
        Duration::from_secs(seconds.into())
    }
}
