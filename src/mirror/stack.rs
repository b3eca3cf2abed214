//! The actual stack of a key: what is doubtful is read first, what was never read as far as asked.

use elbow_core::key::StackKey;
use elbow_core::model::{ResourceKind, Stack};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Mirror;
use super::entry::Condition;
use super::holding::{Doubt, Holding};
use super::sweep::SweepReport;
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
    doubts: Vec<Doubt>,
}

impl Unsettled {
    fn of(holding: &Holding) -> Self {
        let mut unsettled = Self {
            doubts: holding.doubts.iter().cloned().collect(),
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
                _ => {}
            }
        }
        unsettled
    }

    fn is_empty(&self) -> bool {
        self.balancers.is_empty()
            && self.target_groups.is_empty()
            && self.groups.is_empty()
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
            Ok(self.picture(key))
        } else {
            Err(not_visible(key))
        }
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

    /// Whether it is certain that AWS holds nothing for a key of which nothing is known: something was known
    /// before, or lists that began at least 10 s after our first look still showed nothing. `Err` says when
    /// to ask again. A process that has just started may be shown lists from before what its predecessor made.
    pub async fn confirm_empty(&self, key: &StackKey) -> Result<Result<bool, Timestamp>, AwsError> {
        let now = self.shared.clock.now();
        let (met, first, last) = {
            let state = self.state();
            (state.met.contains(key), state.first_swept_at, state.swept_at)
        };
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
        let unsettled = self.state().holding(key).map(Unsettled::of).unwrap_or_default();
        if unsettled.is_empty() {
            return Ok(());
        }
        let mut report = SweepReport::default();
        self.look_for_balancers(unsettled.balancers, cx, &mut report)
            .await?;
        self.look_for_target_groups(unsettled.target_groups, cx, &mut report)
            .await?;
        self.look_for_groups(unsettled.groups, cx, &mut report).await?;
        for doubt in unsettled.doubts {
            self.resolve_doubt(key, &doubt, cx).await?;
            if let Some(holding) = self.state().holdings.get_mut(key) {
                holding.doubts.remove(&doubt);
            }
        }
        Ok(())
    }

    async fn resolve_doubt(&self, key: &StackKey, doubt: &Doubt, cx: &Cx) -> Result<(), AwsError> {
        match doubt {
            Doubt::LoadBalancerNamed(name) => self.find_load_balancer(name, cx).await.map(drop),
            Doubt::TargetGroupNamed(name) => self.find_target_group(name, cx).await.map(drop),
            Doubt::Groups => self.find_groups(key, cx).await,
        }
    }
}
