//! The plan linter: rules every plan obeys, checked before anything is done and in every test.
//!
//! In: a plan, the actual stack it was made for, settings. Out: findings. A finding that stops takes its step
//! and all dependents out of the plan ([`enforce`]); the rest of the plan is carried out.

mod forwarding;
mod limits;
mod rule_limits;
mod rules;

pub(super) use rules::subject;

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::problem::{ObjectRef, Problem, ProblemCode, Severity};
use serde::Serialize;

use super::{Plan, Step, StepId};
use crate::model::Stack;
use crate::settings::Settings;

/// A rule of the linter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Rule {
    /// Steps are numbered and depend on earlier ones only.
    Order,
    /// A step touches only what carries our tags or labels.
    Ownership,
    /// What is created carries our tags or labels.
    Tags,
    /// Every pending reference is produced by a step that this one depends on.
    References,
    /// No listener or rule points to a target group that the plan deletes.
    DeletedTarget,
    /// Rules stay on their listener.
    Listener,
    /// No load balancer is deleted under deletion protection.
    Protection,
    /// At most one step per resource and kind of step.
    Once,
    /// The finalizer comes before every creation, and that of the last owner goes after every deletion.
    Finalizer,
    /// AWS's quotas.
    Limit,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LintFinding {
    /// The step.
    pub step: StepId,
    /// The rule.
    pub rule: Rule,
    /// `Fault` stops the step; `Warning` (an adjustable quota) does not.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
}

/// Checks a plan for a stack. Empty for every plan that [`super::plan`] makes of a valid wanted stack.
pub fn lint(plan: &Plan, actual: &Stack, settings: &Settings) -> Vec<LintFinding> {
    let mut findings = rules::order(plan);
    if !findings.is_empty() {
        return findings;
    }
    let context = rules::Context::new(plan, actual, settings);
    for step in &plan.steps {
        findings.extend(context.ownership(step));
        findings.extend(context.tags(step));
        findings.extend(context.references(step));
        findings.extend(context.deleted_target(step));
        findings.extend(context.same_listener(step));
        findings.extend(context.protection(step));
        findings.extend(context.finalizer(step));
        findings.extend(limits::check(step, plan, actual));
    }
    findings.extend(rules::once(plan));
    findings
}

/// Drops the steps that findings stop, with their dependents, and reports them as problems of the objects
/// that asked for them. `owner` takes problems of steps without origin.
pub fn enforce(plan: Plan, findings: &[LintFinding], owner: &ObjectRef) -> Plan {
    let stopping: Vec<&LintFinding> = findings.iter().collect();
    let mut dropped: BTreeSet<StepId> = stopping
        .iter()
        .filter(|finding| finding.severity == Severity::Fault)
        .map(|finding| finding.step)
        .collect();
    for step in &plan.steps {
        if step.needs.iter().any(|need| dropped.contains(need)) {
            dropped.insert(step.id);
        }
    }
    let mut problems = plan.problems;
    for finding in stopping {
        let step = plan.steps.iter().find(|step| step.id == finding.step);
        problems.push(problem(finding, step, owner));
    }
    problems.sort();
    problems.dedup();
    Plan {
        key: plan.key,
        steps: renumbered(plan.steps, &dropped),
        problems,
    }
}

/// The steps that findings stop, each with its problem.
pub fn stopped(plan: &Plan, findings: &[LintFinding], owner: &ObjectRef) -> Vec<(StepId, Problem)> {
    let faults = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Fault);
    let found = faults.map(|finding| {
        let step = plan.steps.iter().find(|step| step.id == finding.step);
        (finding.step, problem(finding, step, owner))
    });
    found.collect()
}

fn problem(finding: &LintFinding, step: Option<&Step>, owner: &ObjectRef) -> Problem {
    let code = match finding.rule {
        Rule::Limit => ProblemCode::Limit,
        Rule::Protection => ProblemCode::Protected,
        _ => ProblemCode::Conflict,
    };
    let origin = step.and_then(|step| step.origins.first());
    Problem {
        object: origin.map_or_else(|| owner.clone(), |origin| origin.object.clone()),
        field: origin.map_or_else(String::new, |origin| origin.field.clone()),
        code,
        severity: finding.severity,
        message: finding.message.clone(),
    }
}

fn renumbered(steps: Vec<Step>, dropped: &BTreeSet<StepId>) -> Vec<Step> {
    let mut numbers: BTreeMap<StepId, StepId> = BTreeMap::new();
    let mut left = Vec::new();
    for mut step in steps {
        if dropped.contains(&step.id) {
            continue;
        }
        let id = StepId(left.len());
        numbers.insert(step.id, id);
        step.needs = step
            .needs
            .iter()
            .filter_map(|need| numbers.get(need).copied())
            .collect();
        step.id = id;
        left.push(step);
    }
    left
}
