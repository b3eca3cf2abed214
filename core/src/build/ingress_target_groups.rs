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

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;
    use crate::key::StackKey;
    use crate::model::{HealthCheck, IpFamily, Origins, TargetType};
    use crate::settings::Settings;

    fn wish() -> IngressTargetGroupWish {
        IngressTargetGroupWish {
            id: ResourceId::from("default/echo-server-echo-svc:80"),
            ingress_namespace: "default".to_owned(),
            ingress_name: "echo-server".to_owned(),
            namespace: "default".to_owned(),
            service: "echo-svc".to_owned(),
            uid: "11111111-2222-3333-4444-555555555555".to_owned(),
            service_port: IntOrString::Int(80),
            target_port: IntOrString::String("web".to_owned()),
            port: 1,
            target_type: TargetType::Ip,
            protocol: Protocol::Http,
            protocol_version: "HTTP1".to_owned(),
            control_port: Some(3000),
            family: IpFamily::Ipv4,
            health_check: HealthCheck {
                protocol: Protocol::Http,
                port: HealthCheckPort::Number(9000),
                path: Setting::Unmanaged,
                matcher: Setting::Unmanaged,
                interval_seconds: 15,
                timeout_seconds: Setting::Unmanaged,
                healthy_threshold: 2,
                unhealthy_threshold: 2,
            },
            attributes: BTreeMap::new(),
            node_labels: None,
            multi_cluster: false,
            tags: BTreeMap::new(),
            origins: Origins::new(),
        }
    }

    fn binding(key: &StackKey, settings: &Settings, access: &TargetAccess) -> Binding {
        let context = Context {
            key,
            everybody: &Origins::new(),
            settings,
        };
        let wishes = Wishes::from([(wish().id, wish())]);
        let names = names(&context, &wishes);
        assert_eq!(groups(&wishes, &names)[0].name, names[&wish().id]);
        bindings(&context, &wishes, &names, access).remove(0)
    }

    fn ports(binding: &Binding) -> Vec<Option<String>> {
        let rules = &binding.spec.networking.as_ref().unwrap().ingress;
        assert!(
            rules
                .iter()
                .all(|rule| rule.from == [BindingPeer::SecurityGroup(Ref::Known("sg-b".to_owned()))])
        );
        rules
            .iter()
            .map(|rule| rule.ports[0].port.as_ref().map(port_text))
            .collect()
    }

    #[test]
    fn targets_let_the_group_in_by_one_rule_for_each_port() {
        let key = StackKey::ingress("default", "echo-server");
        let mut settings = Settings::new("my-cluster", "us-west-2", "vpc-xxx");
        let from = TargetAccess::FromGroup(Ref::Known("sg-b".to_owned()));
        let wanted = ["web", "9000", "3000"].map(|port| Some(port.to_owned()));
        assert_eq!(ports(&binding(&key, &settings, &from)), wanted);
        settings.disable_restricted_sg_rules = true;
        assert_eq!(ports(&binding(&key, &settings, &from)), [None]);
        let unmanaged = binding(&key, &settings, &TargetAccess::Unmanaged);
        assert_eq!(unmanaged.spec.networking, None);
    }

    #[test]
    fn bindings_carry_the_name_of_the_group_and_the_labels_of_the_stack() {
        let settings = Settings::new("my-cluster", "us-west-2", "vpc-xxx");
        let implicit = StackKey::ingress("default", "echo-server");
        let binding_of = |key: &StackKey| binding(key, &settings, &TargetAccess::Unmanaged);
        let labels = binding_of(&implicit).labels;
        assert_eq!(labels["ingress.k8s.aws/stack-namespace"], "default");
        assert_eq!(labels["ingress.k8s.aws/stack-name"], "echo-server");
        let explicit = binding_of(&StackKey::ingress_group("team"));
        assert_eq!(explicit.labels["ingress.k8s.aws/stack"], "team");
        assert_eq!(
            (explicit.namespace.as_str(), explicit.spec.vpc.as_str()),
            ("default", "vpc-xxx")
        );
    }
}
