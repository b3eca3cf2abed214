//! Runs over bindings, security groups of targets and the shared backend security group that stop before they
//! write: for `elbow plan`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use elbow_core::key::Lane;
use elbow_core::plan::Plan;
use elbow_core::targets::SecurityGroupState;
use elbow_core::targets::decide::{BindingDecision, FINALIZER, decide, endpoints};
use elbow_core::targets::endpoints::EndpointFailure;
use elbow_core::targets::forecast::{self, Expected};
use elbow_core::targets::group_rules::{GroupChanges, group_changes};
use elbow_core::targets::input::RulesState;
use elbow_core::targets::ledger::{BindingName, RulesLedger};
use elbow_core::targets::listing::Listing;
use elbow_core::targets::networking::Contribution;
use elbow_core::targets::preview::{BackendPreview, Preview, RulesPreview};
use elbow_core::view::BindingObject;
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};
use elbow_crds::target_group_binding::TargetType;

use super::binding::{Ended, Pass, ROUNDS};
use super::group_rules::is_managing;
use super::{Targets, TargetsContext, binding_key, lock};
use crate::aws::{AwsError, Cx};
use crate::cluster::Stores;

/// What the keys of this room would do once the plans of all stacks are applied.
#[derive(Debug, Default)]
pub struct Previews {
    /// Bindings, by namespace and name.
    pub bindings: Vec<Preview>,
    /// Security groups of nodes and pods, by id.
    pub rules: Vec<RulesPreview>,
    /// The shared backend security group; `None` if there is none and nobody wants one.
    pub backend: Option<BackendPreview>,
    /// Why nobody looked for rules that no binding asks for, if so.
    pub leftovers_unread: Option<String>,
    /// How many bindings were passed over because nothing is known of their targets.
    pub passed_over: usize,
}

/// How much of a cluster is seen.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Whether every binding is seen that there is; else nothing is revoked or deleted.
    pub every_binding: bool,
    /// Whether bindings are passed over for which there is neither a Node nor an EndpointSlice.
    pub given_only: bool,
}

impl Extent {
    /// A cluster, as it is.
    pub const CLUSTER: Self = Self {
        every_binding: true,
        given_only: false,
    };
}

impl Targets {
    /// What the next runs would do after `plans`. AWS is asked even where a checkpoint says that nothing
    /// changed. Security group rules count as granted where targets wait for them.
    pub async fn preview(&self, context: &TargetsContext<'_>, plans: &[&Plan], extent: Extent) -> Previews {
        let expected = forecast::bindings(&context.stores.bindings(), plans, &self.settings);
        let managing: BTreeSet<BindingName> = expected
            .iter()
            .filter(|(_, binding)| is_managing(&binding.object))
            .map(|(name, _)| name.clone())
            .chain(context.stores.bindings.unread())
            .collect();
        let mut ledger = RulesLedger::default();
        let (mut previews, mut leftovers) = (Previews::default(), BTreeSet::new());
        for (name, binding) in expected {
            if extent.given_only && !has_backends(context.stores, &binding.object) {
                previews.passed_over += 1;
                continue;
            }
            let key = binding_key(&name);
            let cx = Cx::new(Lane::Targets, &key);
            let preview = self.preview_binding(context, &cx, binding, &mut ledger).await;
            previews.bindings.push(preview);
        }
        if extent.every_binding && managing.iter().all(|binding| ledger.is_known(binding)) {
            match self.leftover_groups(&Cx::lane(Lane::Targets)).await {
                Ok(groups) => leftovers = groups,
                Err(error) => previews.leftovers_unread = Some(error.to_string()),
            }
        }
        previews.rules = self
            .preview_rules(&mut ledger, &managing, leftovers, extent)
            .await;
        previews.backend = self.preview_backend(context, plans, extent).await;
        previews
    }

    async fn preview_binding(
        &self,
        context: &TargetsContext<'_>,
        cx: &Cx,
        expected: Expected,
        ledger: &mut RulesLedger,
    ) -> Preview {
        let mut pass = self.begin(context, cx, Arc::new(expected.object), None);
        let now = self.clock.now();
        pass.memory.verify_at = now;
        if expected.new_target_group {
            pass.memory.listing = Some(Listing::full(Vec::new(), now));
            pass.facts.listed = true;
        }
        let mut preview = Preview::new(binding_key(&pass.name), &pass.binding.spec.target_group_arn);
        if pass.preview(&mut preview).await.is_err() {
            preview.problem = pass.run.problems.pop();
        }
        pass.claim(ledger).await;
        preview
    }

    /// Every group that a binding asks rules of, and those that may hold rules nobody asks for.
    async fn preview_rules(
        &self,
        ledger: &mut RulesLedger,
        managing: &BTreeSet<BindingName>,
        leftovers: BTreeSet<String>,
        extent: Extent,
    ) -> Vec<RulesPreview> {
        let mut groups = ledger.groups();
        groups.extend(leftovers);
        let states = self.states(&groups, &Cx::lane(Lane::Targets)).await;
        let previews = groups.into_iter().map(|group| {
            let mut preview = self.preview_group(ledger, managing, group, &states);
            if !extent.every_binding {
                preview.changes.revoke.clear();
                preview.changes.held.clear();
            }
            preview
        });
        previews.collect()
    }

    async fn states(
        &self,
        groups: &BTreeSet<String>,
        cx: &Cx,
    ) -> Result<BTreeMap<String, SecurityGroupState>, AwsError> {
        if groups.is_empty() {
            return Ok(BTreeMap::new());
        }
        let ids: Vec<String> = groups.iter().cloned().collect();
        let found = self.aws.group_states(cx, &ids).await?;
        Ok(found.into_iter().map(|state| (state.id.clone(), state)).collect())
    }

    fn preview_group(
        &self,
        ledger: &mut RulesLedger,
        managing: &BTreeSet<BindingName>,
        group: String,
        states: &Result<BTreeMap<String, SecurityGroupState>, AwsError>,
    ) -> RulesPreview {
        let run = ledger.begin(&group, managing, self.settings.disable_restricted_sg_rules);
        let object = ObjectRef::new("SecurityGroup", "", &group);
        let problem = |code, message: String| Some(Problem::fault(&object, "", code, message));
        let (changes, problem) = match states.as_ref().map(|states| states.get(&group)) {
            Ok(Some(state)) => (group_changes(&run, state, &self.settings.scope.cluster), None),
            Ok(None) if run.wanted.is_empty() => (GroupChanges::default(), None),
            Ok(None) => {
                let message = format!("couldn't fetch SecurityGroupInfos: [{group}]");
                (GroupChanges::default(), problem(ProblemCode::NotFound, message))
            }
            Err(error) => (
                GroupChanges::default(),
                problem(ProblemCode::Refused, error.to_string()),
            ),
        };
        RulesPreview {
            key: self.group_key(group),
            changes,
            problem,
        }
    }

    async fn preview_backend(
        &self,
        context: &TargetsContext<'_>,
        plans: &[&Plan],
        extent: Extent,
    ) -> Option<BackendPreview> {
        if self.settings.backend_security_group.is_some() {
            return None;
        }
        let held = context.stores.backend_finalizers();
        let wanted = !extent.every_binding || !forecast::finalizers(held, plans).is_empty();
        let asked = !lock(&self.backend).askers.is_empty();
        let (found, problem) = match context.mirror.backend_group() {
            None if asked => match self.find(&Cx::lane(Lane::Edit)).await {
                Ok(found) => (found, None),
                Err(error) => {
                    let object = self.backend_object();
                    let problem = Problem::fault(&object, "", ProblemCode::Refused, error.to_string());
                    (None, Some(problem))
                }
            },
            found => (found, None),
        };
        let preview = BackendPreview::new(&self.settings, found.as_ref(), wanted, asked)?;
        Some(BackendPreview { problem, ..preview })
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

    /// Enters what the binding asks of security groups into a ledger of the preview's own.
    async fn claim(&mut self, ledger: &mut RulesLedger) {
        let Some(networking) = self.binding.spec.networking.clone() else {
            return;
        };
        let wanted = endpoints(&self.input());
        let made = self.contribution(&networking, &wanted).await;
        match (made, wanted) {
            (made, _) if self.binding.meta.deleting => drop(ledger.withdraw(&self.name, made.ok())),
            // Without its backend a binding asks for nothing.
            (_, Err(EndpointFailure::NotFound(_))) => {
                drop(ledger.publish(&self.name, Contribution::new()));
            }
            (Ok(made), _) => drop(ledger.publish(&self.name, made)),
            (Err(message), _) => drop(ledger.failed(&self.name, &message)),
        }
    }
}

/// Whether there is something to work out a binding's targets of.
fn has_backends(stores: &Stores, binding: &BindingObject) -> bool {
    match binding.spec.target_type {
        Some(TargetType::Ip) => {
            let service = &binding.spec.service_ref.name;
            !stores
                .slices_of_service(&binding.meta.namespace, service)
                .is_empty()
        }
        _ => !stores.nodes().is_empty(),
    }
}
