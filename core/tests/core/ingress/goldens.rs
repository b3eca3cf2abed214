//! Golden stacks of Ingress groups in upstream's JSON.

use elbow_core::build::stack_pretty;

use super::vectors;

/// Vectors whose whole stack is kept.
const KEPT: [&str; 6] = ["1", "2", "6", "13", "36", "48a"];

#[test]
fn the_stack_json_of_these_groups_is_as_reviewed() {
    for id in KEPT {
        let stack = vectors::stack(id);
        insta::assert_snapshot!(format!("vector-{id}"), stack_pretty(&stack));
    }
}
