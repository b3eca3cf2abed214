//! Listeners and their actions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Action, Origins, Protocol, Ref, ResourceId, Setting, Tags};

/// A listener of a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listener {
    /// Resource id: the port in decimal.
    pub id: ResourceId,
    /// ARN, assigned by AWS.
    pub arn: Option<String>,
    /// The load balancer it listens on.
    pub load_balancer: Ref,
    /// Port.
    pub port: i32,
    /// Protocol; changed by ModifyListener, not by replacement.
    pub protocol: Protocol,
    /// Default actions in order.
    pub default_actions: Vec<Action>,
    /// Certificate ARNs in wanted order: the first is the default one. In an actual listener: the default
    /// one only.
    pub certificates: Vec<String>,
    /// Certificates attached besides the default one. Upstream attaches the default one here as well.
    pub extra_certificates: Setting<BTreeSet<String>>,
    /// TLS policy.
    pub ssl_policy: Setting<String>,
    /// ALPN policy.
    pub alpn_policy: Setting<String>,
    /// Attributes: wanted ones only, or all that AWS reports.
    pub attributes: BTreeMap<String, String>,
    /// Who asked for a certificate, where one object of several did.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub certificate_origins: BTreeMap<String, Origins>,
    /// Tags.
    pub tags: Setting<Tags>,
    /// Who asked for it.
    pub origins: Origins,
}
