//! One Node per instance of the seed, as the cloud controller and the kubelet of a real cluster leave it.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

/// An instance of the seed, as far as Kubernetes is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// `i-...`.
    pub instance_id: String,
    /// Name of its Node, as EC2 names hosts: `ip-10-0-1-10.REGION.compute.internal`.
    pub node: String,
    /// For example `us-west-2a`.
    pub zone: String,
    /// For example `us-west-2`.
    pub region: String,
    /// For example `m5.large`.
    pub instance_type: String,
    /// Its own address, inside the VPC.
    pub address: Ipv4Addr,
    /// Addresses for its pods, inside the VPC.
    pub pod_addresses: Vec<Ipv4Addr>,
}

impl Machine {
    /// `aws:///ZONE/i-...`.
    pub fn provider_id(&self) -> String {
        format!("aws:///{}/{}", self.zone, self.instance_id)
    }

    fn node_object(&self) -> serde_json::Value {
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": self.node,
                "labels": {
                    "kubernetes.io/arch": "amd64",
                    "kubernetes.io/hostname": self.node,
                    "kubernetes.io/os": "linux",
                    "node.kubernetes.io/instance-type": self.instance_type,
                    "topology.kubernetes.io/region": self.region,
                    "topology.kubernetes.io/zone": self.zone,
                },
            },
            "spec": { "providerID": self.provider_id() },
        })
    }

    fn status(&self) -> serde_json::Value {
        let now = jiff::Timestamp::now();
        let size = json!({ "cpu": "8", "memory": "32Gi", "pods": "110" });
        json!({ "status": {
            "addresses": [
                { "type": "InternalIP", "address": self.address },
                { "type": "InternalDNS", "address": self.node },
                { "type": "Hostname", "address": self.node },
            ],
            "allocatable": size,
            "capacity": size,
            "conditions": [{
                "type": "Ready",
                "status": "True",
                "reason": "KubeletReady",
                "message": "kubelet is posting ready status",
                "lastHeartbeatTime": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "lastTransitionTime": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            }],
        }})
    }
}

/// Registers the machines as Nodes, ready and without the not-ready taint that admission adds to new ones.
pub async fn register(client: &Client, machines: &[Machine]) -> Result<()> {
    let api: Api<Node> = Api::all(client.clone());
    for machine in machines {
        let cannot = || format!("cannot register the node {}", machine.node);
        let node = serde_json::from_value(machine.node_object()).with_context(cannot)?;
        match api.create(&PostParams::default(), &node).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(error).with_context(cannot),
        }
        let params = PatchParams::default();
        api.patch_status(&machine.node, &params, &Patch::Strategic(machine.status()))
            .await
            .with_context(cannot)?;
        let untainted = json!({ "spec": { "taints": null } });
        api.patch(&machine.node, &params, &Patch::Merge(untainted))
            .await
            .with_context(cannot)?;
    }
    Ok(())
}
