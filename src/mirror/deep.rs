//! Deep reads of one stack, and finding single resources by name or tag.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::key::StackKey;
use elbow_core::model::tracking::stack_tags;
use elbow_core::model::{Action, Listener, Ref, Rule, Stack};
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::Mirror;
use super::holding::Holding;
use super::listed::Missing;
use super::tags::{Ownership, ownership};
use super::unread::{Interest, Read, unread};
use crate::aws::{AwsError, Cx, Fault};

/// Reads of one stack under way at a time; the budget of `aws` decides how fast they go.
const AT_ONCE: usize = 8;

/// What a read returned.
enum Found {
    Attributes(String, BTreeMap<String, String>),
    Capacity(String, i32),
    Listeners(String, Vec<Listener>),
    Certificates(String, BTreeSet<String>),
    Rules(String, Vec<Rule>),
    Tags(Vec<String>, BTreeMap<String, BTreeMap<String, String>>),
}

impl Mirror {
    /// Reads every part of a stack that has not been read. A part that is not there makes its resource
    /// doubtful and is returned as the error.
    pub(super) async fn deepen(&self, key: &StackKey, cx: &Cx) -> Result<(), AwsError> {
        // Listeners come first, their parts after them, tags of rules last.
        for _ in 0..3 {
            let reads = self.unread(key);
            if reads.is_empty() {
                break;
            }
            let sequence = self.state().next();
            let found: Vec<Found> = stream::iter(reads)
                .map(|read| self.read(read, cx))
                .buffer_unordered(AT_ONCE)
                .try_collect()
                .await?;
            let mut state = self.state();
            let before = state.holding(key).map(Holding::ids).unwrap_or_default();
            let holding = state.holding_mut(key);
            let now = self.shared.clock.now();
            for part in found {
                enter(holding, part, sequence, now);
            }
            state.reindex(key, &before, now);
        }
        self.follow(key, cx).await
    }

    /// Whether the picture of a stack is complete: something is known, nothing contradicts it, and every part
    /// has been read. A deep read of it makes no call.
    pub fn is_read(&self, key: &StackKey) -> bool {
        !self.picture(key).is_empty() && self.is_fresh(key) && self.unread(key).is_empty()
    }

    /// Looks at what the stack refers to and nobody has shown yet: lists lag, references do not. What turns
    /// out to be ours is entered; the rest is remembered as somebody else's.
    async fn follow(&self, key: &StackKey, cx: &Cx) -> Result<(), AwsError> {
        let strange = self.strangers(key);
        self.look_for_balancers(strange.load_balancers, cx).await?;
        self.look_for_target_groups(strange.target_groups, cx).await?;
        self.look_for_groups(strange.groups, cx).await?;
        Ok(())
    }

    /// What a stack refers to and is neither ours nor known to be somebody else's.
    fn strangers(&self, key: &StackKey) -> Missing {
        let now = self.shared.clock.now();
        let state = self.state();
        let Some(holding) = state.holding(key) else {
            return Missing::default();
        };
        let mut strange = references(&holding.stack);
        let unknown =
            |id: &String| !state.is_ours(id) && !state.is_foreign(id, now) && !state.is_gone(id, now);
        strange.load_balancers.retain(unknown);
        strange.target_groups.retain(unknown);
        strange.groups.retain(unknown);
        strange
    }

    fn unread(&self, key: &StackKey) -> Vec<Read> {
        let gates = &self.shared.settings.gates;
        let interest = Interest {
            capacity: gates.lb_capacity_reservation,
            listener_tags: gates.listener_rules_tagging,
        };
        self.state()
            .holding(key)
            .map(|holding| unread(holding, interest))
            .unwrap_or_default()
    }

    async fn read(&self, read: Read, cx: &Cx) -> Result<Found, AwsError> {
        let subject = read.subject().map(str::to_owned);
        let found = self.call(read, cx).await;
        if let (Err(error), Some(subject)) = (&found, &subject)
            && error.fault == Fault::NotFound
        {
            self.suspect_id(subject);
        }
        found
    }

    async fn call(&self, read: Read, cx: &Cx) -> Result<Found, AwsError> {
        let aws = &self.shared.aws;
        Ok(match read {
            Read::LoadBalancerAttributes(arn) => {
                let attributes = aws.load_balancer_attributes(cx, &arn).await?;
                Found::Attributes(arn, attributes)
            }
            Read::TargetGroupAttributes(arn) => {
                let attributes = aws.target_group_attributes(cx, &arn).await?;
                Found::Attributes(arn, attributes)
            }
            Read::ListenerAttributes(arn) => {
                let attributes = aws.listener_attributes(cx, &arn).await?;
                Found::Attributes(arn, attributes)
            }
            Read::Capacity(arn) => {
                let units = aws.capacity_reservation(cx, &arn).await?;
                Found::Capacity(arn, units.unwrap_or(0))
            }
            Read::Listeners(arn) => {
                let listeners = aws.listeners(cx, &arn).await?;
                Found::Listeners(arn, listeners)
            }
            Read::Certificates(arn) => {
                let certificates = aws.listener_certificates(cx, &arn).await?;
                Found::Certificates(arn, certificates)
            }
            Read::Rules(arn) => {
                let rules = aws.describe_rules(cx, &arn).await?;
                Found::Rules(arn, rules)
            }
            Read::Tags(arns) => {
                let tags = aws.tags(cx, &arns).await?;
                Found::Tags(arns, tags)
            }
        })
    }

    /// Looks a load balancer up by name and enters it if it is ours. Returns its ARN and tags.
    pub async fn find_load_balancer(&self, name: &str, cx: &Cx) -> Result<Option<Named>, AwsError> {
        let read = self.state().next();
        let aws = &self.shared.aws;
        let Some(listed) = aws.load_balancer_by_name(cx, name).await? else {
            return Ok(None);
        };
        let balancer = listed.load_balancer;
        let arn = balancer.arn.clone().unwrap_or_default();
        let Some(named) = self.named(&arn, cx).await? else {
            return Ok(None);
        };
        let cluster = &self.shared.settings.scope.cluster;
        let now = self.shared.clock.now();
        self.state()
            .put_load_balancer(cluster, balancer, named.tags.clone(), read, now);
        Ok(Some(named))
    }

    /// The same for a target group.
    pub async fn find_target_group(&self, name: &str, cx: &Cx) -> Result<Option<Named>, AwsError> {
        let read = self.state().next();
        let aws = &self.shared.aws;
        let Some(listed) = aws.target_group_by_name(cx, name).await? else {
            return Ok(None);
        };
        let group = listed.group;
        let arn = group.arn.clone().unwrap_or_default();
        let Some(named) = self.named(&arn, cx).await? else {
            return Ok(None);
        };
        let cluster = &self.shared.settings.scope.cluster;
        let now = self.shared.clock.now();
        self.state()
            .put_target_group(cluster, group, named.tags.clone(), read, now);
        Ok(Some(named))
    }

    /// Whose a load balancer or target group is; `None` if AWS does not show its tags (yet).
    pub async fn named(&self, arn: &str, cx: &Cx) -> Result<Option<Named>, AwsError> {
        let mut tags = self.shared.aws.tags(cx, &[arn.to_owned()]).await?;
        let cluster = &self.shared.settings.scope.cluster;
        Ok(tags.remove(arn).map(|tags| Named {
            arn: arn.to_owned(),
            ownership: ownership(cluster, &tags),
            tags,
        }))
    }

    /// Reads the security groups that carry the tags of a stack.
    pub async fn find_groups(&self, key: &StackKey, cx: &Cx) -> Result<(), AwsError> {
        let read = self.state().next();
        let cluster = &self.shared.settings.scope.cluster;
        let tags = stack_tags(cluster, key);
        let found = self.shared.aws.groups_by_tags(cx, &tags).await?;
        let now = self.shared.clock.now();
        let vpc = &self.shared.settings.realm.vpc;
        let mut state = self.state();
        for group in found.into_iter().filter(|group| group.vpc == *vpc) {
            state.put_group(cluster, group, read, now);
        }
        Ok(())
    }
}

/// A resource found by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// ARN.
    pub arn: String,
    /// Whose it is.
    pub ownership: Ownership,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
}

/// Everything a stack refers to by ARN or id.
fn references(stack: &Stack) -> Missing {
    let known = |reference: &Ref| reference.known().map(str::to_owned);
    let mut references = Missing::default();
    for group in &stack.target_groups {
        references
            .load_balancers
            .extend(group.load_balancers.iter().cloned());
    }
    for balancer in &stack.load_balancers {
        references
            .groups
            .extend(balancer.security_groups.iter().filter_map(known));
    }
    let defaults = stack.listeners.iter().flat_map(|l| &l.default_actions);
    let of_rules = stack.rules.iter().flat_map(|r| &r.actions);
    let groups = defaults.chain(of_rules).flat_map(Action::target_groups);
    references
        .target_groups
        .extend(groups.filter_map(|group| known(&group.target_group)));
    for ids in [
        &mut references.load_balancers,
        &mut references.target_groups,
        &mut references.groups,
    ] {
        ids.sort();
        ids.dedup();
    }
    references
}

fn enter(holding: &mut Holding, found: Found, sequence: u64, now: Timestamp) {
    match found {
        Found::Attributes(arn, attributes) => holding.put_attributes(&arn, attributes),
        Found::Capacity(arn, units) => holding.put_capacity(&arn, units),
        Found::Listeners(arn, listeners) => holding.put_listeners(&arn, listeners, sequence),
        Found::Certificates(arn, certificates) => holding.put_certificates(&arn, certificates),
        Found::Rules(arn, rules) => holding.put_rules(&arn, rules, sequence, now),
        Found::Tags(arns, mut tags) => {
            for arn in arns {
                if let Some(tags) = tags.remove(&arn) {
                    holding.put_tags(&arn, tags);
                }
            }
        }
    }
}
