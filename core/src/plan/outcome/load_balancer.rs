//! Steps on load balancers.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Action, Outputs};
use super::{or, without_tracking};
use crate::model::{LoadBalancer, LoadBalancerState, OnOff, Ref, Setting, Stack, SubnetMapping, Tags};

/// Source NAT prefix that AWS chooses itself.
const AUTO_ASSIGNED: &str = "auto_assigned";

pub(super) fn apply(stack: &mut Stack, action: &Action, outputs: &Outputs) {
    let find = |stack: &mut Stack, reference: &Ref, change: &dyn Fn(&mut LoadBalancer)| {
        let arn = outputs.resolve(reference);
        let balancer = stack
            .load_balancers
            .iter_mut()
            .find(|b| arn.is_some() && b.arn == arn);
        if let Some(balancer) = balancer {
            change(balancer);
        }
    };
    match action {
        Action::CreateLoadBalancer {
            address,
            load_balancer,
            tags,
        } => {
            let output = outputs.get(address);
            let created = new_load_balancer(load_balancer, tags, outputs);
            let created = LoadBalancer {
                arn: output.map(|output| output.id.clone()),
                dns_name: output.and_then(|output| output.dns_name.clone()),
                ..created
            };
            stack.load_balancers.retain(|b| b.arn != created.arn);
            stack.load_balancers.push(created);
            stack
                .load_balancers
                .sort_by(|a, b| (&a.id, &a.arn).cmp(&(&b.id, &b.arn)));
        }
        Action::ModifyLoadBalancerAttributes {
            load_balancer,
            attributes,
        } => find(stack, load_balancer, &|balancer| {
            balancer.attributes.extend(attributes.clone());
        }),
        Action::SetSecurityGroups {
            load_balancer,
            security_groups,
            private_link_inbound,
        } => find(stack, load_balancer, &|balancer| {
            balancer.security_groups = security_groups.iter().map(|g| outputs.settle(g)).collect();
            if let Some(value) = private_link_inbound {
                balancer.private_link_inbound = Setting::Set(*value);
            }
        }),
        Action::SetSubnets {
            load_balancer,
            subnets,
            ipv6_source_nat,
        } => find(stack, load_balancer, &|balancer| {
            if let Some(value) = ipv6_source_nat {
                balancer.ipv6_source_nat = Setting::Set(*value);
            }
            balancer.subnets = merged_subnets(subnets, &balancer.subnets);
        }),
        Action::SetIpAddressType {
            load_balancer,
            ip_address_type,
        } => find(stack, load_balancer, &|balancer| {
            balancer.ip_address_type = *ip_address_type;
        }),
        Action::ModifyCapacityReservation {
            load_balancer,
            capacity_units,
        } => find(stack, load_balancer, &|balancer| {
            balancer.capacity_units = Setting::Set(*capacity_units);
        }),
        Action::DeleteLoadBalancer { arn } => {
            stack.load_balancers.retain(|b| b.arn.as_ref() != Some(arn));
            let (gone, kept) = std::mem::take(&mut stack.listeners)
                .into_iter()
                .partition::<Vec<_>, _>(|l| l.load_balancer.known() == Some(arn.as_str()));
            stack.listeners = kept;
            let gone: BTreeSet<String> = gone.into_iter().filter_map(|l| l.arn).collect();
            let is_gone = |listener: &Ref| listener.known().is_some_and(|arn| gone.contains(arn));
            stack.rules.retain(|rule| !is_gone(&rule.listener));
        }
        _ => {}
    }
}

fn new_load_balancer(wanted: &LoadBalancer, tags: &Tags, outputs: &Outputs) -> LoadBalancer {
    let enforced = !wanted.security_groups.is_empty();
    LoadBalancer {
        state: Some(LoadBalancerState::Provisioning),
        second_name: None,
        delete_first: false,
        ipv6_source_nat: or(&wanted.ipv6_source_nat, &Setting::Set(OnOff::Off)),
        security_groups: wanted.security_groups.iter().map(|g| outputs.settle(g)).collect(),
        private_link_inbound: enforced.then_some(OnOff::On).into(),
        subnets: merged_subnets(&wanted.subnets, &[]),
        attributes: BTreeMap::new(),
        capacity_units: Setting::Unmanaged,
        tags: without_tracking(tags),
        ..wanted.clone()
    }
}

/// Subnets after SetSubnets: AWS leaves addresses that were not given as they are, and chooses prefixes.
fn merged_subnets(wanted: &[SubnetMapping], actual: &[SubnetMapping]) -> Vec<SubnetMapping> {
    let merge = |new: &SubnetMapping| {
        let old = actual.iter().find(|mapping| mapping.subnet == new.subnet);
        let old = old.cloned().unwrap_or_default();
        let chosen = new
            .source_nat_prefix
            .clone()
            .filter(|prefix| prefix != AUTO_ASSIGNED);
        SubnetMapping {
            subnet: new.subnet.clone(),
            allocation_id: new.allocation_id.clone().or(old.allocation_id),
            private_ipv4: new.private_ipv4.clone().or(old.private_ipv4),
            ipv6: new.ipv6.clone().or(old.ipv6),
            source_nat_prefix: chosen.or(old.source_nat_prefix),
        }
    };
    wanted.iter().map(merge).collect()
}
