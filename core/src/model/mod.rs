//! The shared vocabulary: what is wanted and what is there are the same type, [`Stack`].
//!
//! A field that AWS assigns (`arn`, `dns_name`, ...) is `None` in a wanted stack. A setting that may be left
//! alone is [`Setting::Unmanaged`] in a wanted stack and always `Set` in an actual one. What means the same
//! in an annotation and in AWS (conditions, transforms, answers, words) is the type of the annotation's parser.

mod action;
mod binding;
mod listener;
mod load_balancer;
mod owner;
mod rule;
mod security_group;
mod stack;
mod target_group;
pub mod tracking;
mod values;

pub use action::{Action, ForwardAction, WeightedTargetGroup};
pub use binding::{Binding, BindingNetworking, BindingPeer, BindingPort, BindingRule, BindingSpec};
pub use elbow_crds::ingress::action::{FixedResponseAction, RedirectAction, Stickiness};
pub use elbow_crds::ingress::condition::{Condition, Patterns, QueryPair};
pub use elbow_crds::ingress::transform::{Rewrite, Transform, TransformKind};
pub use elbow_crds::ingress::words::{IpAddressType, OnOff, Scheme};
pub use listener::Listener;
pub use load_balancer::{LoadBalancer, LoadBalancerState, LoadBalancerType, SubnetMapping};
pub use owner::Owner;
pub use rule::Rule;
pub use security_group::{IngressPermission, PermissionSource, SecurityGroup};
pub use stack::Stack;
pub use target_group::{HealthCheck, HealthCheckPort, Matcher, TargetGroup};
pub use values::{
    IpFamily, Origin, Origins, Protocol, Ref, ResourceAddress, ResourceId, ResourceKind, Setting, Tags,
    TargetType,
};
