//! AWS quotas and limits, each with the page that states it.
//!
//! In: nothing. Out: constants. A [`Kind::Fixed`] limit stops a step that would break it; an
//! [`Kind::Adjustable`] one only warns, because the account may have a higher value.

/// Whether AWS raises a limit on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The same for every account.
    Fixed,
    /// A default that an account may have raised.
    Adjustable,
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is counted.
    pub what: &'static str,
    /// The highest allowed value.
    pub value: u32,
    /// Whether it can be raised.
    pub kind: Kind,
    /// The page that states it.
    pub link: &'static str,
}

/// A closed range of numbers that an API accepts; fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// What the number is.
    pub what: &'static str,
    /// Lowest allowed value.
    pub min: i32,
    /// Highest allowed value.
    pub max: i32,
    /// The page that states it.
    pub link: &'static str,
}

impl Limit {
    const fn fixed(what: &'static str, value: u32, link: &'static str) -> Self {
        Self {
            what,
            value,
            kind: Kind::Fixed,
            link,
        }
    }

    const fn adjustable(what: &'static str, value: u32, link: &'static str) -> Self {
        Self {
            what,
            value,
            kind: Kind::Adjustable,
            link,
        }
    }

    /// Whether `count` is allowed.
    pub fn allows(&self, count: usize) -> bool {
        u32::try_from(count).is_ok_and(|count| count <= self.value)
    }
}

impl Range {
    const fn new(what: &'static str, min: i32, max: i32, link: &'static str) -> Self {
        Self { what, min, max, link }
    }

    /// Whether `number` is allowed.
    pub fn allows(&self, number: i32) -> bool {
        (self.min..=self.max).contains(&number)
    }
}

const ALB: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html";
const NLB: &str = "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html";
const VPC: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html";
const CREATE_LB: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html";
const CREATE_TG: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html";
const MODIFY_LB: &str = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyLoadBalancerAttributes.html";
const TARGET_GROUP_TUPLE: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupTuple.html";
const ACTION: &str = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html";
const CREATE_RULE: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html";
const CONDITION: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html";
const FIXED_RESPONSE: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html";
const STICKINESS_CONFIG: &str = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupStickinessConfig.html";
const TRANSFORM: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleTransform.html";
const AUTHENTICATE: &str = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AuthenticateOidcActionConfig.html";
const GROUPS: &str =
    "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/";
const DESCRIBE_LB: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html";
const DESCRIBE_TAGS: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html";
const REGISTER: &str = "https://github.com/kubernetes-sigs/aws-load-balancer-controller/pull/1342";
const TAGS: &str = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddTags.html";
const CREATE_SG: &str = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html";

/// Pages and batches of calls.
pub mod batch {
    use super::{DESCRIBE_LB, DESCRIBE_TAGS, Limit, REGISTER};

    /// Items per page of a pageable describe call.
    pub const PAGE_SIZE: Limit = Limit::fixed("items per page", 400, DESCRIBE_LB);
    /// ARNs in one DescribeLoadBalancers.
    pub const LOAD_BALANCERS_BY_ARN: Limit =
        Limit::fixed("load balancers per describe call", 20, DESCRIBE_LB);
    /// ARNs in one DescribeTags.
    pub const TAGS_BY_ARN: Limit = Limit::fixed("resources per DescribeTags call", 20, DESCRIBE_TAGS);
    /// Targets in one RegisterTargets or DeregisterTargets; undocumented, advised by AWS.
    pub const TARGETS: Limit = Limit::fixed("targets per register call", 200, REGISTER);
}

/// Network Load Balancers.
pub mod nlb {
    use super::{Limit, NLB};

    /// Load balancers per region.
    pub const PER_REGION: Limit = Limit::adjustable("Network Load Balancers per region", 50, NLB);
    /// Network interfaces per VPC: one per zone and load balancer.
    pub const INTERFACES_PER_VPC: Limit =
        Limit::adjustable("Network Load Balancer interfaces per VPC", 1_200, NLB);
    /// Listeners.
    pub const LISTENERS: Limit = Limit::fixed("listeners per Network Load Balancer", 50, NLB);
    /// Certificates.
    pub const CERTIFICATES: Limit = Limit::adjustable("certificates per Network Load Balancer", 25, NLB);
    /// Targets.
    pub const TARGETS: Limit = Limit::adjustable("targets per Network Load Balancer", 3_000, NLB);
    /// Targets per zone; with cross-zone load balancing in all.
    pub const TARGETS_PER_ZONE: Limit =
        Limit::adjustable("targets per zone of a Network Load Balancer", 500, NLB);
    /// Targets of a target group of type `alb`.
    pub const ALB_TARGETS: Limit = Limit::fixed("targets per target group of type alb", 1, NLB);
}

/// Application Load Balancers.
pub mod alb {
    use super::{ALB, Limit};

    /// Load balancers per region.
    pub const PER_REGION: Limit = Limit::adjustable("Application Load Balancers per region", 50, ALB);
    /// Listeners.
    pub const LISTENERS: Limit = Limit::adjustable("listeners per Application Load Balancer", 50, ALB);
    /// Rules without default rules.
    pub const RULES: Limit = Limit::adjustable("rules per Application Load Balancer", 100, ALB);
    /// Certificates without default ones.
    pub const CERTIFICATES: Limit = Limit::adjustable("certificates per Application Load Balancer", 25, ALB);
    /// Target groups.
    pub const TARGET_GROUPS: Limit = Limit::fixed("target groups per Application Load Balancer", 100, ALB);
    /// Targets.
    pub const TARGETS: Limit = Limit::adjustable("targets per Application Load Balancer", 1_000, ALB);
    /// Condition values per rule.
    pub const CONDITION_VALUES: Limit = Limit::fixed("condition values per rule", 5, ALB);
    /// Wildcards per rule; translations of the page say 5.
    pub const WILDCARDS: Limit = Limit::fixed("wildcards per rule", 6, ALB);
    /// Match evaluations per rule.
    pub const MATCH_EVALUATIONS: Limit = Limit::fixed("match evaluations per rule", 5, ALB);
}

/// Conditions, actions and transforms of rules.
pub mod rule {
    use super::{ACTION, CONDITION, FIXED_RESPONSE, Limit, Range, STICKINESS_CONFIG, TRANSFORM};

    /// Actions of one rule: an authentication or a token validation, and what is done in the end.
    pub const ACTIONS: Limit = Limit::fixed("actions per rule", 2, ACTION);
    /// Characters of a host, path, header or query value, and of a part of a redirect.
    pub const CONDITION_STRING: Limit = Limit::fixed("characters of a condition value", 128, CONDITION);
    /// Characters of a header's name.
    pub const HEADER_NAME: Limit = Limit::fixed("characters of a header name", 40, CONDITION);
    /// Characters of a request method.
    pub const METHOD: Limit = Limit::fixed("characters of a request method", 40, CONDITION);
    /// Conditions of one rule on host, path, method or source each.
    pub const SINGLE_CONDITIONS: Limit = Limit::fixed(
        "conditions per rule on host, path, method or source",
        1,
        CONDITION,
    );
    /// Bytes of the body of a fixed response.
    pub const FIXED_RESPONSE_BODY: Limit =
        Limit::fixed("bytes of a fixed response's body", 1_024, FIXED_RESPONSE);
    /// Seconds a client keeps to one target group of an action.
    pub const STICKINESS: Range = Range::new(
        "the stickiness of target groups in seconds",
        1,
        604_800,
        STICKINESS_CONFIG,
    );
    /// Transforms of one type per rule.
    pub const TRANSFORMS_PER_TYPE: Limit = Limit::fixed("transforms of one type per rule", 1, TRANSFORM);
    /// Characters of a regular expression or a replacement of a transform.
    pub const REWRITE: Limit =
        Limit::fixed("characters of a rewrite's regex or replacement", 1_024, TRANSFORM);
}

/// Settings of an Ingress.
pub mod ingress {
    use super::{AUTHENTICATE, GROUPS, Limit, Range};

    /// Characters of the name of an Ingress group, which becomes a tag value and part of a finalizer.
    pub const GROUP_NAME: Limit = Limit::fixed("characters of an Ingress group name", 63, GROUPS);
    /// Order of an Ingress in its group.
    pub const GROUP_ORDER: Range = Range::new("the order of an Ingress in its group", -1_000, 1_000, GROUPS);
    /// Seconds a session of an authenticated user lasts.
    pub const SESSION_TIMEOUT: Range = Range::new("the session timeout in seconds", 1, 604_800, AUTHENTICATE);
}

/// Target groups.
pub mod target_group {
    use super::{ALB, CREATE_TG, Limit, Range};

    /// Target groups per region.
    pub const PER_REGION: Limit = Limit::adjustable("target groups per region", 3_000, ALB);
    /// Targets.
    pub const TARGETS: Limit = Limit::adjustable("targets per target group", 1_000, ALB);
    /// Load balancers that use one group.
    pub const LOAD_BALANCERS: Limit = Limit::fixed("load balancers per target group", 1, ALB);
    /// Target groups in one action.
    pub const PER_ACTION: Limit = Limit::fixed("target groups per action", 5, ALB);
    /// Seconds between health checks.
    pub const INTERVAL: Range = Range::new("the health check interval in seconds", 5, 300, CREATE_TG);
    /// Seconds before a health check counts as failed.
    pub const TIMEOUT: Range = Range::new("the health check timeout in seconds", 2, 120, CREATE_TG);
    /// Passes or failures in a row.
    pub const THRESHOLD: Range = Range::new("a health check threshold", 2, 10, CREATE_TG);
    /// Characters of a health check path.
    pub const PATH: Limit = Limit::fixed("characters of a health check path", 1_024, CREATE_TG);
}

/// Names, ports, weights, attributes.
pub mod value {
    use super::{ACTION, CREATE_LB, CREATE_RULE, CREATE_TG, Limit, MODIFY_LB, Range, TARGET_GROUP_TUPLE};

    /// Characters of the name of a load balancer or target group.
    pub const NAME: Limit = Limit::fixed(
        "characters of a load balancer or target group name",
        32,
        CREATE_LB,
    );
    /// A port.
    pub const PORT: Range = Range::new("a port", 1, 65_535, CREATE_TG);
    /// Weight of a target group in an action.
    pub const WEIGHT: Range = Range::new("the weight of a target group", 0, 999, TARGET_GROUP_TUPLE);
    /// Order of an action.
    pub const ACTION_ORDER: Range = Range::new("the order of an action", 1, 50_000, ACTION);
    /// Priority of a rule.
    pub const RULE_PRIORITY: Range = Range::new("the priority of a rule", 1, 50_000, CREATE_RULE);
    /// Attributes in one ModifyLoadBalancerAttributes.
    pub const ATTRIBUTES_PER_CALL: Limit = Limit::fixed("attributes per modify call", 20, MODIFY_LB);
    /// Characters of an attribute's value.
    pub const ATTRIBUTE_VALUE: Limit = Limit::fixed("characters of an attribute value", 1_024, MODIFY_LB);
}

/// Tags.
pub mod tag {
    use super::{Limit, TAGS};

    /// Tags of one resource, tracking tags included.
    pub const PER_RESOURCE: Limit = Limit::fixed("tags per resource", 50, TAGS);
    /// Characters of a key.
    pub const KEY: Limit = Limit::fixed("characters of a tag key", 128, TAGS);
    /// Characters of a value.
    pub const VALUE: Limit = Limit::fixed("characters of a tag value", 256, TAGS);
}

/// Security groups.
pub mod security_group {
    use super::{CREATE_SG, Limit, VPC};

    /// Groups per region.
    pub const PER_REGION: Limit = Limit::adjustable("security groups per region", 2_500, VPC);
    /// Inbound rules of a group; a prefix list counts its maximum of entries.
    pub const INBOUND_RULES: Limit = Limit::adjustable("inbound rules per security group", 60, VPC);
    /// Groups of a network interface, so of a load balancer too.
    pub const PER_INTERFACE: Limit = Limit::adjustable("security groups per network interface", 5, VPC);
    /// Characters of a name.
    pub const NAME: Limit = Limit::fixed("characters of a security group name", 255, CREATE_SG);
    /// Characters of a description.
    pub const DESCRIPTION: Limit = Limit::fixed("characters of a security group description", 255, CREATE_SG);
}
