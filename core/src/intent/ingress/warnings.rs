//! What stands on a member and has no effect.

use elbow_crds::annotation::ingress::{self as table, Feature};
use elbow_crds::problem::ProblemCode;

use super::class::CLASS_FIELD;
use super::member::Member;

/// Unknown keys, and keys of features that have no effect yet.
pub(super) fn warn_annotations(member: &mut Member<'_>) {
    for suffix in member.annotations.suffixes() {
        match table::find(suffix) {
            None => member.warn_unknown(suffix, table::nearest(suffix)),
            Some(row) if row.later.is_some_and(is_silent) => {
                member.warn_at(suffix, ProblemCode::Ignored, "it has no effect yet");
            }
            Some(_) => {}
        }
    }
}

/// Whether leaving the feature out changes nothing for requests. The others are refused where they are used;
/// the plan annotation is the controller's own.
fn is_silent(feature: Feature) -> bool {
    match feature {
        Feature::Capacity
        | Feature::AddressPools
        | Feature::Protection
        | Feature::Certificates
        | Feature::FrontendLoadBalancer => true,
        Feature::Plan
        | Feature::MutualTls
        | Feature::Transforms
        | Feature::Authentication
        | Feature::TargetControl => false,
    }
}

/// Parameters of the class that have no effect yet.
pub(super) fn warn_class(member: &mut Member<'_>) {
    let Some(params) = member.of.params else { return };
    let fields = [
        (
            "minimumLoadBalancerCapacity",
            params.minimum_load_balancer_capacity.is_some(),
        ),
        ("ipamConfiguration", params.ipam_configuration.is_some()),
        ("wafv2AclArn", !params.wafv2_acl_arn.is_empty()),
        ("wafv2AclName", !params.wafv2_acl_name.is_empty()),
    ];
    for (field, _) in fields.into_iter().filter(|(_, there)| *there) {
        let message = format!("{field} of its class has no effect yet");
        member.warn(CLASS_FIELD, ProblemCode::Ignored, message);
    }
}
