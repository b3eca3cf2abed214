//! Target groups of a group of Ingresses, with their bindings (upstream `pkg/ingress/model_build_target_group.go`).

use elbow_crds::target_group_binding::NetworkingProtocol;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::names::{self, IngressTargetGroupName};
use super::security_groups::TargetAccess;
use super::target_groups::Wishes;
use super::{Context, GroupNames, bindings};
use crate::intent::ingress::wish::{IngressTargetGroupWish, OfIngress};
use crate::intent::wish::port_text;
use crate::model::{Binding, BindingNetworking, BindingPeer, BindingPort, BindingRule, HealthCheckPort};

/// Names of all target groups; their bindings have the same.
pub(super) fn names(context: &Context<'_>, wishes: &Wishes<OfIngress>) -> GroupNames {
    let stack = context.key.stack_id();
    let name = |wish: &IngressTargetGroupWish| {
        names::ingress_target_group(&IngressTargetGroupName {
            cluster: &context.settings.scope.cluster,
            stack: &stack,
            ingress: (&wish.more.namespace, &wish.more.name),
            namespace: &wish.namespace,
            name: &wish.service,
            uid: &wish.uid,
            service_port: &port_text(&wish.service_port),
            port: wish.port,
            target_type: wish.target_type,
            protocol: wish.protocol,
            protocol_version: wish.protocol_version.get().map_or("", String::as_str),
            control_port: wish.control_port.get().copied(),
        })
    };
    wishes.iter().map(|(id, wish)| (id.clone(), name(wish))).collect()
}

/// All bindings, by resource id.
pub(super) fn bindings(
    context: &Context<'_>,
    wishes: &Wishes<OfIngress>,
    names: &GroupNames,
    access: &TargetAccess,
) -> Vec<Binding> {
    let wishes = wishes.values();
    wishes
        .map(|wish| bindings::binding(context, wish, names, networking(context, wish, access)))
        .collect()
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
    let control = wish.control_port.get().copied().map(IntOrString::Int);
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
    use std::collections::BTreeMap;

    use super::super::target_groups;
    use super::*;
    use crate::key::StackKey;
    use crate::model::{
        HealthCheck, IpFamily, Origins, Protocol, Ref, ResourceId, Scheme, Setting, TargetType,
    };
    use crate::settings::Settings;

    fn wish() -> IngressTargetGroupWish {
        IngressTargetGroupWish {
            id: ResourceId::from("default/echo-server-echo-svc:80"),
            namespace: "default".to_owned(),
            service: "echo-svc".to_owned(),
            uid: "11111111-2222-3333-4444-555555555555".to_owned(),
            service_port: IntOrString::Int(80),
            target_port: IntOrString::String("web".to_owned()),
            port: 1,
            target_type: TargetType::Ip,
            protocol: Protocol::Http,
            protocol_version: Setting::Set("HTTP1".to_owned()),
            control_port: Setting::Set(3000),
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
            more: OfIngress {
                namespace: "default".to_owned(),
                name: "echo-server".to_owned(),
            },
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
        assert_eq!(
            target_groups::build(&context, &wishes, &names, Scheme::Internal)[0].name,
            names[&wish().id]
        );
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
