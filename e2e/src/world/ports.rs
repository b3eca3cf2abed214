//! What kube-proxy opens on each node: NodePorts and health check ports.
//!
//! Pure: Services, EndpointSlices and machines in; sockets and what is behind them out. The rules are those of
//! <https://kubernetes.io/docs/reference/networking/virtual-ips/#external-traffic-policy>: ready endpoints,
//! and if there is none the terminating ones that still serve; with `externalTrafficPolicy: Local` only those
//! on the node itself. A port with nothing behind it is closed.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use kube::ResourceExt;

use super::nodes::Machine;

/// A socket on a node, at the node's address inside the VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Socket {
    /// What is spoken there.
    pub kind: Kind,
    /// The node's address.
    pub node: Ipv4Addr,
    /// The port.
    pub port: u16,
}

/// What is spoken at a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Connections are forwarded.
    Tcp,
    /// Datagrams are forwarded.
    Udp,
    /// The health check port of a Service with `externalTrafficPolicy: Local`.
    Health,
}

/// What is behind a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behind {
    /// Pods, by address inside the VPC.
    Pods(Vec<SocketAddrV4>),
    /// The number of ready pods on the node itself.
    Count {
        /// Namespace of the Service.
        namespace: String,
        /// Its name.
        name: String,
        /// Ready pods here.
        local: usize,
    },
}

/// Slices by namespace and name of their Service.
pub type Slices<'a> = BTreeMap<(String, String), Vec<&'a EndpointSlice>>;

/// Groups slices by Service.
pub fn by_service<'a>(slices: impl IntoIterator<Item = &'a EndpointSlice>) -> Slices<'a> {
    let mut grouped = Slices::new();
    for slice in slices {
        if let Some(service) = slice.labels().get("kubernetes.io/service-name") {
            grouped
                .entry((slice.namespace().unwrap_or_default(), service.clone()))
                .or_default()
                .push(slice);
        }
    }
    grouped
}

/// Every socket that one Service wants open on the machines.
pub fn of_service(service: &Service, slices: &Slices, machines: &[&Machine]) -> BTreeMap<Socket, Behind> {
    let mut open = BTreeMap::new();
    let Some(spec) = service.spec.as_ref() else {
        return open;
    };
    let (namespace, name) = (service.namespace().unwrap_or_default(), service.name_any());
    let none = Vec::new();
    let slices = slices.get(&(namespace.clone(), name.clone())).unwrap_or(&none);
    let is_local = spec.external_traffic_policy.as_deref() == Some("Local");
    for machine in machines {
        for port in spec.ports.iter().flatten() {
            let Some((kind, number)) = node_port(port) else {
                continue;
            };
            let pods = endpoints(slices, port, is_local.then_some(machine.node.as_str()));
            if !pods.is_empty() {
                open.insert(
                    Socket {
                        kind,
                        node: machine.address,
                        port: number,
                    },
                    Behind::Pods(pods),
                );
            }
        }
        if let Some(number) = spec
            .health_check_node_port
            .and_then(|port| u16::try_from(port).ok())
            .filter(|p| *p > 0)
        {
            let local = ready_on(slices, &machine.node);
            let behind = Behind::Count {
                namespace: namespace.clone(),
                name: name.clone(),
                local,
            };
            open.insert(
                Socket {
                    kind: Kind::Health,
                    node: machine.address,
                    port: number,
                },
                behind,
            );
        }
    }
    open
}

fn node_port(port: &ServicePort) -> Option<(Kind, u16)> {
    let number = u16::try_from(port.node_port?).ok().filter(|number| *number > 0)?;
    match port.protocol.as_deref() {
        None | Some("TCP") => Some((Kind::Tcp, number)),
        Some("UDP") => Some((Kind::Udp, number)),
        Some(_) => None,
    }
}

fn endpoints(slices: &[&EndpointSlice], port: &ServicePort, only_on: Option<&str>) -> Vec<SocketAddrV4> {
    let mut ready = Vec::new();
    let mut leaving = Vec::new();
    for slice in slices {
        let Some(number) = target_port(slice, port) else {
            continue;
        };
        for endpoint in slice.endpoints.iter().flatten().filter(|one| is_on(one, only_on)) {
            let addresses = endpoint
                .addresses
                .iter()
                .filter_map(|address| address.parse::<Ipv4Addr>().ok());
            let sockets = addresses.map(|address| SocketAddrV4::new(address, number));
            if is_ready(endpoint) {
                ready.extend(sockets);
            } else if is_leaving_but_serves(endpoint) {
                leaving.extend(sockets);
            }
        }
    }
    let mut chosen = if ready.is_empty() { leaving } else { ready };
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// The slice's number for the Service's port; both name it alike.
fn target_port(slice: &EndpointSlice, port: &ServicePort) -> Option<u16> {
    let wanted = port.name.as_deref().unwrap_or_default();
    let found = slice
        .ports
        .iter()
        .flatten()
        .find(|one| one.name.as_deref().unwrap_or_default() == wanted)?;
    u16::try_from(found.port?).ok()
}

fn ready_on(slices: &[&EndpointSlice], node: &str) -> usize {
    let all = slices.iter().flat_map(|slice| slice.endpoints.iter().flatten());
    let mut local: Vec<&String> = all
        .filter(|one| is_on(one, Some(node)) && is_ready(one))
        .flat_map(|one| &one.addresses)
        .collect();
    local.sort_unstable();
    local.dedup();
    local.len()
}

fn is_on(endpoint: &Endpoint, node: Option<&str>) -> bool {
    node.is_none_or(|node| endpoint.node_name.as_deref() == Some(node))
}

fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint
        .conditions
        .as_ref()
        .and_then(|conditions| conditions.ready)
        != Some(false)
}

fn is_leaving_but_serves(endpoint: &Endpoint) -> bool {
    endpoint
        .conditions
        .as_ref()
        .is_some_and(|conditions| conditions.serving == Some(true) && conditions.terminating == Some(true))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use serde_json::json;

    fn machine(node: &str, last: u8) -> Machine {
        Machine {
            instance_id: format!("i-{last}"),
            node: node.into(),
            zone: "z".into(),
            region: "r".into(),
            instance_type: "t".into(),
            address: Ipv4Addr::new(10, 0, 0, last),
            pod_addresses: vec![],
        }
    }

    fn service(policy: &str) -> Service {
        serde_json::from_value(json!({
            "metadata": { "namespace": "ns", "name": "web" },
            "spec": {
                "type": "LoadBalancer",
                "externalTrafficPolicy": policy,
                "healthCheckNodePort": if policy == "Local" { 31000 } else { 0 },
                "ports": [{ "name": "http", "port": 80, "nodePort": 30080, "protocol": "TCP" }],
            },
        }))
        .unwrap()
    }

    fn slice(endpoints: &serde_json::Value) -> EndpointSlice {
        serde_json::from_value(json!({
            "metadata": {
                "namespace": "ns", "name": "web-x", "labels": { "kubernetes.io/service-name": "web" },
            },
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{ "name": "http", "port": 8080, "protocol": "TCP" }],
        }))
        .unwrap()
    }

    fn open(policy: &str, endpoints: &serde_json::Value) -> BTreeMap<Socket, Behind> {
        let (a, b) = (machine("a", 1), machine("b", 2));
        let slice = slice(endpoints);
        of_service(&service(policy), &by_service([&slice]), &[&a, &b])
    }

    fn tcp(last: u8) -> Socket {
        Socket {
            kind: Kind::Tcp,
            node: Ipv4Addr::new(10, 0, 0, last),
            port: 30080,
        }
    }

    fn pods(lasts: &[u8]) -> Behind {
        Behind::Pods(
            lasts
                .iter()
                .map(|last| SocketAddrV4::new(Ipv4Addr::new(10, 0, 1, *last), 8080))
                .collect(),
        )
    }

    #[test]
    fn with_cluster_every_node_leads_to_every_ready_pod() {
        let open = open(
            "Cluster",
            &json!([
                { "addresses": ["10.0.1.1"], "nodeName": "a", "conditions": { "ready": true } },
                { "addresses": ["10.0.1.2"], "nodeName": "a", "conditions": { "ready": false } },
            ]),
        );
        assert_eq!(open, BTreeMap::from([(tcp(1), pods(&[1])), (tcp(2), pods(&[1]))]));
    }

    #[test]
    fn with_local_a_node_leads_to_its_own_pods_and_counts_them() {
        let open = open(
            "Local",
            &json!([{ "addresses": ["10.0.1.1"], "nodeName": "a", "conditions": { "ready": true } }]),
        );
        assert_eq!(open.get(&tcp(1)), Some(&pods(&[1])));
        assert_eq!(open.get(&tcp(2)), None);
        let counts: Vec<usize> = open
            .values()
            .filter_map(|behind| match behind {
                Behind::Count { local, .. } => Some(*local),
                Behind::Pods(_) => None,
            })
            .collect();
        assert_eq!(counts, [1, 0]);
    }

    #[test]
    fn terminating_pods_that_serve_are_used_only_when_no_other_is_ready() {
        let leaving = json!({
            "addresses": ["10.0.1.1"], "nodeName": "a",
            "conditions": { "ready": false, "serving": true, "terminating": true },
        });
        let staying = json!({ "addresses": ["10.0.1.2"], "nodeName": "b", "conditions": { "ready": true } });
        assert_eq!(open("Cluster", &json!([leaving]))[&tcp(2)], pods(&[1]));
        assert_eq!(open("Cluster", &json!([leaving, staying]))[&tcp(2)], pods(&[2]));
    }
}
