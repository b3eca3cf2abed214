//! The rules that look at steps, references and ownership.

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::problem::Severity;

use super::super::attributes::DELETION_PROTECTION;
use super::super::{Action, Plan, Step, StepId};
use super::{LintFinding, Rule};
use crate::model::{
    Action as ListenerAction, BindingPeer, Listener, Ref, ResourceAddress, Stack, Tags, tracking,
};
use crate::settings::Settings;

pub(super) fn finding(step: &Step, rule: Rule, message: String) -> LintFinding {
    LintFinding {
        step: step.id,
        rule,
        severity: Severity::Fault,
        message,
    }
}

/// Steps are numbered by position and depend on earlier ones only.
pub(super) fn order(plan: &Plan) -> Vec<LintFinding> {
    plan.steps
        .iter()
        .enumerate()
        .filter(|(index, step)| step.id != StepId(*index) || step.needs.iter().any(|need| need.0 >= *index))
        .map(|(_, step)| {
            let message = "the step stands before something it depends on".to_owned();
            finding(step, Rule::Order, message)
        })
        .collect()
}

/// At most one step per resource and kind of step; certificates come one per call, rules may be spread before they
/// are brought into another order, and an action may hold a new group with weight 0 before that one serves.
pub(super) fn once(plan: &Plan) -> Vec<LintFinding> {
    let mut seen = BTreeSet::new();
    plan.steps
        .iter()
        .filter(|step| !seen.insert(identity(&step.action)))
        .map(|step| {
            let message = "the plan does the same thing to one resource twice".to_owned();
            finding(step, Rule::Once, message)
        })
        .collect()
}

/// Kind of step and what it works on.
fn identity(action: &Action) -> (String, String) {
    let kind = super::super::render::kind(action).to_owned();
    let subject = match action {
        Action::AddListenerCertificate {
            listener,
            certificate,
        }
        | Action::RemoveListenerCertificate {
            listener,
            certificate,
        } => format!("{listener:?} {certificate}"),
        Action::AddFinalizer { object, finalizer }
        | Action::RemoveFinalizer {
            object, finalizer, ..
        } => {
            format!("{object:?} {finalizer}")
        }
        Action::AwaitTargets { namespace, name, .. } => format!("{namespace}/{name}"),
        Action::AwaitHealth { target_group, .. } => format!("{target_group:?}"),
        Action::AwaitActive { load_balancer } => format!("{load_balancer:?}"),
        Action::MoveAddress { from: arn, .. } | Action::AwaitDrain { load_balancer: arn } => arn.clone(),
        Action::SetRulePriorities { .. } | Action::ModifyListener { .. } | Action::ModifyRule { .. } => {
            format!("{action:?}")
        }
        _ => match (subject(action), produced(action)) {
            (Some(reference), _) => format!("{reference:?}"),
            (None, Some(address)) => format!("{address:?}"),
            (None, None) => match binding_name(action) {
                Some((namespace, name)) => format!("{namespace}/{name}"),
                None => String::new(),
            },
        },
    };
    (kind, subject)
}

/// The address whose creation the action is.
pub(super) fn produced(action: &Action) -> Option<&ResourceAddress> {
    match action {
        Action::CreateSecurityGroup { address, .. }
        | Action::CreateTargetGroup { address, .. }
        | Action::CreateLoadBalancer { address, .. }
        | Action::CreateListener { address, .. }
        | Action::CreateRule { address, .. }
        | Action::CreateBinding { address, .. } => Some(address),
        _ => None,
    }
}

/// The AWS resource that an action changes or deletes.
pub(in super::super) fn subject(action: &Action) -> Option<Ref> {
    match action {
        Action::AuthorizeIngress { group, .. }
        | Action::RevokeIngress { group, .. }
        | Action::CreateTags { group, .. }
        | Action::DeleteTags { group, .. }
        | Action::ModifyTargetGroupAttributes { group, .. } => Some(group.clone()),
        Action::DeleteSecurityGroup { group_id: id }
        | Action::ModifyTargetGroup { arn: id, .. }
        | Action::DeleteTargetGroup { arn: id }
        | Action::DeleteLoadBalancer { arn: id }
        | Action::ModifyListener { arn: id, .. }
        | Action::DeleteListener { arn: id }
        | Action::ModifyRule { arn: id, .. }
        | Action::DeleteRule { arn: id } => Some(Ref::Known(id.clone())),
        Action::ModifyLoadBalancerAttributes { load_balancer, .. }
        | Action::SetSecurityGroups { load_balancer, .. }
        | Action::SetSubnets { load_balancer, .. }
        | Action::SetIpAddressType { load_balancer, .. }
        | Action::ModifyCapacityReservation { load_balancer, .. } => Some(load_balancer.clone()),
        Action::AddListenerCertificate { listener, .. }
        | Action::RemoveListenerCertificate { listener, .. }
        | Action::ModifyListenerAttributes { listener, .. }
        | Action::SetRulePriorities { listener, .. } => Some(listener.clone()),
        Action::AddTags { resource, .. } | Action::RemoveTags { resource, .. } => Some(resource.clone()),
        _ => None,
    }
}

/// The existing binding that an action changes or deletes.
fn binding_name(action: &Action) -> Option<(&str, &str)> {
    match action {
        Action::UpdateBinding { binding, .. } => Some((&binding.namespace, &binding.name)),
        Action::DeleteBinding { namespace, name, .. } => Some((namespace, name)),
        _ => None,
    }
}

/// All references of an action.
fn references(action: &Action) -> Vec<Ref> {
    let mut all: Vec<Ref> = subject(action).into_iter().collect();
    match action {
        Action::CreateLoadBalancer { load_balancer, .. } => {
            all.extend(load_balancer.security_groups.iter().cloned());
        }
        Action::SetSecurityGroups { security_groups, .. } => all.extend(security_groups.iter().cloned()),
        Action::CreateListener { listener, .. } | Action::ModifyListener { listener, .. } => {
            all.extend(listener_references(listener));
        }
        Action::CreateRule { rule, .. } | Action::ModifyRule { rule, .. } => {
            let groups = rule.actions.iter().flat_map(ListenerAction::target_groups);
            all.extend(groups.map(|tuple| tuple.target_group.clone()));
            all.push(rule.listener.clone());
        }
        Action::SetRulePriorities { priorities, .. } => {
            all.extend(priorities.iter().map(|(rule, _)| rule.clone()));
        }
        Action::CreateBinding { binding, .. } | Action::UpdateBinding { binding, .. } => {
            all.push(binding.spec.target_group.clone());
            let rules = binding.spec.networking.iter().flat_map(|n| &n.ingress);
            all.extend(rules.flat_map(|rule| &rule.from).filter_map(|peer| match peer {
                BindingPeer::SecurityGroup(group) => Some(group.clone()),
                BindingPeer::IpBlock(_) => None,
            }));
        }
        Action::AwaitTargets { target_group, .. } | Action::AwaitHealth { target_group, .. } => {
            all.push(target_group.clone());
        }
        Action::AwaitActive { load_balancer: new } | Action::MoveAddress { to: new, .. } => {
            all.push(new.clone());
        }
        _ => {}
    }
    all
}

fn listener_references(listener: &Listener) -> Vec<Ref> {
    listener
        .default_actions
        .iter()
        .flat_map(ListenerAction::target_groups)
        .map(|tuple| tuple.target_group.clone())
        .chain([listener.load_balancer.clone()])
        .collect()
}

/// What the rules look up.
pub(super) struct Context<'a> {
    pub(super) plan: &'a Plan,
    pub(super) actual: &'a Stack,
    settings: &'a Settings,
    /// For each step all steps that end before it starts.
    before: Vec<BTreeSet<StepId>>,
    pub(super) producers: BTreeMap<&'a ResourceAddress, StepId>,
    ours: BTreeSet<&'a str>,
}

impl<'a> Context<'a> {
    pub fn new(plan: &'a Plan, actual: &'a Stack, settings: &'a Settings) -> Self {
        let mut before: Vec<BTreeSet<StepId>> = Vec::new();
        for step in &plan.steps {
            let mut all = step.needs.clone();
            for need in &step.needs {
                all.extend(before.get(need.0).into_iter().flatten());
            }
            before.push(all);
        }
        let producers = plan
            .steps
            .iter()
            .filter_map(|step| produced(&step.action).map(|address| (address, step.id)))
            .collect();
        let ours = actual
            .security_groups
            .iter()
            .filter_map(|g| g.group_id.as_deref())
            .chain(actual.load_balancers.iter().filter_map(|b| b.arn.as_deref()))
            .chain(actual.target_groups.iter().filter_map(|g| g.arn.as_deref()))
            .chain(actual.listeners.iter().filter_map(|l| l.arn.as_deref()))
            .chain(actual.rules.iter().filter_map(|r| r.arn.as_deref()))
            .collect();
        Self {
            plan,
            actual,
            settings,
            before,
            producers,
            ours,
        }
    }

    pub(super) fn before(&self, step: &Step) -> &BTreeSet<StepId> {
        static NONE: BTreeSet<StepId> = BTreeSet::new();
        self.before.get(step.id.0).unwrap_or(&NONE)
    }

    /// Only what the actual stack holds is touched: everything in it carries the tags of the stack.
    pub fn ownership(&self, step: &Step) -> Option<LintFinding> {
        let foreign = match subject(&step.action) {
            Some(Ref::Known(id)) if !self.ours.contains(id.as_str()) => Some(id),
            Some(Ref::BackendGroup) => Some("the backend security group".to_owned()),
            _ => None,
        };
        let foreign = foreign.or_else(|| {
            let (namespace, name) = binding_name(&step.action)?;
            let ours = self
                .actual
                .bindings
                .iter()
                .any(|binding| (binding.namespace.as_str(), binding.name.as_str()) == (namespace, name));
            (!ours).then(|| format!("TargetGroupBinding {namespace}/{name}"))
        })?;
        let message = format!("{foreign} does not carry the tags of this stack and is not touched");
        Some(finding(step, Rule::Ownership, message))
    }

    /// What is created can be found again.
    pub fn tags(&self, step: &Step) -> Option<LintFinding> {
        let crate::key::Key::Stack(key) = &self.plan.key else {
            return None;
        };
        let stack = tracking::stack_tags(&self.settings.scope.cluster, key);
        let carries = |tags: &Tags, id: &str| {
            stack.iter().all(|(key, value)| tags.get(key) == Some(value))
                && tags.get(&tracking::resource_tag(key)).map(String::as_str) == Some(id)
        };
        let good = match &step.action {
            Action::CreateSecurityGroup { address, tags, .. }
            | Action::CreateTargetGroup { address, tags, .. }
            | Action::CreateLoadBalancer { address, tags, .. } => carries(tags, &address.id.0),
            Action::CreateListener { address, tags, .. } | Action::CreateRule { address, tags, .. } => {
                tags.is_empty() || carries(tags, &address.id.0)
            }
            Action::CreateBinding { binding, .. } => tracking::binding_labels(key)
                .iter()
                .all(|(key, value)| binding.labels.get(key) == Some(value)),
            _ => true,
        };
        let message = "the resource would be created without the tags it is found by".to_owned();
        (!good).then(|| finding(step, Rule::Tags, message))
    }

    /// Pending references are produced by steps this one depends on.
    pub fn references(&self, step: &Step) -> Option<LintFinding> {
        let before = self.before(step);
        references(&step.action).iter().find_map(|reference| {
            let Ref::Pending(address) = reference else {
                return None;
            };
            let produced = self
                .producers
                .get(address)
                .is_some_and(|producer| before.contains(producer));
            let message = format!("{address} is needed and not created before");
            (!produced).then(|| finding(step, Rule::References, message))
        })
    }

    /// A protected load balancer is deleted only after the same plan switched the protection off.
    pub fn protection(&self, step: &Step) -> Option<LintFinding> {
        let Action::DeleteLoadBalancer { arn } = &step.action else {
            return None;
        };
        let balancer = self
            .actual
            .load_balancers
            .iter()
            .find(|balancer| balancer.arn.as_ref() == Some(arn))?;
        let protected = balancer.attributes.get(DELETION_PROTECTION).map(String::as_str) == Some("true");
        let off = self.plan.steps.iter().any(|other| match &other.action {
            Action::ModifyLoadBalancerAttributes {
                load_balancer,
                attributes,
            } => {
                load_balancer.known() == Some(arn)
                    && attributes.get(DELETION_PROTECTION).map(String::as_str) == Some("false")
                    && self.before(step).contains(&other.id)
            }
            _ => false,
        });
        let message = format!(
            "the load balancer {} is protected against deletion",
            balancer.name
        );
        (protected && !off).then(|| finding(step, Rule::Protection, message))
    }

    /// The finalizer comes first, and that of the last owner goes last.
    pub fn finalizer(&self, step: &Step) -> Option<LintFinding> {
        let before = self.before(step);
        let missing = if step.action.is_creation() {
            self.plan
                .steps
                .iter()
                .any(|s| matches!(s.action, Action::AddFinalizer { .. }) && !before.contains(&s.id))
        } else if matches!(step.action, Action::RemoveFinalizer { last: true, .. }) {
            self.plan
                .steps
                .iter()
                .any(|s| s.action.is_deletion() && !before.contains(&s.id))
        } else {
            false
        };
        let message = "the finalizer comes before every creation and goes after every deletion".to_owned();
        missing.then(|| finding(step, Rule::Finalizer, message))
    }
}
