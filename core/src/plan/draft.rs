//! A plan in the making: numbering, dependencies, references.

mod waits;

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};

use super::pair::Pairs;
use super::{Action, Plan, PlanContext, Step, StepId};
use crate::key::{Key, StackKind};
use crate::model::{
    Binding, BindingPeer, BindingSpec, Listener, LoadBalancer, Origin, Origins, Owner, Ref, ResourceAddress,
    ResourceId, ResourceKind, SecurityGroup, Stack, TargetGroup,
};
use crate::settings::Settings;

/// A plan in the making.
pub(super) struct Draft<'a> {
    pub wanted: &'a Stack,
    pub actual: &'a Stack,
    pub settings: &'a Settings,
    pub owners: &'a [Owner],
    /// Set when a load balancer would have to be replaced: nothing the old one uses is closed or deleted.
    pub frozen: bool,
    /// ARNs of load balancers whose place is taken by another one that is made beside them.
    pub leaving: BTreeSet<String>,
    /// What the deletion of a load balancer whose place is taken comes after, by its ARN.
    pub departures: BTreeMap<String, BTreeSet<StepId>>,
    /// ARNs of load balancers that go before the one comes that takes their place.
    pub outage: BTreeSet<String>,
    /// Host names that the owners show.
    pub published: &'a BTreeSet<String>,
    /// Whether AWS has no room for another load balancer.
    pub full: bool,
    /// Names of what is made, or was made, under another name than the first.
    pub names: BTreeMap<ResourceAddress, String>,
    /// Rules of security groups to close once load balancers whose place is taken are gone.
    pub late: Vec<(Action, Origins, String)>,
    /// Sick members of which nothing good is known and that may have something here.
    pub sick: BTreeSet<&'a ObjectRef>,
    /// Whether there is one: what nobody wants and may be its own stays.
    pub hold: bool,
    /// Whether something stays that nobody wants, because the stack is on hold.
    pub held_back: bool,
    /// ARNs of load balancers that should go and may not.
    pub protected: BTreeSet<String>,
    /// Name of the binding of each target group once the plan is done.
    pub bindings: BTreeMap<ResourceId, (String, String)>,
    kept_bindings: BTreeSet<(String, String)>,
    steps: Vec<Step>,
    problems: Vec<Problem>,
    finalizers: BTreeSet<StepId>,
    producers: BTreeMap<ResourceAddress, StepId>,
    kept: BTreeMap<ResourceAddress, String>,
    /// Step that ends the use of target groups by an existing listener or load balancer, by its ARN.
    ends: BTreeMap<String, StepId>,
    /// Steps on a wanted load balancer that listeners rely on.
    settled: BTreeMap<ResourceId, BTreeSet<StepId>>,
    awaited: BTreeMap<ResourceId, StepId>,
    /// Steps that wait until a new target group is as healthy as the one whose place it takes.
    healthy: BTreeMap<ResourceId, StepId>,
    /// New target groups that no action can hold beside the one whose place they take.
    alone: BTreeSet<ResourceId>,
}

impl<'a> Draft<'a> {
    pub fn new(wanted: &'a Stack, actual: &'a Stack, context: &PlanContext<'a>) -> Self {
        let sick = super::hold::holders(context);
        Self {
            wanted,
            actual,
            settings: context.settings,
            owners: context.owners,
            frozen: false,
            leaving: BTreeSet::new(),
            departures: BTreeMap::new(),
            outage: BTreeSet::new(),
            published: context.published,
            full: context.full,
            names: BTreeMap::new(),
            late: Vec::new(),
            hold: !sick.is_empty(),
            sick,
            held_back: false,
            protected: BTreeSet::new(),
            bindings: BTreeMap::new(),
            kept_bindings: BTreeSet::new(),
            steps: Vec::new(),
            problems: Vec::new(),
            finalizers: BTreeSet::new(),
            producers: BTreeMap::new(),
            kept: BTreeMap::new(),
            ends: BTreeMap::new(),
            settled: BTreeMap::new(),
            awaited: BTreeMap::new(),
            healthy: BTreeMap::new(),
            alone: BTreeSet::new(),
        }
    }

    /// Remembers the ids of resources that stay, so that references to them resolve.
    pub fn note_kept(
        &mut self,
        groups: &Pairs<SecurityGroup>,
        target_groups: &Pairs<TargetGroup>,
        balancers: &Pairs<LoadBalancer>,
    ) {
        let groups = groups
            .kept
            .iter()
            .map(|(w, a)| (ResourceKind::SecurityGroup, &w.id, &a.group_id));
        let target_groups = target_groups
            .kept
            .iter()
            .map(|(w, a)| (ResourceKind::TargetGroup, &w.id, &a.arn));
        let balancers = balancers
            .kept
            .iter()
            .map(|(w, a)| (ResourceKind::LoadBalancer, &w.id, &a.arn));
        for (kind, id, known) in groups.chain(target_groups).chain(balancers) {
            if let Some(known) = known {
                self.kept.insert(ResourceAddress::new(kind, id), known.clone());
            }
        }
    }

    /// Appends a step.
    pub fn push(
        &mut self,
        action: Action,
        needs: BTreeSet<StepId>,
        origins: &Origins,
        reason: impl Into<String>,
    ) -> StepId {
        let id = StepId(self.steps.len());
        self.steps.push(Step {
            id,
            action,
            needs,
            origins: origins.clone(),
            reason: reason.into(),
        });
        id
    }

    /// Appends the creation of a resource: it needs the finalizer, and references to the resource need it.
    pub fn create(
        &mut self,
        address: &ResourceAddress,
        action: Action,
        mut needs: BTreeSet<StepId>,
        origins: &Origins,
        reason: impl Into<String>,
    ) -> StepId {
        needs.extend(&self.finalizers);
        let id = self.push(action, needs, origins, reason);
        self.producers.insert(address.clone(), id);
        id
    }

    /// The name of a resource: the one noted for it, else its first.
    pub fn name_of(&self, address: &ResourceAddress, first: &str) -> String {
        self.names
            .get(address)
            .map_or_else(|| first.to_owned(), Clone::clone)
    }

    /// The reference to a resource of the wanted stack, known if the resource stays.
    pub fn handle(&self, kind: ResourceKind, id: &ResourceId) -> Ref {
        self.resolve(&Ref::pending(kind, id))
    }

    /// The reference, made known if it points to a resource that stays.
    pub fn resolve(&self, reference: &Ref) -> Ref {
        match reference {
            Ref::Pending(address) => self
                .kept
                .get(address)
                .map_or_else(|| reference.clone(), |id| Ref::Known(id.clone())),
            Ref::Known(_) | Ref::BackendGroup => reference.clone(),
        }
    }

    /// Steps that produce what the references point to.
    pub fn producers<'r>(&self, references: impl IntoIterator<Item = &'r Ref>) -> BTreeSet<StepId> {
        references
            .into_iter()
            .filter_map(|reference| match reference {
                Ref::Pending(address) => self.producers.get(address).copied(),
                Ref::Known(_) | Ref::BackendGroup => None,
            })
            .collect()
    }

    /// Whether a pending reference will be produced by this plan.
    pub fn can_resolve(&self, reference: &Ref) -> bool {
        match reference {
            Ref::Pending(address) => self.producers.contains_key(address),
            Ref::Known(_) | Ref::BackendGroup => true,
        }
    }

    /// A listener with its references resolved.
    pub fn resolve_listener(&self, listener: &Listener) -> Listener {
        let mut listener = listener.clone();
        listener.load_balancer = self.resolve(&listener.load_balancer);
        for action in &mut listener.default_actions {
            for tuple in action.target_groups_mut() {
                tuple.target_group = self.resolve(&tuple.target_group);
            }
        }
        listener
    }

    /// The spec of a binding with its references resolved.
    pub fn resolve_binding(&self, spec: &BindingSpec) -> BindingSpec {
        let mut spec = spec.clone();
        spec.target_group = self.resolve(&spec.target_group);
        let rules = spec
            .networking
            .iter_mut()
            .flat_map(|networking| &mut networking.ingress);
        for peer in rules.flat_map(|rule| &mut rule.from) {
            if let BindingPeer::SecurityGroup(group) = peer {
                *group = self.resolve(group);
            }
        }
        spec
    }

    /// Notes the step after which an existing listener or load balancer no longer uses its target groups.
    pub fn ends(&mut self, arn: &str, step: StepId) {
        self.ends.insert(arn.to_owned(), step);
    }

    /// The step noted by [`Self::ends`].
    pub fn end_of(&self, arn: &str) -> Option<StepId> {
        self.ends.get(arn).copied()
    }

    /// Notes a step on a wanted load balancer that its listeners rely on.
    pub fn settles(&mut self, id: &ResourceId, step: StepId) {
        self.settled.entry(id.clone()).or_default().insert(step);
    }

    /// Steps noted by [`Self::settles`].
    pub fn settled_by(&self, balancer: &Ref) -> BTreeSet<StepId> {
        let Ref::Pending(address) = balancer else {
            return BTreeSet::new();
        };
        self.settled.get(&address.id).cloned().unwrap_or_default()
    }

    /// Notes that an existing binding has been seen to: it stays, or its deletion is planned.
    pub fn keep_binding(&mut self, binding: &Binding) {
        let name = (binding.namespace.clone(), binding.name.clone());
        self.kept_bindings.insert(name);
    }

    /// Whether [`Self::keep_binding`] was called for it.
    pub fn is_binding_kept(&self, binding: &Binding) -> bool {
        let name = (binding.namespace.clone(), binding.name.clone());
        self.kept_bindings.contains(&name)
    }

    /// Steps already planned whose action satisfies a predicate.
    pub fn steps_where(&self, predicate: impl Fn(&Action) -> bool) -> BTreeSet<StepId> {
        self.steps
            .iter()
            .filter(|step| predicate(&step.action))
            .map(|step| step.id)
            .collect()
    }

    /// Adds a problem.
    pub fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// A fault on the object that asked for a resource, else on the owner.
    pub fn fault(&mut self, origins: &Origins, code: ProblemCode, message: String) {
        let (object, field) = match origins.first() {
            Some(origin) => (origin.object.clone(), origin.field.clone()),
            None => (self.owner_object(), String::new()),
        };
        self.problem(Problem::fault(&object, &field, code, message));
    }

    /// The owner's object, made from the key where no owner was given.
    pub fn owner_object(&self) -> ObjectRef {
        let key = &self.wanted.key;
        let kind = match key.kind {
            StackKind::Service => "Service",
            StackKind::Ingress => "Ingress",
        };
        self.owners.first().map_or_else(
            || ObjectRef::new(kind, &key.namespace, &key.name),
            |owner| owner.object.clone(),
        )
    }

    /// Origins of the removal of something nobody wants any more.
    pub fn removal_origins(&self, origins: &Origins) -> Origins {
        if !origins.is_empty() {
            return origins.clone();
        }
        Origins::from([Origin {
            object: self.owner_object(),
            field: String::new(),
        }])
    }

    /// Plans the finalizer of owners that want something and have none. Every creation comes after all of
    /// them: what it makes is cleaned up by whichever owner goes last.
    pub fn add_finalizers(&mut self, sick: &BTreeSet<ObjectRef>) {
        if self.wanted.is_empty() {
            return;
        }
        let wants = |owner: &&Owner| !owner.gone && !owner.has_finalizer && !sick.contains(&owner.object);
        for owner in self.owners.iter().filter(wants) {
            let step = self.finalizer_step(owner, BTreeSet::new(), |object, finalizer| {
                Action::AddFinalizer { object, finalizer }
            });
            self.finalizers.insert(step);
        }
    }

    /// Takes the finalizer of owners that are gone away: the last ones' after every deletion and not while
    /// something has to stay. Where somebody stays who cleans up, those who leave wait for nothing but their
    /// own target groups.
    pub fn remove_finalizers(&mut self) {
        let keeps = |owner: &Owner| !owner.gone && owner.has_finalizer;
        let somebody_stays = !self.finalizers.is_empty() || self.owners.iter().any(keeps);
        let has_to_stay =
            self.held_back || !self.protected.is_empty() || (self.frozen && !self.wanted.is_empty());
        if has_to_stay && !somebody_stays {
            return;
        }
        let leaves = |owner: &&Owner| owner.gone && owner.has_finalizer;
        for owner in self.owners.iter().filter(leaves) {
            let needs = if somebody_stays {
                let own = self.removals_of(&owner.object);
                own.union(&self.finalizers).copied().collect()
            } else {
                self.steps_where(Action::is_deletion)
            };
            self.finalizer_step(owner, needs, |object, finalizer| Action::RemoveFinalizer {
                object,
                finalizer,
                last: !somebody_stays,
            });
        }
    }

    fn finalizer_step(
        &mut self,
        owner: &Owner,
        needs: BTreeSet<StepId>,
        action: impl Fn(ObjectRef, String) -> Action,
    ) -> StepId {
        let origins = Origins::from([Origin {
            object: owner.object.clone(),
            field: String::new(),
        }]);
        self.push(
            action(owner.object.clone(), owner.finalizer.clone()),
            needs,
            &origins,
            "",
        )
    }

    /// The plan.
    pub fn finish(self, key: Key) -> Plan {
        let mut problems = self.problems;
        problems.sort();
        problems.dedup();
        Plan {
            key,
            steps: self.steps,
            problems,
        }
    }
}
