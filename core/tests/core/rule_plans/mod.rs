//! Plans for rules of listeners.

mod counts;
mod handover;
mod held;
mod traffic;
mod worked;

use elbow_core::model::{
    Action as RuleAction, Condition, FixedResponseAction, ForwardAction, LoadBalancerType, Patterns,
    Protocol, RedirectAction, Ref, ResourceId, ResourceKind, Rule, Setting, Stack, WeightedTargetGroup,
};
use elbow_core::plan::render::kind;
use elbow_core::plan::{Action, Plan, StepId};

use crate::plan_shape::{Shape, origins};
use crate::plan_world::World;

const GROUPS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "bad-1", "bad-2"];

/// A listener on port 80 with these rules, each as `host a.com, path /x /y -> a*1 b*2`; the last one has no
/// condition and is the default. Actions: groups with weights, `redirect HOST`, or a status.
pub fn stack(rules: &[&str]) -> Stack {
    let mut stack = Shape::default().stack();
    stack.load_balancers[0].kind = LoadBalancerType::Application;
    let group = stack.target_groups.remove(0);
    let binding = stack.bindings.remove(0);
    let text = rules.join(" ");
    for name in GROUPS {
        if !text.split([' ', '*']).any(|word| word == name) {
            continue;
        }
        let mut group = group.clone();
        group.id = ResourceId(format!("default/{name}:80"));
        group.name = format!("group-{name}");
        group.protocol = Protocol::Http;
        let mut binding = binding.clone();
        binding.id = group.id.clone();
        binding.name.clone_from(&group.name);
        binding.spec.target_group = Ref::pending(ResourceKind::TargetGroup, &group.id);
        stack.target_groups.push(group);
        stack.bindings.push(binding);
    }
    let listener = &mut stack.listeners[0];
    listener.protocol = Protocol::Http;
    let (default, rules) = rules.split_last().expect("a default action");
    listener.default_actions = vec![action(default.trim_start_matches("-> "))];
    let reference = Ref::pending(ResourceKind::Listener, &listener.id);
    for (rank, text) in (1..).zip(rules) {
        let (conditions, actions) = text.split_once(" -> ").expect("an arrow");
        stack.rules.push(Rule {
            id: ResourceId(format!("80:{rank}")),
            arn: None,
            listener: reference.clone(),
            priority: rank,
            conditions: conditions.split(", ").map(condition).collect(),
            actions: vec![action(actions)],
            transforms: vec![],
            tags: Setting::Set(stack.load_balancers[0].tags.clone()),
            origins: origins("spec.rules"),
        });
    }
    stack
}

fn condition(text: &str) -> Condition {
    let mut words = text.split(' ').map(str::to_owned);
    let field = words.next().expect("a field");
    match field.as_str() {
        "host" => Condition::HostHeader(Patterns::Values(words.collect())),
        "path" => Condition::PathPattern(Patterns::Values(words.collect())),
        "method" => Condition::HttpRequestMethod(words.collect()),
        "source" => Condition::SourceIp(words.collect()),
        other => panic!("{other}"),
    }
}

fn action(text: &str) -> RuleAction {
    if let Some(host) = text.strip_prefix("redirect ") {
        return RuleAction::Redirect(RedirectAction {
            protocol: None,
            port: None,
            host: Some(host.to_owned()),
            path: None,
            query: None,
            status: "HTTP_301".to_owned(),
        });
    }
    if text.parse::<u16>().is_ok() {
        return RuleAction::FixedResponse(FixedResponseAction {
            status: text.to_owned(),
            content_type: Some("text/plain".to_owned()),
            body: None,
        });
    }
    let tuple = |word: &str| {
        let (name, weight) = word.split_once('*').unwrap_or((word, ""));
        WeightedTargetGroup {
            target_group: Ref::pending(
                ResourceKind::TargetGroup,
                &ResourceId(format!("default/{name}:80")),
            ),
            weight: weight.parse().ok(),
        }
    };
    RuleAction::Forward(ForwardAction {
        target_groups: text.split(' ').map(tuple).collect(),
        stickiness: Setting::Unmanaged,
    })
}

/// A world at rest whose rules have these numbers.
pub fn world(rules: &[&str], numbers: &[i32]) -> World {
    let mut world = World::at_rest(&stack(rules));
    let new = (0..world.actual.rules.len()).map(|index| numbers.get(index).copied());
    for (rule, number) in world.actual.rules.iter_mut().zip(new.collect::<Vec<_>>()) {
        rule.priority = number.unwrap_or(rule.priority);
    }
    world
}

/// Steps on rules and listeners, in short.
pub fn calls(world: &World, plan: &Plan) -> Vec<String> {
    let number = |arn: &str| {
        let rules = &world.actual.rules;
        let rule = rules.iter().find(|rule| rule.arn.as_deref() == Some(arn));
        rule.map_or_else(String::new, |rule| rule.priority.to_string())
    };
    let steps = plan.steps.iter();
    let writes =
        steps.filter(|step| kind(&step.action).contains("Rule") || kind(&step.action).contains("Listener"));
    writes
        .map(|step| match &step.action {
            Action::CreateRule { rule, .. } => format!("create {}", rule.priority),
            Action::ModifyRule { arn, .. } => format!("modify {}", number(arn)),
            Action::DeleteRule { arn } => format!("delete {}", number(arn)),
            Action::SetRulePriorities { priorities, .. } => {
                let moves = priorities.iter().map(|(rule, to)| match rule {
                    Ref::Known(arn) => format!("{}->{to}", number(arn)),
                    _ => format!("new->{to}"),
                });
                format!("order {}", moves.collect::<Vec<_>>().join(" "))
            }
            action => kind(action).to_owned(),
        })
        .collect()
}

/// Takes a step among the ready ones, by a seed.
pub fn choice(mut seed: u64) -> impl FnMut(&[StepId]) -> StepId {
    move |ready| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ready[usize::try_from(seed >> 33).expect("31 bits") % ready.len()]
    }
}

/// Plans, returns the calls, and sees that the plan ends at rest.
pub fn change(world: &mut World, wanted: &Stack) -> Vec<String> {
    let plan = world.plan(wanted);
    let calls = calls(world, &plan);
    world.apply(&plan, choice(7));
    let rest = world.plan(wanted);
    assert!(rest.is_empty(), "{}", elbow_core::plan::render_text(&rest));
    calls
}
