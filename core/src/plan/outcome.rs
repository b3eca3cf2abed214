//! What AWS and Kubernetes hold after a step: the step as a function on stacks.
//!
//! Used by the mirror after its own writes (AWS echoes little) and by the properties. AWS's own settings are
//! filled in where a later comparison looks at them.

use std::collections::{BTreeMap, BTreeSet};

use super::listener_drift::DEFAULT_WEIGHT;
use super::security_group::normalized;
use super::target_group::target_groups_of;
use super::{Action, Outputs, Step};
use crate::model::{
    Action as ListenerAction, Binding, BindingPeer, HealthCheck, IpFamily, Listener, LoadBalancer,
    LoadBalancerState, Matcher, OnOff, Protocol, Ref, SecurityGroup, Setting, Stack, SubnetMapping, Tags,
    TargetGroup, tracking,
};

/// TLS policy of a listener that was created without one
/// (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html).
const SSL_POLICY: &str = "ELBSecurityPolicy-2016-08";
/// Source NAT prefix that AWS chooses itself.
const AUTO_ASSIGNED: &str = "auto_assigned";

/// Changes `stack`, an actual one, as the step did when it succeeded. Steps on something that is not in the
/// stack change nothing.
pub fn apply_step(stack: &mut Stack, step: &Step, outputs: &Outputs) {
    match &step.action {
        Action::AddFinalizer { .. } | Action::RemoveFinalizer { .. } | Action::AwaitTargets { .. } => {}
        Action::CreateSecurityGroup { .. }
        | Action::AuthorizeIngress { .. }
        | Action::RevokeIngress { .. }
        | Action::CreateTags { .. }
        | Action::DeleteTags { .. }
        | Action::DeleteSecurityGroup { .. } => security_group(stack, &step.action, outputs),
        Action::CreateTargetGroup { .. }
        | Action::ModifyTargetGroup { .. }
        | Action::ModifyTargetGroupAttributes { .. }
        | Action::DeleteTargetGroup { .. } => target_group(stack, &step.action, outputs),
        Action::CreateLoadBalancer { .. }
        | Action::ModifyLoadBalancerAttributes { .. }
        | Action::SetSecurityGroups { .. }
        | Action::SetSubnets { .. }
        | Action::SetIpAddressType { .. }
        | Action::ModifyCapacityReservation { .. }
        | Action::DeleteLoadBalancer { .. } => load_balancer(stack, &step.action, outputs),
        Action::CreateListener { .. }
        | Action::ModifyListener { .. }
        | Action::AddListenerCertificate { .. }
        | Action::RemoveListenerCertificate { .. }
        | Action::ModifyListenerAttributes { .. }
        | Action::DeleteListener { .. } => listener(stack, &step.action, outputs),
        Action::AddTags { resource, tags } => elb_tags(stack, resource, outputs, &|present| {
            present.extend(without_tracking(tags));
        }),
        Action::RemoveTags { resource, keys } => elb_tags(stack, resource, outputs, &|present| {
            present.retain(|key, _| !keys.contains(key));
        }),
        Action::CreateBinding { .. } | Action::UpdateBinding { .. } | Action::DeleteBinding { .. } => {
            binding(stack, &step.action, outputs);
        }
    }
    link_target_groups(stack);
}

fn without_tracking(tags: &Tags) -> Tags {
    tags.iter()
        .filter(|(key, _)| !tracking::is_tracking_tag(key) && !key.starts_with("aws:"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn security_group(stack: &mut Stack, action: &Action, outputs: &Outputs) {
    let find = |stack: &mut Stack, group: &Ref, change: &dyn Fn(&mut SecurityGroup)| {
        let id = outputs.resolve(group);
        let group = stack
            .security_groups
            .iter_mut()
            .find(|g| id.is_some() && g.group_id == id);
        if let Some(group) = group {
            change(group);
        }
    };
    match action {
        Action::CreateSecurityGroup { address, group, tags } => {
            let created = SecurityGroup {
                group_id: outputs.get(address).map(|output| output.id.clone()),
                ingress: Vec::new(),
                tags: without_tracking(tags),
                ..group.clone()
            };
            stack.security_groups.retain(|g| g.group_id != created.group_id);
            stack.security_groups.push(created);
            stack
                .security_groups
                .sort_by(|a, b| (&a.id, &a.group_id).cmp(&(&b.id, &b.group_id)));
        }
        Action::AuthorizeIngress {
            group, permissions, ..
        } => find(stack, group, &|group| {
            let mut rules = group.permissions();
            rules.extend(permissions.iter().map(normalized));
            group.ingress = rules.into_iter().collect();
        }),
        Action::RevokeIngress { group, permissions } => find(stack, group, &|group| {
            let gone: BTreeSet<_> = permissions.iter().map(normalized).collect();
            group.ingress.retain(|rule| !gone.contains(&normalized(rule)));
        }),
        Action::CreateTags { group, tags } => find(stack, group, &|group| {
            group.tags.extend(without_tracking(tags));
        }),
        Action::DeleteTags { group, tags } => find(stack, group, &|group| {
            group.tags.retain(|key, value| tags.get(key) != Some(value));
        }),
        Action::DeleteSecurityGroup { group_id } => stack
            .security_groups
            .retain(|group| group.group_id.as_ref() != Some(group_id)),
        _ => {}
    }
}

fn target_group(stack: &mut Stack, action: &Action, outputs: &Outputs) {
    match action {
        Action::CreateTargetGroup { address, group, tags } => {
            let created = TargetGroup {
                arn: outputs.get(address).map(|output| output.id.clone()),
                health_check: completed(&group.health_check),
                attributes: BTreeMap::new(),
                tags: without_tracking(tags),
                load_balancers: Vec::new(),
                ..group.clone()
            };
            stack.target_groups.retain(|g| g.arn != created.arn);
            stack.target_groups.push(created);
            stack
                .target_groups
                .sort_by(|a, b| (&a.id, &a.arn).cmp(&(&b.id, &b.arn)));
        }
        Action::ModifyTargetGroup { arn, health_check } => {
            for group in stack
                .target_groups
                .iter_mut()
                .filter(|g| g.arn.as_ref() == Some(arn))
            {
                let old = group.health_check.clone();
                group.health_check = completed(&HealthCheck {
                    path: or(&health_check.path, &old.path),
                    matcher: or(&health_check.matcher, &old.matcher),
                    timeout_seconds: or(&health_check.timeout_seconds, &old.timeout_seconds),
                    ..health_check.clone()
                });
            }
        }
        Action::ModifyTargetGroupAttributes { group, attributes } => {
            let arn = outputs.resolve(group);
            for group in stack
                .target_groups
                .iter_mut()
                .filter(|g| arn.is_some() && g.arn == arn)
            {
                group.attributes.extend(attributes.clone());
            }
        }
        Action::DeleteTargetGroup { arn } => stack.target_groups.retain(|g| g.arn.as_ref() != Some(arn)),
        _ => {}
    }
}

fn or<T: Clone>(new: &Setting<T>, old: &Setting<T>) -> Setting<T> {
    match new {
        Setting::Set(_) => new.clone(),
        Setting::Unmanaged => old.clone(),
    }
}

/// A health check with what AWS fills in: nothing unmanaged stays open, and path and matcher go with TCP.
fn completed(check: &HealthCheck) -> HealthCheck {
    let mut check = check.clone();
    let (timeout, http) = match check.protocol {
        Protocol::Http => (6, true),
        Protocol::Https => (10, true),
        _ => (10, false),
    };
    check.timeout_seconds = or(&check.timeout_seconds, &Setting::Set(timeout));
    if http {
        check.path = or(&check.path, &Setting::Set("/".to_owned()));
        check.matcher = or(&check.matcher, &Setting::Set(Matcher::Http("200-399".to_owned())));
    } else {
        check.path = Setting::Unmanaged;
        check.matcher = Setting::Unmanaged;
    }
    check
}

fn load_balancer(stack: &mut Stack, action: &Action, outputs: &Outputs) {
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
            stack
                .listeners
                .retain(|l| l.load_balancer.known() != Some(arn.as_str()));
        }
        _ => {}
    }
}

fn new_load_balancer(wanted: &LoadBalancer, tags: &Tags, outputs: &Outputs) -> LoadBalancer {
    let enforced = !wanted.security_groups.is_empty();
    LoadBalancer {
        state: Some(LoadBalancerState::Provisioning),
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

fn listener(stack: &mut Stack, action: &Action, outputs: &Outputs) {
    let find = |stack: &mut Stack, reference: &Ref, change: &dyn Fn(&mut Listener)| {
        let arn = outputs.resolve(reference);
        let listener = stack.listeners.iter_mut().find(|l| arn.is_some() && l.arn == arn);
        if let Some(listener) = listener {
            change(listener);
        }
    };
    match action {
        Action::CreateListener {
            address,
            listener,
            tags,
        } => {
            let created = Listener {
                arn: outputs.get(address).map(|output| output.id.clone()),
                extra_certificates: Setting::Set(BTreeSet::new()),
                attributes: BTreeMap::new(),
                tags: Setting::Set(without_tracking(tags)),
                ..settled_listener(listener, None, outputs)
            };
            stack.listeners.retain(|l| l.arn != created.arn);
            stack.listeners.push(created);
            stack
                .listeners
                .sort_by(|a, b| (a.port, &a.arn).cmp(&(b.port, &b.arn)));
        }
        Action::ModifyListener { arn, listener } => {
            find(stack, &Ref::Known(arn.clone()), &|existing| {
                *existing = settled_listener(listener, Some(existing), outputs);
            });
        }
        Action::AddListenerCertificate {
            listener,
            certificate,
        } => find(stack, listener, &|existing| {
            let mut extra = existing.extra_certificates.get().cloned().unwrap_or_default();
            extra.insert(certificate.clone());
            existing.extra_certificates = Setting::Set(extra);
        }),
        Action::RemoveListenerCertificate {
            listener,
            certificate,
        } => find(stack, listener, &|existing| {
            let mut extra = existing.extra_certificates.get().cloned().unwrap_or_default();
            extra.remove(certificate);
            existing.extra_certificates = Setting::Set(extra);
        }),
        Action::ModifyListenerAttributes { listener, attributes } => find(stack, listener, &|existing| {
            existing.attributes.extend(attributes.clone());
        }),
        Action::DeleteListener { arn } => stack.listeners.retain(|l| l.arn.as_ref() != Some(arn)),
        _ => {}
    }
}

/// A listener as AWS reports it after it was sent: references known, what was left out kept or filled in.
/// A listener that is not secure has neither certificates nor policies.
fn settled_listener(sent: &Listener, old: Option<&Listener>, outputs: &Outputs) -> Listener {
    let mut listener = sent.clone();
    listener.load_balancer = outputs.settle(&listener.load_balancer);
    for ListenerAction::Forward(forward) in &mut listener.default_actions {
        let single = forward.target_groups.len() == 1;
        for tuple in &mut forward.target_groups {
            tuple.target_group = outputs.settle(&tuple.target_group);
            if !single {
                tuple.weight.get_or_insert(DEFAULT_WEIGHT);
            }
        }
        forward.stickiness = or(&forward.stickiness, &Setting::Set(false));
    }
    let secure = matches!(listener.protocol, Protocol::Tls | Protocol::Https);
    if let Some(old) = old {
        listener.arn.clone_from(&old.arn);
        listener.extra_certificates = old.extra_certificates.clone();
        listener.attributes.clone_from(&old.attributes);
        listener.tags = old.tags.clone();
        listener.ssl_policy = or(&listener.ssl_policy, &old.ssl_policy);
        listener.alpn_policy = or(&listener.alpn_policy, &old.alpn_policy);
    }
    if secure {
        listener.certificates.truncate(1);
        listener.ssl_policy = or(&listener.ssl_policy, &Setting::Set(SSL_POLICY.to_owned()));
    } else {
        listener.certificates.clear();
        listener.extra_certificates = Setting::Set(BTreeSet::new());
        listener.ssl_policy = Setting::Unmanaged;
        listener.alpn_policy = Setting::Unmanaged;
    }
    listener
}

fn elb_tags(stack: &mut Stack, resource: &Ref, outputs: &Outputs, change: &dyn Fn(&mut Tags)) {
    let Some(arn) = outputs.resolve(resource) else {
        return;
    };
    let is = |candidate: &Option<String>| candidate.as_ref() == Some(&arn);
    for balancer in stack.load_balancers.iter_mut().filter(|b| is(&b.arn)) {
        change(&mut balancer.tags);
    }
    for group in stack.target_groups.iter_mut().filter(|g| is(&g.arn)) {
        change(&mut group.tags);
    }
    for listener in stack.listeners.iter_mut().filter(|l| is(&l.arn)) {
        let mut tags = listener.tags.get().cloned().unwrap_or_default();
        change(&mut tags);
        listener.tags = Setting::Set(tags);
    }
}

fn binding(stack: &mut Stack, action: &Action, outputs: &Outputs) {
    let name = |b: &Binding| (b.namespace.clone(), b.name.clone());
    match action {
        Action::CreateBinding { address, binding } => {
            let mut created = settled_binding(binding, outputs);
            created.uid = outputs.get(address).map(|output| output.id.clone());
            stack.bindings.retain(|b| name(b) != name(&created));
            stack.bindings.push(created);
            stack
                .bindings
                .sort_by(|a, b| (&a.id, &a.name).cmp(&(&b.id, &b.name)));
        }
        Action::UpdateBinding { binding, .. } => {
            let updated = settled_binding(binding, outputs);
            for existing in stack.bindings.iter_mut().filter(|b| name(b) == name(&updated)) {
                let uid = existing.uid.clone();
                *existing = Binding {
                    uid,
                    ..updated.clone()
                };
            }
        }
        Action::DeleteBinding {
            namespace, name: own, ..
        } => stack
            .bindings
            .retain(|b| (&b.namespace, &b.name) != (namespace, own)),
        _ => {}
    }
}

fn settled_binding(binding: &Binding, outputs: &Outputs) -> Binding {
    let mut binding = binding.clone();
    let spec = &mut binding.spec;
    spec.target_group = outputs.settle(&spec.target_group);
    if spec.family.is_none() {
        spec.family = Some(IpFamily::Ipv4);
    }
    let rules = spec
        .networking
        .iter_mut()
        .flat_map(|networking| &mut networking.ingress);
    for peer in rules.flat_map(|rule| &mut rule.from) {
        if let BindingPeer::SecurityGroup(group) = peer {
            *group = outputs.settle(group);
        }
    }
    binding
}

/// AWS reports with each target group the load balancers whose listeners use it.
fn link_target_groups(stack: &mut Stack) {
    let own: BTreeSet<&str> = stack
        .load_balancers
        .iter()
        .filter_map(|b| b.arn.as_deref())
        .collect();
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for listener in &stack.listeners {
        let Some(balancer) = listener.load_balancer.known() else {
            continue;
        };
        for group in target_groups_of(listener) {
            users
                .entry(group.to_owned())
                .or_default()
                .insert(balancer.to_owned());
        }
    }
    for group in &mut stack.target_groups {
        let arn = group.arn.clone().unwrap_or_default();
        let mut linked = users.remove(&arn).unwrap_or_default();
        linked.extend(
            group
                .load_balancers
                .iter()
                .filter(|lb| !own.contains(lb.as_str()))
                .cloned(),
        );
        group.load_balancers = linked.into_iter().collect();
    }
}
