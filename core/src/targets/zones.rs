//! The zone sent with an IP target (reference page `target-group-binding.md`, section 9).
//!
//! In: endpoints, the address blocks of the target group's VPC, nodes. Out: targets as they are registered.

use std::net::IpAddr;

use ipnet::IpNet;

use super::endpoints::{Backends, Endpoint};
use super::target::Target;

/// What is known about the VPC of the target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VpcBlocks {
    /// Its associated IPv4 and IPv6 blocks.
    Blocks(Vec<IpNet>),
    /// Another account's VPC that cannot be described: every target counts as outside.
    Foreign,
}

/// Targets for endpoints. An address outside the VPC's blocks gets the zone `all`, or with `node_zones` the
/// zone of the pod's node where the node names one.
pub fn ip_targets(
    endpoints: &[Endpoint],
    vpc: &VpcBlocks,
    node_zones: bool,
    backends: &Backends,
) -> Result<Vec<Target>, String> {
    let targets = endpoints.iter().map(|endpoint| {
        let mut target = endpoint.target.clone();
        if is_outside(&target.id, vpc)? {
            let zone = if node_zones {
                node_zone(endpoint, backends)?
            } else {
                None
            };
            target.availability_zone = Some(zone.unwrap_or_else(|| "all".to_owned()));
        }
        Ok(target)
    });
    targets.collect()
}

fn is_outside(ip: &str, vpc: &VpcBlocks) -> Result<bool, String> {
    let address: IpAddr = ip
        .parse()
        .map_err(|_| format!("the endpoint address '{ip}' is not an IP address"))?;
    Ok(match vpc {
        VpcBlocks::Blocks(blocks) => !blocks.iter().any(|block| block.contains(&address)),
        VpcBlocks::Foreign => true,
    })
}

fn node_zone(endpoint: &Endpoint, backends: &Backends) -> Result<Option<String>, String> {
    let Some(pod) = endpoint.pod().and_then(|pod| backends.pod(pod)) else {
        return Ok(None);
    };
    if pod.node.is_empty() {
        return Ok(None);
    }
    let node = backends
        .nodes
        .get(&pod.node)
        .ok_or_else(|| format!("nodes \"{}\" not found", pod.node))?;
    Ok(node.meta.labels.get("topology.kubernetes.io/zone").cloned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::targets::Backing;

    fn endpoint(ip: &str) -> Endpoint {
        Endpoint {
            target: Target::new(ip, 80),
            created_ms: 0,
            backing: Backing::Node(String::new()),
        }
    }

    fn zone(ip: &str, vpc: &VpcBlocks) -> Option<String> {
        let targets = ip_targets(&[endpoint(ip)], vpc, false, &Backends::default()).unwrap();
        targets.into_iter().next().unwrap().availability_zone
    }

    #[test]
    fn an_address_outside_the_vpc_gets_the_zone_all() {
        let vpc = VpcBlocks::Blocks(vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        assert_eq!(zone("10.0.0.5", &vpc).as_deref(), Some("all"));
        assert_eq!(zone("10.1.0.5", &vpc), None);
        assert_eq!(zone("fd00::1", &vpc), None);
        assert_eq!(zone("10.1.0.5", &VpcBlocks::Foreign).as_deref(), Some("all"));
    }

    #[test]
    fn an_address_that_is_none_is_named() {
        let message = ip_targets(
            &[endpoint("web")],
            &VpcBlocks::Foreign,
            false,
            &Backends::default(),
        )
        .unwrap_err();
        assert!(message.contains("'web'"));
    }
}
