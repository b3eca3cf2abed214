//! The state of the emulated AWS account.
//!
//! Everything here is synchronous and owns its data; time comes in as a [`jiff::Timestamp`], already scaled
//! by `--speed`, and identifiers come from a counter, so equal calls at equal times give equal worlds.

pub mod acm;
pub mod ec2;
pub mod elb;
pub mod error;
pub mod ids;
pub mod limits;
pub mod s3;
pub mod tagging;
pub mod token;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use error::ApiError;
pub use ids::Ids;
pub use limits::{Delays, Quotas};

/// One account in one region.
#[derive(Clone, Debug, Default, Serialize)]
pub struct World {
    /// Account number, twelve digits.
    pub account: String,
    /// Region name, for example `us-west-2`.
    pub region: String,
    /// Where identifiers come from.
    #[serde(skip)]
    pub ids: Ids,
    /// Network, security groups, interfaces, instances.
    pub ec2: ec2::Ec2,
    /// Load balancers, listeners, target groups, targets.
    pub elb: elb::Elb,
    /// Certificates of ACM and IAM.
    pub certificates: acm::Certificates,
    /// Objects that trust stores read.
    pub s3: s3::S3,
    /// Access key ids handed out by AssumeRole and the metadata service, with the ARN of their session.
    pub sessions: BTreeMap<String, String>,
    /// Quotas in force.
    pub quotas: Quotas,
    /// How long things take, in emulated time.
    pub delays: Delays,
    /// Upper bound of items on one page of any paged answer; absent: AWS's own.
    pub page_size: Option<u32>,
    /// Health that was scripted through the control API; the last matching entry wins.
    pub scripted_health: Vec<ScriptedHealth>,
    /// Every state change of a target, oldest first.
    #[serde(skip)]
    pub history: Vec<HistoryEntry>,
}

/// A target health that replaces real checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedHealth {
    /// ARN or name of the target group, or `*`.
    pub target_group: String,
    /// Instance id or address of the target, or `*`.
    pub target: String,
    /// Port of the target; absent: every port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `healthy`, `unhealthy`, `initial`, `unused`, `draining` or `unavailable`.
    pub state: String,
    /// Reason code; absent: AWS's usual one for the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ScriptedHealth {
    /// Whether this entry speaks about a target.
    pub fn covers(&self, group_arn: &str, group_name: &str, target: &str, port: Option<u16>) -> bool {
        let group = [group_arn, group_name, "*"].contains(&self.target_group.as_str());
        let target = self.target == target || self.target == "*";
        group && target && (self.port.is_none() || self.port == port)
    }
}

/// One state change of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// Emulated time of the change.
    pub at: Timestamp,
    /// Its target group.
    pub target_group_arn: String,
    /// Instance id or address.
    pub target_id: String,
    /// Port, where the target has one.
    pub port: Option<u16>,
    /// State before; absent: it was not registered.
    pub from: Option<String>,
    /// State after; absent: it is gone.
    pub to: Option<String>,
    /// Reason code of the new state.
    pub reason: Option<String>,
}

impl World {
    /// Lets everything happen that the passing of time brings, up to `now`. Called before every operation.
    pub fn advance(&mut self, now: Timestamp) {
        self.ec2.advance(now);
        self.certificates.advance(now);
        elb::trust_store::advance(&mut self.elb, now);
        elb::advance(self, now);
    }

    /// Removes what was created at or after `since`, so that a copy can play a reader that does not see it yet.
    pub fn hide_created_since(&mut self, since: Timestamp) {
        self.ec2.hide_created_since(since);
        self.elb.hide_created_since(since);
        self.certificates.hide_created_since(since);
    }

    /// The scripted health of a target, if any.
    pub fn scripted(
        &self,
        group_arn: &str,
        group_name: &str,
        target: &str,
        port: Option<u16>,
    ) -> Option<&ScriptedHealth> {
        self.scripted_health
            .iter()
            .rev()
            .find(|s| s.covers(group_arn, group_name, target, port))
    }

    /// The partition of the region: `aws`, `aws-cn` or `aws-us-gov`.
    pub fn partition(&self) -> &'static str {
        match self.region.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if self.region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// The ARN of something regional of this account: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition(),
            self.region,
            self.account
        )
    }

    /// A copy without the history, for readers of the past.
    #[must_use]
    pub fn snapshot(&mut self) -> World {
        let history = std::mem::take(&mut self.history);
        let copy = self.clone();
        self.history = history;
        copy
    }
}
