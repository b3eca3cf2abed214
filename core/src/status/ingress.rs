//! `status.loadBalancer` of the Ingresses of a group (upstream `controllers/ingress/group_controller.go`,
//! `updateIngressStatus`).

use std::collections::BTreeSet;

use crate::view::{Ingress, IngressPoint};

/// What has to be written so that a member shows the address of its group's load balancer; `None` if it shows it
/// already. `ports` are those of the whole group. The status of a member that leaves stays as it is.
///
/// Upstream's comparison: one entry with the host name, whatever address stands beside it; of its ports the numbers,
/// not protocol and order.
pub fn group_change(ingress: &Ingress, dns_name: &str, ports: &BTreeSet<i32>) -> Option<Vec<IngressPoint>> {
    let hostname = dns_name.to_lowercase();
    if let [present] = ingress.ingress.as_slice() {
        let shown: BTreeSet<i32> = present.ports.iter().map(|(port, _)| *port).collect();
        // Upstream leaves the ports alone while the group has none.
        let same_ports = ports.is_empty() || shown == *ports;
        if present.hostname == hostname && same_ports {
            return None;
        }
    }
    Some(vec![IngressPoint {
        hostname,
        ip: String::new(),
        ports: ports.iter().map(|port| (*port, String::new())).collect(),
    }])
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

    fn ingress(points: &[IngressPoint]) -> Ingress {
        Ingress {
            ingress: points.to_vec(),
            ..Ingress::default()
        }
    }

    fn point(hostname: &str, ip: &str, ports: &[(i32, &str)]) -> IngressPoint {
        IngressPoint {
            hostname: hostname.to_owned(),
            ip: ip.to_owned(),
            ports: ports
                .iter()
                .map(|(port, protocol)| (*port, (*protocol).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn a_member_shows_the_name_in_lower_case_and_the_ports_of_the_group() {
        let ports = BTreeSet::from([443, 80]);
        let change = group_change(&ingress(&[]), "K8s-Web.elb.amazonaws.com", &ports);
        let wanted = point("k8s-web.elb.amazonaws.com", "", &[(80, ""), (443, "")]);
        assert_eq!(change, Some(vec![wanted]));
    }

    #[test]
    fn an_address_and_order_and_protocol_of_ports_are_not_compared() {
        let shown = ingress(&[point("a", "192.0.2.1", &[(443, "TCP"), (80, "TCP")])]);
        assert_eq!(group_change(&shown, "A", &BTreeSet::from([80, 443])), None);
        assert_eq!(group_change(&shown, "A", &BTreeSet::new()), None);
        assert!(group_change(&shown, "A", &BTreeSet::from([80])).is_some());
    }

    #[test]
    fn another_name_and_further_entries_are_replaced() {
        let ports = BTreeSet::from([80]);
        let good = point("a", "", &[(80, "")]);
        for present in [
            vec![point("b", "", &[(80, "")])],
            vec![good.clone(), good.clone()],
        ] {
            assert_eq!(
                group_change(&ingress(&present), "a", &ports),
                Some(vec![good.clone()]),
                "{present:?}"
            );
        }
    }
}
