//! The API's audit log: who asked what, as the server saw it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What the authorizer said: `allow` or `forbid`
/// (<https://kubernetes.io/docs/reference/labels-annotations-taints/audit-annotations/>).
const DECISION: &str = "authorization.k8s.io/decision";

/// One finished request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// Plural name of the kind, with `/status` and the like; empty for paths such as `/version`.
    pub resource: String,
    /// Empty for kinds without namespaces and for requests over all of them.
    pub namespace: String,
    /// Empty for lists and creations.
    pub name: String,
    /// The HTTP status of the answer.
    pub code: u16,
    /// Whether it was refused for lack of a permission. (A write into a namespace on its way out is refused with
    /// 403, too, whoever asks.)
    pub is_denied: bool,
}

impl Request {
    /// Whether it changes something (or tried to).
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

/// Everything members of `group` ask is written once, when it is answered; nobody else's requests are.
pub fn policy(group: &str) -> String {
    format!(
        "apiVersion: audit.k8s.io/v1\n\
         kind: Policy\n\
         omitStages: [RequestReceived, ResponseStarted]\n\
         rules:\n\
         - level: Metadata\n  userGroups: [\"{group}\"]\n\
         - level: None\n"
    )
}

/// The requests of `user` in the log; none if there is no log yet.
pub fn read(log: &Path, user: &str) -> Result<Vec<Request>> {
    let text = match std::fs::read_to_string(log) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| format!("cannot read the audit log {}", log.display()))?,
    };
    let mut requests = Vec::new();
    for line in text.lines() {
        // The last line may be half written.
        let Ok(entry) = serde_json::from_str::<Entry>(line) else {
            continue;
        };
        if entry.user.username == user {
            requests.push(entry.into());
        }
    }
    Ok(requests)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    verb: String,
    user: User,
    #[serde(default)]
    object_ref: Object,
    #[serde(default)]
    response_status: Status,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Object {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    code: u16,
}

impl From<Entry> for Request {
    fn from(entry: Entry) -> Self {
        let object = entry.object_ref;
        let decision = entry.annotations.get(DECISION).map(String::as_str);
        let resource = match object.subresource.as_str() {
            "" => object.resource,
            sub => format!("{}/{sub}", object.resource),
        };
        Self {
            verb: entry.verb,
            group: object.api_group,
            resource,
            namespace: object.namespace,
            name: object.name,
            code: entry.response_status.code,
            is_denied: decision == Some("forbid"),
        }
    }
}
