//! Everything `elbow plan` has to say. In: plans of stacks, previews of the keys behind them, problems. Out: text
//! for people; `report_json` has the document for programs.

use std::fmt::Write;

use elbow_crds::problem::Problem;

use super::{Plan, render_text};
use crate::build;
use crate::key::StackKey;
use crate::model::Stack;
use crate::targets::preview::{BackendChange, BackendPreview, Preview, RulesPreview};

/// What would be done about a cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Sentences about what was not looked at.
    pub notes: Vec<String>,
    /// Objects that were left out because they do not parse.
    pub unread: Vec<Problem>,
    /// Stacks, by key.
    pub stacks: Vec<StackReport>,
    /// Targets of bindings, by namespace and name.
    pub bindings: Vec<Preview>,
    /// Rules on security groups of nodes and pods, by id.
    pub rules: Vec<RulesPreview>,
    /// The shared backend security group; `None` if there is none and nobody wants one.
    pub backend: Option<BackendPreview>,
}

/// What would be done about a stack.
#[derive(Clone, Debug, PartialEq)]
pub struct StackReport {
    /// The stack.
    pub key: StackKey,
    /// What would be done, or why not.
    pub outcome: Outcome,
}

/// What a stack comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A plan.
    Planned {
        /// What is wanted.
        wanted: Box<Stack>,
        /// The steps to it.
        plan: Plan,
        /// Warnings of intent and build.
        warnings: Vec<Problem>,
    },
    /// Nothing is changed, because of these problems.
    Held(Vec<Problem>),
    /// It cannot be planned now.
    Waits(String),
}

impl Report {
    /// The plans of its stacks.
    pub fn plans(&self) -> Vec<&Plan> {
        let plans = self.stacks.iter().filter_map(|stack| match &stack.outcome {
            Outcome::Planned { plan, .. } => Some(plan),
            Outcome::Held(_) | Outcome::Waits(_) => None,
        });
        plans.collect()
    }

    /// Whether anything would be done.
    pub fn has_changes(&self) -> bool {
        let bindings = self.bindings.iter().any(|binding| {
            binding.add_finalizer || !binding.register.is_empty() || !binding.deregister.is_empty()
        });
        let rules =
            |rules: &RulesPreview| !rules.changes.grant.is_empty() || !rules.changes.revoke.is_empty();
        let backend = |backend: &BackendPreview| backend.change != BackendChange::Nothing;
        self.plans().iter().any(|plan| !plan.is_empty())
            || bindings
            || self.rules.iter().any(rules)
            || self.backend.as_ref().is_some_and(backend)
    }

    /// For people: what is done first stands first.
    pub fn text(&self) -> String {
        let mut text = self.head();
        let notes = text.len();
        let (before, after) = match &self.backend {
            Some(backend) if backend.change == BackendChange::Delete => (None, Some(backend)),
            backend => (backend.as_ref(), None),
        };
        if let Some(backend) = before {
            let _ = write!(text, "{backend}");
        }
        for stack in &self.stacks {
            stack.write(&mut text);
        }
        for binding in &self.bindings {
            let _ = write!(text, "{binding}");
        }
        for rules in &self.rules {
            let _ = write!(text, "{rules}");
        }
        if let Some(backend) = after {
            let _ = write!(text, "{backend}");
        }
        if text.len() == notes && self.unread.is_empty() {
            text.push_str("no changes: no Service, Ingress or TargetGroupBinding is ours\n");
        }
        text
    }

    /// Notes, and problems of objects that were left out.
    fn head(&self) -> String {
        let mut text = String::new();
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        for problem in &self.unread {
            let _ = writeln!(text, "problem: {problem}");
        }
        text
    }

    /// What the models do not say: notes, problems and warnings, and why a stack has no model. For people, beside the
    /// output for programs.
    pub fn remarks(&self) -> String {
        let mut text = self.head();
        for stack in &self.stacks {
            match &stack.outcome {
                Outcome::Planned { plan, warnings, .. } => {
                    for problem in plan.problems.iter().chain(warnings) {
                        let _ = writeln!(text, "{}: {problem}", stack.key);
                    }
                }
                Outcome::Held(_) | Outcome::Waits(_) => stack.write(&mut text),
            }
        }
        text
    }

    /// The wanted models, in upstream's stack JSON, one object per line.
    pub fn models(&self) -> String {
        let mut text = String::new();
        for stack in &self.stacks {
            if let Outcome::Planned { wanted, .. } = &stack.outcome {
                let _ = writeln!(text, "{}", build::stack_text(wanted));
            }
        }
        text
    }
}

impl StackReport {
    fn write(&self, text: &mut String) {
        let key = &self.key;
        match &self.outcome {
            Outcome::Planned { plan, warnings, .. } => {
                text.push_str(&render_text(plan));
                for warning in warnings {
                    let _ = writeln!(text, "  warning: {warning}");
                }
            }
            Outcome::Held(problems) => {
                let _ = writeln!(text, "{key}: nothing is changed, because");
                for problem in problems {
                    let _ = writeln!(text, "  {problem}");
                }
            }
            Outcome::Waits(reason) => {
                let _ = writeln!(text, "{key}: cannot be planned now: {reason}");
            }
        }
    }
}
