//! Shares, turns and waits, on virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use super::*;
use crate::aws::Cx;

const SLOW: &str = "Elastic Load Balancing v2:.*=10:1";

fn throttle(text: &str) -> Throttle {
    text.parse().unwrap()
}

fn asker(lane: Lane, name: &str) -> Asker {
    let key = Key::BackendGroup { vpc: name.to_owned() };
    Asker::from(&Cx::new(lane, &key))
}

/// Starts a worker that calls again and again; every permission is noted.
fn worker(budget: &Budget, lane: Lane, name: &str, operation: &'static str, log: &Arc<Mutex<Vec<String>>>) {
    let (budget, log, name) = (budget.clone(), Arc::clone(log), name.to_owned());
    tokio::spawn(async move {
        let mut asker = asker(lane, &name);
        loop {
            budget.take(Service::Elb, operation, &mut asker).await;
            log.lock().unwrap().push(name.clone());
        }
    });
}

fn count(log: &Arc<Mutex<Vec<String>>>, name: &str) -> usize {
    log.lock().unwrap().iter().filter(|entry| *entry == name).count()
}

#[tokio::test(start_paused = true)]
async fn lanes_share_a_contested_service_by_weight() {
    let budget = Budget::new(&throttle(SLOW));
    let log = Arc::new(Mutex::new(Vec::new()));
    for lane in Lane::ALL {
        worker(&budget, lane, &format!("{lane:?}"), "DescribeTags", &log);
    }
    tokio::time::sleep(Duration::from_mins(3)).await;
    let total = log.lock().unwrap().len();
    assert!((1795..=1805).contains(&total), "{total}");
    for lane in Lane::ALL {
        let share = count(&log, &format!("{lane:?}"));
        let expected = 100 * lane.weight() as usize;
        assert!(share.abs_diff(expected) <= 3, "{lane:?}: {share} of {expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_lane_leaves_its_share_to_the_others() {
    let budget = Budget::new(&throttle(SLOW));
    let log = Arc::new(Mutex::new(Vec::new()));
    worker(&budget, Lane::Sweep, "sweep", "DescribeTags", &log);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(
        (600..=602).contains(&count(&log, "sweep")),
        "{}",
        count(&log, "sweep")
    );
    // A lane that was idle has saved nothing up: from now on it gets its share, no more.
    worker(&budget, Lane::Resync, "resync", "DescribeTags", &log);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(
        count(&log, "resync").abs_diff(300) <= 2,
        "{}",
        count(&log, "resync")
    );
}

#[tokio::test(start_paused = true)]
async fn keys_of_a_lane_take_turns_however_many_calls_one_of_them_has() {
    let budget = Budget::new(&throttle(SLOW));
    let log = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..50 {
        worker(&budget, Lane::Edit, "greedy", "DescribeTags", &log);
    }
    worker(&budget, Lane::Edit, "modest", "DescribeTags", &log);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(
        count(&log, "modest").abs_diff(100) <= 2,
        "{}",
        count(&log, "modest")
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_are_taken_from_all_buckets_or_from_none() {
    // Creations may go once in 100 s; while they wait they must not hold tokens of the common bucket.
    let text = "Elastic Load Balancing v2:^Create=0.01:1,Elastic Load Balancing v2:.*=10:1";
    let budget = Budget::new(&throttle(text));
    let log = Arc::new(Mutex::new(Vec::new()));
    for name in ["a", "b", "c"] {
        worker(&budget, Lane::Targets, name, "CreateLoadBalancer", &log);
    }
    worker(&budget, Lane::Sweep, "sweep", "DescribeTags", &log);
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(count(&log, "a") + count(&log, "b") + count(&log, "c"), 1);
    assert!(count(&log, "sweep") >= 895, "{}", count(&log, "sweep"));
}

#[tokio::test(start_paused = true)]
async fn a_call_with_a_rare_token_is_not_starved_by_the_busy_rest() {
    let text = "Elastic Load Balancing v2:^Create=0.1:1,Elastic Load Balancing v2:.*=10:1";
    let budget = Budget::new(&throttle(text));
    let log = Arc::new(Mutex::new(Vec::new()));
    worker(&budget, Lane::Sweep, "create", "CreateLoadBalancer", &log);
    for number in 0..20 {
        worker(
            &budget,
            Lane::Targets,
            &format!("busy-{number}"),
            "DescribeTargetHealth",
            &log,
        );
    }
    tokio::time::sleep(Duration::from_secs(200)).await;
    // 0.1 per second would be 21; the lane's share of the common bucket (1 of 9) is more than enough.
    assert!(count(&log, "create") >= 17, "{}", count(&log, "create"));
}

#[tokio::test(start_paused = true)]
async fn our_buckets_are_the_published_ones() {
    let budget = Budget::new(&Throttle::default());
    let log = Arc::new(Mutex::new(Vec::new()));
    worker(&budget, Lane::Edit, "create", "CreateLoadBalancer", &log);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(count(&log, "create"), 10);
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(count(&log, "create"), 20);
    let before = tokio::time::Instant::now();
    for _ in 0..100 {
        budget
            .take(Service::Ec2, "DescribeInstances", &mut asker(Lane::Edit, "x"))
            .await;
    }
    assert!(
        before.elapsed() < Duration::from_millis(100),
        "EC2 has buckets of its own"
    );
}

#[tokio::test(start_paused = true)]
async fn throttling_halves_the_pace_and_quiet_minutes_bring_it_back() {
    let budget = Budget::new(&throttle("Elastic Load Balancing v2:.*=10:10"));
    let log = Arc::new(Mutex::new(Vec::new()));
    budget.throttled(Service::Elb, "DescribeTags");
    worker(&budget, Lane::Edit, "one", "DescribeTags", &log);
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert!(count(&log, "one").abs_diff(250) <= 2, "{}", count(&log, "one"));
    tokio::time::sleep(Duration::from_mins(10)).await;
    let before = count(&log, "one");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!((count(&log, "one") - before).abs_diff(100) <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_costs_nothing_and_leaves_its_place() {
    let budget = Budget::new(&throttle(SLOW));
    budget
        .take(Service::Elb, "DescribeTags", &mut asker(Lane::Edit, "first"))
        .await;
    for number in 0..100 {
        let mut dropped = asker(Lane::Targets, &format!("dropped-{number}"));
        let take = budget.take(Service::Elb, "DescribeTags", &mut dropped);
        assert!(
            tokio::time::timeout(Duration::from_micros(1), take)
                .await
                .is_err()
        );
    }
    let before = tokio::time::Instant::now();
    budget
        .take(Service::Elb, "DescribeTags", &mut asker(Lane::Sweep, "last"))
        .await;
    assert!(
        before.elapsed() <= Duration::from_millis(110),
        "{:?}",
        before.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_rises_with_its_lane() {
    let budget = Budget::new(&throttle("Elastic Load Balancing v2:.*=1:1"));
    budget
        .take(Service::Elb, "DescribeTags", &mut asker(Lane::Edit, "first"))
        .await;
    let log = Arc::new(Mutex::new(Vec::new()));
    for number in 0..10 {
        worker(
            &budget,
            Lane::Edit,
            &format!("busy-{number}"),
            "DescribeTags",
            &log,
        );
    }
    tokio::task::yield_now().await;
    let (sender, mut rising) = Asker::rising(Lane::Sweep);
    let waiting = budget.clone();
    let promoted = tokio::spawn(async move {
        waiting.take(Service::Elb, "DescribeTags", &mut rising).await;
        tokio::time::Instant::now()
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    let before = tokio::time::Instant::now();
    sender.send_replace(Lane::Targets);
    assert!(promoted.await.unwrap() - before <= Duration::from_millis(2500));
}
