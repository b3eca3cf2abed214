//! Certificates of listeners besides the default one.

use std::collections::BTreeSet;

use elbow_crds::limits::nlb;

use super::draft::Draft;
use super::listener::{is_secure, name};
use super::{Action, StepId};
use crate::model::{Listener, Ref};

/// Certificates besides the default one that come and go.
pub(super) struct CertificateDiff {
    add: Vec<String>,
    remove: Vec<String>,
    /// Whether AWS takes certificates before the settings change: the listener is secure already.
    pub before_settings: bool,
    /// Whether old ones have to go first because of the quota.
    crowded: bool,
}

impl CertificateDiff {
    /// Nothing for a listener that is not to be secure: what it has goes with the change of its protocol.
    pub fn new(wanted: &Listener, actual: &Listener) -> Self {
        let none = BTreeSet::new();
        let old = actual.extra_certificates.get().unwrap_or(&none);
        let new = match wanted.extra_certificates.get() {
            Some(new) if is_secure(wanted) => new,
            _ => old,
        };
        Self {
            add: new.difference(old).cloned().collect(),
            remove: old.difference(new).cloned().collect(),
            before_settings: is_secure(actual),
            crowded: nlb::CERTIFICATES.allows(new.len()) && !nlb::CERTIFICATES.allows(new.union(old).count()),
        }
    }

    /// Adds what is missing, after `needs`.
    pub fn open(
        &self,
        draft: &mut Draft,
        wanted: &Listener,
        listener: &Ref,
        mut needs: BTreeSet<StepId>,
    ) -> BTreeSet<StepId> {
        if self.crowded {
            needs.extend(self.remove_all(draft, wanted, listener, &needs.clone()));
        }
        self.add
            .iter()
            .map(|certificate| add_certificate(draft, wanted, listener, certificate, needs.clone()))
            .collect()
    }

    /// Removes what is too much, after `needs`.
    pub fn close(&self, draft: &mut Draft, wanted: &Listener, listener: &Ref, needs: &BTreeSet<StepId>) {
        if !self.crowded {
            self.remove_all(draft, wanted, listener, needs);
        }
    }

    fn remove_all(
        &self,
        draft: &mut Draft,
        wanted: &Listener,
        listener: &Ref,
        needs: &BTreeSet<StepId>,
    ) -> BTreeSet<StepId> {
        self.remove
            .iter()
            .map(|certificate| {
                let action = Action::RemoveListenerCertificate {
                    listener: listener.clone(),
                    certificate: certificate.clone(),
                };
                let reason = format!("{}: certificate {certificate} removed", name(wanted));
                draft.push(action, needs.clone(), &wanted.origins, reason)
            })
            .collect()
    }
}

/// AddListenerCertificates with one certificate.
pub(super) fn add_certificate(
    draft: &mut Draft,
    wanted: &Listener,
    listener: &Ref,
    certificate: &str,
    needs: BTreeSet<StepId>,
) -> StepId {
    let action = Action::AddListenerCertificate {
        listener: listener.clone(),
        certificate: certificate.to_owned(),
    };
    let reason = format!("{}: certificate {certificate} added", name(wanted));
    let asked = wanted.certificate_origins.get(certificate);
    draft.push(action, needs, asked.unwrap_or(&wanted.origins), reason)
}
