//! A kubeconfig per user, with its certificate inside, so that the file can be copied and used anywhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::certificates::Identity;

/// The text of a kubeconfig (JSON, which is YAML too) for `user` at `server`.
pub fn render(server: &str, authority_pem: &str, user: &str, identity: &Identity) -> String {
    let data = |pem: &str| STANDARD.encode(pem);
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "elbow-e2e",
            "cluster": { "server": server, "certificate-authority-data": data(authority_pem) },
        }],
        "users": [{
            "name": user,
            "user": {
                "client-certificate-data": data(&identity.certificate_pem),
                "client-key-data": data(&identity.key_pem),
            },
        }],
        "contexts": [{ "name": "elbow-e2e", "context": { "cluster": "elbow-e2e", "user": user } }],
        "current-context": "elbow-e2e",
    });
    format!("{config:#}\n")
}
