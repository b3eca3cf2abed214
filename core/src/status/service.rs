//! `status.loadBalancer` of a Service (upstream `pkg/service/service_controller.go`, `updateServiceStatus`).

use std::collections::BTreeSet;

use crate::view::{IngressPoint, Service};

/// The one entry that a Service with a load balancer has: the name in lower case, every port in order.
pub fn wanted_ingress(service: &Service, dns_name: &str) -> Vec<IngressPoint> {
    let ports = service
        .ports
        .iter()
        .map(|port| (port.port, port.protocol.clone()))
        .collect();
    vec![IngressPoint {
        hostname: dns_name.to_lowercase(),
        ip: String::new(),
        ports,
    }]
}

/// What has to be written so that the Service shows the address; `None` if it shows it already.
///
/// Upstream's comparison: the host name, no address, and of the ports their count and numbers; protocol and
/// order are not compared.
pub fn ingress_change(service: &Service, dns_name: &str) -> Option<Vec<IngressPoint>> {
    let wanted = wanted_ingress(service, dns_name);
    let same = match (wanted.as_slice(), service.ingress.as_slice()) {
        ([wanted], [present]) => {
            let numbers: BTreeSet<i32> = present.ports.iter().map(|(port, _)| *port).collect();
            present.ip.is_empty()
                && present.hostname == wanted.hostname
                && present.ports.len() == wanted.ports.len()
                && wanted.ports.iter().all(|(port, _)| numbers.contains(port))
        }
        _ => false,
    };
    (!same).then_some(wanted)
}

/// What has to be written when the load balancer is gone; `None` if nothing is shown.
pub fn cleared_ingress(service: &Service) -> Option<Vec<IngressPoint>> {
    (!service.ingress.is_empty()).then(Vec::new)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

    use super::*;
    use crate::view::ServicePort;

    fn service(ports: &[(i32, &str)]) -> Service {
        let port = |(port, protocol): &(i32, &str)| ServicePort {
            name: String::new(),
            protocol: (*protocol).to_owned(),
            port: *port,
            target_port: IntOrString::Int(*port),
            node_port: 0,
        };
        Service {
            ports: ports.iter().map(port).collect(),
            ..Service::default()
        }
    }

    fn shown(hostname: &str, ports: &[(i32, &str)]) -> Vec<IngressPoint> {
        let ports = ports
            .iter()
            .map(|(port, protocol)| (*port, (*protocol).to_owned()));
        vec![IngressPoint {
            hostname: hostname.to_owned(),
            ip: String::new(),
            ports: ports.collect(),
        }]
    }

    #[test]
    fn the_name_is_published_in_lower_case_with_every_port() {
        let service = service(&[(53, "TCP"), (53, "UDP")]);
        let change = ingress_change(&service, "K8s-Web.elb.amazonaws.com");
        let wanted = shown("k8s-web.elb.amazonaws.com", &[(53, "TCP"), (53, "UDP")]);
        assert_eq!(change, Some(wanted));
    }

    #[test]
    fn protocol_and_order_of_ports_are_not_compared() {
        let mut service = service(&[(80, "TCP"), (53, "UDP")]);
        service.ingress = shown("a", &[(53, "TCP"), (80, "TCP")]);
        assert_eq!(ingress_change(&service, "A"), None);
    }

    #[test]
    fn a_new_name_an_address_and_other_ports_are_differences() {
        let mut service = service(&[(80, "TCP")]);
        for present in [
            vec![],
            shown("b", &[(80, "TCP")]),
            shown("a", &[(81, "TCP")]),
            shown("a", &[(80, "TCP"), (81, "TCP")]),
            [shown("a", &[(80, "TCP")]), shown("a", &[(80, "TCP")])].concat(),
            vec![IngressPoint {
                ip: "192.0.2.1".to_owned(),
                ..shown("a", &[(80, "TCP")]).remove(0)
            }],
        ] {
            service.ingress.clone_from(&present);
            assert!(ingress_change(&service, "a").is_some(), "{present:?}");
        }
    }

    #[test]
    fn an_empty_status_is_not_cleared_again() {
        let mut service = service(&[(80, "TCP")]);
        assert_eq!(cleared_ingress(&service), None);
        service.ingress = shown("a", &[]);
        assert_eq!(cleared_ingress(&service), Some(vec![]));
    }
}
