//! Interfaces of pods and nodes (reference page, section 16).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::world::{node, pod};
use crate::targets::eni::{InterfaceFacts, node_interfaces, node_reads, pod_interfaces, pod_reads};
use crate::targets::{Instance, Interface};
use crate::view::{Node, Pod};

fn nodes(label: Option<(&str, &str)>) -> BTreeMap<String, Arc<Node>> {
    let mut node = node("node-1", "True");
    node.internal_ip = "10.0.9.9".to_owned();
    if let Some((key, value)) = label {
        node.meta.labels.insert(key.to_owned(), value.to_owned());
    }
    BTreeMap::from([("node-1".to_owned(), Arc::new(node))])
}

fn interface(id: &str, ips: &[&str], prefixes: &[&str]) -> Interface {
    Interface {
        id: id.to_owned(),
        device_index: Some(1),
        private_ips: ips.iter().map(|ip| (*ip).to_owned()).collect(),
        ipv4_prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(),
        ..Interface::default()
    }
}

fn facts(interfaces: Vec<Interface>, on_instance: bool) -> InterfaceFacts {
    let mut facts = InterfaceFacts::default();
    if on_instance {
        let instance = Instance {
            id: "i-node-1".to_owned(),
            vpc: "vpc-1".to_owned(),
            interfaces,
        };
        facts.instances.insert(instance.id.clone(), instance);
    } else {
        facts.interfaces = interfaces.into_iter().map(|i| (i.id.clone(), i)).collect();
    }
    facts
}

fn found(
    pod: &Pod,
    nodes: &BTreeMap<String, Arc<Node>>,
    facts: &InterfaceFacts,
) -> Result<Vec<String>, String> {
    pod_interfaces([pod], nodes, facts).map(|all| all.iter().map(|(_, i)| i.id.clone()).collect())
}

#[test]
fn a_pod_on_ec2_is_found_by_address_or_prefix_on_its_instance() {
    let nodes = nodes(None);
    let a = pod("a", "10.0.0.17", false);
    let reads = pod_reads([&a], &nodes).unwrap();
    assert_eq!(reads.instances, BTreeSet::from(["i-node-1".to_owned()]));
    let by_ip = facts(
        vec![
            interface("eni-0", &["10.0.0.4"], &[]),
            interface("eni-1", &["10.0.0.17"], &[]),
        ],
        true,
    );
    assert_eq!(found(&a, &nodes, &by_ip).unwrap(), ["eni-1"]);
    let by_prefix = facts(vec![interface("eni-2", &["10.0.0.4"], &["10.0.0.16/28"])], true);
    assert_eq!(found(&a, &nodes, &by_prefix).unwrap(), ["eni-2"]);
    let neither = facts(vec![interface("eni-0", &["10.0.0.4"], &[])], true);
    assert_eq!(
        found(&a, &nodes, &neither).unwrap_err(),
        "cannot resolve pod ENI for pods: [default/a]"
    );
}

#[test]
fn a_pod_with_an_interface_of_its_own_is_found_by_annotation() {
    let nodes = nodes(None);
    let mut a = pod("a", "10.0.0.17", false);
    let annotate = |pod: &mut Pod, text: &str| {
        pod.meta
            .annotations
            .insert("vpc.amazonaws.com/pod-eni".to_owned(), text.to_owned());
    };
    annotate(
        &mut a,
        r#"[{"eniId":"eni-x","privateIp":"10.0.0.1"},{"eniId":"eni-9","privateIp":"10.0.0.17","ipv6Addr":""}]"#,
    );
    let reads = pod_reads([&a], &nodes).unwrap();
    assert_eq!(reads.interfaces, BTreeSet::from(["eni-9".to_owned()]));
    assert!(reads.instances.is_empty());
    let known = facts(vec![interface("eni-9", &[], &[])], false);
    assert_eq!(found(&a, &nodes, &known).unwrap(), ["eni-9"]);
    annotate(&mut a, "[{");
    assert_eq!(pod_reads([&a], &nodes).unwrap().instances.len(), 1);
}

#[test]
fn fargate_hyperpod_and_hybrid_pods_have_their_own_ways() {
    let a = pod("a", "10.0.0.17", false);
    let fargate = nodes(Some(("eks.amazonaws.com/compute-type", "fargate")));
    assert_eq!(
        pod_reads([&a], &fargate).unwrap().addresses,
        BTreeSet::from(["10.0.0.17".to_owned()])
    );
    let direct = facts(vec![interface("eni-f", &["10.0.0.17"], &[])], false);
    assert_eq!(found(&a, &fargate, &direct).unwrap(), ["eni-f"]);

    let hyperpod = nodes(Some(("sagemaker.amazonaws.com/compute-type", "hyperpod")));
    assert_eq!(pod_reads([&a], &hyperpod).unwrap().addresses.len(), 2);
    let of_node = facts(vec![interface("eni-h", &["10.0.9.9"], &["10.0.0.16/28"])], false);
    assert_eq!(found(&a, &hyperpod, &of_node).unwrap(), ["eni-h"]);
    assert!(found(&a, &fargate, &of_node).is_err());

    let hybrid = nodes(Some(("eks.amazonaws.com/compute-type", "hybrid")));
    assert!(pod_reads([&a], &hybrid).unwrap().is_empty());
    assert!(found(&a, &hybrid, &of_node).unwrap().is_empty());
}

#[test]
fn an_unknown_node_fails_all_pods() {
    let a = pod("a", "10.0.0.17", false);
    assert_eq!(
        pod_reads([&a], &BTreeMap::new()).unwrap_err(),
        "nodes \"node-1\" not found"
    );
}

#[test]
fn a_node_is_found_by_its_primary_interface() {
    let plain = node("node-1", "True");
    assert_eq!(
        node_reads([&plain]).unwrap().instances,
        BTreeSet::from(["i-node-1".to_owned()])
    );
    let mut primary = interface("eni-0", &[], &[]);
    primary.device_index = Some(0);
    let both = facts(vec![interface("eni-1", &[], &[]), primary], true);
    assert_eq!(node_interfaces([&plain], &both).unwrap()[0].id, "eni-0");
    let secondary_only = facts(vec![interface("eni-1", &[], &[])], true);
    assert!(
        node_interfaces([&plain], &secondary_only)
            .unwrap_err()
            .contains("no primary ENI")
    );
    let other = node("node-c", "True");
    assert_eq!(
        node_interfaces([&plain, &other], &both).unwrap_err(),
        "cannot resolve node ENI for nodes: [/node-c]"
    );
    let mut hybrid = node("node-h", "True");
    hybrid.provider_id = "eks-hybrid:///r/c/mi-1".to_owned();
    hybrid
        .meta
        .labels
        .insert("eks.amazonaws.com/compute-type".to_owned(), "hybrid".to_owned());
    assert!(node_reads([&hybrid]).unwrap().is_empty());
    assert!(node_interfaces([&hybrid], &both).is_err());
}
