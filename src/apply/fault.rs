//! AWS's refusals: by class and code they become problems, waits, or doubts.

use elbow_core::model::Ref;
use elbow_core::plan::Action;
use elbow_crds::problem::ProblemCode;
use jiff::SignedDuration;

use super::refusals::is_final;
use super::step::{End, Running};
use crate::aws::{AwsError, Fault};

/// How long AWS may contradict us before it becomes a problem.
const CONTRADICTED: SignedDuration = SignedDuration::from_mins(5);
/// How long AWS may throttle or fail before it becomes a problem.
const UNWILLING: SignedDuration = SignedDuration::from_mins(15);

/// Codes that speak of load balancers, target groups, listeners and rules, which we create ourselves, save target
/// groups that annotations name.
const OURS: [&str; 5] = [
    "LoadBalancerNotFound",
    "TargetGroupNotFound",
    "ListenerNotFound",
    "RuleNotFound",
    "InvalidGroup.NotFound",
];

impl Running<'_> {
    /// The end of a step that AWS did not carry out.
    pub fn refused(&self, error: &AwsError) -> End {
        if !error.answered || error.fault == Fault::LeaseLost {
            return End::Unanswered(error.to_string());
        }
        match error.fault {
            Fault::Throttled | Fault::Transient => {
                self.wait(&format!("AWS to carry it out: {error}"), UNWILLING)
            }
            Fault::NotFound if is_ours(error) && !self.is_about_others(error) => self.contradicted(error),
            Fault::Duplicate | Fault::InUse => self.contradicted(error),
            Fault::NotFound if error.code.starts_with("InvalidPermission") => self.contradicted(error),
            _ => self.no(error),
        }
    }

    /// AWS said no. What was not found may be something new that is not visible everywhere yet.
    fn no(&self, error: &AwsError) -> End {
        let (code, message) = match error.fault {
            Fault::Denied => {
                let action = error.action();
                let message = format!("the controller may not do this; allow it {action}. {error}");
                (ProblemCode::Denied, message)
            }
            Fault::NotFound => (ProblemCode::NotFound, error.to_string()),
            Fault::Quota => (ProblemCode::Limit, error.to_string()),
            _ => (ProblemCode::Refused, error.to_string()),
        };
        let may_pass = error.fault == Fault::NotFound && self.is_about_something_young();
        if error.fault == Fault::NotFound && !may_pass {
            self.doubt_ours(error);
        }
        if is_final(error) && !may_pass {
            self.refusal(code, &message)
        } else {
            self.failed(code, &message)
        }
    }

    /// AWS's answer does not fit our picture: the next plan reads first, and where something is gone also what
    /// the step refers to of that kind. What we just created may only not be visible yet.
    pub fn contradicted(&self, error: &AwsError) -> End {
        if error.fault != Fault::NotFound {
            self.suspect();
        } else if !self.is_about_something_young() {
            self.suspect();
            self.doubt_ours(error);
        }
        self.wait(&format!("AWS's state to be read again: {error}"), CONTRADICTED)
    }

    /// Whether anything the step names was created by us less than a minute ago.
    fn is_about_something_young(&self) -> bool {
        let mirror = self.context.mirror;
        let made_here = self.outputs.0.values().any(|output| mirror.is_young(&output.id));
        made_here || self.known_ids().iter().any(|id| mirror.is_young(id))
    }

    /// Whether the step names something of the kind that was not found which is none of ours: a target group
    /// that an annotation gives by its ARN. Nothing that we could read again would bring it back.
    fn is_about_others(&self, error: &AwsError) -> bool {
        let mirror = self.context.mirror;
        let of_kind = |id: &String| is_about(error, id) && !mirror.is_ours(id);
        self.known_ids().iter().any(of_kind)
    }

    /// AWS does not say which of several is gone: what the step names of ours is read again, too.
    fn doubt_ours(&self, error: &AwsError) {
        for id in self.known_ids().iter().filter(|id| is_about(error, id)) {
            self.context.mirror.suspect_id(id);
        }
    }

    fn known_ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        if let crate::mirror::Subject::Id(id) = crate::mirror::subject(&self.step.action) {
            ids.push(id);
        }
        let known = references(&self.step.action).into_iter().filter_map(Ref::known);
        ids.extend(known.map(str::to_owned));
        ids
    }
}

/// What a step on a listener or on rules refers to besides its subject.
fn references(action: &Action) -> Vec<&Ref> {
    let (parent, actions) = match action {
        Action::CreateListener { listener, .. } | Action::ModifyListener { listener, .. } => {
            (&listener.load_balancer, &listener.default_actions)
        }
        Action::CreateRule { rule, .. } | Action::ModifyRule { rule, .. } => (&rule.listener, &rule.actions),
        Action::SetRulePriorities { priorities, .. } => {
            return priorities.iter().map(|(rule, _)| rule).collect();
        }
        _ => return Vec::new(),
    };
    let groups = actions.iter().flat_map(elbow_core::model::Action::target_groups);
    groups.map(|group| &group.target_group).chain([parent]).collect()
}

/// Whether an error says that something is gone which only we create.
fn is_ours(error: &AwsError) -> bool {
    OURS.contains(&bare(error))
}

/// Whether an ARN is of the kind that was not found.
fn is_about(error: &AwsError, arn: &str) -> bool {
    let kind = match bare(error) {
        "LoadBalancerNotFound" => ":loadbalancer/",
        "TargetGroupNotFound" => ":targetgroup/",
        "ListenerNotFound" => ":listener/",
        _ => return false,
    };
    arn.contains(kind)
}

fn bare(error: &AwsError) -> &str {
    error.code.strip_suffix("Exception").unwrap_or(&error.code)
}
