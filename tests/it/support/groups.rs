//! What the API server in tests says it serves: discovery of API groups.

use serde_json::{Value, json};

/// The answer to a request for API groups or their resources; `None` for a request for objects.
pub fn discovered(path: &str) -> Option<Value> {
    let version = json!({"groupVersion": "elbv2.k8s.aws/v1beta1", "version": "v1beta1"});
    let group = json!({"name": "elbv2.k8s.aws", "versions": [version], "preferredVersion": version});
    let resource = |name: &str, kind: &str, namespaced: bool| {
        json!({
            "name": name, "singularName": "", "kind": kind, "namespaced": namespaced,
            "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
        })
    };
    match path.trim_end_matches('/') {
        "/apis" => Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]})),
        "/apis/elbv2.k8s.aws/v1beta1" => Some(json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "elbv2.k8s.aws/v1beta1",
            "resources": [
                resource("targetgroupbindings", "TargetGroupBinding", true),
                resource("ingressclassparams", "IngressClassParams", false),
            ],
        })),
        _ => None,
    }
}
