//! TargetGroupBindings between the stack's type and the custom resource's.
//!
//! Out of a [`BindingSpec`] with known references comes the spec that is written; out of an object comes the
//! binding an actual stack holds.

use elbow_crds::target_group_binding as crd;
use elbow_crds::target_group_binding::TargetGroupBindingSpec;

use crate::key::StackKey;
use crate::model::tracking::binding_labels;
use crate::model::{
    Binding, BindingNetworking, BindingPeer, BindingPort, BindingRule, BindingSpec, IpFamily, Origins, Ref,
    ResourceId, TargetGroup, TargetType,
};
use crate::view::BindingObject;

/// Annotation that holds the fingerprint of the last full pass over a binding.
pub const CHECKPOINT: &str = "elbv2.k8s.aws/checkpoint";
/// Annotation that holds the time of that pass.
pub const CHECKPOINT_TIMESTAMP: &str = "elbv2.k8s.aws/checkpoint-timestamp";

/// The spec as written to Kubernetes; `None` while a reference is not known.
pub fn object_spec(
    spec: &BindingSpec,
    resolve: &dyn Fn(&Ref) -> Option<String>,
) -> Option<TargetGroupBindingSpec> {
    let networking = match &spec.networking {
        Some(networking) => Some(object_networking(networking, resolve)?),
        None => None,
    };
    Some(TargetGroupBindingSpec {
        target_group_arn: resolve(&spec.target_group)?,
        target_group_name: String::new(),
        multi_cluster_target_group: spec.multi_cluster,
        target_type: spec.target_type.and_then(object_target_type),
        target_group_protocol: spec.protocol,
        service_ref: crd::ServiceReference {
            name: spec.service_name.clone(),
            port: spec.service_port.clone(),
        },
        networking,
        node_selector: spec.node_selector.clone(),
        ip_address_type: spec.family.map(object_family),
        vpc_id: spec.vpc.clone(),
        iam_role_arn_to_assume: String::new(),
        assume_role_external_id: String::new(),
    })
}

/// The binding that an object stands for. Its resource id is that of the target group with its ARN among
/// `groups`, else its own name.
pub fn from_object(object: &BindingObject, groups: &[TargetGroup]) -> Binding {
    let spec = &object.spec;
    let group = groups
        .iter()
        .find(|group| group.arn.as_deref() == Some(spec.target_group_arn.as_str()));
    let mut annotations = object.meta.annotations.clone();
    annotations.remove(CHECKPOINT);
    annotations.remove(CHECKPOINT_TIMESTAMP);
    Binding {
        id: group.map_or_else(|| ResourceId(object.meta.name.clone()), |group| group.id.clone()),
        namespace: object.meta.namespace.clone(),
        name: object.meta.name.clone(),
        labels: object.meta.labels.clone(),
        annotations,
        spec: model_spec(spec),
        uid: Some(object.meta.uid.clone()),
        deleting: object.meta.deleting,
        origins: Origins::new(),
    }
}

/// Whether an object carries the labels of a stack.
pub fn is_of(object: &BindingObject, key: &StackKey) -> bool {
    let labels = &object.meta.labels;
    binding_labels(key)
        .iter()
        .all(|(name, value)| labels.get(name) == Some(value))
}

fn model_spec(spec: &TargetGroupBindingSpec) -> BindingSpec {
    let networking = spec.networking.as_ref().map(model_networking);
    let understood = spec.networking.as_ref().is_none_or(is_understood);
    BindingSpec {
        target_group: Ref::Known(spec.target_group_arn.clone()),
        target_type: spec.target_type.map(model_target_type),
        protocol: spec.target_group_protocol,
        service_name: spec.service_ref.name.clone(),
        service_port: spec.service_ref.port.clone(),
        networking,
        node_selector: spec.node_selector.clone(),
        family: spec.ip_address_type.map(model_family),
        vpc: spec.vpc_id.clone(),
        multi_cluster: spec.multi_cluster_target_group,
        foreign_fields: !understood
            || !spec.target_group_name.is_empty()
            || !spec.iam_role_arn_to_assume.is_empty()
            || !spec.assume_role_external_id.is_empty(),
    }
}

/// Whether the networking says nothing that the stack's type cannot say: each peer has exactly one source,
/// each port a protocol.
fn is_understood(networking: &crd::Networking) -> bool {
    networking.ingress.iter().all(|rule| {
        let peers = rule
            .from
            .iter()
            .all(|peer| peer.ip_block.is_some() != peer.security_group.is_some());
        peers && rule.ports.iter().all(|port| port.protocol.is_some())
    })
}

fn model_networking(networking: &crd::Networking) -> BindingNetworking {
    let rules = networking.ingress.iter().map(|rule| BindingRule {
        from: rule.from.iter().filter_map(model_peer).collect(),
        ports: rule.ports.iter().map(model_port).collect(),
    });
    BindingNetworking {
        ingress: rules.collect(),
    }
}

fn model_peer(peer: &crd::NetworkingPeer) -> Option<BindingPeer> {
    match (&peer.security_group, &peer.ip_block) {
        (Some(group), _) => Some(BindingPeer::SecurityGroup(Ref::Known(group.group_id.clone()))),
        (None, Some(block)) => Some(BindingPeer::IpBlock(block.cidr.clone())),
        (None, None) => None,
    }
}

fn model_port(port: &crd::NetworkingPort) -> BindingPort {
    BindingPort {
        protocol: port.protocol.unwrap_or(crd::NetworkingProtocol::Tcp),
        port: port.port.clone(),
    }
}

fn object_networking(
    networking: &BindingNetworking,
    resolve: &dyn Fn(&Ref) -> Option<String>,
) -> Option<crd::Networking> {
    let mut ingress = Vec::with_capacity(networking.ingress.len());
    for rule in &networking.ingress {
        let from: Option<Vec<_>> = rule.from.iter().map(|peer| object_peer(peer, resolve)).collect();
        ingress.push(crd::NetworkingIngressRule {
            from: from?,
            ports: rule.ports.iter().map(object_port).collect(),
        });
    }
    Some(crd::Networking { ingress })
}

fn object_peer(peer: &BindingPeer, resolve: &dyn Fn(&Ref) -> Option<String>) -> Option<crd::NetworkingPeer> {
    Some(match peer {
        BindingPeer::IpBlock(cidr) => crd::NetworkingPeer {
            ip_block: Some(crd::IpBlock { cidr: cidr.clone() }),
            security_group: None,
        },
        BindingPeer::SecurityGroup(group) => crd::NetworkingPeer {
            ip_block: None,
            security_group: Some(crd::SecurityGroupPeer {
                group_id: resolve(group)?,
            }),
        },
    })
}

fn object_port(port: &BindingPort) -> crd::NetworkingPort {
    crd::NetworkingPort {
        protocol: Some(port.protocol),
        port: port.port.clone(),
    }
}

/// `alb` groups have no binding.
fn object_target_type(kind: TargetType) -> Option<crd::TargetType> {
    match kind {
        TargetType::Instance => Some(crd::TargetType::Instance),
        TargetType::Ip => Some(crd::TargetType::Ip),
        TargetType::Alb => None,
    }
}

fn model_target_type(kind: crd::TargetType) -> TargetType {
    match kind {
        crd::TargetType::Instance => TargetType::Instance,
        crd::TargetType::Ip => TargetType::Ip,
    }
}

fn object_family(family: IpFamily) -> crd::TargetGroupIpAddressType {
    match family {
        IpFamily::Ipv4 => crd::TargetGroupIpAddressType::Ipv4,
        IpFamily::Ipv6 => crd::TargetGroupIpAddressType::Ipv6,
    }
}

fn model_family(family: crd::TargetGroupIpAddressType) -> IpFamily {
    match family {
        crd::TargetGroupIpAddressType::Ipv4 => IpFamily::Ipv4,
        crd::TargetGroupIpAddressType::Ipv6 => IpFamily::Ipv6,
    }
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
    use crate::view::Meta;
    use elbow_crds::target_group_binding::{NetworkingProtocol, TargetGroupProtocol};
    use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

    fn spec() -> BindingSpec {
        BindingSpec {
            target_group: Ref::Known("arn:tg".to_owned()),
            target_type: Some(TargetType::Ip),
            protocol: Some(TargetGroupProtocol::Tcp),
            service_name: "web".to_owned(),
            service_port: IntOrString::Int(80),
            networking: Some(BindingNetworking {
                ingress: vec![BindingRule {
                    from: vec![
                        BindingPeer::SecurityGroup(Ref::Known("sg-1".to_owned())),
                        BindingPeer::IpBlock("10.0.0.0/8".to_owned()),
                    ],
                    ports: vec![BindingPort {
                        protocol: NetworkingProtocol::Tcp,
                        port: Some(IntOrString::Int(8080)),
                    }],
                }],
            }),
            node_selector: None,
            family: Some(IpFamily::Ipv4),
            vpc: "vpc-1".to_owned(),
            multi_cluster: false,
            foreign_fields: false,
        }
    }

    fn object(spec: TargetGroupBindingSpec) -> BindingObject {
        BindingObject {
            meta: Meta {
                name: "k8s-x".to_owned(),
                uid: "u1".to_owned(),
                ..Meta::default()
            },
            spec,
            status: elbow_crds::target_group_binding::TargetGroupBindingStatus::default(),
        }
    }

    fn known(reference: &Ref) -> Option<String> {
        reference.known().map(str::to_owned)
    }

    #[test]
    fn what_is_written_reads_back_as_the_same_binding() {
        let written = object_spec(&spec(), &known).unwrap();
        assert_eq!(from_object(&object(written), &[]).spec, spec());
    }

    #[test]
    fn an_unknown_reference_gives_no_spec() {
        let pending = BindingSpec {
            target_group: Ref::pending(crate::model::ResourceKind::TargetGroup, &ResourceId::from("a")),
            ..spec()
        };
        assert_eq!(object_spec(&pending, &known), None);
    }

    #[test]
    fn fields_that_a_generated_binding_never_has_are_noticed() {
        let mut named = object_spec(&spec(), &known).unwrap();
        named.target_group_name = "x".to_owned();
        assert!(from_object(&object(named), &[]).spec.foreign_fields);
        let mut loose = object_spec(&spec(), &known).unwrap();
        loose.networking.as_mut().unwrap().ingress[0].ports[0].protocol = None;
        assert!(from_object(&object(loose), &[]).spec.foreign_fields);
    }

    #[test]
    fn checkpoints_are_no_annotations_of_the_binding() {
        let mut marked = object(object_spec(&spec(), &known).unwrap());
        marked.meta.annotations = [(CHECKPOINT, "x"), (CHECKPOINT_TIMESTAMP, "1"), ("a", "b")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        let annotations = from_object(&marked, &[]).annotations;
        assert_eq!(annotations.into_keys().collect::<Vec<_>>(), ["a"]);
    }
}
