//! The sweep: lists of the region, tags of what may be ours, and a look by id at what lists left out.
//!
//! Calls: one per page of load balancers and of target groups, one per page of security groups for each of
//! the two cluster tags, one per 20 ARNs whose tags are due, one per batch of what went missing.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::key::{Lane, StackKey};
use elbow_core::model::tracking::{CLUSTER_TAG, LEGACY_CLUSTER_TAG};
use elbow_core::targets::SecurityGroupState;
use jiff::Timestamp;

use super::Mirror;
use super::listed::Missing;
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
    /// Compares the mirror with AWS's lists. On an error nothing is entered.
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
        let missing = self.enter_lists(lists, tags, read, &mut report);
        self.look_for(missing, &cx, &mut report).await?;
        let now = self.shared.clock.now();
        let mut state = self.state();
        state.swept_at = Some(now);
        state.first_swept_at.get_or_insert(now);
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
        report: &mut SweepReport,
    ) -> Missing {
        let now = self.shared.clock.now();
        let cluster = &self.shared.settings.scope.cluster;
        let mut state = self.state();
        let mut listed = BTreeSet::new();
        for ListedLoadBalancer { load_balancer, .. } in lists.balancers {
            let arn = load_balancer.arn.clone().unwrap_or_default();
            if let Some(tags) = tags.remove(&arn) {
                let changed = state.put_load_balancer(cluster, load_balancer, tags, read, now);
                report.changed.extend(changed);
            }
            listed.insert(arn);
        }
        for ListedTargetGroup { group, .. } in lists.target_groups {
            let arn = group.arn.clone().unwrap_or_default();
            if let Some(tags) = tags.remove(&arn) {
                let changed = state.put_target_group(cluster, group, tags, read, now);
                report.changed.extend(changed);
            }
            listed.insert(arn);
        }
        for group in lists.groups {
            listed.insert(group.id.clone());
            report.changed.extend(state.put_group(cluster, group, read, now));
        }
        state.expire(&listed, now);
        state.missing(&listed, read)
    }

    /// Describes by id what the lists left out: only that decides whether it is gone.
    async fn look_for(&self, missing: Missing, cx: &Cx, report: &mut SweepReport) -> Result<(), AwsError> {
        self.look_for_balancers(missing.load_balancers, cx, report)
            .await?;
        self.look_for_target_groups(missing.target_groups, cx, report)
            .await?;
        self.look_for_groups(missing.groups, cx, report).await
    }

    /// Describes load balancers by ARN and enters what is found, or that they are gone.
    pub(super) async fn look_for_balancers(
        &self,
        arns: Vec<String>,
        cx: &Cx,
        report: &mut SweepReport,
    ) -> Result<(), AwsError> {
        if arns.is_empty() {
            return Ok(());
        }
        let aws = &self.shared.aws;
        let read = self.state().next();
        let (found, mut tags) = tokio::try_join!(aws.load_balancers_by_arn(cx, &arns), aws.tags(cx, &arns))?;
        let now = self.shared.clock.now();
        let cluster = &self.shared.settings.scope.cluster;
        let mut state = self.state();
        let mut left: BTreeSet<String> = arns.into_iter().collect();
        for ListedLoadBalancer { load_balancer, .. } in found {
            let arn = load_balancer.arn.clone().unwrap_or_default();
            left.remove(&arn);
            if let Some(tags) = tags.remove(&arn) {
                let changed = state.put_load_balancer(cluster, load_balancer, tags, read, now);
                report.changed.extend(changed);
            }
        }
        bury(&mut state, left, now, report);
        Ok(())
    }

    /// The same for target groups.
    pub(super) async fn look_for_target_groups(
        &self,
        arns: Vec<String>,
        cx: &Cx,
        report: &mut SweepReport,
    ) -> Result<(), AwsError> {
        if arns.is_empty() {
            return Ok(());
        }
        let aws = &self.shared.aws;
        let read = self.state().next();
        let (found, mut tags) = tokio::try_join!(aws.target_groups_by_arn(cx, &arns), aws.tags(cx, &arns))?;
        let now = self.shared.clock.now();
        let cluster = &self.shared.settings.scope.cluster;
        let mut state = self.state();
        let mut left: BTreeSet<String> = arns.into_iter().collect();
        for ListedTargetGroup { group, .. } in found {
            let arn = group.arn.clone().unwrap_or_default();
            left.remove(&arn);
            if let Some(tags) = tags.remove(&arn) {
                let changed = state.put_target_group(cluster, group, tags, read, now);
                report.changed.extend(changed);
            }
        }
        bury(&mut state, left, now, report);
        Ok(())
    }

    /// The same for security groups.
    pub(super) async fn look_for_groups(
        &self,
        ids: Vec<String>,
        cx: &Cx,
        report: &mut SweepReport,
    ) -> Result<(), AwsError> {
        if ids.is_empty() {
            return Ok(());
        }
        let read = self.state().next();
        let found = self.shared.aws.group_states(cx, &ids).await?;
        let now = self.shared.clock.now();
        let cluster = &self.shared.settings.scope.cluster;
        let mut state = self.state();
        let mut left: BTreeSet<String> = ids.into_iter().collect();
        for group in found {
            left.remove(&group.id);
            report.changed.extend(state.put_group(cluster, group, read, now));
        }
        bury(&mut state, left, now, report);
        Ok(())
    }
}

/// Enters that things of ours are gone, unless we made them less than 60 s ago.
fn bury(state: &mut super::state::State, ids: BTreeSet<String>, now: Timestamp, report: &mut SweepReport) {
    for id in ids {
        if state.is_ours(&id) && !state.is_young(&id, now) {
            report.changed.extend(state.gone(&id, now));
            report.gone.insert(id);
        }
    }
}
