//! Every fault, once, at every AWS call of a create, an edit and a delete: the end is as if it had not been. For
//! groups and replacements the kinds of faults take turns from call to call, unless `ELBOW_ALL_FAULTS` is set.

use std::collections::BTreeMap;
use std::time::Duration;

use elbow_core::key::Lane;
use elbow_emulator::{Call, Fault, FaultRule};
use serde_json::Value;

use super::canonical;
use super::driver::Controller;
use super::objects::world;
use super::scenarios::{self, Scenario};
use super::world::{Frozen, Seen, World};

fn error(code: &str, status: u16) -> Fault {
    Fault::Error {
        code: code.to_owned(),
        status,
    }
}

fn throttle(code: &str) -> Fault {
    Fault::Throttle {
        code: Some(code.to_owned()),
    }
}

/// A kind of fault.
struct Kind {
    name: &'static str,
    /// In several spellings, which take turns from call to call.
    faults: Vec<Fault>,
    /// Reads only, and of them only those that can be stale.
    reads: bool,
    /// Whether all reads are hit for half a minute, not one.
    lasts: bool,
}

/// Every kind there is.
fn kinds() -> Vec<Kind> {
    let kind = |name, fault| Kind {
        name,
        faults: vec![fault],
        reads: false,
        lasts: false,
    };
    let of_reads = |name, fault, lasts| Kind {
        reads: true,
        lasts,
        ..kind(name, fault)
    };
    let stale = |seconds| Fault::Stale { seconds };
    let invisible = |seconds| Fault::FreshInvisible { seconds };
    let throttles = [
        "ThrottlingException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
    ];
    vec![
        kind("latency", Fault::Latency { milliseconds: 3_000 }),
        kind("latency beyond patience", Fault::Latency { milliseconds: 40_000 }),
        kind("throttling", Fault::Throttle { code: None }),
        Kind {
            faults: throttles.map(throttle).into(),
            ..kind("throttling by another code", Fault::CutBefore)
        },
        kind("500", error("InternalFailure", 500)),
        kind("503", error("ServiceUnavailable", 503)),
        kind("denial", Fault::AccessDenied),
        kind("cut before", Fault::CutBefore),
        kind("cut after", Fault::CutAfter),
        kind("hold before", Fault::HoldBefore),
        kind("hold after", Fault::HoldAfter),
        of_reads("one stale read", stale(30), false),
        of_reads("stale reads", stale(3_600), true),
        of_reads("a read without what is fresh", invisible(30), false),
        of_reads("reads without what is fresh", invisible(60), true),
    ]
}

/// How long a fault that lasts does.
const LASTS: Duration = Duration::from_secs(30);

/// Where a scenario begins: the world before it, and whether the controller was there before the user acted.
struct Stage {
    scenario: Scenario,
    warm: bool,
    before: Frozen,
}

impl Stage {
    async fn prepare(name: &str, warm: bool) -> Self {
        let (scenario, world) = (scenarios::named(name), world());
        (scenario.before)(&world);
        if warm {
            let mut controller = world.start();
            controller.to_rest().await;
            controller.assert_content(name);
        }
        let before = world.freeze();
        Self {
            scenario,
            warm,
            before,
        }
    }

    /// Plays the scenario to its end, with a fault at the call after the first `after`.
    async fn play(&self, trouble: Option<(&Kind, usize)>) -> (World, Controller, Seen) {
        let world = self.before.thaw();
        let mut controller = None;
        if self.warm {
            let mut started = world.start();
            started.to_rest().await;
            controller = Some(started);
        }
        if let Some((kind, after)) = trouble {
            trouble_with(&world, kind, after);
        }
        let mark = world.mark();
        (self.scenario.act)(&world);
        let mut controller = controller.unwrap_or_else(|| world.start());
        controller.to_rest().await;
        let seen = world.since(mark);
        (world, controller, seen)
    }

    /// Plays the scenario with a fault: it was met, and in the end everything is as without it, and stays so.
    async fn survives(&self, kind: &Kind, after: usize, expected: &[Value]) {
        let (world, mut controller, seen) = self.play(Some((kind, after))).await;
        let hit = seen.calls.iter().find(|call| call.fault.is_some());
        let operation = hit.map_or("no call", |call| &call.operation);
        let what = format!(
            "{}: {} at call {after} ({operation})",
            self.scenario.name, kind.name
        );
        assert!(hit.is_some(), "{what}: the fault was not met");
        let hits: u64 = world.land.emulator.faults().iter().map(|fault| fault.hits).sum();
        assert_eq!(hits, u64::from(!kind.lasts), "{what}: hits");
        controller.assert_content(&what);
        canonical::assert_same(&canonical::state(&world), expected, &what);
        world.land.emulator.clear_faults();
        controller.engine.wake_all(None, Lane::Resync);
        let later = controller.run_for(AFTERMATH).await;
        assert_eq!(
            (later.writes(), later.kubernetes.clone()),
            (BTreeMap::new(), Vec::new()),
            "{what}: at rest"
        );
    }
}

/// How long is looked whether a woken controller leaves everything as it is.
const AFTERMATH: Duration = Duration::from_secs(10);

fn trouble_with(world: &World, kind: &Kind, after: usize) {
    let rule = FaultRule {
        after: after.try_into().unwrap(),
        count: (!kind.lasts).then_some(1),
        ..FaultRule::every("*", kind.faults[after % kind.faults.len()].clone())
    };
    let emulator = world.land.emulator.clone();
    let id = emulator.add_fault(rule);
    if kind.lasts {
        tokio::spawn(async move {
            tokio::time::sleep(LASTS).await;
            emulator.remove_fault(id);
        });
    }
}

/// Whether reads of this kind can be stale: the health of targets never is.
fn can_be_stale(call: &Call) -> bool {
    !call.mutation && call.operation != "DescribeTargetHealth"
}

/// Which faults are played.
#[derive(Clone, Copy)]
enum Choice {
    /// Every kind at every call.
    All,
    /// One kind at every call, beginning with this one.
    InTurn(usize),
}

impl Choice {
    fn takes(self, kind: usize, after: usize, kinds: usize) -> bool {
        match self {
            Self::InTurn(first) if std::env::var_os("ELBOW_ALL_FAULTS").is_none() => {
                (first + after) % kinds == kind
            }
            Self::All | Self::InTurn(_) => true,
        }
    }
}

async fn survives(name: &str, warm: bool, choice: Choice) {
    let stage = Stage::prepare(name, warm).await;
    let (world, controller, seen) = stage.play(None).await;
    controller.assert_content(name);
    let expected = canonical::state(&world);
    let reads = seen.calls.iter().filter(|call| can_be_stale(call)).count();
    let calls = seen.calls.len();
    let mut points = 0;
    for (index, kind) in kinds().iter().enumerate() {
        let places = 0..if kind.reads { reads } else { calls };
        for after in places.filter(|after| choice.takes(index, *after, kinds().len())) {
            stage.survives(kind, after, &expected).await;
            points += 1;
        }
    }
    println!(
        "{name}: {calls} calls, {reads} of them reads, {} kinds of faults: {points} faults, all met",
        kinds().len()
    );
    assert!(reads > 0 && points > calls / 2);
}

#[tokio::test(start_paused = true)]
async fn a_create_survives_every_fault_at_every_call() {
    survives("create with TLS, attributes and tags", false, Choice::All).await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_place_survives_every_fault_at_every_call() {
    survives(
        "edit ports, health check, tags and source ranges",
        true,
        Choice::All,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_replacement_survives_every_fault_at_every_call() {
    survives("edit from IP to instance mode", true, Choice::InTurn(3)).await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_survives_every_fault_at_every_call() {
    survives("delete with TLS", true, Choice::All).await;
}

#[tokio::test(start_paused = true)]
async fn creating_an_ingress_survives_every_fault_at_every_call() {
    survives("create ingress-ip.yaml", false, Choice::All).await;
}

#[tokio::test(start_paused = true)]
async fn editing_an_ingress_survives_every_fault_at_every_call() {
    survives("edit ingress-ip.yaml", true, Choice::All).await;
}

#[tokio::test(start_paused = true)]
async fn deleting_an_ingress_survives_every_fault_at_every_call() {
    survives("delete ingress-ip.yaml", true, Choice::All).await;
}

#[tokio::test(start_paused = true)]
async fn creating_a_group_survives_every_fault_at_every_call() {
    survives("create ingress-group.yaml", false, Choice::InTurn(3)).await;
}

#[tokio::test(start_paused = true)]
async fn editing_a_group_survives_every_fault_at_every_call() {
    survives("edit ingress-group.yaml", true, Choice::InTurn(9)).await;
}

#[tokio::test(start_paused = true)]
async fn deleting_a_group_survives_every_fault_at_every_call() {
    survives("delete ingress-group.yaml", true, Choice::InTurn(15)).await;
}

/// A member that settles the scheme is not left out for the sake of others when the load balancer is denied.
#[tokio::test(start_paused = true)]
async fn a_group_whose_load_balancer_is_denied_gets_the_one_it_asked_for() {
    let stage = Stage::prepare("create ingress-group.yaml", false).await;
    let (world, _, seen) = stage.play(None).await;
    let expected = canonical::state(&world);
    let place = seen
        .calls
        .iter()
        .position(|call| call.operation == "CreateLoadBalancer");
    let kinds = kinds();
    let denial = kinds.iter().find(|kind| kind.name == "denial").unwrap();
    stage.survives(denial, place.unwrap(), &expected).await;
}

/// How long AWS is out.
const OUTAGE: Duration = Duration::from_mins(10);

#[tokio::test(start_paused = true)]
async fn an_outage_of_ten_minutes_ends_as_if_it_had_not_been() {
    let undisturbed = world();
    scenarios::ip(&undisturbed);
    undisturbed.start().to_rest().await;
    let expected = canonical::state(&undisturbed);
    let outages = [
        error("ServiceUnavailable", 503),
        Fault::Throttle { code: None },
        Fault::AccessDenied,
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::HoldAfter,
    ];
    for (fault, after) in outages
        .iter()
        .flat_map(|fault| [3, 15].map(|after| (fault, after)))
    {
        let what = format!("{fault:?} after {after} calls");
        let world = world();
        let id = world.land.emulator.add_fault(FaultRule {
            after,
            ..FaultRule::every("*", fault.clone())
        });
        scenarios::ip(&world);
        let mut controller = world.start();
        controller.run_for(OUTAGE).await;
        world.land.emulator.remove_fault(id);
        controller.to_rest().await;
        controller.assert_content(&what);
        canonical::assert_same(&canonical::state(&world), &expected, &what);
    }
}
