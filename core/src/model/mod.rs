//! The shared vocabulary: what is wanted and what is there are the same type, [`Stack`].
//!
//! A field that AWS assigns (`arn`, `dns_name`, ...) is `None` in a wanted stack. A setting that may be left
//! alone is [`Setting::Unmanaged`] in a wanted stack and always `Set` in an actual one.

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
mod written;

pub use action::{
    Action, FixedResponseAction, ForwardAction, RedirectAction, Stickiness, WeightedTargetGroup,
};
pub use binding::{Binding, BindingNetworking, BindingPeer, BindingPort, BindingRule, BindingSpec};
pub use listener::Listener;
pub use load_balancer::{LoadBalancer, LoadBalancerState, LoadBalancerType, SubnetMapping};
pub use owner::Owner;
pub use rule::{Condition, Patterns, QueryPair, Rewrite, Rule, Transform, TransformKind};
pub use security_group::{IngressPermission, PermissionSource, SecurityGroup};
pub use stack::Stack;
pub use target_group::{HealthCheck, HealthCheckPort, Matcher, TargetGroup};
pub use values::{
    IpAddressType, IpFamily, OnOff, Origin, Origins, Protocol, Ref, ResourceAddress, ResourceId,
    ResourceKind, Scheme, Setting, Tags, TargetType,
};
