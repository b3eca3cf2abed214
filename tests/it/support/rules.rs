//! A stack with rules whose plans are made by hand.

use std::collections::{BTreeMap, BTreeSet};

use elbow::apply::{Applied, ApplyContext, Refusals, apply};
use elbow::mirror::Depth;
use elbow_core::key::{Key, Lane, StackKey};
use elbow_core::model::tracking::resource_tags;
use elbow_core::model::{
    Action as RuleAction, Condition, FixedResponseAction, ForwardAction, Listener, LoadBalancer,
    LoadBalancerType, Origins, Patterns, Protocol, QueryPair, RedirectAction, Ref, ResourceAddress,
    ResourceId, ResourceKind, Rewrite, Rule, Setting, Stack, Stickiness, Tags, TargetGroup, Transform,
    TransformKind, WeightedTargetGroup,
};
use elbow_core::plan::{Action, Plan, Step, StepId};
use elbow_emulator::CallFilter;

use super::cx;
use super::land::Land;
use super::process::Process;
use super::wanted;

/// A process with a stack of its own, whose plans are made by hand.
pub struct Bench {
    pub land: Land,
    pub process: Process,
    refusals: Refusals,
}

pub fn key() -> StackKey {
    StackKey::ingress("demo", "web")
}

pub fn address(kind: ResourceKind, id: &str) -> ResourceAddress {
    ResourceAddress::new(kind, &ResourceId::from(id))
}

pub fn pending(kind: ResourceKind, id: &str) -> Ref {
    Ref::Pending(address(kind, id))
}

pub fn tags(id: &str) -> Tags {
    resource_tags("c1", &key(), &ResourceId::from(id), &Tags::new())
}

pub fn answer(status: &str) -> RuleAction {
    RuleAction::FixedResponse(FixedResponseAction {
        status: status.to_owned(),
        content_type: Some("text/plain".to_owned()),
        body: Some("closed".to_owned()),
    })
}

pub fn path(path: &str) -> Condition {
    Condition::PathPattern(Patterns::Values(vec![path.to_owned()]))
}

/// The rule of a rank on port 80, answering by itself.
pub fn rule(rank: i32, listener: Ref) -> Rule {
    Rule {
        id: ResourceId(format!("80:{rank}")),
        arn: None,
        listener,
        priority: rank,
        conditions: vec![path(&format!("/{rank}/*"))],
        actions: vec![answer("503")],
        transforms: Vec::new(),
        tags: Setting::Set(Tags::new()),
        origins: Origins::new(),
    }
}

pub fn create_rule(rule: &Rule) -> Action {
    let mut tags = tags(&rule.id.0);
    tags.extend(rule.tags.get().cloned().unwrap_or_default());
    Action::CreateRule {
        address: ResourceAddress::new(ResourceKind::Rule, &rule.id),
        rule: rule.clone(),
        tags,
    }
}

pub fn balancer() -> Action {
    Action::CreateLoadBalancer {
        address: address(ResourceKind::LoadBalancer, "LoadBalancer"),
        load_balancer: LoadBalancer {
            kind: LoadBalancerType::Application,
            ..wanted::load_balancer("k8s-demo-web")
        },
        tags: tags("LoadBalancer"),
    }
}

pub fn listener() -> Action {
    Action::CreateListener {
        address: address(ResourceKind::Listener, "80"),
        listener: Listener {
            id: ResourceId::from("80"),
            load_balancer: pending(ResourceKind::LoadBalancer, "LoadBalancer"),
            port: 80,
            protocol: Protocol::Http,
            default_actions: vec![answer("404")],
            certificates: Vec::new(),
            ssl_policy: Setting::Unmanaged,
            alpn_policy: Setting::Unmanaged,
            ..wanted::listener("", "")
        },
        tags: tags("80"),
    }
}

pub fn target_group(name: &str) -> Action {
    Action::CreateTargetGroup {
        address: address(ResourceKind::TargetGroup, name),
        group: TargetGroup {
            id: ResourceId::from(name),
            protocol: Protocol::Http,
            ..wanted::target_group(name)
        },
        tags: tags(name),
    }
}

/// One rule with everything a rule can have, one that redirects, one that answers.
pub fn three_rules() -> [Rule; 3] {
    let listener = || pending(ResourceKind::Listener, "80");
    let group = |name: &str, weight| WeightedTargetGroup {
        target_group: pending(ResourceKind::TargetGroup, name),
        weight: Some(weight),
    };
    let forward = Rule {
        conditions: vec![
            Condition::HostHeader(Patterns::Values(wanted::strings(["*.example.com"]))),
            Condition::PathPattern(Patterns::Regexes(wanted::strings(["^/v[0-9]+/"]))),
            Condition::SourceIp(wanted::strings(["10.0.0.0/8"])),
        ],
        actions: vec![RuleAction::Forward(ForwardAction {
            target_groups: vec![group("blue", 90), group("green", 10)],
            stickiness: Setting::Set(Stickiness {
                enabled: true,
                seconds: Some(60),
            }),
        })],
        transforms: vec![Transform {
            kind: TransformKind::UrlRewrite,
            rewrites: vec![Rewrite {
                regex: "^/v1/(.*)$".to_owned(),
                replace: "/$1".to_owned(),
            }],
        }],
        tags: Setting::Set(wanted::tags([("team", "a")])),
        ..rule(1, listener())
    };
    let redirect = Rule {
        conditions: vec![Condition::QueryString(vec![QueryPair {
            key: Some("old".to_owned()),
            value: "yes".to_owned(),
        }])],
        actions: vec![RuleAction::Redirect(RedirectAction {
            protocol: Some("HTTPS".to_owned()),
            port: Some("443".to_owned()),
            host: Some("#{host}".to_owned()),
            path: Some("/#{path}".to_owned()),
            query: Some("#{query}".to_owned()),
            status: "HTTP_301".to_owned(),
        })],
        ..rule(2, listener())
    };
    [forward, redirect, rule(3, listener())]
}

impl Bench {
    /// A load balancer with a listener on port 80 and these rules, beside the groups `blue` and `green`.
    pub async fn with(land: Land, rules: &[Rule]) -> Self {
        let process = Process::start(&land);
        process.mirror.sweep().await.unwrap();
        let bench = Self {
            land,
            process,
            refusals: Refusals::default(),
        };
        let mut plan = vec![
            (balancer(), BTreeSet::new()),
            (target_group("blue"), BTreeSet::new()),
            (target_group("green"), BTreeSet::new()),
            (listener(), BTreeSet::from([StepId(0)])),
        ];
        let needs = BTreeSet::from([1, 2, 3].map(StepId));
        plan.extend(rules.iter().map(|rule| (create_rule(rule), needs.clone())));
        let applied = bench.run(plan).await;
        assert_eq!(applied.done.len(), 4 + rules.len(), "{applied:#?}");
        bench
    }

    pub async fn run(&self, actions: Vec<(Action, BTreeSet<StepId>)>) -> Applied {
        let steps = actions.into_iter().enumerate();
        let steps = steps.map(|(position, (action, needs))| Step {
            id: StepId(position),
            action,
            needs,
            origins: Origins::new(),
            reason: String::new(),
        });
        let plan = Plan {
            key: Key::Stack(key()),
            steps: steps.collect(),
            problems: Vec::new(),
        };
        let context = ApplyContext {
            aws: &self.process.aws,
            mirror: &self.process.mirror,
            kube: &self.process.kube,
            settings: &self.process.settings,
            refusals: &self.refusals,
            lane: Lane::Edit,
            clock: self.land.clock,
        };
        apply(&plan, &context).await
    }

    /// Steps that need nothing.
    pub async fn apply(&self, actions: Vec<Action>) -> Applied {
        let independent = actions.into_iter().map(|action| (action, BTreeSet::new()));
        self.run(independent.collect()).await
    }

    pub async fn done(&self, actions: Vec<Action>) {
        let count = actions.len();
        let applied = self.apply(actions).await;
        assert_eq!(applied.done.len(), count, "{applied:#?}");
    }

    /// The rules as the process knows them.
    pub fn rules(&self) -> Vec<Rule> {
        self.process.mirror.picture(&key()).rules
    }

    /// The rules as the process reads them before a plan.
    pub async fn read(&self) -> Vec<Rule> {
        let mirror = &self.process.mirror;
        mirror.stack(&key(), Depth::Deep, &cx()).await.unwrap().rules
    }

    /// The stack as a process reads it that knows nothing.
    pub async fn fresh(&self) -> Stack {
        let process = Process::start(&self.land);
        process.mirror.sweep().await.unwrap();
        process.mirror.stack(&key(), Depth::Deep, &cx()).await.unwrap()
    }

    pub fn listener(&self) -> String {
        let listeners = self.process.mirror.picture(&key()).listeners;
        listeners[0].arn.clone().unwrap()
    }

    /// Operations called since a call, with their number.
    pub fn operations(&self, since: u64) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let filter = CallFilter {
            since,
            ..CallFilter::default()
        };
        for call in self.land.emulator.calls(&filter) {
            *counts.entry(call.operation).or_default() += 1;
        }
        counts
    }
}
