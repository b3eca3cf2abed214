//! Steps that AWS refused: not sent again until they change or ten minutes have passed.
//!
//! A refusal (validation, missing permission, limit) does not heal by asking again, and asking costs requests
//! of buckets that healthy stacks need. The problem stays reported meanwhile.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use elbow_core::key::Key;
use elbow_core::model::Ref;
use elbow_core::plan::{Action, Outputs};
use elbow_crds::problem::ProblemCode;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::aws::{AwsError, Fault};

/// SHA-256 of an action.
type Fingerprint = [u8; 32];

/// How long a refusal stands.
const STANDS: SignedDuration = SignedDuration::from_mins(10);

/// What AWS said about a step.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub code: ProblemCode,
    pub message: String,
    /// When the step may be sent again.
    pub until: Timestamp,
    /// Whether a load balancer was to be made.
    balancer: bool,
}

/// The refusals that stand, of all keys. Lost with the process: then each step is tried once more.
#[derive(Debug, Default)]
pub struct Refusals {
    standing: Mutex<BTreeMap<(Key, Fingerprint), Refusal>>,
}

impl Refusals {
    /// The refusal of this very action of a key, if it stands.
    pub(super) fn standing(
        &self,
        key: &Key,
        action: &Action,
        outputs: &Outputs,
        now: Timestamp,
    ) -> Option<Refusal> {
        let mut standing = self.lock();
        if standing.is_empty() {
            return None;
        }
        standing.retain(|_, refusal| now < refusal.until);
        standing
            .get(&(key.clone(), fingerprint(action, outputs)))
            .cloned()
    }

    /// Enters a refusal. Returns until when it stands.
    pub(super) fn note(
        &self,
        key: &Key,
        (action, outputs): (&Action, &Outputs),
        (code, message): (ProblemCode, &str),
        now: Timestamp,
    ) -> Timestamp {
        let refusal = Refusal {
            code,
            message: message.to_owned(),
            until: now + STANDS,
            balancer: matches!(action, Action::CreateLoadBalancer { .. }),
        };
        let until = refusal.until;
        self.lock()
            .insert((key.clone(), fingerprint(action, outputs)), refusal);
        until
    }

    /// Whether AWS refused lately to make a load balancer of a key because the quota is used up.
    pub fn is_full(&self, key: &Key, now: Timestamp) -> bool {
        let of_key = |(other, _): &(Key, Fingerprint)| other == key;
        let full =
            |refusal: &Refusal| refusal.balancer && refusal.code == ProblemCode::Limit && now < refusal.until;
        self.lock()
            .iter()
            .any(|(subject, refusal)| of_key(subject) && full(refusal))
    }

    /// Forgets the refusals of a key: something has changed that they may have hung on.
    pub(super) fn forget(&self, key: &Key) {
        self.lock().retain(|(other, _), _| other != key);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Key, Fingerprint), Refusal>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hash of an action. What it refers to counts by its ARN or id, so that the plan that made it and the next
/// one, which finds it, mean the same.
fn fingerprint(action: &Action, outputs: &Outputs) -> Fingerprint {
    let mut text = format!("{action:?}");
    for (address, output) in &outputs.0 {
        let pending = format!("{:?}", Ref::Pending(address.clone()));
        text = text.replace(&pending, &format!("{:?}", Ref::Known(output.id.clone())));
    }
    Sha256::digest(text).into()
}

/// Whether an answer will be the same next time. Throttling and servers in trouble pass; what contradicts our
/// picture is read again; rejected credentials are about to be renewed.
pub(super) fn is_final(error: &AwsError) -> bool {
    match error.fault {
        Fault::Denied => error.code.starts_with("AccessDenied") || error.code.starts_with("Unauthorized"),
        Fault::Invalid | Fault::NotFound | Fault::NotPermitted | Fault::Quota => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use elbow_core::model::{ResourceAddress, ResourceKind};
    use elbow_core::plan::Output;

    #[test]
    fn an_action_is_the_same_before_and_after_what_it_refers_to_is_known() {
        let address = ResourceAddress::new(ResourceKind::SecurityGroup, &"ManagedLBSecurityGroup".into());
        let tags = |group: Ref| Action::CreateTags {
            group,
            tags: BTreeMap::new(),
        };
        let mut outputs = Outputs::default();
        outputs.insert(&address, Output::id("sg-1"));
        let made = fingerprint(&tags(Ref::Pending(address)), &outputs);
        let none = Outputs::default();
        assert_eq!(made, fingerprint(&tags(Ref::Known("sg-1".to_owned())), &none));
        assert_ne!(made, fingerprint(&tags(Ref::Known("sg-2".to_owned())), &none));
    }
}
