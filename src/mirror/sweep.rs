//! The sweep: lists of the region, tags of what may be ours, and a look by id at what lists left out.
//!
//! Calls: one per page of load balancers and of target groups, one per page of security groups for each of
//! the two cluster tags, one per 20 ARNs whose tags are due, one per batch of what went missing.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::key::{Lane, StackKey};
use elbow_core::model::tracking::{CLUSTER_TAG, LEGACY_CLUSTER_TAG};
use elbow_core::model::{LoadBalancer, TargetGroup};
use elbow_core::targets::SecurityGroupState;

use super::Mirror;
use super::listed::{Missing, Put};
use super::state::State;
use crate::aws::{AwsError, Cx, ListedLoadBalancer, ListedTargetGroup};

/// What a sweep saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Load balancers of the VPC.
    pub load_balancers: usize,
    /// Target groups of the VPC.
    pub target_groups: usize,
    /// Security groups with our cluster tag.
    pub security_groups: usize,
    /// ARNs whose tags were read.
    pub tags_read: usize,
    /// ARNs and ids that turned out to be gone.
    pub gone: BTreeSet<String>,
    /// Stacks whose picture changed by it, other than by our own writes. After the first sweep: all stacks.
    pub changed: BTreeSet<StackKey>,
}

/// What the lists of one sweep showed.
struct Lists {
    balancers: Vec<ListedLoadBalancer>,
    target_groups: Vec<ListedTargetGroup>,
    groups: Vec<SecurityGroupState>,
}

impl Mirror {
    /// Compares the mirror with AWS's lists. After an error, what was entered so far is in the report of the
    /// next sweep that ends.
    pub async fn sweep(&self) -> Result<SweepReport, AwsError> {
        let cx = Cx {
            lane: Lane::Sweep,
            key: None,
        };
        let read = self.state().next();
        let lists = self.list(&cx).await?;
        let due = self.tags_due(&lists);
        let tags = self.shared.aws.tags(&cx, &due).await?;
        let mut report = SweepReport {
            load_balancers: lists.balancers.len(),
            target_groups: lists.target_groups.len(),
            security_groups: lists.groups.len(),
            tags_read: due.len(),
            ..SweepReport::default()
        };
        let missing = self.enter_lists(lists, tags, read);
        report.gone = self.look_for(missing, &cx).await?;
        let now = self.shared.clock.now();
        let mut state = self.state();
        state.swept_at = Some(now);
        state.first_swept_at.get_or_insert(now);
        report.changed = std::mem::take(&mut state.changed);
        Ok(report)
    }

    async fn list(&self, cx: &Cx) -> Result<Lists, AwsError> {
        let settings = &self.shared.settings;
        let vpc = &settings.realm.vpc;
        let cluster = |tag: &str| BTreeMap::from([(tag.to_owned(), settings.scope.cluster.clone())]);
        let (current, legacy) = (cluster(CLUSTER_TAG), cluster(LEGACY_CLUSTER_TAG));
        let aws = &self.shared.aws;
        let (mut balancers, mut target_groups, groups, old_groups) = tokio::try_join!(
            aws.list_load_balancers(cx),
            aws.list_target_groups(cx),
            aws.groups_by_tags(cx, &current),
            aws.groups_by_tags(cx, &legacy),
        )?;
        balancers.retain(|listed| listed.vpc == *vpc);
        target_groups.retain(|listed| listed.vpc == *vpc);
        let mut by_id: BTreeMap<String, SecurityGroupState> = BTreeMap::new();
        for group in groups.into_iter().chain(old_groups) {
            if group.vpc == *vpc {
                by_id.entry(group.id.clone()).or_insert(group);
            }
        }
        Ok(Lists {
            balancers,
            target_groups,
            groups: by_id.into_values().collect(),
        })
    }

    /// ARNs whose tags have to be read: all but those that were somebody else's within six hours.
    fn tags_due(&self, lists: &Lists) -> Vec<String> {
        let now = self.shared.clock.now();
        let state = self.state();
        let balancers = lists
            .balancers
            .iter()
            .filter_map(|l| l.load_balancer.arn.as_ref());
        let groups = lists.target_groups.iter().filter_map(|t| t.group.arn.as_ref());
        balancers
            .chain(groups)
            .filter(|arn| !state.is_foreign(arn, now))
            .cloned()
            .collect()
    }

    fn enter_lists(
        &self,
        lists: Lists,
        mut tags: BTreeMap<String, BTreeMap<String, String>>,
        read: u64,
    ) -> Missing {
        let mut listed = self.enter(
            balancers(lists.balancers),
            &mut tags,
            read,
            State::put_load_balancer,
        );
        listed.extend(self.enter(
            target_groups(lists.target_groups),
            &mut tags,
            read,
            State::put_target_group,
        ));
        listed.extend(self.enter_groups(lists.groups, read));
        let now = self.shared.clock.now();
        let mut state = self.state();
        state.expire(&listed, now);
        state.missing(&listed, read)
    }

    /// Enters resources whose tags were read along, and says which ARNs were among them.
    fn enter<T>(
        &self,
        found: BTreeMap<String, T>,
        tags: &mut BTreeMap<String, BTreeMap<String, String>>,
        read: u64,
        put: Put<T>,
    ) -> BTreeSet<String> {
        let now = self.shared.clock.now();
        let cluster = &self.shared.settings.scope.cluster;
        let mut state = self.state();
        let mut arns = BTreeSet::new();
        for (arn, seen) in found {
            if let Some(tags) = tags.remove(&arn) {
                let changed = put(&mut state, cluster, seen, tags, read, now);
                state.changed.extend(changed);
            }
            arns.insert(arn);
        }
        arns
    }

    /// The same for security groups, which bring their tags along.
    fn enter_groups(&self, found: Vec<SecurityGroupState>, read: u64) -> BTreeSet<String> {
        let now = self.shared.clock.now();
        let cluster = &self.shared.settings.scope.cluster;
        let mut state = self.state();
        let mut ids = BTreeSet::new();
        for group in found {
            ids.insert(group.id.clone());
            let changed = state.put_group(cluster, group, read, now);
            state.changed.extend(changed);
        }
        ids
    }

    /// Describes by id what the lists left out: only that decides whether it is gone. Says what is.
    async fn look_for(&self, missing: Missing, cx: &Cx) -> Result<BTreeSet<String>, AwsError> {
        let mut gone = self.look_for_balancers(missing.load_balancers, cx).await?;
        gone.extend(self.look_for_target_groups(missing.target_groups, cx).await?);
        gone.extend(self.look_for_groups(missing.groups, cx).await?);
        Ok(gone)
    }

    /// Describes load balancers by ARN and enters what is found, or that they are gone.
    pub(super) async fn look_for_balancers(
        &self,
        arns: Vec<String>,
        cx: &Cx,
    ) -> Result<BTreeSet<String>, AwsError> {
        let found = async {
            let found = self.shared.aws.load_balancers_by_arn(cx, &arns).await;
            found.map(balancers)
        };
        self.look_at(&arns, found, State::put_load_balancer, cx).await
    }

    /// The same for target groups.
    pub(super) async fn look_for_target_groups(
        &self,
        arns: Vec<String>,
        cx: &Cx,
    ) -> Result<BTreeSet<String>, AwsError> {
        let found = async {
            let found = self.shared.aws.target_groups_by_arn(cx, &arns).await;
            found.map(target_groups)
        };
        self.look_at(&arns, found, State::put_target_group, cx).await
    }

    async fn look_at<T>(
        &self,
        arns: &[String],
        found: impl Future<Output = Result<BTreeMap<String, T>, AwsError>>,
        put: Put<T>,
        cx: &Cx,
    ) -> Result<BTreeSet<String>, AwsError> {
        if arns.is_empty() {
            return Ok(BTreeSet::new());
        }
        let read = self.state().next();
        let (found, mut tags) = tokio::try_join!(found, self.shared.aws.tags(cx, arns))?;
        let seen = self.enter(found, &mut tags, read, put);
        Ok(self.bury(arns, &seen))
    }

    /// The same for security groups.
    pub(super) async fn look_for_groups(
        &self,
        ids: Vec<String>,
        cx: &Cx,
    ) -> Result<BTreeSet<String>, AwsError> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let read = self.state().next();
        let found = self.shared.aws.group_states(cx, &ids).await?;
        let seen = self.enter_groups(found, read);
        Ok(self.bury(&ids, &seen))
    }

    /// Enters that things of ours are gone, unless we made them less than 60 s ago. Says which are.
    fn bury(&self, asked: &[String], seen: &BTreeSet<String>) -> BTreeSet<String> {
        let now = self.shared.clock.now();
        let mut state = self.state();
        let mut gone = BTreeSet::new();
        for id in asked.iter().filter(|id| !seen.contains(*id)) {
            if state.is_ours(id) && !state.is_young(id, now) {
                let changed = state.gone(id, now);
                state.changed.extend(changed);
                gone.insert(id.clone());
            }
        }
        gone
    }
}

/// Load balancers by ARN.
fn balancers(listed: Vec<ListedLoadBalancer>) -> BTreeMap<String, LoadBalancer> {
    let balancers = listed.into_iter().map(|listed| listed.load_balancer);
    balancers
        .map(|balancer| (balancer.arn.clone().unwrap_or_default(), balancer))
        .collect()
}

/// Target groups by ARN.
fn target_groups(listed: Vec<ListedTargetGroup>) -> BTreeMap<String, TargetGroup> {
    let groups = listed.into_iter().map(|listed| listed.group);
    groups
        .map(|group| (group.arn.clone().unwrap_or_default(), group))
        .collect()
}
