//! The real SDK against the emulator: pages, batches, merged reads, and what happens to calls that get no answer.

use std::time::Duration;

use elbow::aws::{Aws, AwsConfig, Fault, LeaseGuard};
use elbow_core::model::{Listener, Protocol, Setting, Tags};
use elbow_emulator::{Fault as Injected, FaultRule};

use crate::support::wanted::{calls, listener, load_balancer, tags, target_group};
use crate::support::{VPC, aws, aws_with, cx, emulator, quick_config, realm};

/// Several target groups, by ARN.
async fn several(aws: &Aws, count: usize) -> Vec<String> {
    let mut arns = Vec::new();
    for number in 0..count {
        let wanted = target_group(&format!("k8s-{number}"));
        arns.push(
            aws.create_target_group(&cx(), &wanted, &tags([("n", &number.to_string())]))
                .await
                .unwrap(),
        );
    }
    arns
}

#[tokio::test(start_paused = true)]
async fn lists_are_read_to_the_last_page() {
    let emulator = emulator("page_size: 2\n");
    let aws = aws(&emulator);
    several(&aws, 5).await;
    assert_eq!(aws.list_target_groups(&cx()).await.unwrap().len(), 5);
    assert_eq!(calls(&emulator, "DescribeTargetGroups"), 3);
}

#[tokio::test(start_paused = true)]
async fn tags_wanted_at_the_same_time_travel_twenty_at_a_time_and_a_missing_one_harms_nobody() {
    let emulator = emulator("");
    let aws = aws(&emulator);
    let mut arns = several(&aws, 39).await;
    let whole = futures::future::join_all(arns.iter().map(|arn| {
        let (aws, arn) = (&aws, vec![arn.clone()]);
        async move { aws.tags(&cx(), &arn).await }
    }));
    assert!(whole.await.into_iter().all(|found| found.unwrap().len() == 1));
    assert_eq!(calls(&emulator, "DescribeTags"), 2);

    let gone = arns[7].replace("k8s-", "k8s-gone-");
    arns.push(gone.clone());
    let found = aws.tags(&cx(), &arns).await.unwrap();
    assert_eq!(found.len(), 39);
    assert!(!found.contains_key(&gone));
    assert_eq!(found[&arns[38]]["n"], "38");
}

#[tokio::test(start_paused = true)]
async fn equal_reads_at_the_same_time_are_one_call() {
    let emulator = emulator("");
    let aws = aws(&emulator);
    emulator.add_fault(FaultRule::every(
        "DescribeSubnets",
        Injected::Latency { milliseconds: 50 },
    ));
    let reads = futures::future::join_all((0..10).map(|_| async { aws.vpc_subnets(&cx()).await }));
    assert!(reads.await.into_iter().all(|read| read.unwrap().len() == 6));
    assert_eq!(calls(&emulator, "DescribeSubnets"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_is_cut_is_repeated_only_where_the_name_makes_it_idempotent() {
    let emulator = emulator("");
    let aws = aws(&emulator);
    for operation in [
        "CreateLoadBalancer",
        "CreateTargetGroup",
        "CreateSecurityGroup",
        "CreateListener",
    ] {
        emulator.add_fault(FaultRule::once(operation, Injected::CutAfter));
    }
    let lb = aws
        .create_load_balancer(&cx(), &load_balancer("k8s-a"), &[], &Tags::new())
        .await
        .unwrap()
        .arn;
    let group = aws
        .create_target_group(&cx(), &target_group("k8s-g"), &Tags::new())
        .await
        .unwrap();
    assert_eq!(calls(&emulator, "CreateLoadBalancer"), 2);
    assert_eq!(aws.list_load_balancers(&cx()).await.unwrap().len(), 1);
    assert_eq!(aws.list_target_groups(&cx()).await.unwrap().len(), 1);

    let cut = aws
        .create_security_group(&cx(), "k8s-s", "s", VPC, &Tags::new())
        .await
        .unwrap_err();
    assert_eq!((cut.fault, cut.answered), (Fault::Transient, false));
    let plain = Listener {
        protocol: Protocol::Tcp,
        certificates: Vec::new(),
        ssl_policy: Setting::Unmanaged,
        alpn_policy: Setting::Unmanaged,
        ..listener(&lb, &group)
    };
    let cut = aws
        .create_listener(&cx(), &plain, &Tags::new())
        .await
        .unwrap_err();
    assert_eq!((cut.fault, cut.answered), (Fault::Transient, false));
    assert_eq!(
        (
            calls(&emulator, "CreateSecurityGroup"),
            calls(&emulator, "CreateListener")
        ),
        (1, 1)
    );
    assert_eq!(
        aws.listeners(&cx(), &lb).await.unwrap().len(),
        1,
        "it had happened"
    );
}

#[tokio::test(start_paused = true)]
async fn a_held_mutation_times_out_and_a_lost_lease_stops_its_repetition() {
    let emulator = emulator("");
    let lease = LeaseGuard::not_held();
    let aws = aws_with(
        &emulator,
        AwsConfig {
            lease: lease.clone(),
            ..quick_config()
        },
    );
    emulator.add_fault(FaultRule::every("CreateLoadBalancer", Injected::HoldAfter));
    lease.extend(tokio::time::Instant::now() + Duration::from_secs(7));
    let error = aws
        .create_load_balancer(&cx(), &load_balancer("k8s-a"), &[], &Tags::new())
        .await
        .unwrap_err();
    assert_eq!((error.fault, error.answered), (Fault::LeaseLost, false));
    assert_eq!(
        calls(&emulator, "CreateLoadBalancer"),
        2,
        "5 s each, the lease ends after 7 s"
    );
}

#[tokio::test(start_paused = true)]
async fn denial_names_the_action_and_throttling_is_waited_out() {
    let emulator = emulator("");
    let aws = aws(&emulator);
    emulator.add_fault(FaultRule::once("DescribeSubnets", Injected::AccessDenied));
    let denied = aws.vpc_subnets(&cx()).await.unwrap_err();
    assert_eq!(
        (denied.fault, denied.action().as_str()),
        (Fault::Denied, "ec2:DescribeSubnets")
    );
    assert!(denied.request_id.is_some());
    emulator.add_fault(FaultRule {
        count: Some(5),
        ..FaultRule::every("DescribeSubnets", Injected::Throttle { code: None })
    });
    assert_eq!(aws.vpc_subnets(&cx()).await.unwrap().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_vpc_is_one_clear_sentence() {
    let emulator = emulator("");
    let mut other = realm();
    other.vpc = "vpc-gone".to_owned();
    let aws = aws_with(
        &emulator,
        AwsConfig {
            realm: other,
            ..quick_config()
        },
    );
    let error = elbow::aws::discovery::verify_vpc(&aws).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no VPC vpc-gone in region us-west-2: check --aws-vpc-id and --aws-region"
    );
}
