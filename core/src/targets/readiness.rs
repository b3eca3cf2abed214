//! When a target group is ready to take the traffic of another one.

use super::{TargetHealth, TargetState};

/// Reason of a target whose group no listener and no rule uses: it is not checked.
const NOT_IN_USE: &str = "Target.NotInUse";

/// How far a target group is, beside the groups whose traffic it is to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It serves as well as the others do.
    AsHealthy,
    /// Its targets are being checked, or fail their checks.
    NotYet,
    /// None of its targets is checked, because AWS does not count the group as used.
    NotChecked,
}

/// Compares a new group with the ones it replaces.
///
/// It is ready with as many healthy targets, or, once none of its targets is waiting for its first checks, with as
/// large a share of healthy ones: nodes and pods are not equally many. Targets that drain do not count.
pub fn readiness(new: &[TargetHealth], old: &[TargetHealth]) -> Readiness {
    let stay = |all: &[TargetHealth]| all.iter().filter(|one| !one.state.is_draining()).count();
    let count =
        |all: &[TargetHealth], state: TargetState| all.iter().filter(|one| one.state == state).count();
    let (healthy, needed) = (count(new, TargetState::Healthy), count(old, TargetState::Healthy));
    let settled = healthy > 0 && count(new, TargetState::Initial) == 0;
    if healthy >= needed || (settled && healthy * stay(old) >= needed * stay(new)) {
        return Readiness::AsHealthy;
    }
    let unchecked = |one: &TargetHealth| one.state == TargetState::Unused && one.reason == NOT_IN_USE;
    if !new.is_empty() && new.iter().all(unchecked) {
        Readiness::NotChecked
    } else {
        Readiness::NotYet
    }
}

#[cfg(test)]
mod tests {
    use super::super::Target;
    use super::*;

    /// Targets by the first letters of their states.
    fn group(states: &str) -> Vec<TargetHealth> {
        let target = |letter: char| {
            let (state, reason) = match letter {
                'h' => (TargetState::Healthy, ""),
                'i' => (TargetState::Initial, "Elb.InitialHealthChecking"),
                'd' => (TargetState::Draining, "Target.DeregistrationInProgress"),
                'n' => (TargetState::Unused, NOT_IN_USE),
                _ => (TargetState::Unhealthy, "Target.FailedHealthChecks"),
            };
            TargetHealth {
                state,
                reason: reason.to_owned(),
                ..TargetHealth::unknown(Target::new("10.0.0.1", 80))
            }
        };
        states.chars().map(target).collect()
    }

    #[test]
    fn a_group_is_ready_when_it_is_as_healthy_as_the_old_one() {
        use Readiness::{AsHealthy, NotChecked, NotYet};
        for (new, old, expected) in [
            ("hh", "hh", AsHealthy),
            ("ii", "hh", NotYet),
            ("hi", "hh", NotYet),
            ("hi", "hu", AsHealthy),
            ("hh", "hhh", AsHealthy),
            ("hu", "hh", NotYet),
            ("hu", "huu", AsHealthy),
            ("huu", "hhuuuu", AsHealthy),
            ("hhi", "hhh", NotYet),
            ("hd", "h", AsHealthy),
            ("nn", "hh", NotChecked),
            ("nn", "uu", AsHealthy),
            ("ni", "hh", NotYet),
            ("", "hh", NotYet),
            ("", "", AsHealthy),
        ] {
            assert_eq!(
                readiness(&group(new), &group(old)),
                expected,
                "{new:?} for {old:?}"
            );
        }
    }
}
