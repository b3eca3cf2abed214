//! Steps on listeners and their certificates.

use elbow_core::model::{Action as ListenerAction, Listener, Ref, ResourceAddress, ResourceKind, Tags};
use elbow_core::plan::{Action, Output};

use super::step::{End, Running};
use crate::aws::{AwsError, Fault};

impl Running<'_> {
    pub async fn run_listener(&self) -> End {
        match &self.step.action {
            Action::CreateListener {
                address,
                listener,
                tags,
            } => self.create_listener(address, listener, tags).await,
            Action::ModifyListener { arn, listener } => self.modify_listener(arn, listener).await,
            Action::AddListenerCertificate {
                listener,
                certificate,
            }
            | Action::RemoveListenerCertificate {
                listener,
                certificate,
            } => self.change_certificate(listener, certificate).await,
            Action::ModifyListenerAttributes { listener, attributes } => {
                self.modify_attributes(ResourceKind::Listener, listener, attributes)
                    .await
            }
            Action::DeleteListener { arn } => {
                self.ended(self.context.aws.delete_listener(self.cx, arn).await)
            }
            _ => End::done(),
        }
    }

    async fn create_listener(&self, address: &ResourceAddress, wanted: &Listener, tags: &Tags) -> End {
        let wanted = match self.settled(wanted) {
            Ok(wanted) => wanted,
            Err(end) => return end,
        };
        match self.context.aws.create_listener(self.cx, &wanted, tags).await {
            Ok(arn) => End::Done(Some((address.clone(), Output::id(arn)))),
            Err(error) => self.refused(&error),
        }
    }

    async fn modify_listener(&self, arn: &str, wanted: &Listener) -> End {
        let wanted = match self.settled(wanted) {
            Ok(wanted) => wanted,
            Err(end) => return end,
        };
        match self.context.aws.modify_listener(self.cx, arn, &wanted).await {
            Ok(()) => End::done(),
            Err(error) => self.refused(&error),
        }
    }

    async fn change_certificate(&self, listener: &Ref, certificate: &str) -> End {
        let arn = match self.resolve(listener) {
            Ok(arn) => arn,
            Err(end) => return end,
        };
        let (aws, cx) = (self.context.aws, self.cx);
        if matches!(self.step.action, Action::AddListenerCertificate { .. }) {
            match aws.add_listener_certificate(cx, &arn, certificate).await {
                Ok(()) => End::done(),
                Err(error) => self.refused(&error),
            }
        } else {
            self.ended(aws.remove_listener_certificate(cx, &arn, certificate).await)
        }
    }

    /// The end of a removal: what is not there is removed.
    pub fn ended(&self, result: Result<(), AwsError>) -> End {
        match result {
            Ok(()) => End::done(),
            Err(error) if error.answered && error.fault == Fault::NotFound => End::done(),
            Err(error) => self.refused(&error),
        }
    }

    /// The listener with all its references known.
    fn settled(&self, listener: &Listener) -> Result<Listener, End> {
        let mut settled = listener.clone();
        settled.load_balancer = Ref::Known(self.resolve(&listener.load_balancer)?);
        self.settle_groups(&mut settled.default_actions)?;
        Ok(settled)
    }

    /// Makes the target groups of actions known.
    pub fn settle_groups(&self, actions: &mut [ListenerAction]) -> Result<(), End> {
        for group in actions.iter_mut().flat_map(ListenerAction::target_groups_mut) {
            group.target_group = Ref::Known(self.resolve(&group.target_group)?);
        }
        Ok(())
    }
}
