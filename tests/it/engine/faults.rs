//! Every fault, once, at every AWS call of a create, an edit and a delete: the end is as if it had not been.

use std::time::Duration;

use elbow_emulator::{Fault, FaultRule};

use super::canonical;
use super::driver::{Controller, Seen, World};
use super::objects::world;
use super::scenarios::{self, Scenario};

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
    /// Reads only.
    reads: bool,
    /// Whether all reads are hit for half a minute, not one.
    lasts: bool,
}

/// Every kind there is.
fn kinds() -> Vec<Kind> {
    let kind = |name, faults| Kind {
        name,
        faults,
        reads: false,
        lasts: false,
    };
    let of_reads = |name, fault, lasts| Kind {
        reads: true,
        lasts,
        ..kind(name, vec![fault])
    };
    let stale = Fault::Stale { seconds: 3_600 };
    let invisible = Fault::FreshInvisible { seconds: 60 };
    let throttles = [
        "ThrottlingException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
    ];
    vec![
        kind("latency", vec![Fault::Latency { milliseconds: 3_000 }]),
        kind(
            "throttling",
            [Fault::Throttle { code: None }]
                .into_iter()
                .chain(throttles.map(throttle))
                .collect(),
        ),
        kind(
            "server error",
            vec![error("InternalFailure", 500), error("ServiceUnavailable", 503)],
        ),
        kind("denial", vec![Fault::AccessDenied]),
        kind("cut before", vec![Fault::CutBefore]),
        kind("cut after", vec![Fault::CutAfter]),
        kind("hold before", vec![Fault::HoldBefore]),
        kind("hold after", vec![Fault::HoldAfter]),
        of_reads("one stale read", stale.clone(), false),
        of_reads("stale reads", stale, true),
        of_reads("a read without what is fresh", invisible.clone(), false),
        of_reads("reads without what is fresh", invisible, true),
    ]
}

/// How long a fault that lasts does.
const LASTS: Duration = Duration::from_secs(30);

/// Plays a scenario to its end, with a fault at the call after the first `after`.
async fn play(scenario: &Scenario, trouble: Option<(&Kind, usize)>) -> (World, Controller, Seen) {
    let world = world();
    (scenario.before)(&world);
    let mut controller = None;
    if !scenario.cold {
        let mut started = world.start();
        started.to_rest().await;
        controller = Some(started);
    }
    if let Some((kind, after)) = trouble {
        trouble_with(&world, kind, after);
    }
    let mark = world.mark();
    (scenario.act)(&world);
    let mut controller = controller.unwrap_or_else(|| world.start());
    controller.to_rest().await;
    let seen = world.since(mark);
    (world, controller, seen)
}

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

async fn survives(scenario: Scenario) {
    let (world, controller, seen) = play(&scenario, None).await;
    controller.assert_content(scenario.name);
    let expected = canonical::state(&world);
    let (calls, reads) = (seen.calls.len(), seen.reads().values().sum::<usize>());
    let mut points = 0;
    for kind in kinds() {
        for after in 0..if kind.reads { reads } else { calls } {
            let what = format!("{}: {} at call {after}", scenario.name, kind.name);
            let (world, controller, seen) = play(&scenario, Some((&kind, after))).await;
            let hit = seen.calls.iter().find(|call| call.fault.is_some());
            let what = format!("{what} ({})", hit.map_or("none", |call| &call.operation));
            controller.assert_content(&what);
            canonical::assert_same(&canonical::state(&world), &expected, &what);
            points += usize::from(hit.is_some());
        }
    }
    println!(
        "{}: {calls} calls, {reads} of them reads, {points} faults",
        scenario.name
    );
    assert!(points > calls);
}

#[tokio::test(start_paused = true)]
async fn a_create_survives_every_fault_at_every_call() {
    survives(Scenario {
        name: "create",
        cold: true,
        before: scenarios::nothing,
        act: scenarios::ip,
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_survives_every_fault_at_every_call() {
    survives(Scenario {
        name: "edit",
        cold: false,
        before: scenarios::ip,
        act: scenarios::edit_ip,
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_survives_every_fault_at_every_call() {
    survives(Scenario {
        name: "delete",
        cold: false,
        before: scenarios::ip,
        act: scenarios::delete,
    })
    .await;
}

/// How long AWS is out.
const OUTAGE: Duration = Duration::from_mins(10);

#[tokio::test(start_paused = true)]
async fn an_outage_of_ten_minutes_ends_as_if_it_had_not_been() {
    let scenario = Scenario {
        name: "create",
        cold: true,
        before: scenarios::nothing,
        act: scenarios::ip,
    };
    let (undisturbed, _, _) = play(&scenario, None).await;
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
