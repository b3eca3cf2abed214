//! Steps on TargetGroupBindings.

use super::super::{Action, Outputs};
use crate::model::{Binding, BindingPeer, IpFamily, Stack};

pub(super) fn apply(stack: &mut Stack, action: &Action, outputs: &Outputs) {
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
