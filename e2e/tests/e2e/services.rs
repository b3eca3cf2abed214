//! kube-proxy: NodePorts and health check ports on every node.

use elbow_e2e::manifests::Backend;
use elbow_e2e::wait;
use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;
use serde_json::{Value, json};
use tokio::net::UdpSocket;

use crate::shared::{SOON, node, node_port, run};

fn load_balancer(policy: &str) -> Value {
    json!({
        "metadata": { "name": "web" },
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": policy,
            "selector": { "app": "web" },
            "ports": [{ "port": 80, "targetPort": 8080 }],
        },
    })
}

#[test]
fn with_cluster_every_node_answers_for_one_pod() {
    run(async |shared| {
        let namespace = shared.namespace("cluster-policy").await?;
        let service: Service = shared.create(&namespace, load_balancer("Cluster")).await?;
        let port = node_port(&service);
        for machine in shared.world.machines() {
            assert_eq!(
                shared.get(machine.address, port, "/").await,
                None,
                "no pod yet, so the port is closed"
            );
        }
        shared.deploy(&Backend::new(&namespace, "web")).await?;
        let pod = shared.ready_pods(&namespace, "web", 1).await?.remove(0);
        for machine in shared.world.machines() {
            let answer = wait::until("an answer at the NodePort", SOON, async || {
                Ok(shared.get(machine.address, port, "/").await)
            })
            .await?;
            assert_eq!(answer, (200, format!("{namespace}/{}", pod.name_any())));
        }
        Ok(())
    });
}

#[test]
fn with_local_only_the_pods_node_answers_and_says_so_on_the_health_port() {
    run(async |shared| {
        let namespace = shared.namespace("local-policy").await?;
        let service: Service = shared.create(&namespace, load_balancer("Local")).await?;
        let port = node_port(&service);
        let health: u16 = service
            .spec
            .as_ref()
            .unwrap()
            .health_check_node_port
            .unwrap()
            .try_into()?;
        shared.deploy(&Backend::new(&namespace, "web")).await?;
        let pod = shared.ready_pods(&namespace, "web", 1).await?.remove(0);
        let own = shared
            .world
            .machines()
            .find(|machine| machine.node == node(&pod))
            .unwrap();
        wait::until("the pod's node to say that it has one", SOON, async || {
            let answer = shared.get(own.address, health, "/healthz").await;
            Ok(answer.filter(|(status, body)| *status == 200 && body.contains("\"localEndpoints\":1")))
        })
        .await?;
        assert_eq!(shared.get(own.address, port, "/").await.unwrap().0, 200);
        for machine in shared.world.machines().filter(|machine| machine.node != own.node) {
            assert_eq!(
                shared.get(machine.address, health, "/healthz").await.unwrap().0,
                503
            );
            assert_eq!(shared.get(machine.address, port, "/").await, None);
        }
        shared.delete_all(&namespace, "web").await?;
        wait::until("the node to say that it has none", SOON, async || {
            let answer = shared.get(own.address, health, "/healthz").await;
            Ok(answer.filter(|(status, _)| *status == 503))
        })
        .await?;
        Ok(())
    });
}

#[test]
fn datagrams_find_a_pod_through_a_node_and_come_back() {
    run(async |shared| {
        let namespace = shared.namespace("udp").await?;
        let service: Service = shared
            .create(
                &namespace,
                json!({
                    "metadata": { "name": "dns" },
                    "spec": {
                        "type": "NodePort",
                        "selector": { "app": "dns" },
                        "ports": [{ "name": "dns", "port": 53, "targetPort": 5353, "protocol": "UDP" }],
                    },
                }),
            )
            .await?;
        let ports = vec![("dns".to_owned(), 5353, "UDP".to_owned())];
        shared
            .deploy(&Backend {
                ports,
                ..Backend::new(&namespace, "dns")
            })
            .await?;
        let pod = shared.ready_pods(&namespace, "dns", 1).await?.remove(0);
        let machine = shared.world.machines().next().unwrap();
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
        let reply = wait::until("a datagram to come back", SOON, async || {
            socket
                .send_to(b"hello", shared.at(machine.address, node_port(&service)))
                .await?;
            let mut datagram = [0; 256];
            let pause = std::time::Duration::from_millis(300);
            let received = tokio::time::timeout(pause, socket.recv(&mut datagram)).await;
            Ok(received
                .ok()
                .and_then(Result::ok)
                .map(|length| datagram[..length].to_vec()))
        })
        .await?;
        assert_eq!(
            String::from_utf8(reply)?,
            format!("{namespace}/{} hello", pod.name_any())
        );
        Ok(())
    });
}
