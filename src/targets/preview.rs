//! A run of a binding that stops before it writes: for `elbow plan`.

use std::sync::Arc;

use elbow_core::key::Key;
use elbow_core::targets::decide::{BindingDecision, FINALIZER, decide};
use elbow_core::targets::input::RulesState;
use elbow_core::targets::preview::Preview;

use super::binding::{Ended, Pass, ROUNDS};
use super::{Targets, TargetsContext, binding_key};
use crate::aws::Cx;

impl Targets {
    /// What the next run of a binding would register and deregister; `None` for other keys and for bindings
    /// that are gone. AWS is asked even where the checkpoint says that nothing changed. Security group rules
    /// count as granted.
    pub async fn preview(&self, context: &TargetsContext<'_>, key: &Key, cx: &Cx) -> Option<Preview> {
        let Key::Binding { namespace, name } = key else {
            return None;
        };
        let seen = context.stores.binding(namespace, name)?;
        let mut pass = self.begin(context, cx, seen, None);
        pass.memory.verify_at = self.clock.now();
        let mut preview = Preview::new(binding_key(&pass.name), &pass.binding.spec.target_group_arn);
        if pass.preview(&mut preview).await.is_err() {
            preview.problem = pass.run.problems.pop();
        }
        Some(preview)
    }
}

impl Pass<'_> {
    async fn preview(&mut self, preview: &mut Preview) -> Result<(), Ended> {
        self.facts.rules = RulesState::Settled;
        self.facts.contribution = Some(Ok(()));
        for _ in 0..ROUNDS {
            match decide(&self.input()) {
                BindingDecision::Ask(asks) => {
                    for ask in asks {
                        self.answer(ask).await?;
                    }
                }
                BindingDecision::AddFinalizer => {
                    preview.add_finalizer = true;
                    let mut with = self.binding.as_ref().clone();
                    with.meta.finalizers.insert(FINALIZER.to_owned());
                    self.binding = Arc::new(with);
                }
                BindingDecision::Sync(work) => {
                    preview.sync(&work);
                    return Ok(());
                }
                BindingDecision::Cleanup(work) => {
                    preview.clean_up(&work);
                    return Ok(());
                }
                BindingDecision::Failed(problem) => {
                    preview.problem = Some(problem);
                    return Ok(());
                }
                BindingDecision::Rest { .. } | BindingDecision::Wait { .. } => return Ok(()),
            }
        }
        Err(self.fail("the decision on the binding's targets does not end"))
    }
}
