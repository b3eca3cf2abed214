//! ARNs of ELBv2 resources: written once here, read only where the API itself tells kinds apart by them.

use super::words::LoadBalancerType;
use crate::world::{ApiError, World};

/// What an ELBv2 ARN names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `loadbalancer/...`
    LoadBalancer,
    /// `targetgroup/...`
    TargetGroup,
    /// `listener/...`
    Listener,
    /// `listener-rule/...`
    Rule,
    /// `truststore/...`
    TrustStore,
}

impl Kind {
    /// The kind an ARN names, `None` if it is no ELBv2 ARN.
    pub fn of(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (head, service) = (parts.next()?, parts.nth(1)?);
        let resource = parts.nth(2)?;
        if head != "arn" || service != "elasticloadbalancing" {
            return None;
        }
        match resource.split_once('/')?.0 {
            "loadbalancer" => Some(Self::LoadBalancer),
            "targetgroup" => Some(Self::TargetGroup),
            "listener" => Some(Self::Listener),
            "listener-rule" => Some(Self::Rule),
            "truststore" => Some(Self::TrustStore),
            _ => None,
        }
    }

    /// The words of the API for it, as in `'x' is not a valid target group ARN`.
    pub fn words(self) -> &'static str {
        match self {
            Self::LoadBalancer => "load balancer",
            Self::TargetGroup => "target group",
            Self::Listener => "listener",
            Self::Rule => "listener rule",
            Self::TrustStore => "trust store",
        }
    }

    /// The answer for a well-formed ARN of this kind that names nothing.
    pub fn not_found(self) -> ApiError {
        let (code, message) = match self {
            Self::LoadBalancer => ("LoadBalancerNotFound", "One or more load balancers not found"),
            Self::TargetGroup => ("TargetGroupNotFound", "One or more target groups not found"),
            Self::Listener => ("ListenerNotFound", "One or more listeners not found"),
            Self::Rule => ("RuleNotFound", "One or more rules not found"),
            Self::TrustStore => ("TrustStoreNotFound", "One or more trust stores not found"),
        };
        ApiError::new(code, message)
    }

    /// `ValidationError` unless `arn` is an ARN of this kind.
    pub fn check(self, arn: &str) -> Result<(), ApiError> {
        if Self::of(arn) == Some(self) {
            Ok(())
        } else {
            Err(ApiError::validation(format!(
                "'{arn}' is not a valid {} ARN",
                self.words()
            )))
        }
    }
}

/// The ARN of `resource` (`targetgroup/NAME/ID`) in this account and region.
pub fn of(world: &World, resource: &str) -> String {
    world.arn("elasticloadbalancing", resource)
}

/// The part of a load balancer ARN after `loadbalancer/`: `net/NAME/ID`.
pub fn load_balancer_path(kind: LoadBalancerType, name: &str, id: &str) -> String {
    format!("{}/{name}/{id}", kind.short())
}

/// What follows the first slash of the resource: `net/NAME/ID` of a load balancer, `NAME/ID` of a group.
pub fn path(arn: &str) -> &str {
    arn.split_once('/').map_or("", |(_, path)| path)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    #[test]
    fn the_kind_is_read_from_the_resource_part() {
        let arn = |resource: &str| format!("arn:aws:elasticloadbalancing:us-west-2:111122223333:{resource}");
        assert_eq!(Kind::of(&arn("loadbalancer/net/web/1")), Some(Kind::LoadBalancer));
        assert_eq!(Kind::of(&arn("listener-rule/app/web/1/2/3")), Some(Kind::Rule));
        assert_eq!(Kind::of(&arn("truststore/a/1")), Some(Kind::TrustStore));
        assert_eq!(Kind::of(&arn("share/a/1")), None);
        assert_eq!(Kind::of("arn:aws:s3:::bucket"), None);
        assert_eq!(Kind::of("web"), None);
    }

    #[test]
    fn an_arn_of_another_kind_is_a_validation_error() {
        let error = Kind::LoadBalancer
            .check("arn:aws:elasticloadbalancing:r:a:targetgroup/n/1")
            .unwrap_err();
        assert_eq!(error.code, "ValidationError");
        assert!(
            error.message.ends_with("is not a valid load balancer ARN"),
            "{}",
            error.message
        );
    }
}
