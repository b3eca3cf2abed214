//! The scheduler: which node a pod goes to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_openapi::api::core::v1::{Node, Pod};

/// Round robin over the nodes that will have the pod.
#[derive(Debug, Default)]
pub struct Scheduler {
    turn: AtomicUsize,
}

impl Scheduler {
    /// The nodes to try, best first: those not cordoned whose labels fit the pod's node selector.
    pub fn order(&self, pod: &Pod, nodes: &[Node]) -> Vec<String> {
        let mut names: Vec<String> = nodes
            .iter()
            .filter(|node| takes(node, pod))
            .filter_map(|node| node.metadata.name.clone())
            .collect();
        names.sort();
        if !names.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % names.len();
            names.rotate_left(turn);
        }
        names
    }
}

fn takes(node: &Node, pod: &Pod) -> bool {
    let cordoned = node
        .spec
        .as_ref()
        .is_some_and(|spec| spec.unschedulable == Some(true));
    let empty = BTreeMap::new();
    let labels = node.metadata.labels.as_ref().unwrap_or(&empty);
    let selector = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.node_selector.as_ref())
        .unwrap_or(&empty);
    !cordoned && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn node(name: &str, zone: &str, cordoned: bool) -> Node {
        let labels = json!({ "zone": zone });
        let spec = json!({ "unschedulable": cordoned });
        serde_json::from_value(json!({ "metadata": { "name": name, "labels": labels }, "spec": spec }))
            .unwrap()
    }

    #[test]
    fn pods_take_turns_over_nodes_that_fit() {
        let nodes = [
            node("a", "1", false),
            node("b", "1", false),
            node("c", "2", false),
            node("d", "1", true),
        ];
        let pod: Pod =
            serde_json::from_value(json!({ "spec": { "containers": [], "nodeSelector": { "zone": "1" } } }))
                .unwrap();
        let scheduler = Scheduler::default();
        assert_eq!(scheduler.order(&pod, &nodes), ["a", "b"]);
        assert_eq!(scheduler.order(&pod, &nodes), ["b", "a"]);
        assert!(scheduler.order(&pod, &nodes[2..]).is_empty());
    }
}
