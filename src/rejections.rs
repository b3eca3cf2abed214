//! Contributions of members of a group that cannot be made and hold up others: left out until they change or ten
//! minutes have passed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use elbow_core::key::StackKey;
use elbow_core::view::{Ingress, Meta};
use elbow_crds::problem::{ObjectRef, Problem};
use jiff::{SignedDuration, Timestamp};

use crate::cluster::Stores;

/// How long a rejection stands.
const STANDS: SignedDuration = SignedDuration::from_mins(10);

/// What was rejected: the problem, the Ingress as it was, and until when it is left out.
#[derive(Debug)]
struct Rejection {
    problem: Problem,
    contribution: Option<Ingress>,
    until: Timestamp,
}

/// The rejections that stand, by stack. Lost with the process: then each contribution is tried once more.
#[derive(Debug, Default)]
pub struct Rejections(Mutex<BTreeMap<StackKey, Vec<Rejection>>>);

impl Rejections {
    /// Notes that contributions were rejected.
    pub fn note(&self, stack: &StackKey, problems: &[Problem], stores: &Stores, now: Timestamp) {
        if problems.is_empty() {
            return;
        }
        let rejected = problems.iter().map(|problem| Rejection {
            problem: problem.clone(),
            contribution: contribution(&problem.object, stores),
            until: now + STANDS,
        });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(stack.clone()).or_default().extend(rejected);
    }

    /// The problems of contributions that are as they were when they were rejected.
    pub fn standing(&self, stack: &StackKey, stores: &Stores, now: Timestamp) -> Vec<Problem> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rejections) = all.get_mut(stack) else {
            return Vec::new();
        };
        rejections.retain(|rejection| {
            let same = rejection.contribution == contribution(&rejection.problem.object, stores);
            same && now < rejection.until
        });
        let standing = rejections
            .iter()
            .map(|rejection| rejection.problem.clone())
            .collect();
        if rejections.is_empty() {
            all.remove(stack);
        }
        standing
    }
}

/// What an Ingress asks for, without what we and others write on it.
fn contribution(object: &ObjectRef, stores: &Stores) -> Option<Ingress> {
    let ingress: Arc<Ingress> = stores.ingresses.get(&object.namespace, &object.name)?;
    let ingress = Ingress::clone(&ingress);
    Some(Ingress {
        meta: Meta {
            annotations: ingress.meta.annotations,
            uid: ingress.meta.uid,
            ..Meta::default()
        },
        ingress: Vec::new(),
        ..ingress
    })
}
