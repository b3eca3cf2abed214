//! Endpoint resolution (reference page, sections 5 and 6).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::world::{binding, condition, endpoint, node, pod, service, slice};
use crate::targets::Backends;
use crate::targets::endpoints::{instance_endpoints, instance_id, pod_endpoints};
use crate::view::{EndpointSlice, Node, Pod, Service};

fn nodes(nodes: Vec<Node>) -> Backends {
    let named = nodes.into_iter().map(|n| (n.meta.name.clone(), Arc::new(n)));
    Backends {
        nodes: named.collect(),
        ..Backends::default()
    }
}

fn instances(service: Option<&Service>, backends: &Backends, more: Value) -> Result<Vec<String>, String> {
    let spec = binding("instance", more).spec;
    instance_endpoints(&spec, "default", service, backends, true)
        .map(|found| found.iter().map(|e| e.target.identity()).collect())
        .map_err(|failure| failure.to_string())
}

fn labelled(name: &str, key: &str, value: &str) -> Node {
    let mut node = node(name, "True");
    node.meta.labels.insert(key.to_owned(), value.to_owned());
    node
}

fn tainted(name: &str, key: &str, effect: &str) -> Node {
    let mut node = node(name, "True");
    node.taints.push((key.to_owned(), effect.to_owned()));
    node
}

#[test]
fn nodes_are_chosen_by_label_taint_and_readiness() {
    let backends = nodes(vec![
        labelled("master", "node-role.kubernetes.io/master", ""),
        labelled(
            "excluded",
            "node.kubernetes.io/exclude-from-external-load-balancers",
            "",
        ),
        labelled(
            "balancer",
            "alpha.service-controller.kubernetes.io/exclude-balancer",
            "",
        ),
        labelled("fargate", "eks.amazonaws.com/compute-type", "fargate"),
        labelled("plane", "node-role.kubernetes.io/control-plane", ""),
        labelled("auto", "eks.amazonaws.com/compute-type", "auto"),
        tainted("leaving", "ToBeDeletedByClusterAutoscaler", "PreferNoSchedule"),
        tainted("disrupted", "karpenter.sh/disrupted", "NoSchedule"),
        tainted("noted", "karpenter.sh/disrupted", "NoExecute"),
        node("down", "False"),
        node("new", ""),
        node("lost", "Unknown"),
        node("plain", "True"),
    ]);
    assert_eq!(
        instances(Some(&service()), &backends, json!({})).unwrap(),
        ["i-auto:31223", "i-noted:31223", "i-plain:31223", "i-plane:31223"]
    );
    let by_label = json!({"nodeSelector": {"matchExpressions":
        [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]}});
    assert_eq!(
        instances(Some(&service()), &backends, by_label).unwrap(),
        ["i-plane:31223"]
    );
}

#[test]
fn without_a_ready_node_those_of_unknown_readiness_are_used() {
    let backends = nodes(vec![node("lost", "Unknown"), node("down", "False")]);
    assert_eq!(
        instances(Some(&service()), &backends, json!({})).unwrap(),
        ["i-lost:31223"]
    );
    let spec = binding("instance", json!({})).spec;
    let closed = instance_endpoints(&spec, "default", Some(&service()), &backends, false);
    assert!(closed.unwrap().is_empty());
}

#[test]
fn failures_of_instance_mode_are_told_in_upstreams_words() {
    let none = nodes(Vec::new());
    let cluster_ip = Service {
        type_: "ClusterIP".to_owned(),
        ..service()
    };
    let mut unnamed = node("n", "True");
    unnamed.provider_id = String::new();
    let rows = [
        (
            None,
            none.clone(),
            json!({}),
            "backend not found: services \"web\" not found",
        ),
        (
            Some(service()),
            none.clone(),
            json!({"serviceRef": {"name": "web", "port": "80"}}),
            "backend not found: unable to find port 80 on service default/web",
        ),
        (
            Some(cluster_ip),
            none.clone(),
            json!({}),
            "service type must be either 'NodePort' or 'LoadBalancer': default/web",
        ),
        (
            Some(service()),
            nodes(vec![unnamed]),
            json!({}),
            "providerID is not specified for node: n",
        ),
        (
            None,
            none,
            json!({"nodeSelector": {"matchExpressions": [{"key": "k", "operator": "Near"}]}}),
            "spec.nodeSelector cannot be used: the expression on label k has the operator 'Near'; allowed \
             are In, NotIn, Exists and DoesNotExist",
        ),
    ];
    for (service, backends, more, wanted) in rows {
        assert_eq!(instances(service.as_ref(), &backends, more).unwrap_err(), wanted);
    }
}

#[test]
fn instance_ids_come_from_provider_ids() {
    let rows = [
        ("aws:///us-west-2a/i-0abc", Ok("i-0abc")),
        ("i-1", Ok("i-1")),
        ("eks-hybrid:///eu/c/mi-1", Ok("hybrid-mi-1")),
        ("eks-hybrid:///eu/c/i-1", Err("EKS hybrid")),
        ("aws:///us-west-2a/fargate-ip", Err("EC2")),
    ];
    for (provider, wanted) in rows {
        let mut node = node("n", "True");
        node.provider_id = provider.to_owned();
        match (instance_id(&node), wanted) {
            (Ok(id), Ok(wanted)) => assert_eq!(id, wanted),
            (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
            (found, wanted) => panic!("{found:?} {wanted:?}"),
        }
    }
}

fn pods_and_slices(pods: Vec<Pod>, slices: Vec<EndpointSlice>, ready: &str) -> Backends {
    let named = pods
        .into_iter()
        .map(|p| ((p.meta.namespace.clone(), p.meta.name.clone()), Arc::new(p)));
    Backends {
        slices: slices.into_iter().map(Arc::new).collect(),
        pods: named.collect(),
        nodes: BTreeMap::from([("node-1".to_owned(), Arc::new(node("node-1", ready)))]),
    }
}

fn addresses(backends: &Backends, service: &Service, more: Value, fail_open: bool) -> Vec<String> {
    let spec = binding("ip", more).spec;
    let found = pod_endpoints(&spec, "default", Some(service), backends, fail_open).unwrap();
    found.iter().map(|e| e.target.identity()).collect()
}

#[test]
fn pods_are_chosen_by_readiness_of_endpoint_containers_and_node() {
    let ready = pod("ready", "10.0.0.1", false);
    let gated = pod("gated", "10.0.0.2", true);
    let mut starting = pod("starting", "10.0.0.3", true);
    starting
        .conditions
        .insert("ContainersReady".to_owned(), condition("False"));
    let mut leaving = pod("leaving", "10.0.0.4", true);
    leaving.meta.deleting = true;
    let mut endpoints: Vec<_> = [&ready, &gated, &starting, &leaving].map(endpoint).into();
    let mut always_ready = endpoint(&leaving);
    always_ready.ready = Some(true);
    let mut no_pod = endpoint(&ready);
    no_pod.pod = None;
    endpoints.push(no_pod);
    let unknown_pod = endpoint(&pod("unknown", "10.0.0.5", false));
    endpoints.push(unknown_pod);
    let pods = vec![ready, gated, starting, leaving];
    let slices = vec![slice(8080, endpoints)];
    let up = pods_and_slices(pods.clone(), slices.clone(), "True");
    assert_eq!(
        addresses(&up, &service(), json!({}), true),
        ["10.0.0.1:8080", "10.0.0.2:8080"]
    );
    // As with publishNotReadyAddresses.
    let believed = pods_and_slices(pods.clone(), vec![slice(8080, vec![always_ready])], "True");
    assert_eq!(
        addresses(&believed, &service(), json!({}), true),
        ["10.0.0.4:8080"]
    );
    let lost = pods_and_slices(pods[1..].to_vec(), slices.clone(), "Unknown");
    assert_eq!(
        addresses(&lost, &service(), json!({}), true),
        ["10.0.0.2:8080", "10.0.0.4:8080"],
        "an eviction from a lost node ends nothing"
    );
    assert!(addresses(&lost, &service(), json!({}), false).is_empty());
    let down = pods_and_slices(pods[1..].to_vec(), slices, "False");
    assert!(addresses(&down, &service(), json!({}), true).is_empty());
}

#[test]
fn slices_are_chosen_by_family_and_ports_by_name() {
    let a = pod("a", "10.0.0.1", false);
    let b = pod("b", "fd00::1", false);
    let mut four = slice(8080, vec![endpoint(&a)]);
    four.ports = vec![("http".to_owned(), 8080), ("metrics".to_owned(), 9090)];
    let mut six = slice(8080, vec![endpoint(&b)]);
    six.address_type = "IPv6".to_owned();
    let backends = pods_and_slices(vec![a, b], vec![four, six], "True");
    let mut named = service();
    named.ports[0].name = "http".to_owned();
    assert_eq!(addresses(&backends, &named, json!({}), true), ["10.0.0.1:8080"]);
    assert_eq!(
        addresses(&backends, &service(), json!({}), true),
        ["10.0.0.1:8080", "10.0.0.1:9090"]
    );
    assert_eq!(
        addresses(&backends, &service(), json!({"ipAddressType": "ipv6"}), true),
        ["fd00::1:8080"]
    );
}

#[test]
fn quic_server_ids_are_part_of_the_endpoint_in_quic_groups_only() {
    let mut a = pod("a", "10.0.0.1", false);
    a.quic_server_ids.insert(0, "0xaa".to_owned());
    let backends = pods_and_slices(vec![a.clone()], vec![slice(8080, vec![endpoint(&a)])], "True");
    assert_eq!(
        addresses(&backends, &service(), json!({}), true),
        ["10.0.0.1:8080"]
    );
    let quic = json!({"targetGroupProtocol": "TCP_QUIC"});
    assert_eq!(
        addresses(&backends, &service(), quic, true),
        ["10.0.0.1:8080:0xaa"]
    );
}
