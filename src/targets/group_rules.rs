//! One run over a security group of nodes or pods: our rules on it become the union of what bindings ask.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::key::Key;
use elbow_core::targets::decide::FINALIZER;
use elbow_core::targets::group_rules::group_changes;
use elbow_core::targets::ledger::{BindingName, GroupResult, GroupRun};
use elbow_core::targets::networking::{cluster_tag, is_labelled};
use elbow_core::targets::{GroupRule, SecurityGroupState};
use elbow_core::view::BindingObject;
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};

use super::{Targets, TargetsContext, binding_key, is_lease_lost, lock};
use crate::aws::{AwsError, Cx};
use crate::cluster::Stores;
use crate::outcome::Run;

impl Targets {
    pub(super) async fn run_group_rules(
        &self,
        context: &TargetsContext<'_>,
        vpc: &str,
        group: &str,
        cx: &Cx,
    ) -> Run {
        let mut run = Run::default();
        if vpc != self.settings.realm.vpc || lock(&self.ledger).is_settled(group) {
            return run;
        }
        if !context.stores.bindings.is_synced() {
            run.retry = true;
            run.waits.push("the first list of TargetGroupBindings".to_owned());
            return run;
        }
        let managing = managing_bindings(context.stores);
        let unrestricted = self.settings.disable_restricted_sg_rules;
        let todo = lock(&self.ledger).begin(group, &managing, unrestricted);
        let result = match self.bring_to(group, &todo, cx).await {
            Ok(result) => result,
            Err(error) if is_lease_lost(&error) => {
                run.retry = true;
                return run;
            }
            Err(error) => {
                run.retry = true;
                let object = ObjectRef::new("SecurityGroup", "", group);
                let problem = Problem::fault(&object, "", ProblemCode::Refused, error.to_string());
                run.problems.push(problem);
                GroupResult::Failed(error.to_string())
            }
        };
        if result == GroupResult::Held {
            run.waits
                .push("all bindings to be worked out before rules are revoked".to_owned());
            for (namespace, name) in context.stores.bindings.unread() {
                run.waits.push(format!(
                    "TargetGroupBinding {namespace}/{name}, which does not parse, to be mended or deleted"
                ));
                // Nothing wakes us when it is deleted.
                run.retry = true;
            }
        }
        let wake = lock(&self.ledger).finish(group, &todo, &result);
        run.enqueue.extend(wake.iter().map(binding_key));
        if todo.complete {
            self.find_leftovers(group, cx, &mut run).await;
        }
        run
    }

    /// Authorises what is missing, then revokes what is too much. Once more with a fresh look if AWS says
    /// that the picture was wrong; with too many rules revokes first.
    async fn bring_to(&self, group: &str, todo: &GroupRun, cx: &Cx) -> Result<GroupResult, AwsError> {
        let first = self.attempt(group, todo, cx, false).await;
        let Err(error) = first else { return first };
        match error.code.as_str() {
            "InvalidPermission.Duplicate" | "InvalidPermission.NotFound" => {
                self.attempt(group, todo, cx, false).await
            }
            "RulesPerSecurityGroupLimitExceeded" => self.attempt(group, todo, cx, true).await,
            _ => Err(error),
        }
    }

    async fn attempt(
        &self,
        group: &str,
        todo: &GroupRun,
        cx: &Cx,
        revoke_first: bool,
    ) -> Result<GroupResult, AwsError> {
        let found = self.aws.group_states(cx, &[group.to_owned()]).await?;
        let Some(state) = found.into_iter().next() else {
            return Ok(if todo.wanted.is_empty() {
                GroupResult::Done
            } else {
                GroupResult::Failed(format!("couldn't fetch SecurityGroupInfos: [{group}]"))
            });
        };
        let changes = group_changes(todo, &state, &self.settings.scope.cluster);
        if revoke_first {
            self.revoke(group, &changes.revoke, cx).await?;
        }
        self.authorise(group, &changes.grant, cx).await?;
        if !revoke_first {
            self.revoke(group, &changes.revoke, cx).await?;
        }
        Ok(if changes.held.is_empty() {
            GroupResult::Done
        } else {
            GroupResult::Held
        })
    }

    async fn authorise(&self, group: &str, rules: &[GroupRule], cx: &Cx) -> Result<(), AwsError> {
        if rules.is_empty() {
            return Ok(());
        }
        self.aws.authorize_ingress(cx, group, rules).await?;
        tracing::info!(group, rules = rules.len(), "authorised rules for targets");
        let rules = rules.iter().map(|rule| &rule.permission);
        lock(&self.ledger).authorised(group, rules);
        Ok(())
    }

    async fn revoke(&self, group: &str, rules: &[GroupRule], cx: &Cx) -> Result<(), AwsError> {
        if rules.is_empty() {
            return Ok(());
        }
        self.aws.revoke_ingress(cx, group, rules).await?;
        tracing::info!(group, rules = rules.len(), "revoked rules for targets");
        let rules = rules.iter().map(|rule| &rule.permission);
        lock(&self.ledger).revoked(group, rules);
        Ok(())
    }

    /// Once per process, as soon as all bindings are known: looks for groups with rules nobody asks for.
    async fn find_leftovers(&self, but: &str, cx: &Cx, run: &mut Run) {
        if std::mem::replace(&mut *lock(&self.leftovers_found), true) {
            return;
        }
        match self.leftover_groups(cx).await {
            Ok(groups) => {
                let known = lock(&self.ledger).groups();
                let others = groups.into_iter().filter(|g| g != but && !known.contains(g));
                run.enqueue.extend(others.map(|group| self.group_key(group)));
            }
            Err(error) => {
                *lock(&self.leftovers_found) = false;
                tracing::warn!(%error, "could not look for security group rules that nobody asks for");
            }
        }
    }

    /// Runs over the groups that may still hold a rule of ours which names a security group that AWS does not
    /// let go: a process that ended before it could revoke, or upstream's controller, leaves such rules.
    pub async fn leftover_keys(&self, cx: &Cx) -> Vec<Key> {
        match self.leftover_groups(cx).await {
            Ok(groups) => groups.into_iter().map(|group| self.group_key(group)).collect(),
            Err(error) => {
                tracing::warn!(%error, "could not look for rules that hold a security group");
                Vec::new()
            }
        }
    }

    /// The groups of the VPC that are tagged for the cluster and hold rules with our label.
    pub(super) async fn leftover_groups(&self, cx: &Cx) -> Result<BTreeSet<String>, AwsError> {
        let mut groups = BTreeSet::new();
        for ownership in ["owned", "shared"] {
            let key = cluster_tag(&self.settings.scope.cluster);
            let tags = BTreeMap::from([(key, ownership.to_owned())]);
            let found = self.aws.groups_by_tags(cx, &tags).await?;
            let labelled = |group: &SecurityGroupState| group.rules.iter().any(is_labelled);
            groups.extend(found.into_iter().filter(labelled).map(|group| group.id));
        }
        Ok(groups)
    }
}

/// Bindings whose contributions count: those with networking that we still have to do with, and those of which we
/// cannot tell.
fn managing_bindings(stores: &Stores) -> BTreeSet<BindingName> {
    let bindings = stores.bindings();
    let managing = bindings.iter().filter(|binding| is_managing(binding));
    let mut names: BTreeSet<BindingName> = managing
        .map(|binding| (binding.meta.namespace.clone(), binding.meta.name.clone()))
        .collect();
    names.extend(stores.bindings.unread());
    names
}

/// Whether a binding asks something of security groups, or did so and is not done yet.
pub(super) fn is_managing(binding: &BindingObject) -> bool {
    let leaving = binding.meta.deleting && !binding.meta.finalizers.contains(FINALIZER);
    binding.spec.networking.is_some() && !leaving
}
