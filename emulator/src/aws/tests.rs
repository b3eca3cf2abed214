#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::Timestamp;

use super::Release;
use crate::{CallFilter, Cut, Emulator, Fault, FaultRule, Options, Seed, Throttle};

fn emulator() -> Emulator {
    let options = Options {
        start: Some(Timestamp::UNIX_EPOCH),
        ..Options::default()
    };
    Emulator::new(Seed::default(), options)
}

fn request(form: &str) -> Request<Bytes> {
    let key = "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-west-2/ec2/aws4_request, Signature=00";
    Request::post("/")
        .header("authorization", key)
        .body(Bytes::from(form.to_owned()))
        .unwrap()
}

async fn send(emulator: &Emulator, form: &str) -> Result<(u16, String), Cut> {
    let answer: Response<Bytes> = emulator.call(request(form)).await?;
    let id = answer.headers()["x-amzn-requestid"].to_str().unwrap().to_owned();
    let body = String::from_utf8(answer.body().to_vec()).unwrap();
    assert!(body.contains(&format!(">{id}<")), "{body}");
    Ok((answer.status().as_u16(), body))
}

fn creation(name: &str) -> String {
    let vpc = Seed::default().world().ec2.vpcs.keys().next().unwrap().clone();
    format!("Action=CreateSecurityGroup&GroupName={name}&GroupDescription={name}&VpcId={vpc}")
}

fn exists(emulator: &Emulator, name: &str) -> bool {
    emulator.with_world(|world, _| world.ec2.security_groups.values().any(|g| g.name == name))
}

async fn listed(emulator: &Emulator, name: &str) -> bool {
    send(emulator, "Action=DescribeSecurityGroups")
        .await
        .unwrap()
        .1
        .contains(&format!("<groupName>{name}<"))
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_and_written_down() {
    let emulator = emulator();
    let (status, body) = send(&emulator, "Action=DescribeVpcs&Version=2016-11-15")
        .await
        .unwrap();
    assert_eq!(status, 200);
    assert!(body.contains("<cidrBlock>10.0.0.0/16</cidrBlock>"), "{body}");
    let calls = emulator.calls(&CallFilter::default());
    assert_eq!(
        (calls[0].actor.as_str(), calls[0].status, calls[0].mutation),
        ("AKIATEST", Some(200), false)
    );
}

#[tokio::test(start_paused = true)]
async fn latency_is_real_time_whatever_the_speed() {
    let emulator = Emulator::new(
        Seed::default(),
        Options {
            speed: 100.0,
            ..Options::default()
        },
    );
    emulator.add_fault(FaultRule::once("*", Fault::Latency { milliseconds: 2_000 }));
    let before = tokio::time::Instant::now();
    send(&emulator, "Action=DescribeVpcs").await.unwrap();
    assert!(before.elapsed() >= Duration::from_secs(2) && before.elapsed() < Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_during_latency_leaves_nothing_behind() {
    let emulator = emulator();
    emulator.add_fault(FaultRule::once("*", Fault::Latency { milliseconds: 2_000 }));
    let creation = creation("slow");
    let call = send(&emulator, &creation);
    assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!exists(&emulator, "slow"));
}

#[tokio::test(start_paused = true)]
async fn refusals_commit_nothing() {
    let emulator = emulator();
    for (fault, status, code) in [
        (Fault::Throttle { code: None }, 503, "RequestLimitExceeded"),
        (
            Fault::Throttle {
                code: Some("Throttling".into()),
            },
            400,
            "Throttling",
        ),
        (
            Fault::Error {
                code: "InternalError".into(),
                status: 500,
            },
            500,
            "InternalError",
        ),
        (Fault::AccessDenied, 403, "UnauthorizedOperation"),
    ] {
        emulator.add_fault(FaultRule::once("CreateSecurityGroup", fault));
        let (got, body) = send(&emulator, &creation("refused")).await.unwrap();
        assert_eq!(got, status);
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
        assert!(!exists(&emulator, "refused"));
    }
    let codes: Vec<_> = emulator
        .calls(&CallFilter::default())
        .into_iter()
        .map(|call| call.error_code)
        .collect();
    assert_eq!(codes.iter().flatten().count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_cut_comes_before_or_after_the_commit() {
    let emulator = emulator();
    emulator.add_fault(FaultRule::once("*", Fault::CutBefore));
    assert_eq!(send(&emulator, &creation("before")).await, Err(Cut));
    emulator.add_fault(FaultRule::once("*", Fault::CutAfter));
    assert_eq!(send(&emulator, &creation("after")).await, Err(Cut));
    assert!(!exists(&emulator, "before") && exists(&emulator, "after"));
    let committed: Vec<bool> = emulator
        .calls(&CallFilter::default())
        .iter()
        .map(|call| call.committed)
        .collect();
    assert_eq!(committed, [false, true]);
}

/// Starts a creation that a fault holds.
async fn hold(emulator: &Emulator, fault: Fault) -> tokio::task::JoinHandle<Result<(u16, String), Cut>> {
    emulator.add_fault(FaultRule {
        mutations: true,
        ..FaultRule::once("*", fault)
    });
    let (task, creation) = (emulator.clone(), creation("held"));
    let call = tokio::spawn(async move { send(&task, &creation).await });
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(!call.is_finished());
    call
}

#[tokio::test(start_paused = true)]
async fn a_held_call_waits_for_its_release_and_then_goes_on() {
    let emulator = emulator();
    let call = hold(&emulator, Fault::HoldBefore).await;
    let held = emulator.held();
    assert_eq!(
        (held[0].call.operation.as_str(), held[0].held_after_commit),
        ("CreateSecurityGroup", false)
    );
    assert!(!exists(&emulator, "held"));
    assert_eq!(emulator.release(Some(held[0].call.seq), Release::Answer), 1);
    assert_eq!(call.await.unwrap().unwrap().0, 200);
    assert!(exists(&emulator, "held") && emulator.held().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_held_after_its_commit_can_be_cut() {
    let emulator = emulator();
    let call = hold(&emulator, Fault::HoldAfter).await;
    assert!(exists(&emulator, "held") && emulator.held()[0].held_after_commit);
    emulator.release(None, Release::Cut);
    assert_eq!(call.await.unwrap(), Err(Cut));
}

#[tokio::test(start_paused = true)]
async fn a_held_call_ends_with_its_client_or_with_a_reset() {
    let emulator = emulator();
    let call = hold(&emulator, Fault::HoldBefore).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert!(emulator.held().is_empty() && !exists(&emulator, "held"));
    let call = hold(&emulator, Fault::HoldBefore).await;
    emulator.reset();
    assert_eq!(call.await.unwrap(), Err(Cut));
    assert!(emulator.held().is_empty() && emulator.faults().is_empty());
}

#[tokio::test(start_paused = true)]
async fn stale_reads_answer_from_the_state_of_some_seconds_ago() {
    let emulator = emulator();
    send(&emulator, &creation("first")).await.unwrap();
    emulator.add_fault(FaultRule::every(
        "DescribeSecurityGroups",
        Fault::Stale { seconds: 10 },
    ));
    send(&emulator, &creation("second")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    send(&emulator, &creation("third")).await.unwrap();
    assert!(listed(&emulator, "first").await && !listed(&emulator, "second").await);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(listed(&emulator, "second").await && !listed(&emulator, "third").await);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(listed(&emulator, "third").await);
    emulator.clear_faults();
    send(&emulator, &creation("fourth")).await.unwrap();
    assert!(listed(&emulator, "fourth").await);
}

#[tokio::test(start_paused = true)]
async fn fresh_ids_are_invisible_to_reads_only() {
    let emulator = emulator();
    send(&emulator, &creation("old")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    emulator.add_fault(FaultRule::every("*", Fault::FreshInvisible { seconds: 10 }));
    send(&emulator, &creation("fresh")).await.unwrap();
    assert!(listed(&emulator, "old").await && !listed(&emulator, "fresh").await);
    let (status, body) = send(&emulator, &creation("fresh")).await.unwrap();
    assert!(status == 400 && body.contains("InvalidGroup.Duplicate"), "{body}");
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert!(listed(&emulator, "fresh").await);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_operation_is_refused_in_the_form_of_its_service() {
    let emulator = emulator();
    let (status, body) = send(&emulator, "Action=LaunchRocket").await.unwrap();
    assert_eq!(status, 400);
    assert!(
        body.contains("<Response><Errors><Error><Code>InvalidAction</Code>"),
        "{body}"
    );
    let elb = Request::post("/")
        .body(Bytes::from_static(b"Action=LaunchRocket&Version=2015-12-01"))
        .unwrap();
    let body = emulator.call(elb).await.unwrap().into_body();
    let body = std::str::from_utf8(&body).unwrap();
    assert!(
        body.contains("<ErrorResponse xmlns=") && body.contains("<Type>Sender</Type><Code>InvalidAction"),
        "{body}"
    );
}

#[tokio::test(start_paused = true)]
async fn metadata_needs_a_token_that_has_not_ended() {
    let emulator = emulator();
    let get = |token: &str| {
        let request =
            Request::get("/latest/meta-data/placement/region").header("x-aws-ec2-metadata-token", token);
        emulator.call(request.body(Bytes::new()).unwrap())
    };
    let ask = Request::put("/latest/api/token").header("x-aws-ec2-metadata-token-ttl-seconds", "60");
    let answer = emulator.call(ask.body(Bytes::new()).unwrap()).await.unwrap();
    let token = std::str::from_utf8(answer.body()).unwrap().to_owned();
    assert_eq!(get(&token).await.unwrap().body(), "us-west-2");
    assert_eq!(get("other").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(get(&token).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert!(emulator.calls(&CallFilter::default()).is_empty());
}

async fn elb(emulator: &Emulator, action: &str) -> (u16, String) {
    let scope =
        "AWS4-HMAC-SHA256 Credential=K/20260101/us-west-2/elasticloadbalancing/aws4_request, Signature=00";
    let request = Request::post("/")
        .header("authorization", scope)
        .body(Bytes::from(format!("Action={action}")))
        .unwrap();
    let answer = emulator.call(request).await.unwrap();
    let body = String::from_utf8(answer.body().to_vec()).unwrap();
    (answer.status().as_u16(), body)
}

#[tokio::test(start_paused = true)]
async fn rate_limits_follow_the_clock_of_the_account_and_are_counted() {
    let options = Options {
        throttle: Throttle::Aws,
        speed: 2.0,
        ..Options::default()
    };
    let emulator = Emulator::new(Seed::default(), options);
    for _ in 0..40 {
        assert_eq!(elb(&emulator, "DescribeLoadBalancers").await.0, 200);
    }
    let (status, body) = elb(&emulator, "DescribeLoadBalancers").await;
    assert_eq!(status, 400);
    assert!(
        body.contains("<Code>Throttling</Code>") && body.contains("Rate exceeded"),
        "{body}"
    );
    let log = emulator.calls(&CallFilter::default());
    let last = log.last().unwrap();
    assert_eq!(
        (last.throttled, last.committed, last.error_code.as_deref()),
        (true, false, Some("Throttling"))
    );
    assert_eq!(log.iter().filter(|call| call.throttled).count(), 1);
    assert_eq!(emulator.state_json()["throttling"]["throttled"], 1);
    tokio::time::advance(Duration::from_millis(500)).await;
    for _ in 0..10 {
        assert_eq!(elb(&emulator, "DescribeLoadBalancers").await.0, 200);
    }
    assert_eq!(elb(&emulator, "DescribeLoadBalancers").await.0, 400);
    emulator.reset();
    assert_eq!(emulator.throttling().throttled, 0);
    assert_eq!(elb(&emulator, "DescribeLoadBalancers").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_uses_up_no_fault() {
    let options = Options {
        throttle: Throttle::Aws,
        ..Options::default()
    };
    let emulator = Emulator::new(Seed::default(), options);
    for _ in 0..40 {
        elb(&emulator, "DescribeLoadBalancers").await;
    }
    emulator.add_fault(FaultRule::once("*", Fault::AccessDenied));
    assert_eq!(elb(&emulator, "DescribeLoadBalancers").await.0, 400);
    assert_eq!(emulator.faults()[0].hits, 0);
}
