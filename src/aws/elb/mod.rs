//! Elastic Load Balancing v2: typed calls, one file per noun.

mod attribute;
mod convert;
mod described;
mod listener;
mod load_balancer;
mod request;
mod rule;
mod rule_condition;
mod tag;
mod target;
mod target_group;

use elbow_core::model::{LoadBalancer, TargetGroup};

pub(super) use load_balancer::load_balancers_batch;
pub(super) use tag::{ResourceTags, tags_batch};
pub(super) use target_group::target_groups_batch;

/// A load balancer as listed: attributes, tags and resource id are empty, capacity is unmanaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLoadBalancer {
    /// The load balancer.
    pub load_balancer: LoadBalancer,
    /// VPC id.
    pub vpc: String,
}

impl ListedLoadBalancer {
    /// Its ARN.
    pub fn arn(&self) -> &str {
        self.load_balancer.arn.as_deref().unwrap_or_default()
    }
}

/// A target group as listed: attributes, tags and resource id are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTargetGroup {
    /// The target group.
    pub group: TargetGroup,
    /// VPC id.
    pub vpc: String,
}

impl ListedTargetGroup {
    /// Its ARN.
    pub fn arn(&self) -> &str {
        self.group.arn.as_deref().unwrap_or_default()
    }
}

/// What AWS answers to the creation of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedLoadBalancer {
    /// ARN.
    pub arn: String,
    /// DNS name.
    pub dns_name: String,
}
