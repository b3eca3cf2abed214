//! What time brings: load balancers become active, targets pass through registration, drain and go.
//!
//! States of a target:
//! `unused` until its group is used by a load balancer that has its zone; `initial/Elb.RegistrationInProgress`
//! while the load balancer is provisioned and then for the registration delay; `initial/Elb.InitialHealthChecking`
//! until checks decide ([`super::probe`]); `draining` after deregistration, then gone. A scripted health takes the
//! place of registration and checks as soon as the load balancer is active.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Elb,
    situation::{Next, Situation},
    target_group::TargetGroup,
    uses::Uses,
};
use crate::world::{HistoryEntry, ScriptedHealth, World};

/// More changes at one moment than this would be a circle.
const MAX_CHANGES: usize = 8;

/// What the last [`advance`] looked at, so that the next one can tell that nothing is to be done.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    inputs: Option<(Vec<ScriptedHealth>, BTreeSet<String>)>,
    next: Option<Timestamp>,
}

impl Seen {
    /// Makes the next [`advance`] look at everything.
    pub fn forget(&mut self) {
        self.inputs = None;
    }

    /// When something happens by itself next.
    pub fn next(&self) -> Option<Timestamp> {
        self.next
    }

    fn still_holds(&self, now: Timestamp, scripts: &[ScriptedHealth], stopped: &BTreeSet<String>) -> bool {
        let same = self
            .inputs
            .as_ref()
            .is_some_and(|(old, were)| old == scripts && were == stopped);
        same && self.next.is_none_or(|next| next > now)
    }
}

/// Lets happen what is due at `now`, each change at its own moment, oldest first in the history.
pub fn advance(world: &mut World, now: Timestamp) {
    let stopped = stopped_instances(world);
    if world.elb.seen.still_holds(now, &world.scripted_health, &stopped) {
        return;
    }
    for load_balancer in world.elb.load_balancers.values_mut() {
        load_balancer.active |= load_balancer.active_at <= now;
    }
    let uses = world.elb.uses();
    let mut groups = std::mem::take(&mut world.elb.target_groups);
    let mut changes = Vec::new();
    for group in groups.values_mut() {
        advance_group(world, &uses, group, now, &mut changes);
    }
    world.elb.target_groups = groups;
    changes.sort_by_key(|change| change.at);
    world.history.append(&mut changes);
    let next = next_event(&world.elb);
    world.elb.seen = Seen {
        inputs: Some((world.scripted_health.clone(), stopped)),
        next,
    };
}

fn stopped_instances(world: &World) -> BTreeSet<String> {
    let instances = world.ec2.instances.values();
    instances
        .filter(|instance| !instance.running())
        .map(|instance| instance.id.clone())
        .collect()
}

fn next_event(elb: &Elb) -> Option<Timestamp> {
    let provisioning = elb
        .load_balancers
        .values()
        .filter(|found| !found.active)
        .map(|found| found.active_at);
    let targets = elb
        .target_groups
        .values()
        .flat_map(|group| group.targets.values());
    provisioning
        .chain(targets.filter_map(|target| target.until))
        .min()
}

fn advance_group(
    world: &World,
    uses: &Uses,
    group: &mut TargetGroup,
    now: Timestamp,
    changes: &mut Vec<HistoryEntry>,
) {
    let owner = uses
        .of(&group.arn)
        .iter()
        .find_map(|arn| world.elb.load_balancers.get(arn));
    let mut targets = std::mem::take(&mut group.targets);
    targets.retain(|key, target| {
        let situation = Situation::of(world, owner, group, key, target);
        for _ in 0..MAX_CHANGES {
            match situation.next(target, now) {
                Next::Stay => return true,
                Next::Go(at) => {
                    changes.push(target.gone(&group.arn, key, at));
                    return false;
                }
                Next::Change(at, health) => {
                    changes.push(target.change(&group.arn, key, at, health));
                    situation.settle(target);
                }
            }
        }
        true
    });
    group.targets = targets;
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;
    use crate::world::elb::{
        probe::{Outcome, due_probes, next_due, record_probe},
        registration,
        tests::*,
        words::TargetType,
    };

    const FIRST: &str = "10.0.100.5";

    fn script(world: &mut World, state: &str) {
        world.scripted_health.push(ScriptedHealth {
            target_group: "*".into(),
            target: "*".into(),
            port: None,
            state: state.into(),
            reason: None,
        });
    }

    /// Makes every check due until `to`, each with this outcome, at the moment it is due.
    fn check(world: &mut World, to: i64, outcome: &Outcome) {
        while let Some(next) = next_due(world).filter(|next| *next <= at(to)) {
            for probe in due_probes(world, next) {
                record_probe(world, next, &probe, outcome);
            }
        }
        world.advance(at(to));
    }

    fn states(world: &World) -> Vec<(i64, String)> {
        let text = |state: &Option<String>| state.clone().unwrap_or_else(|| "-".into());
        world
            .history
            .iter()
            .map(|entry| (entry.at.as_second(), text(&entry.to)))
            .collect()
    }

    #[test]
    fn a_target_is_unused_until_a_listener_uses_its_group() {
        let mut world = world();
        let owner = create_network(&mut world, "web");
        let group = create_group(&mut world, &tcp("web")).arn;
        register(&mut world, 1, &group, &[FIRST]).unwrap();
        assert_eq!(health(&mut world, 500, &group), ["unused/Target.NotInUse"]);
        listen(&mut world, &owner, super::super::words::Protocol::Tcp, 80, &group).unwrap();
        settle(&mut world, 500);
        assert_eq!(
            health(&mut world, 500, &group),
            ["initial/Elb.RegistrationInProgress"]
        );
    }

    #[test]
    fn a_target_in_a_zone_that_is_not_enabled_is_unused() {
        let mut world = world();
        let (_, group) = serving(&mut world, true);
        register(&mut world, 0, &group, &["10.0.102.5"]).unwrap();
        assert_eq!(health(&mut world, 500, &group), ["unused/Target.NotInUse"]);
    }

    #[test]
    fn a_target_of_a_network_load_balancer_needs_registration_and_all_its_checks() {
        let mut world = world();
        let (_, group) = serving(&mut world, true);
        register(&mut world, 0, &group, &[FIRST]).unwrap();
        check(&mut world, 120 + 89, &Outcome::Connected);
        assert_eq!(
            health(&mut world, 209, &group),
            ["initial/Elb.RegistrationInProgress"]
        );
        check(&mut world, 210 + 119, &Outcome::Connected);
        assert_eq!(
            health(&mut world, 329, &group),
            ["initial/Elb.InitialHealthChecking"]
        );
        check(&mut world, 330, &Outcome::Connected);
        assert_eq!(health(&mut world, 330, &group), ["healthy"]);
        let expected = [(0, "initial"), (210, "initial"), (330, "healthy")];
        assert_eq!(states(&world), expected.map(|(at, state)| (at, state.to_owned())));
    }

    #[test]
    fn a_new_target_of_an_application_load_balancer_needs_one_success() {
        let mut world = world();
        let (_, group) = serving(&mut world, false);
        register(&mut world, 0, &group, &[FIRST]).unwrap();
        check(&mut world, 125, &Outcome::Status(200));
        assert_eq!(health(&mut world, 125, &group), ["healthy"]);
    }

    #[test]
    fn failures_make_a_target_unhealthy_and_say_why() {
        for (outcome, reason) in [
            (Outcome::Failed, "Target.FailedHealthChecks"),
            (Outcome::TimedOut, "Target.Timeout"),
            (Outcome::Status(503), "Target.ResponseCodeMismatch"),
        ] {
            let mut world = world();
            let (_, group) = serving(&mut world, false);
            register(&mut world, 0, &group, &[FIRST]).unwrap();
            check(&mut world, 130, &Outcome::Status(200));
            check(&mut world, 160, &outcome);
            assert_eq!(
                health(&mut world, 160, &group),
                ["healthy"],
                "one failure is not enough"
            );
            check(&mut world, 190, &outcome);
            assert_eq!(health(&mut world, 190, &group), [format!("unhealthy/{reason}")]);
            check(&mut world, 190 + 120, &Outcome::Status(200));
            assert_eq!(health(&mut world, 310, &group), [format!("unhealthy/{reason}")]);
            check(&mut world, 190 + 150, &Outcome::Status(200));
            assert_eq!(health(&mut world, 340, &group), ["healthy"]);
        }
    }

    #[test]
    fn a_deregistered_target_drains_and_is_gone() {
        let mut world = world();
        let (_, group) = serving(&mut world, true);
        script(&mut world, "healthy");
        register(&mut world, 0, &group, &[FIRST]).unwrap();
        assert_eq!(health(&mut world, 120, &group), ["healthy"]);
        registration::deregister(&mut world, at(130), &group, &described(&[FIRST])).unwrap();
        settle(&mut world, 130);
        assert_eq!(
            health(&mut world, 429, &group),
            ["draining/Target.DeregistrationInProgress"]
        );
        assert!(health(&mut world, 430, &group).is_empty());
        let expected = [(0, "initial"), (120, "healthy"), (130, "draining"), (430, "-")];
        assert_eq!(states(&world), expected.map(|(at, state)| (at, state.to_owned())));
    }

    #[test]
    fn a_draining_target_that_is_registered_again_starts_anew() {
        let mut world = world();
        let (_, group) = serving(&mut world, true);
        register(&mut world, 0, &group, &[FIRST]).unwrap();
        registration::deregister(&mut world, at(130), &group, &described(&[FIRST])).unwrap();
        settle(&mut world, 130);
        register(&mut world, 140, &group, &[FIRST]).unwrap();
        assert_eq!(
            health(&mut world, 140, &group),
            ["initial/Elb.RegistrationInProgress"]
        );
        assert_eq!(health(&mut world, 1000, &group).len(), 1);
        let again = world.history.iter().find(|entry| entry.at == at(140)).unwrap();
        assert_eq!(
            (again.from.as_deref(), again.to.as_deref()),
            (Some("draining"), Some("initial"))
        );
    }

    #[test]
    fn a_script_needs_no_checks_and_its_end_brings_them_back() {
        let mut world = world();
        let (_, group) = serving(&mut world, true);
        register(&mut world, 0, &group, &[FIRST]).unwrap();
        script(&mut world, "unhealthy");
        assert_eq!(
            health(&mut world, 119, &group),
            ["initial/Elb.RegistrationInProgress"]
        );
        assert_eq!(
            health(&mut world, 120, &group),
            ["unhealthy/Target.FailedHealthChecks"]
        );
        assert!(due_probes(&mut world, at(5000)).is_empty());
        world.scripted_health.clear();
        world.advance(at(5000));
        check(&mut world, 5000 + 120, &Outcome::Connected);
        assert_eq!(health(&mut world, 5120, &group), ["healthy"]);
    }

    #[test]
    fn a_stopped_instance_is_unused() {
        let mut world = world();
        let owner = create_network(&mut world, "web");
        let request = super::super::target_group::CreateTargetGroup {
            target_type: Some(TargetType::Instance),
            ..tcp("web")
        };
        let group = create_group(&mut world, &request).arn;
        listen(&mut world, &owner, super::super::words::Protocol::Tcp, 80, &group).unwrap();
        register(&mut world, 0, &group, &["i-a"]).unwrap();
        world.ec2.instances.get_mut("i-a").unwrap().state = "stopped".into();
        assert_eq!(health(&mut world, 1, &group), ["unused/Target.InvalidState"]);
    }

    #[test]
    fn a_late_outcome_of_an_older_registration_is_dropped() {
        let mut world = world();
        let (_, group) = serving(&mut world, false);
        register(&mut world, 0, &group, &[FIRST]).unwrap();
        let old = due_probes(&mut world, at(125));
        registration::deregister(&mut world, at(126), &group, &described(&[FIRST])).unwrap();
        register(&mut world, 127, &group, &[FIRST]).unwrap();
        record_probe(&mut world, at(128), &old[0], &Outcome::Status(200));
        assert_eq!(
            health(&mut world, 128, &group),
            ["initial/Elb.RegistrationInProgress"]
        );
    }

    #[test]
    fn an_unhealthy_target_drains_first_where_connections_are_not_cut() {
        let mut world = world();
        let (_, group) = serving(&mut world, true);
        let changes = [
            (
                "target_health_state.unhealthy.connection_termination.enabled".to_owned(),
                "false".to_owned(),
            ),
            (
                "target_health_state.unhealthy.draining_interval_seconds".to_owned(),
                "100".to_owned(),
            ),
        ];
        super::super::attributes::modify(
            &mut world.elb,
            super::super::arn::Kind::TargetGroup,
            &group,
            &changes,
        )
        .unwrap();
        register(&mut world, 0, &group, &[FIRST]).unwrap();
        check(&mut world, 330, &Outcome::Connected);
        check(&mut world, 390, &Outcome::Failed);
        assert_eq!(
            health(&mut world, 390, &group),
            ["unhealthy.draining/Target.FailedHealthChecks"]
        );
        check(&mut world, 490, &Outcome::Failed);
        assert_eq!(
            health(&mut world, 490, &group),
            ["unhealthy/Target.FailedHealthChecks"]
        );
    }
}
