//! The actual stack of a key: what is doubtful is read first, what was never read as far as asked.

use elbow_core::key::StackKey;
use elbow_core::model::{ResourceKind, Stack};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Mirror;
use super::doubt::Doubt;
use super::entry::Condition;
use super::holding::Holding;
use crate::aws::{AwsError, Cx, Fault, Service};

/// How much of a stack is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Depth {
    /// What lists show. Listeners are missing unless they were read before.
    Listed,
    /// Everything that a plan compares.
    Deep,
}

/// How long lists may not show what was just created: field reports speak of seconds.
const LISTS_LAG: SignedDuration = SignedDuration::from_secs(10);

/// Reads that find something gone are followed by a look at the whole; so often at most.
const ROUNDS: usize = 4;

/// What we made less than a minute ago is not visible: neither there nor gone.
fn not_visible(key: &StackKey) -> AwsError {
    let message = format!("AWS does not show yet what was just created for {key}");
    AwsError {
        fault: Fault::Transient,
        ..AwsError::answered(Service::Elb, "DescribeLoadBalancers", "NotVisibleYet", &message)
    }
}

/// What has to be looked at again before a plan.
#[derive(Debug, Default)]
struct Unsettled {
    balancers: Vec<String>,
    target_groups: Vec<String>,
    groups: Vec<String>,
    rules: Vec<String>,
    doubts: Vec<Doubt>,
}

impl Unsettled {
    fn of(holding: &Holding, now: Timestamp) -> Self {
        let mut unsettled = Self {
            doubts: holding.doubts.due(now),
            ..Self::default()
        };
        for (id, note) in &holding.notes {
            if note.condition == Condition::Fresh {
                continue;
            }
            match holding.kind_of(id) {
                Some(ResourceKind::LoadBalancer) => unsettled.balancers.push(id.clone()),
                Some(ResourceKind::TargetGroup) => unsettled.target_groups.push(id.clone()),
                Some(ResourceKind::SecurityGroup) => unsettled.groups.push(id.clone()),
                Some(ResourceKind::Rule) => unsettled.rules.push(id.clone()),
                _ => {}
            }
        }
        unsettled
    }

    fn is_empty(&self) -> bool {
        self.balancers.is_empty()
            && self.target_groups.is_empty()
            && self.groups.is_empty()
            && self.rules.is_empty()
            && self.doubts.is_empty()
    }
}

impl Mirror {
    /// What AWS holds for a key, without bindings (Kubernetes has them) and without resources that carry no
    /// resource tag ([`Mirror::problems`] names those). With [`Depth::Listed`] and nothing doubtful there is
    /// no call; otherwise only what is doubtful or unread is read.
    pub async fn stack(&self, key: &StackKey, depth: Depth, cx: &Cx) -> Result<Stack, AwsError> {
        let doubtful = !self.is_fresh(key);
        let deep = doubtful || depth > Depth::Listed;
        let mut result = Ok(());
        for _ in 0..ROUNDS {
            self.settle(key, cx).await?;
            result = if deep { self.deepen(key, cx).await } else { Ok(()) };
            match &result {
                Ok(()) if self.is_fresh(key) => break,
                Ok(()) => {}
                Err(error) if error.fault == Fault::NotFound => {}
                Err(_) => break,
            }
        }
        result?;
        if self.is_fresh(key) {
            // Whoever asked sees all changes: no sweep need wake the stack for them.
            self.state().changed.remove(key);
            Ok(self.picture(key))
        } else {
            Err(not_visible(key))
        }
    }

    /// Reads everything of a stack anew, unless that has been done within the last minute: a plan that waits
    /// is made again every few seconds. Says whether it read, so that the plan is made again. What a step
    /// destroys must not rest on a picture that somebody's hand has overtaken since the last sweep.
    pub async fn verify(&self, key: &StackKey, cx: &Cx) -> Result<bool, AwsError> {
        let now = self.shared.clock.now();
        if self.state().is_verified(key, now) {
            return Ok(false);
        }
        self.distrust(key);
        self.stack(key, Depth::Deep, cx).await?;
        self.state().verified(key, now);
        Ok(true)
    }

    /// What AWS holds for a key as far as it is known, without any call.
    pub fn picture(&self, key: &StackKey) -> Stack {
        let state = self.state();
        let Some(holding) = state.holding(key) else {
            return Stack::empty(key);
        };
        let mut stack = holding.stack.clone();
        stack.security_groups.retain(|g| !g.id.0.is_empty());
        stack.load_balancers.retain(|l| !l.id.0.is_empty());
        stack.target_groups.retain(|t| !t.id.0.is_empty());
        stack
    }

    /// Whether it is certain that AWS holds nothing for a key of which nothing is known: no create without an
    /// answer may still show, and something was known before, or lists that began at least 10 s after our first
    /// look still showed nothing. `Err` says when to ask again. A process that has just started may be shown
    /// lists from before what its predecessor made.
    pub async fn confirm_empty(&self, key: &StackKey) -> Result<Result<bool, Timestamp>, AwsError> {
        let now = self.shared.clock.now();
        let (met, first, last, doubted) = {
            let state = self.state();
            let doubted = state.holding(key).and_then(|holding| holding.doubts.over_at());
            let met = state.met.contains(key);
            (met, state.first_swept_at, state.swept_at, doubted)
        };
        if let Some(over_at) = doubted {
            return Ok(Err(over_at));
        }
        let Some(settled) = first.map(|first| first + LISTS_LAG) else {
            return Ok(Err(now + LISTS_LAG));
        };
        if !met && last.is_none_or(|last| last < settled) {
            if now < settled {
                return Ok(Err(settled));
            }
            self.sweep().await?;
        }
        Ok(Ok(self.picture(key).is_empty()))
    }

    /// Whether nothing contradicts the picture of a stack.
    pub fn is_fresh(&self, key: &StackKey) -> bool {
        self.state().holding(key).is_none_or(Holding::is_fresh)
    }

    /// Reads what is doubtful.
    async fn settle(&self, key: &StackKey, cx: &Cx) -> Result<(), AwsError> {
        let now = self.shared.clock.now();
        let unsettled = self
            .state()
            .holding(key)
            .map(|holding| Unsettled::of(holding, now))
            .unwrap_or_default();
        if unsettled.is_empty() {
            return Ok(());
        }
        self.look_for_balancers(unsettled.balancers, cx).await?;
        self.look_for_target_groups(unsettled.target_groups, cx).await?;
        self.look_for_groups(unsettled.groups, cx).await?;
        self.state().unread_rules(key, &unsettled.rules);
        for doubt in unsettled.doubts {
            let looked_at = self.shared.clock.now();
            let found = self.is_found(key, &doubt, cx).await?;
            self.state().looked(key, &doubt, found, looked_at);
        }
        Ok(())
    }

    /// Looks for what may exist. What is found and ours has been entered.
    async fn is_found(&self, key: &StackKey, doubt: &Doubt, cx: &Cx) -> Result<bool, AwsError> {
        Ok(match doubt {
            Doubt::LoadBalancer(name) => self.find_load_balancer(name, cx).await?.is_some(),
            Doubt::TargetGroup(name) => self.find_target_group(name, cx).await?.is_some(),
            Doubt::SecurityGroup(name) => {
                self.find_groups(key, cx).await?;
                let groups = self.picture(key).security_groups;
                groups.iter().any(|group| group.name == *name)
            }
        })
    }
}
