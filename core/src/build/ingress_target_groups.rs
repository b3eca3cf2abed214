//! Target groups of a group of Ingresses, with their bindings (upstream `pkg/ingress/model_build_target_group.go`).

use std::collections::BTreeMap;

use elbow_crds::target_group_binding::{NetworkingProtocol, TargetGroupProtocol};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::names::{self, IngressTargetGroupName};
use super::security_groups::TargetAccess;
use super::{Context, GroupNames};
use crate::intent::ingress::port_text;
use crate::intent::ingress::wish::IngressTargetGroupWish;
use crate::model::{
    Binding, BindingNetworking, BindingPeer, BindingPort, BindingRule, BindingSpec, HealthCheckPort,
    Protocol, Ref, ResourceId, ResourceKind, Setting, TargetGroup, tracking,
};

/// Wanted target groups of Ingresses by resource id.
pub(super) type Wishes = BTreeMap<ResourceId, IngressTargetGroupWish>;

/// Names of all target groups; their bindings have the same.
pub(super) fn names(context: &Context<'_>, wishes: &Wishes) -> GroupNames {
    let stack = context.key.stack_id();
    let name = |wish: &IngressTargetGroupWish| {
        names::ingress_target_group(&IngressTargetGroupName {
            cluster: &context.settings.scope.cluster,
            stack: &stack,
            ingress: (&wish.ingress_namespace, &wish.ingress_name),
            namespace: &wish.namespace,
            name: &wish.service,
            uid: &wish.uid,
            service_port: &port_text(&wish.service_port),
            port: wish.port,
            target_type: wish.target_type,
            protocol: wish.protocol,
            protocol_version: &wish.protocol_version,
            control_port: wish.control_port,
        })
    };
    wishes.iter().map(|(id, wish)| (id.clone(), name(wish))).collect()
}

/// All target groups, by resource id.
pub(super) fn groups(wishes: &Wishes, names: &GroupNames) -> Vec<TargetGroup> {
    let group = |wish: &IngressTargetGroupWish| TargetGroup {
        id: wish.id.clone(),
        arn: None,
        name: names.get(&wish.id).cloned().unwrap_or_default(),
        target_type: wish.target_type,
        port: wish.port,
        protocol: wish.protocol,
        protocol_version: Setting::Set(wish.protocol_version.clone()),
        control_port: Setting::from(wish.control_port),
        family: wish.family,
        health_check: wish.health_check.clone(),
        attributes: wish.attributes.clone(),
        tags: wish.tags.clone(),
        load_balancers: Vec::new(),
        origins: wish.origins.clone(),
    };
    wishes.values().map(group).collect()
}

/// All bindings, by resource id.
pub(super) fn bindings(
    context: &Context<'_>,
    wishes: &Wishes,
    names: &GroupNames,
    access: &TargetAccess,
) -> Vec<Binding> {
    let binding = |wish: &IngressTargetGroupWish| Binding {
        id: wish.id.clone(),
        namespace: wish.namespace.clone(),
        name: names.get(&wish.id).cloned().unwrap_or_default(),
        labels: tracking::binding_labels(context.key),
        annotations: BTreeMap::new(),
        spec: BindingSpec {
            target_group: Ref::pending(ResourceKind::TargetGroup, &wish.id),
            target_type: Some(wish.target_type),
            protocol: Some(group_protocol(wish.protocol)),
            service_name: wish.service.clone(),
            service_port: wish.service_port.clone(),
            networking: networking(context, wish, access),
            node_selector: wish.node_labels.as_ref().map(|labels| LabelSelector {
                match_labels: Some(labels.clone()),
                match_expressions: None,
            }),
            family: Some(wish.family),
            vpc: context.settings.realm.vpc.clone(),
            multi_cluster: wish.multi_cluster,
            foreign_fields: false,
        },
        uid: None,
        deleting: false,
        origins: wish.origins.clone(),
    };
    wishes.values().map(binding).collect()
}

fn group_protocol(protocol: Protocol) -> TargetGroupProtocol {
    if protocol == Protocol::Https {
        TargetGroupProtocol::Https
    } else {
        TargetGroupProtocol::Http
    }
}

/// Rules on the targets: one for each port, from the security group of the load balancer that is let in. Without
/// such a group they are not managed; an Application Load Balancer always has one.
fn networking(
    context: &Context<'_>,
    wish: &IngressTargetGroupWish,
    access: &TargetAccess,
) -> Option<BindingNetworking> {
    let TargetAccess::FromGroup(group) = access else {
        return None;
    };
    let ports = if context.settings.disable_restricted_sg_rules {
        vec![None]
    } else {
        restricted_ports(wish).into_iter().map(Some).collect()
    };
    let rule = |port: Option<IntOrString>| BindingRule {
        from: vec![BindingPeer::SecurityGroup(group.clone())],
        ports: vec![BindingPort {
            protocol: NetworkingProtocol::Tcp,
            port,
        }],
    };
    Some(BindingNetworking {
        ingress: ports.into_iter().map(rule).collect(),
    })
}

/// Traffic, health checks, target control; equal ones are not put together, as upstream has it.
fn restricted_ports(wish: &IngressTargetGroupWish) -> Vec<IntOrString> {
    let checked = match wish.health_check.port {
        HealthCheckPort::TrafficPort => None,
        HealthCheckPort::Number(port) => Some(IntOrString::Int(port)),
    };
    let control = wish.control_port.map(IntOrString::Int);
    [Some(wish.target_port.clone()), checked, control]
        .into_iter()
        .flatten()
        .collect()
}
