//! Who holds up others: a step that one object alone asked for, that cannot be made, and that steps of others
//! come after.

use std::collections::BTreeSet;

use elbow_crds::problem::{ObjectRef, Problem};

use super::{Action, Plan, Step, StepId};

/// Problems of stopped steps that one object alone asked for and that hold up steps of others.
pub fn obstacles(plan: &Plan, stopped: &[(StepId, Problem)]) -> Vec<Problem> {
    stopped
        .iter()
        .filter(|(id, problem)| holds_up_others(plan, *id, &problem.object))
        .map(|(_, problem)| problem.clone())
        .collect()
}

fn holds_up_others(plan: &Plan, id: StepId, asker: &ObjectRef) -> bool {
    // Without the member that settles its scheme, say, the others would get a load balancer that nobody wants.
    let is_load_balancer = |step: &Step| matches!(step.action, Action::CreateLoadBalancer { .. });
    if plan.steps.get(id.0).is_some_and(is_load_balancer) {
        return false;
    }
    let others = |id: StepId| {
        let step = plan.steps.get(id.0);
        step.is_some_and(|step| step.origins.iter().any(|origin| origin.object != *asker))
    };
    let mut held = BTreeSet::from([id]);
    for step in plan.steps.iter().filter(|step| step.id > id) {
        if !step.needs.is_disjoint(&held) {
            held.insert(step.id);
        }
    }
    !others(id) && held.into_iter().any(others)
}

#[cfg(test)]
mod tests {
    use elbow_crds::problem::ProblemCode;

    use super::*;
    use crate::key::{Key, StackKey};
    use crate::model::{Origin, Origins};

    fn object(name: &str) -> ObjectRef {
        ObjectRef::new("Ingress", "demo", name)
    }

    /// Steps, each with who asked and what it needs.
    fn plan(steps: &[(&[&str], &[usize])]) -> Plan {
        let step = |(id, (askers, needs)): (usize, &(&[&str], &[usize]))| {
            let origin = |name: &&str| Origin {
                object: object(name),
                field: String::new(),
            };
            Step {
                id: StepId(id),
                action: Action::DeleteRule { arn: id.to_string() },
                needs: needs.iter().copied().map(StepId).collect(),
                origins: askers.iter().map(origin).collect::<Origins>(),
                reason: String::new(),
            }
        };
        Plan {
            key: Key::Stack(StackKey::ingress_group("g")),
            steps: steps.iter().enumerate().map(step).collect(),
            problems: Vec::new(),
        }
    }

    fn holds_up(plan: &Plan, step: usize, name: &str) -> bool {
        let problem = Problem::fault(&object(name), "f", ProblemCode::Refused, "no");
        !obstacles(plan, &[(StepId(step), problem)]).is_empty()
    }

    #[test]
    fn only_what_one_asked_for_and_others_wait_for_is_an_obstacle() {
        let chain = plan(&[(&["a"], &[]), (&["a"], &[0]), (&["b"], &[1]), (&["c"], &[])]);
        assert!(holds_up(&chain, 0, "a") && holds_up(&chain, 1, "a"));
        assert!(!holds_up(&chain, 3, "c"), "nobody waits for it");
        let shared = plan(&[(&["a", "b"], &[]), (&["b"], &[0])]);
        assert!(!holds_up(&shared, 0, "a"), "both asked for it");
        let alone = plan(&[(&["a"], &[]), (&["a"], &[0])]);
        assert!(!holds_up(&alone, 0, "a"));
    }
}
