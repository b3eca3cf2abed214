//! Plans: what has to be done so that what is there becomes what is wanted.
//!
//! In: two [`Stack`]s of one key, wanted and actual, and who owns them. Out: a [`Plan`]. Pairing wanted with
//! actual resources, tags, attributes and dependencies are written once; each kind of resource adds one
//! `matches` (may the existing one be kept?) and its own small comparisons (upstream `pkg/deploy`).

mod attributes;
mod beside;
mod binding;
mod blame;
mod draft;
mod hold;
pub mod lint;
mod listener;
mod listener_certificates;
mod listener_drift;
mod load_balancer;
mod outcome;
mod outputs;
mod pair;
mod removal;
pub mod render;
pub mod report;
mod report_json;
mod rules;
mod security_group;
pub mod step;
mod tags;
mod takeover;
mod target_group;

pub use blame::obstacles;
pub use lint::{LintFinding, lint};
pub use outcome::apply_step;
pub use outputs::{Output, Outputs};
pub use render::{render_json, render_text};
pub use report::{Outcome, Report, StackReport};
pub use rules::handover;
pub(crate) use security_group::describe_rules;
pub use step::{Action, Plan, Step, StepId};

use std::collections::BTreeSet;

use elbow_crds::problem::ObjectRef;

use crate::key::Key;
use crate::model::{Owner, Stack};
use crate::settings::Settings;
use draft::Draft;

/// What a plan depends on besides the two stacks.
#[derive(Clone, Copy, Debug)]
pub struct PlanContext<'a> {
    /// Settings: cluster name, external managed tags, gates.
    pub settings: &'a Settings,
    /// The owners; none if no finalizer is to be kept (tests, owners that are not there).
    pub owners: &'a [Owner],
    /// Sick members of which no good contribution is known. Unless empty, nothing on the stack's load balancers
    /// is changed or deleted that the wanted stack, made of the healthy members, does not explain.
    pub sick: &'a BTreeSet<ObjectRef>,
    /// Host names that owners which stay show in their status, in lower case.
    pub published: &'a BTreeSet<String>,
    /// Whether AWS refused to make a load balancer lately because the quota is used up.
    pub full: bool,
}

/// The steps from `actual` to `wanted`, in an order that satisfies all dependencies. Empty at rest.
///
/// The order of resources in both stacks is of no account. A wanted load balancer that no existing one of its
/// resource id can become is made beside the old one. Where that is impossible it gives a `NeedsReplacement`
/// problem and no step on load balancers or listeners, and nothing that the old one uses is closed or deleted,
/// unless the owner allows that the old one goes first.
pub fn plan(wanted: &Stack, actual: &Stack, context: &PlanContext) -> Plan {
    let (wanted, actual) = (sorted(wanted), sorted(actual));
    let mut draft = Draft::new(&wanted, &actual, context);
    draft.add_finalizers(context.sick);
    let groups = security_group::pairs(&draft);
    let balancers = load_balancer::pairs(&draft);
    takeover::decide(&mut draft, &balancers);
    let target_groups = target_group::pairs(&draft, &balancers);
    draft.note_kept(&groups, &target_groups, &balancers);
    security_group::open(&mut draft, &groups);
    target_group::open(&mut draft, &target_groups);
    load_balancer::open(&mut draft, &balancers);
    binding::open(&mut draft, &target_groups);
    beside::put(&mut draft, &target_groups, &balancers);
    listener::change_all(&mut draft, &balancers);
    takeover::move_address(&mut draft);
    removal::load_balancers(&mut draft, &balancers);
    security_group::close(&mut draft);
    removal::bindings(&mut draft);
    removal::target_groups(&mut draft, &target_groups);
    removal::security_groups(&mut draft, &groups);
    draft.remove_finalizers();
    draft.finish(Key::Stack(wanted.key.clone()))
}

/// The same stack with its resources in one order, whatever order they came in.
fn sorted(stack: &Stack) -> Stack {
    let mut stack = stack.clone();
    for group in &mut stack.security_groups {
        group.ingress.sort();
    }
    stack
        .security_groups
        .sort_by(|a, b| (&a.id, &a.group_id, a).cmp(&(&b.id, &b.group_id, b)));
    stack
        .load_balancers
        .sort_by(|a, b| (&a.id, &a.arn, a).cmp(&(&b.id, &b.arn, b)));
    stack
        .target_groups
        .sort_by(|a, b| (&a.id, &a.arn, a).cmp(&(&b.id, &b.arn, b)));
    stack
        .listeners
        .sort_by(|a, b| (a.port, &a.arn, a).cmp(&(b.port, &b.arn, b)));
    stack
        .rules
        .sort_by(|a, b| (&a.listener, a.priority, &a.arn, a).cmp(&(&b.listener, b.priority, &b.arn, b)));
    stack
        .bindings
        .sort_by(|a, b| (&a.id, &a.namespace, &a.name).cmp(&(&b.id, &b.namespace, &b.name)));
    stack
}
