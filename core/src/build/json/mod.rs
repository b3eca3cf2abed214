//! A stack as JSON in upstream's exact shape (`pkg/deploy/stack_marshaller.go` and the `json` tags of
//! `pkg/model`), to be compared with upstream's own.
//!
//! In: a [`Stack`]. Out: one line of text, or the same as a value (whose objects lose their order).

mod action;
mod binding;
mod listener;
mod load_balancer;
mod rule;
mod security_group;
mod target_group;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use self::binding::BindingTemplate;
use self::listener::ListenerSpec;
use self::load_balancer::LoadBalancerSpec;
use self::rule::RuleSpec;
use self::security_group::GroupSpec;
use self::target_group::TargetGroupSpec;
use crate::model::{Ref, ResourceKind, Stack, Tags};

/// The stack as upstream logs it: compact, fields in upstream's order, `<`, `>` and `&` escaped like Go does.
pub fn stack_text(stack: &Stack) -> String {
    escaped(serde_json::to_string(&Root::of(stack)).unwrap_or_default())
}

/// [`stack_text`] over several lines, for people.
pub fn stack_pretty(stack: &Stack) -> String {
    escaped(serde_json::to_string_pretty(&Root::of(stack)).unwrap_or_default())
}

fn escaped(text: String) -> String {
    // Inside JSON these characters occur in strings only.
    [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ]
    .into_iter()
    .fold(text, |text, (character, escaped)| {
        text.replace(character, escaped)
    })
}

/// The stack as a JSON value.
pub fn stack_json(stack: &Stack) -> Value {
    serde_json::to_value(Root::of(stack)).unwrap_or_default()
}

#[derive(Serialize)]
struct Root<'a> {
    id: String,
    resources: BTreeMap<&'static str, BTreeMap<&'a str, Resource<'a>>>,
}

#[derive(Serialize)]
struct Resource<'a> {
    spec: Spec<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Spec<'a> {
    SecurityGroup(GroupSpec<'a>),
    LoadBalancer(LoadBalancerSpec<'a>),
    TargetGroup(TargetGroupSpec<'a>),
    Listener(ListenerSpec<'a>),
    Rule(RuleSpec<'a>),
    Binding(BindingTemplate<'a>),
}

impl<'a> Root<'a> {
    fn of(stack: &'a Stack) -> Self {
        let mut root = Self {
            id: stack.key.stack_id(),
            resources: BTreeMap::new(),
        };
        for group in &stack.security_groups {
            root.add(
                ResourceKind::SecurityGroup,
                &group.id.0,
                Spec::SecurityGroup(group.into()),
            );
        }
        for balancer in &stack.load_balancers {
            root.add(
                ResourceKind::LoadBalancer,
                &balancer.id.0,
                Spec::LoadBalancer(balancer.into()),
            );
        }
        for group in &stack.target_groups {
            root.add(
                ResourceKind::TargetGroup,
                &group.id.0,
                Spec::TargetGroup(group.into()),
            );
        }
        for listener in &stack.listeners {
            root.add(
                ResourceKind::Listener,
                &listener.id.0,
                Spec::Listener(listener.into()),
            );
        }
        for rule in &stack.rules {
            root.add(ResourceKind::Rule, &rule.id.0, Spec::Rule(rule.into()));
        }
        for binding in &stack.bindings {
            let template = BindingTemplate::of(stack, binding);
            root.add(ResourceKind::Binding, &binding.id.0, Spec::Binding(template));
        }
        root
    }

    fn add(&mut self, kind: ResourceKind, id: &'a str, spec: Spec<'a>) {
        self.resources
            .entry(kind.type_string())
            .or_default()
            .entry(id)
            .or_insert(Resource { spec });
    }
}

/// A token: a text, or a reference to a status field of another resource.
#[derive(Serialize)]
#[serde(untagged)]
enum Token<'a> {
    Text(&'a str),
    Reference {
        #[serde(rename = "$ref")]
        reference: String,
    },
}

impl<'a> From<&'a Ref> for Token<'a> {
    fn from(value: &'a Ref) -> Self {
        match value {
            Ref::Known(text) => Self::Text(text),
            // Upstream creates the group while building, so its model always knows the id.
            Ref::BackendGroup => Self::Text("(backend security group)"),
            Ref::Pending(address) => {
                let field = match address.kind {
                    ResourceKind::SecurityGroup => "groupID",
                    ResourceKind::LoadBalancer => "loadBalancerARN",
                    ResourceKind::TargetGroup => "targetGroupARN",
                    ResourceKind::Listener => "listenerARN",
                    ResourceKind::Rule => "listenerRuleARN",
                    ResourceKind::Binding => "targetGroupBindingRef",
                };
                Self::Reference {
                    reference: format!(
                        "#/resources/{}/{}/status/{field}",
                        address.kind.type_string(),
                        address.id
                    ),
                }
            }
        }
    }
}

fn tags(tags: &Tags) -> Option<&Tags> {
    (!tags.is_empty()).then_some(tags)
}

/// An attribute of a load balancer or target group.
#[derive(Serialize)]
struct Attribute<'a> {
    key: &'a str,
    value: &'a str,
}

fn attributes(map: &BTreeMap<String, String>) -> Vec<Attribute<'_>> {
    map.iter().map(|(key, value)| Attribute { key, value }).collect()
}
