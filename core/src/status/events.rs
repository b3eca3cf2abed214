//! Events of a stack's owner, with upstream's reasons and texts (`pkg/k8s/events.go`,
//! `controllers/service/service_controller.go`).

use std::collections::BTreeMap;

use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};

use crate::event::{Event, EventType};
use crate::model::Owner;
use crate::plan::Action;

/// Reasons of events on Services and Ingresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A pass succeeded.
    SuccessfullyReconciled,
    /// The objects are at fault, or something they name.
    FailedBuildModel,
    /// AWS or Kubernetes refused a step.
    FailedDeployModel,
    /// A step cannot go on yet; upstream blocks in silence.
    Waiting,
    /// The finalizer could not be written.
    FailedAddFinalizer,
    /// The finalizer could not be taken away.
    FailedRemoveFinalizer,
    /// The status could not be written.
    FailedUpdateStatus,
    /// The status could not be cleared.
    FailedCleanupStatus,
    /// It cannot be told to which group an Ingress belongs.
    FailedLoadGroupID,
}

impl Reason {
    /// Upstream's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SuccessfullyReconciled => "SuccessfullyReconciled",
            Self::FailedBuildModel => "FailedBuildModel",
            Self::FailedDeployModel => "FailedDeployModel",
            Self::Waiting => "Waiting",
            Self::FailedAddFinalizer => "FailedAddFinalizer",
            Self::FailedRemoveFinalizer => "FailedRemoveFinalizer",
            Self::FailedUpdateStatus => "FailedUpdateStatus",
            Self::FailedCleanupStatus => "FailedCleanupStatus",
            Self::FailedLoadGroupID => "FailedLoadGroupID",
        }
    }

    /// Upstream's text before the cause.
    fn lead(self) -> &'static str {
        match self {
            Self::SuccessfullyReconciled => "Successfully reconciled",
            Self::FailedBuildModel => "Failed build model due to ",
            Self::FailedDeployModel => "Failed deploy model due to ",
            Self::Waiting => "Waiting for ",
            Self::FailedAddFinalizer => "Failed add finalizer due to ",
            Self::FailedRemoveFinalizer => "Failed remove finalizer due to ",
            Self::FailedUpdateStatus | Self::FailedCleanupStatus => "Failed update status due to ",
            Self::FailedLoadGroupID => "failed load groupID due to ",
        }
    }
}

/// The event of a successful pass.
pub fn reconciled(object: &ObjectRef, uid: &str) -> Event {
    Event {
        object: object.clone(),
        uid: uid.to_owned(),
        kind: EventType::Normal,
        reason: Reason::SuccessfullyReconciled.as_str().to_owned(),
        message: Reason::SuccessfullyReconciled.lead().to_owned(),
    }
}

/// The event of a failure with its cause, one sentence without the object.
pub fn failed(object: &ObjectRef, uid: &str, reason: Reason, cause: &str) -> Event {
    Event {
        object: object.clone(),
        uid: uid.to_owned(),
        kind: EventType::Warning,
        reason: reason.as_str().to_owned(),
        message: format!("{}{cause}", reason.lead()),
    }
}

/// The event of a failure that nobody alone is to blame for, on every owner that stays; on all if none does.
pub fn failed_for_all(owners: &[Owner], reason: Reason, cause: &str) -> Vec<Event> {
    let stay = owners.iter().any(|owner| !owner.gone);
    owners
        .iter()
        .filter(|owner| !(stay && owner.gone))
        .map(|owner| failed(&owner.object, &owner.uid, reason, cause))
        .collect()
}

/// One event per object at fault and reason, all its faults in one sentence. Warnings among the problems are left
/// out.
pub fn build_failed(owners: &[Owner], problems: &[Problem]) -> Vec<Event> {
    let mut causes: BTreeMap<(&ObjectRef, Reason), Vec<String>> = BTreeMap::new();
    for problem in problems.iter().filter(|problem| problem.is_fault()) {
        let reason = match problem.code {
            ProblemCode::Refused => Reason::FailedDeployModel,
            _ => Reason::FailedBuildModel,
        };
        let told = causes.entry((&problem.object, reason)).or_default();
        told.push(cause(problem));
    }
    causes
        .into_iter()
        .map(|((object, reason), causes)| {
            let uid = uid_of(object, owners);
            failed(object, uid, reason, &causes.join("; "))
        })
        .collect()
}

/// The event of an Ingress whose class or group is not clear.
pub fn group_unclear(uid: &str, problem: &Problem) -> Event {
    failed(&problem.object, uid, Reason::FailedLoadGroupID, &cause(problem))
}

/// Like [`build_failed`], where a fault of the whole stack is told to every owner that stays.
pub fn build_failed_for(owners: &[Owner], whole: &ObjectRef, problems: &[Problem]) -> Vec<Event> {
    let stay = owners.iter().any(|owner| !owner.gone);
    let mut told = Vec::new();
    for problem in problems.iter().filter(|problem| problem.is_fault()) {
        if !(stay && problem.object == *whole && problem.field.is_empty()) {
            told.push(problem.clone());
            continue;
        }
        let owners = owners.iter().filter(|owner| !owner.gone);
        told.extend(owners.map(|owner| Problem {
            object: owner.object.clone(),
            ..problem.clone()
        }));
    }
    build_failed(owners, &told)
}

/// The event of a refused step, on the object that asked for it.
pub fn step_failed(owners: &[Owner], action: &Action, problem: &Problem) -> Event {
    let reason = match action {
        Action::AddFinalizer { .. } => Reason::FailedAddFinalizer,
        Action::RemoveFinalizer { .. } => Reason::FailedRemoveFinalizer,
        _ => Reason::FailedDeployModel,
    };
    let uid = uid_of(&problem.object, owners);
    failed(&problem.object, uid, reason, &cause(problem))
}

/// The events of a step that begins to wait, one on each object that asked for it. `for_` is the end of
/// "waiting for ...".
pub fn wait_entered(owners: &[Owner], objects: &[ObjectRef], for_: &str) -> Vec<Event> {
    let events = objects.iter().map(|object| Event {
        object: object.clone(),
        uid: uid_of(object, owners).to_owned(),
        kind: EventType::Normal,
        reason: Reason::Waiting.as_str().to_owned(),
        message: format!("{}{for_}", Reason::Waiting.lead()),
    });
    events.collect()
}

/// Events of warnings, which upstream keeps to itself; the reason is the problem's code.
pub fn warnings(owners: &[Owner], problems: &[Problem]) -> Vec<Event> {
    problems
        .iter()
        .filter(|problem| !problem.is_fault())
        .map(|problem| Event {
            object: problem.object.clone(),
            uid: uid_of(&problem.object, owners).to_owned(),
            kind: EventType::Warning,
            reason: format!("{:?}", problem.code),
            message: cause(problem),
        })
        .collect()
}

/// The UID of an object if it is one of the owners, else nothing.
fn uid_of<'a>(object: &ObjectRef, owners: &'a [Owner]) -> &'a str {
    owners
        .iter()
        .find(|owner| owner.object == *object)
        .map_or("", |owner| &owner.uid)
}

/// Field and message: the event stands on the object already.
fn cause(problem: &Problem) -> String {
    if problem.field.is_empty() {
        problem.message.clone()
    } else {
        format!("{}: {}", problem.field, problem.message)
    }
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

    fn object() -> ObjectRef {
        ObjectRef::new("Service", "default", "web")
    }

    fn owners() -> [Owner; 1] {
        [Owner {
            object: object(),
            uid: "uid-1".to_owned(),
            finalizer: "f".to_owned(),
            has_finalizer: true,
            gone: false,
        }]
    }

    #[test]
    fn a_failure_of_nobody_is_told_to_the_owners_that_stay() {
        let gone = Owner {
            object: ObjectRef::new("Service", "default", "old"),
            gone: true,
            ..owners()[0].clone()
        };
        let told = |owners: &[Owner]| -> Vec<String> {
            let events = failed_for_all(owners, Reason::FailedDeployModel, "no");
            events.into_iter().map(|event| event.object.name).collect()
        };
        assert_eq!(told(&[gone.clone(), owners()[0].clone()]), ["web"]);
        assert_eq!(told(&[gone]), ["old"]);
    }

    #[test]
    fn faults_of_one_object_make_one_event_and_warnings_none() {
        let backend = ObjectRef::new("Service", "default", "backend");
        let problems = [
            Problem::fault(&object(), "a", ProblemCode::Malformed, "first"),
            Problem::warning(&object(), "b", ProblemCode::Ignored, "second"),
            Problem::fault(&object(), "", ProblemCode::NotFound, "third"),
            Problem::fault(&backend, "spec.ports", ProblemCode::NotFound, "fourth"),
        ];
        let found: Vec<(String, String, String)> = build_failed(&owners(), &problems)
            .into_iter()
            .map(|event| (event.object.name, event.uid, event.message))
            .collect();
        let text =
            |name: &str, uid: &str, message: &str| (name.to_owned(), uid.to_owned(), message.to_owned());
        assert_eq!(
            found,
            [
                text("backend", "", "Failed build model due to spec.ports: fourth"),
                text("web", "uid-1", "Failed build model due to a: first; third"),
            ]
        );
    }

    #[test]
    fn a_refused_finalizer_has_its_own_reason() {
        let problem = Problem::fault(&object(), "", ProblemCode::Denied, "no");
        let action = Action::AddFinalizer {
            object: object(),
            finalizer: "f".to_owned(),
        };
        let event = step_failed(&owners(), &action, &problem);
        assert_eq!(event.reason, "FailedAddFinalizer");
        assert_eq!(event.message, "Failed add finalizer due to no");
        let action = Action::DeleteLoadBalancer {
            arn: "arn".to_owned(),
        };
        let event = step_failed(&owners(), &action, &problem);
        assert_eq!(
            (event.reason.as_str(), event.uid.as_str()),
            ("FailedDeployModel", "uid-1")
        );
    }

    #[test]
    fn a_wait_is_told_to_everybody_who_asked() {
        let other = ObjectRef::new("Service", "default", "other");
        let events = wait_entered(&owners(), &[object(), other], "security group sg-1 to be free");
        let told: Vec<_> = events
            .iter()
            .map(|e| (e.object.name.as_str(), e.uid.as_str(), e.kind, e.reason.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("web", "uid-1", EventType::Normal, "Waiting"),
                ("other", "", EventType::Normal, "Waiting")
            ]
        );
        assert_eq!(events[0].message, "Waiting for security group sg-1 to be free");
    }

    #[test]
    fn warnings_carry_their_code() {
        let problem = Problem::warning(&object(), "field", ProblemCode::Ignored, "has no effect");
        let events = warnings(&owners(), &[problem]);
        assert_eq!(events[0].reason, "Ignored");
        assert_eq!(events[0].message, "field: has no effect");
    }
}
