//! One run over a security group of nodes or pods: what it changes. In: what bindings ask, the rules that are
//! there. Out: rules to authorise, to revoke, and to keep for now.

use super::group::{GroupRule, SecurityGroupState};
use super::ledger::GroupRun;
use super::networking::{covers, revocable, rule_diff};

/// Changes to the rules of a group.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GroupChanges {
    /// Rules to authorise.
    pub grant: Vec<GroupRule>,
    /// Rules to revoke, after the others are authorised.
    pub revoke: Vec<GroupRule>,
    /// Rules to revoke once every binding has been worked out: until then one of them may need them.
    pub held: Vec<GroupRule>,
}

/// What a run has to change on a group as it is.
pub fn group_changes(run: &GroupRun, state: &SecurityGroupState, cluster: &str) -> GroupChanges {
    let mut diff = rule_diff(&run.wanted, &state.rules);
    let ours = revocable(diff.revoke, state, cluster, &run.authorised);
    if run.complete {
        return GroupChanges {
            grant: diff.grant,
            revoke: ours,
            held: Vec::new(),
        };
    }
    diff.grant
        .retain(|rule| !state.rules.iter().any(|held| covers(held, &rule.permission)));
    GroupChanges {
        grant: diff.grant,
        revoke: Vec::new(),
        held: ours,
    }
}
