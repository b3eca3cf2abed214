//! Which step may run next. Pure.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::plan::{Action, Step, StepId};

use crate::mirror::{Subject, subject};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Not started.
    Open,
    Running,
    Done,
    /// Failed, waiting, or skipped for the sake of such a step.
    Stopped,
}

#[derive(Debug)]
struct Node {
    id: StepId,
    needs: BTreeSet<StepId>,
    /// The step before it in its queue.
    after: Option<StepId>,
    fate: Fate,
}

/// The steps of a plan with their dependencies.
#[derive(Debug)]
pub(super) struct Graph {
    nodes: BTreeMap<StepId, Node>,
}

impl Graph {
    pub fn new(steps: &[Step]) -> Self {
        let mut last: BTreeMap<Subject, StepId> = BTreeMap::new();
        let mut nodes = BTreeMap::new();
        for step in steps {
            let after = last.insert(queue(&step.action), step.id);
            let node = Node {
                id: step.id,
                needs: step.needs.clone(),
                after,
                fate: Fate::Open,
            };
            nodes.insert(step.id, node);
        }
        Self { nodes }
    }

    /// The first step in plan order that may run now; it counts as running from now on.
    pub fn start_next(&mut self) -> Option<StepId> {
        self.skip();
        let next = self.nodes.values().find(|node| self.is_ready(node))?.id;
        self.set(next, Fate::Running);
        Some(next)
    }

    /// Ends a running step.
    pub fn end(&mut self, id: StepId, done: bool) {
        self.set(id, if done { Fate::Done } else { Fate::Stopped });
    }

    /// Stops every open step that needs a stopped one.
    fn skip(&mut self) {
        loop {
            let lost: Vec<StepId> = self
                .nodes
                .values()
                .filter(|node| node.fate == Fate::Open)
                .filter(|node| node.needs.iter().any(|need| self.fate(*need) == Fate::Stopped))
                .map(|node| node.id)
                .collect();
            if lost.is_empty() {
                return;
            }
            for id in lost {
                self.set(id, Fate::Stopped);
            }
        }
    }

    fn is_ready(&self, node: &Node) -> bool {
        let ended = |id: StepId| matches!(self.fate(id), Fate::Done | Fate::Stopped);
        node.fate == Fate::Open
            && node.needs.iter().all(|need| self.fate(*need) == Fate::Done)
            && node.after.is_none_or(ended)
    }

    /// A step that is not in the plan (dropped by the linter) never gets done.
    fn fate(&self, id: StepId) -> Fate {
        self.nodes.get(&id).map_or(Fate::Stopped, |node| node.fate)
    }

    fn set(&mut self, id: StepId, fate: Fate) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.fate = fate;
        }
    }
}

/// Where steps keep their order: those on one resource, and those on the rules of one listener together with
/// those on the listener, because what is routed where in between depends on it.
fn queue(action: &Action) -> Subject {
    match action {
        Action::CreateRule { rule, .. } => (&rule.listener).into(),
        Action::ModifyRule { arn, .. } | Action::DeleteRule { arn } => Subject::Id(listener_of(arn)),
        other => subject(other),
    }
}

/// The ARN of the listener of a rule, without its last part and with `listener` for `listener-rule`
/// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html).
fn listener_of(rule: &str) -> String {
    let listener = rule.rsplit_once('/').map_or(rule, |(listener, _)| listener);
    listener.replacen(":listener-rule/", ":listener/", 1)
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
    use elbow_core::model::Ref;

    fn step(id: usize, listener: &str, needs: &[usize]) -> Step {
        Step {
            id: StepId(id),
            action: Action::DeleteListener {
                arn: listener.to_owned(),
            },
            needs: needs.iter().map(|n| StepId(*n)).collect(),
            origins: BTreeSet::new(),
            reason: String::new(),
        }
    }

    fn started(graph: &mut Graph) -> Vec<usize> {
        std::iter::from_fn(|| graph.start_next()).map(|id| id.0).collect()
    }

    #[test]
    fn independent_steps_start_together_and_dependents_after_them() {
        let mut graph = Graph::new(&[step(0, "a", &[]), step(1, "b", &[]), step(2, "c", &[0, 1])]);
        assert_eq!(started(&mut graph), [0, 1]);
        graph.end(StepId(0), true);
        assert_eq!(started(&mut graph), [0_usize; 0]);
        graph.end(StepId(1), true);
        assert_eq!(started(&mut graph), [2]);
    }

    #[test]
    fn only_dependents_of_a_failed_step_are_skipped() {
        let mut graph = Graph::new(&[
            step(0, "a", &[]),
            step(1, "b", &[0]),
            step(2, "c", &[1]),
            step(3, "d", &[]),
        ]);
        assert_eq!(started(&mut graph), [0, 3]);
        graph.end(StepId(0), false);
        graph.end(StepId(3), true);
        assert_eq!(started(&mut graph), [0_usize; 0]);
    }

    #[test]
    fn steps_on_one_resource_keep_their_order_but_do_not_depend_on_each_other() {
        let mut graph = Graph::new(&[step(0, "a", &[]), step(1, "a", &[]), step(2, "b", &[])]);
        assert_eq!(started(&mut graph), [0, 2]);
        graph.end(StepId(0), false);
        assert_eq!(started(&mut graph), [1]);
    }

    #[test]
    fn steps_on_the_rules_of_a_listener_and_on_it_keep_their_order() {
        const LISTENER: &str = "arn:aws:elasticloadbalancing:us-west-2:1:listener/app/web/1/2";
        let rule = |listener: &str| format!("{}/3", listener.replace(":listener/", ":listener-rule/"));
        let action = |id: usize, action| Step {
            action,
            ..step(id, "", &[])
        };
        let renumber = Action::SetRulePriorities {
            listener: Ref::Known(LISTENER.to_owned()),
            priorities: Vec::new(),
        };
        let delete = |listener: &str| Action::DeleteRule { arn: rule(listener) };
        let other = LISTENER.replace("web", "api");
        let mut graph = Graph::new(&[
            action(0, delete(LISTENER)),
            action(1, renumber),
            step(2, LISTENER, &[]),
            action(3, delete(&other)),
        ]);
        assert_eq!(started(&mut graph), [0, 3]);
        graph.end(StepId(0), false);
        assert_eq!(started(&mut graph), [1]);
        graph.end(StepId(1), true);
        assert_eq!(started(&mut graph), [2]);
    }

    #[test]
    fn a_step_that_needs_one_outside_the_plan_never_starts() {
        let mut graph = Graph::new(&[step(1, "a", &[0])]);
        assert_eq!(started(&mut graph), [0_usize; 0]);
    }
}
