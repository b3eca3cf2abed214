//! The three programs and their flags
//! (<https://kubernetes.io/docs/reference/command-line-tools-reference/>, etcd's `--help`).

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::{Process, free_port};
use crate::scratch::Scratch;

/// The controllers that tests need. Whatever would touch nodes (`node-lifecycle-controller`,
/// `node-ipam-controller`, `taint-eviction-controller`, `cloud-*`) stays off: the harness plays the nodes.
const CONTROLLERS: [&str; 10] = [
    "clusterrole-aggregation-controller",
    "deployment-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "replicaset-controller",
    "root-ca-certificate-publisher-controller",
    "service-cidr-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
];

/// Addresses of Services.
pub const SERVICE_RANGE: &str = "172.20.0.0/16";

/// Where the three listen: all on 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// etcd for its client.
    pub etcd: u16,
    /// etcd for other members, of which there are none.
    pub peers: u16,
    /// kube-apiserver.
    pub api: u16,
    /// kube-controller-manager's own health and metrics.
    pub manager: u16,
}

impl Ports {
    /// Four ports that are free now.
    pub fn choose() -> Result<Self> {
        Ok(Self {
            etcd: free_port()?,
            peers: free_port()?,
            api: free_port()?,
            manager: free_port()?,
        })
    }

    /// The URL of the Kubernetes API.
    pub fn server(self) -> String {
        format!("https://127.0.0.1:{}", self.api)
    }
}

/// etcd with its data in the scratch folder and without fsync: the data need not outlive the run.
pub fn etcd(programs: &Path, scratch: &Scratch, ports: Ports) -> Result<Process> {
    let (client, peer) = (local(ports.etcd), local(ports.peers));
    let mut command = Command::new(programs.join("etcd"));
    command
        .arg(option("data-dir", scratch.join("etcd").display()))
        .arg("--unsafe-no-fsync")
        .arg(option("listen-client-urls", &client))
        .arg(option("advertise-client-urls", &client))
        .arg(option("listen-peer-urls", &peer))
        .arg(option("initial-advertise-peer-urls", &peer))
        .arg(option("initial-cluster", format!("default={peer}")))
        .arg("--log-level=warn");
    Process::spawn("etcd", clean(&mut command, scratch), &scratch.join("etcd.log"))
}

/// kube-apiserver: RBAC, client certificates, admission as it comes, an audit log of the users under test.
pub fn kube_apiserver(programs: &Path, scratch: &Scratch, ports: Ports) -> Result<Process> {
    let file = |name: &str| scratch.join(name).display().to_string();
    let mut command = Command::new(programs.join("kube-apiserver"));
    command
        .arg(option("etcd-servers", local(ports.etcd)))
        .arg("--bind-address=127.0.0.1")
        .arg(option("secure-port", ports.api))
        .arg(option("cert-dir", file("apiserver-certificates")))
        .arg(option("tls-cert-file", file("server.crt")))
        .arg(option("tls-private-key-file", file("server.key")))
        .arg(option("client-ca-file", file("ca.crt")))
        .arg(option("service-cluster-ip-range", SERVICE_RANGE))
        .arg(option("service-account-issuer", ports.server()))
        .arg(option("service-account-key-file", file("tokens.pub")))
        .arg(option("service-account-signing-key-file", file("tokens.key")))
        .arg("--authorization-mode=RBAC")
        .arg("--allow-privileged=true")
        .arg("--endpoint-reconciler-type=none")
        .arg("--profiling=false")
        .arg(option("audit-policy-file", file("audit-policy.yaml")))
        .arg(option("audit-log-path", file("audit.log")))
        .arg("--audit-log-maxsize=0");
    Process::spawn(
        "kube-apiserver",
        clean(&mut command, scratch),
        &scratch.join("kube-apiserver.log"),
    )
}

/// kube-controller-manager with the named controllers only, as the user `system:kube-controller-manager`.
pub fn kube_controller_manager(programs: &Path, scratch: &Scratch, ports: Ports) -> Result<Process> {
    let file = |name: &str| scratch.join(name).display().to_string();
    let kubeconfig = file("controller-manager.kubeconfig");
    let mut command = Command::new(programs.join("kube-controller-manager"));
    command
        .arg(option("kubeconfig", &kubeconfig))
        .arg(option("authentication-kubeconfig", &kubeconfig))
        .arg(option("authorization-kubeconfig", &kubeconfig))
        .arg("--bind-address=127.0.0.1")
        .arg(option("secure-port", ports.manager))
        .arg(option("cert-dir", file("manager-certificates")))
        .arg("--leader-elect=false")
        .arg("--use-service-account-credentials=true")
        .arg(option("service-account-private-key-file", file("tokens.key")))
        .arg(option("root-ca-file", file("ca.crt")))
        .arg("--profiling=false")
        .arg(option("controllers", CONTROLLERS.join(",")));
    let log = scratch.join("kube-controller-manager.log");
    Process::spawn("kube-controller-manager", clean(&mut command, scratch), &log)
}

fn option(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Nothing of the caller's environment may name another cluster, a proxy, or another etcd's settings.
fn clean<'a>(command: &'a mut Command, scratch: &Scratch) -> &'a mut Command {
    command
        .env_clear()
        .env("HOME", scratch.path())
        .current_dir(scratch.path())
}
