//! Plain Kubernetes objects: Services, nodes, pods, EndpointSlices, bindings.

use serde_json::{Value, json};

use super::world::World;

const PREFIX: &str = "service.beta.kubernetes.io/aws-load-balancer-";

/// Three instances with room for pods, in the emulator's default VPC.
pub const SEED: &str = r"
instances:
  - {id: i-0e1b0000000000001, address: 10.0.64.10, interface: {secondary_addresses: [10.0.64.11, 10.0.64.12]}}
  - {id: i-0e1b0000000000002, address: 10.0.96.10, interface: {secondary_addresses: [10.0.96.11]}}
  - {id: i-0e1b0000000000003, address: 10.0.128.10, interface: {secondary_addresses: [10.0.128.11]}}
certificates:
  - arn:aws:acm:us-west-2:000000000000:certificate/one
  - arn:aws:acm:us-west-2:000000000000:certificate/two
";
/// Addresses that the seed gives pods.
pub const PODS: [&str; 4] = ["10.0.64.11", "10.0.96.11", "10.0.128.11", "10.0.64.12"];

/// Where the three nodes are.
const NETWORKS: [&str; 3] = ["10.0.64.", "10.0.96.", "10.0.128."];

/// A world with the nodes of the seed.
pub fn world() -> World {
    world_of(SEED)
}

/// The same with another seed that names the same instances.
pub fn world_of(seed: &str) -> World {
    let world = World::new(seed);
    furnish(&world);
    world
}

/// Puts the nodes of the seed in.
pub fn furnish(world: &World) {
    for (index, zone) in ["us-west-2a", "us-west-2b", "us-west-2c"].into_iter().enumerate() {
        world.apply(&node(index + 1, zone));
    }
}

fn node(number: usize, zone: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": format!("node-{number}"), "labels": {"topology.kubernetes.io/zone": zone}},
        "spec": {"providerID": format!("aws:///{zone}/i-0e1b000000000000{number}")},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// A port of a Service.
pub fn port(name: &str, port: i32, protocol: &str) -> Value {
    json!({"name": name, "port": port, "targetPort": 8080, "nodePort": 30000 + port, "protocol": protocol})
}

/// A Service of the class, with annotations under the usual prefix.
pub fn service(name: &str, annotations: &[(&str, &str)], ports: &[Value]) -> Value {
    let annotations: serde_json::Map<String, Value> = annotations
        .iter()
        .map(|(key, value)| (format!("{PREFIX}{key}"), json!(value)))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "demo", "name": name, "annotations": annotations},
        "spec": {
            "type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb",
            "selector": {"app": name}, "ipFamilies": ["IPv4"],
            "externalTrafficPolicy": "Cluster", "ports": ports,
        },
    })
}

/// The same with `externalTrafficPolicy: Local`.
pub fn local(mut service: Value) -> Value {
    service["spec"]["externalTrafficPolicy"] = json!("Local");
    service["spec"]["healthCheckNodePort"] = json!(31999);
    service
}

/// Ready pods behind a Service, and its EndpointSlice.
pub fn endpoints(world: &World, service: &str, ports: &[Value], pods: &[&str]) {
    let containers = json!([{"name": "web", "ports": [{"containerPort": 8080}]}]);
    endpoints_of(world, service, ports, pods, &containers);
}

/// The same with given containers; target ports are numbers.
pub fn endpoints_of(world: &World, service: &str, ports: &[Value], pods: &[&str], containers: &Value) {
    endpoints_in(world, ("demo", service), ports, pods, containers);
}

/// The same in a namespace.
pub fn endpoints_in(
    world: &World,
    (namespace, service): (&str, &str),
    ports: &[Value],
    pods: &[&str],
    containers: &Value,
) {
    let mut endpoints = Vec::new();
    for address in pods {
        let name = format!("{service}-{}", address.replace('.', "-"));
        let node = NETWORKS
            .iter()
            .position(|network| address.starts_with(network))
            .unwrap()
            + 1;
        world.apply(&json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": namespace, "name": name, "labels": {"app": service}},
            "spec": {"nodeName": format!("node-{node}"), "containers": containers},
            "status": {"podIP": address, "phase": "Running",
                       "conditions": [{"type": "ContainersReady", "status": "True"},
                                      {"type": "Ready", "status": "True"}]},
        }));
        endpoints.push(json!({
            "addresses": [address],
            "conditions": {"ready": true, "serving": true, "terminating": false},
            "targetRef": {"kind": "Pod", "namespace": namespace, "name": name},
        }));
    }
    let ports: Vec<Value> = ports
        .iter()
        .map(|port| json!({"name": port["name"], "port": port["targetPort"], "protocol": port["protocol"]}))
        .collect();
    world.apply(&json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": namespace, "name": format!("{service}-1"),
                     "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
    }));
}
