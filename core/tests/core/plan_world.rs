//! A world for plans: holds an actual stack, invents ids, and refuses what AWS and Kubernetes would refuse.

use std::collections::BTreeSet;

use elbow_core::model::{
    Action as ListenerAction, BindingPeer, Listener, LoadBalancer, Owner, Ref, ResourceAddress, Stack,
};
use elbow_core::plan::{
    Action, Output, Outputs, Plan, PlanContext, Step, StepId, apply_step, lint, plan, render_text,
};
use elbow_core::settings::Settings;
use elbow_crds::problem::ObjectRef;

use crate::plan_shape::{key, owner_ref};

pub struct World {
    pub actual: Stack,
    pub settings: Settings,
    pub owner: Owner,
    pub sick: BTreeSet<ObjectRef>,
    /// Host names that the owner shows.
    pub published: BTreeSet<String>,
    pub full: bool,
    made: usize,
}

impl World {
    pub fn new() -> Self {
        Self {
            actual: Stack::empty(&key()),
            settings: settings(),
            owner: Owner {
                object: owner_ref(),
                uid: "uid".to_owned(),
                finalizer: "service.k8s.aws/resources".to_owned(),
                has_finalizer: false,
                gone: false,
            },
            sick: BTreeSet::new(),
            published: BTreeSet::new(),
            full: false,
            made: 0,
        }
    }

    /// A world at rest.
    pub fn at_rest(wanted: &Stack) -> Self {
        let mut world = Self::new();
        world.run_to_rest(wanted);
        world.publish();
        world
    }

    /// The plan for `wanted`; it has to pass the linter.
    pub fn plan(&self, wanted: &Stack) -> Plan {
        let plan = self.unchecked_plan(wanted);
        let findings = lint(&plan, &self.actual, &self.settings);
        assert!(findings.is_empty(), "{findings:#?}\n{}", render_text(&plan));
        plan
    }

    /// The plan for `wanted`, whatever the linter says.
    pub fn unchecked_plan(&self, wanted: &Stack) -> Plan {
        let context = PlanContext {
            settings: &self.settings,
            owners: std::slice::from_ref(&self.owner),
            sick: &self.sick,
            published: &self.published,
            full: self.full,
        };
        plan(wanted, &self.actual, &context)
    }

    /// Plans and applies until nothing is left, and returns the number of plans.
    pub fn run_to_rest(&mut self, wanted: &Stack) -> usize {
        for round in 0..5 {
            let plan = self.plan(wanted);
            if plan.is_empty() {
                return round;
            }
            self.apply(&plan, |ready| ready[0]);
        }
        panic!("not at rest after 5 plans: {}", render_text(&self.plan(wanted)));
    }

    /// Applies a whole plan, taking the next step from those whose needs are done.
    pub fn apply(&mut self, plan: &Plan, choose: impl FnMut(&[StepId]) -> StepId) {
        self.apply_some(plan, plan.steps.len(), choose);
    }

    /// Applies `count` steps of a plan; after each the world has to be a legal one.
    pub fn apply_some(&mut self, plan: &Plan, count: usize, choose: impl FnMut(&[StepId]) -> StepId) {
        self.apply_watched(plan, count, choose, |_| {});
    }

    /// The same, showing the world after each step.
    pub fn apply_watched(
        &mut self,
        plan: &Plan,
        count: usize,
        mut choose: impl FnMut(&[StepId]) -> StepId,
        mut watch: impl FnMut(&Stack),
    ) {
        let mut outputs = Outputs::default();
        let mut done: BTreeSet<StepId> = BTreeSet::new();
        for _ in 0..count {
            let ready: Vec<StepId> = plan
                .steps
                .iter()
                .filter(|step| !done.contains(&step.id) && step.needs.is_subset(&done))
                .map(|step| step.id)
                .collect();
            let id = choose(&ready);
            self.step(&plan.steps[id.0], &mut outputs);
            done.insert(id);
            watch(&self.actual);
        }
    }

    fn step(&mut self, step: &Step, outputs: &mut Outputs) {
        self.refuse(step, outputs);
        match &step.action {
            Action::AddFinalizer { .. } => self.owner.has_finalizer = true,
            Action::RemoveFinalizer { .. } => {
                assert!(self.actual.is_empty(), "the finalizer goes last");
                self.owner.has_finalizer = false;
            }
            Action::CreateSecurityGroup { address, .. } => self.output(address, "sg", outputs),
            Action::CreateTargetGroup { address, group, .. } => {
                let prefix = arn("targetgroup", &group.name);
                self.output(address, &prefix, outputs);
            }
            Action::CreateLoadBalancer {
                address,
                load_balancer,
                ..
            } => {
                let prefix = arn("loadbalancer/net", &load_balancer.name);
                self.output(address, &prefix, outputs);
            }
            Action::CreateListener { address, .. } => {
                let prefix = arn("listener/net", "k8s-default-web");
                self.output(address, &prefix, outputs);
            }
            Action::CreateRule { address, .. } => {
                let prefix = arn("listener-rule/app", "k8s-default-web");
                self.output(address, &prefix, outputs);
            }
            Action::CreateBinding { address, .. } => self.output(address, "uid", outputs),
            _ => {}
        }
        apply_step(&mut self.actual, step, outputs);
        if let Action::MoveAddress { to, .. } = &step.action {
            let to = outputs.resolve(to);
            self.published = self.names_of(|balancer| balancer.arn == to);
        }
        let numbers: BTreeSet<_> = self
            .actual
            .rules
            .iter()
            .map(|r| (&r.listener, r.priority))
            .collect();
        assert_eq!(
            numbers.len(),
            self.actual.rules.len(),
            "PriorityInUse after {step:?}"
        );
    }

    /// Host names of load balancers.
    fn names_of(&self, of: impl Fn(&LoadBalancer) -> bool) -> BTreeSet<String> {
        let balancers = self.actual.load_balancers.iter().filter(|balancer| of(balancer));
        balancers
            .filter_map(|balancer| balancer.dns_name.clone())
            .collect()
    }

    /// The owner shows the load balancers that are there.
    pub fn publish(&mut self) {
        self.published = self.names_of(|_| true);
    }

    fn output(&mut self, address: &ResourceAddress, prefix: &str, outputs: &mut Outputs) {
        self.made += 1;
        let separator = if prefix.contains('/') { '/' } else { '-' };
        let id = format!("{prefix}{separator}{:04}", self.made);
        let dns_name = Some(format!("{}.elb.us-west-2.amazonaws.com", self.made));
        outputs.insert(address, Output { id, dns_name });
    }

    /// Fails where AWS or Kubernetes would refuse the step, or where the finalizer is missing.
    fn refuse(&self, step: &Step, outputs: &Outputs) {
        let actual = &self.actual;
        if step.action.is_creation() {
            assert!(self.owner.has_finalizer, "{step:?} before the finalizer");
        }
        match &step.action {
            Action::CreateTargetGroup { group, .. } => {
                let taken = actual.target_groups.iter().any(|g| g.name == group.name);
                assert!(!taken, "DuplicateTargetGroupName {}", group.name);
            }
            Action::CreateLoadBalancer { load_balancer, .. } => {
                let taken = actual.load_balancers.iter().any(|b| b.name == load_balancer.name);
                assert!(!taken, "DuplicateLoadBalancerName {}", load_balancer.name);
            }
            Action::CreateListener { listener, .. } => {
                let balancer = outputs.settle(&listener.load_balancer);
                let taken = actual
                    .listeners
                    .iter()
                    .any(|l| l.load_balancer == balancer && l.port == listener.port);
                assert!(!taken, "DuplicateListener {}", listener.port);
                self.groups_exist(listener, outputs);
            }
            Action::ModifyListener { listener, .. } => self.groups_exist(listener, outputs),
            Action::CreateBinding { binding, .. } => {
                let taken = actual.bindings.iter().any(|b| b.name == binding.name);
                assert!(!taken, "AlreadyExists {}", binding.name);
            }
            Action::DeleteTargetGroup { arn } => {
                let used = actual.listeners.iter().any(|l| uses(l, arn)) || leads_to(actual, arn);
                assert!(!used, "ResourceInUse {arn}");
                let bound = actual
                    .bindings
                    .iter()
                    .any(|b| b.spec.target_group.known() == Some(arn));
                assert!(!bound, "{arn} is still bound");
            }
            Action::DeleteBinding { name, .. } => {
                let binding = actual
                    .bindings
                    .iter()
                    .find(|b| &b.name == name)
                    .expect("NotFound");
                let arn = binding.spec.target_group.known().expect("bound");
                let used = actual.listeners.iter().any(|l| uses(l, arn)) || leads_to(actual, arn);
                let there = actual.target_groups.iter().any(|g| g.arn.as_deref() == Some(arn));
                let serving = used && there && !binding.deleting;
                assert!(!serving, "{name} still serves a listener");
            }
            Action::DeleteSecurityGroup { group_id } => {
                let on_balancer = actual
                    .load_balancers
                    .iter()
                    .any(|b| b.security_groups.contains(&Ref::Known(group_id.clone())));
                let as_source = actual.bindings.iter().any(|b| {
                    let rules = b.spec.networking.iter().flat_map(|n| &n.ingress);
                    rules
                        .flat_map(|rule| &rule.from)
                        .any(|peer| *peer == BindingPeer::SecurityGroup(Ref::Known(group_id.clone())))
                });
                assert!(!on_balancer && !as_source, "DependencyViolation {group_id}");
            }
            _ => {}
        }
    }

    fn groups_exist(&self, listener: &Listener, outputs: &Outputs) {
        for tuple in listener
            .default_actions
            .iter()
            .flat_map(ListenerAction::target_groups)
        {
            let arn = outputs.resolve(&tuple.target_group);
            let there = self.actual.target_groups.iter().any(|g| g.arn == arn);
            assert!(there, "TargetGroupNotFound {tuple:?}");
        }
    }
}

/// Whether a rule forwards to a group.
fn leads_to(stack: &Stack, arn: &str) -> bool {
    let actions = stack.rules.iter().flat_map(|rule| &rule.actions);
    actions
        .flat_map(ListenerAction::target_groups)
        .any(|tuple| tuple.target_group.known() == Some(arn))
}

fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:{kind}/{name}")
}

pub fn uses(listener: &Listener, arn: &str) -> bool {
    groups_of(listener).contains(&Some(arn.to_owned()))
}

pub fn groups_of(listener: &Listener) -> BTreeSet<Option<String>> {
    listener
        .default_actions
        .iter()
        .flat_map(ListenerAction::target_groups)
        .map(|tuple| tuple.target_group.known().map(str::to_owned))
        .collect()
}

pub fn settings() -> Settings {
    let mut settings = Settings::new("demo", "us-west-2", "vpc-1");
    settings
        .external_managed_tags
        .insert("managed-elsewhere".to_owned());
    settings
}
