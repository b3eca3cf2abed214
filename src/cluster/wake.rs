//! Which keys a changed object wakes. Pure: objects before and after in, keys out.

use std::collections::BTreeSet;

use elbow_core::key::{Key, Lane, StackKey, StackKind};
use elbow_core::view::{BindingObject, EndpointSlice, Meta, Node, Pod, Service};
use elbow_crds::target_group_binding::TargetType;

use super::store::Change;
use super::{Bare, Stores};

/// Finalizer of Services (upstream `pkg/service/model_builder.go`).
pub const SERVICE_FINALIZER: &str = "service.k8s.aws/resources";
/// Condition prefixes of readiness gates that name a binding.
const GATE_PREFIXES: [&str; 2] = [
    "target-health.elbv2.k8s.aws/",
    "target-health.alb.ingress.k8s.aws/",
];

/// Keys to wake, each with the lane its work belongs to.
pub type Wakes = BTreeSet<(Key, Lane)>;

/// Whether an object's finalizers keep the shared backend security group.
pub fn holds_backend_group(meta: &Meta) -> bool {
    meta.finalizers
        .iter()
        .any(|finalizer| is_backend_finalizer(finalizer))
}

/// Whether a finalizer keeps the shared backend security group.
pub fn is_backend_finalizer(finalizer: &str) -> bool {
    matches!(
        finalizer,
        SERVICE_FINALIZER | "ingress.k8s.aws/resources" | "gateway.k8s.aws/alb" | "gateway.k8s.aws/nlb"
    ) || finalizer.starts_with("group.ingress.k8s.aws/")
}

/// Keys woken by a Service: its stack where it may be ours, the bindings of its endpoints, and the backend
/// group when a finalizer came or went.
pub fn by_service(change: &Change<Service>, stores: &Stores, vpc: &str) -> Wakes {
    let mut wakes = Wakes::new();
    let Some(any) = change.new.as_ref().or(change.old.as_ref()) else {
        return wakes;
    };
    let lane = if any.meta.deleting {
        Lane::Delete
    } else {
        Lane::Edit
    };
    wakes.insert((
        Key::Stack(StackKey::service(&any.meta.namespace, &any.meta.name)),
        lane,
    ));
    let ports = |s: &Option<std::sync::Arc<Service>>| s.as_ref().map(|s| (s.ports.clone(), s.type_.clone()));
    if ports(&change.old) != ports(&change.new) {
        wakes.extend(bindings_of(stores, &any.meta.namespace, &any.meta.name));
    }
    let held = |s: &Option<std::sync::Arc<Service>>| s.as_ref().is_some_and(|s| holds_backend_group(&s.meta));
    if held(&change.old) != held(&change.new) {
        wakes.insert((Key::BackendGroup { vpc: vpc.to_owned() }, Lane::Edit));
    }
    wakes
}

/// Keys woken by an object of which only the metadata is watched.
pub fn by_bare(change: &Change<Bare>, vpc: &str) -> Wakes {
    let held = |s: &Option<std::sync::Arc<Bare>>| s.as_ref().is_some_and(|s| holds_backend_group(&s.0));
    if held(&change.old) == held(&change.new) {
        return Wakes::new();
    }
    Wakes::from([(Key::BackendGroup { vpc: vpc.to_owned() }, Lane::Edit)])
}

/// Keys woken by an EndpointSlice: the IP bindings of its Service.
pub fn by_slice(change: &Change<EndpointSlice>, stores: &Stores) -> Wakes {
    let slices = change.new.iter().chain(change.old.iter());
    slices
        .flat_map(|slice| bindings_of(stores, &slice.meta.namespace, &slice.service))
        .collect()
}

/// Keys woken by a Pod: the bindings its readiness gates name, and those of the Services it is an endpoint of.
pub fn by_pod(change: &Change<Pod>, stores: &Stores) -> Wakes {
    let Some(any) = change.new.as_ref().or(change.old.as_ref()) else {
        return Wakes::new();
    };
    let namespace = &any.meta.namespace;
    let gated = any.readiness_gates.iter().filter_map(|gate| {
        let name = GATE_PREFIXES
            .iter()
            .find_map(|prefix| gate.strip_prefix(prefix))?;
        stores.binding(namespace, name).map(|b| binding_key(&b))
    });
    let pod = (namespace.clone(), any.meta.name.clone());
    let endpoint_of: BTreeSet<String> = stores
        .slices
        .in_namespace(namespace)
        .iter()
        .filter(|slice| slice.endpoints.iter().any(|e| e.pod.as_ref() == Some(&pod)))
        .map(|slice| slice.service.clone())
        .collect();
    let mut wakes: Wakes = gated.map(|key| (key, Lane::Targets)).collect();
    wakes.extend(
        endpoint_of
            .iter()
            .flat_map(|service| bindings_of(stores, namespace, service)),
    );
    wakes
}

/// Keys woken by a Node: bindings of instances, and, as unready endpoints depend on their node, IP bindings
/// when its readiness changed.
pub fn by_node(change: &Change<Node>, stores: &Stores) -> Wakes {
    let ready = |n: &Option<std::sync::Arc<Node>>| n.as_ref().map(|n| n.ready.clone()).unwrap_or_default();
    let readiness_changed = ready(&change.old) != ready(&change.new);
    let concerned = |b: &BindingObject| b.spec.target_type == Some(TargetType::Instance) || readiness_changed;
    stores
        .bindings()
        .iter()
        .filter(|b| concerned(b))
        .map(|b| (binding_key(b), Lane::Targets))
        .collect()
}

/// Keys woken by a TargetGroupBinding: its targets, and the stack that made it.
pub fn by_binding(change: &Change<BindingObject>) -> Wakes {
    let Some(any) = change.new.as_ref().or(change.old.as_ref()) else {
        return Wakes::new();
    };
    let mut wakes = Wakes::from([(binding_key(any), Lane::Targets)]);
    wakes.extend(owning_stack(&any.meta).map(|key| (Key::Stack(key), Lane::Edit)));
    wakes
}

/// The stack whose labels an object carries.
pub fn owning_stack(meta: &Meta) -> Option<StackKey> {
    let label = |kind: StackKind, name: &str| meta.labels.get(&format!("{}/{name}", kind.tag_prefix()));
    let stack = |kind| {
        let (namespace, name) = match label(kind, "stack") {
            Some(group) => ("", group),
            None => (
                label(kind, "stack-namespace")?.as_str(),
                label(kind, "stack-name")?,
            ),
        };
        Some(StackKey {
            kind,
            namespace: namespace.to_owned(),
            name: name.clone(),
        })
    };
    [StackKind::Service, StackKind::Ingress]
        .into_iter()
        .find_map(stack)
}

fn bindings_of(stores: &Stores, namespace: &str, service: &str) -> Wakes {
    let bindings = stores.bindings.in_namespace(namespace);
    let ours = bindings.iter().filter(|b| b.spec.service_ref.name == service);
    ours.map(|b| (binding_key(b), Lane::Targets)).collect()
}

fn binding_key(binding: &BindingObject) -> Key {
    Key::Binding {
        namespace: binding.meta.namespace.clone(),
        name: binding.meta.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use elbow_crds::target_group_binding::TargetGroupBindingStatus;

    use super::*;

    fn service(finalizers: &[&str]) -> Service {
        let finalizers = finalizers.iter().map(|&f| f.to_owned()).collect();
        let meta = Meta {
            namespace: "default".into(),
            name: "web".into(),
            finalizers,
            ..Meta::default()
        };
        Service {
            meta,
            ..Service::default()
        }
    }

    #[test]
    fn a_finalizer_that_comes_or_goes_wakes_the_backend_group() {
        let backend = (Key::BackendGroup { vpc: "vpc-1".into() }, Lane::Edit);
        let change = |old: &[&str], new: &[&str]| Change {
            old: Some(Arc::new(service(old))),
            new: Some(Arc::new(service(new))),
        };
        let stores = Stores::default();
        assert!(by_service(&change(&[], &[SERVICE_FINALIZER]), &stores, "vpc-1").contains(&backend));
        assert!(!by_service(&change(&[], &["other"]), &stores, "vpc-1").contains(&backend));
    }

    #[test]
    fn a_pod_wakes_the_binding_its_gate_names() {
        let stores = Stores::default();
        let meta = Meta {
            namespace: "a".into(),
            name: "tgb".into(),
            ..Meta::default()
        };
        let spec = serde_json::from_str(r#"{"serviceRef":{"name":"web","port":80}}"#)
            .unwrap_or_else(|e| unreachable!("{e}"));
        stores.bindings.apply(BindingObject {
            meta,
            spec,
            status: TargetGroupBindingStatus::default(),
        });
        let pod = Pod {
            meta: Meta {
                namespace: "a".into(),
                name: "p".into(),
                ..Meta::default()
            },
            readiness_gates: vec!["target-health.elbv2.k8s.aws/tgb".into()],
            ..Pod::default()
        };
        let wakes = by_pod(
            &Change {
                old: None,
                new: Some(Arc::new(pod)),
            },
            &stores,
        );
        assert_eq!(wakes.len(), 1);
    }
}
