//! Refusals: throttling in every spelling, unknown codes, server errors.

use elbow::aws::{Aws, AwsConfig, Fault, LeaseGuard};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{ATTEMPTS, CALLS, assert_clear, client, config, requests, server};

#[tokio::test]
async fn every_spelling_of_throttling_is_repeated_even_for_calls_that_are_made_once() {
    let codes = [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    ];
    for call in CALLS {
        for (code, status) in codes.into_iter().zip([400, 429, 503].into_iter().cycle()) {
            let server = MockServer::start().await;
            let refusal = call.error_answer(code, "Rate exceeded");
            Mock::given(any())
                .respond_with(ResponseTemplate::new(status).set_body_raw(refusal, "text/xml"))
                .up_to_n_times(2)
                .mount(&server)
                .await;
            Mock::given(any())
                .respond_with(ResponseTemplate::new(200).set_body_raw(call.good_answer(), "text/xml"))
                .mount(&server)
                .await;
            let aws = client(&server.uri()).await;
            call.make(&aws)
                .await
                .unwrap_or_else(|error| panic!("{call:?} {code}: {error}"));
            assert_eq!(requests(&server).await, 3, "{call:?} {code}");
            let throttled: u64 = aws
                .counts()
                .snapshot()
                .iter()
                .filter(|(key, _)| key.code == code)
                .map(|(_, n)| n.attempts)
                .sum();
            assert_eq!(throttled, 2);
        }
    }
}

#[tokio::test]
async fn throttling_that_does_not_end_is_reported_as_such() {
    for call in CALLS {
        let refusal = call.error_answer("ThrottlingException", "Rate exceeded");
        let server = server(ResponseTemplate::new(400).set_body_raw(refusal, "text/xml")).await;
        let error = call.make(&client(&server.uri()).await).await.unwrap_err();
        assert_eq!(
            (error.fault, error.answered),
            (Fault::Throttled, true),
            "{call:?}"
        );
        assert_clear(&error, "throttled for ever");
        assert_eq!(requests(&server).await, ATTEMPTS as usize);
    }
}

#[tokio::test]
async fn a_bare_429_proves_that_nothing_was_done_and_a_bare_503_does_not() {
    for call in CALLS {
        for status in [429, 503] {
            let server = server(ResponseTemplate::new(status).set_body_raw("busy", "text/plain")).await;
            let error = call.make(&client(&server.uri()).await).await.unwrap_err();
            assert_eq!(error.fault, Fault::Throttled, "{call:?} {status}: {error}");
            let expected = if call.repeats() || status == 429 {
                ATTEMPTS as usize
            } else {
                1
            };
            assert_eq!(requests(&server).await, expected, "{call:?} {status}");
        }
    }
}

#[tokio::test]
async fn codes_nobody_knows_are_kept_and_not_repeated() {
    for call in CALLS {
        let refusal = call.error_answer("BonkersError", "the moon is full");
        let server = server(ResponseTemplate::new(400).set_body_raw(refusal, "text/xml")).await;
        let error = call.make(&client(&server.uri()).await).await.unwrap_err();
        assert_eq!((error.fault, error.answered), (Fault::Unknown, true), "{call:?}");
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("BonkersError", "the moon is full")
        );
        assert_eq!(requests(&server).await, 1, "{call:?}");
    }
}

#[tokio::test]
async fn a_server_error_of_aws_leaves_open_whether_a_mutation_was_done() {
    for call in CALLS {
        let refusal = call.error_answer("InternalFailure", "sorry");
        let server = server(ResponseTemplate::new(500).set_body_raw(refusal, "text/xml")).await;
        let error = call.make(&client(&server.uri()).await).await.unwrap_err();
        assert_eq!(
            (error.fault, error.answered),
            (Fault::Transient, !call.is_mutation()),
            "{call:?}"
        );
        let expected = if call.repeats() { ATTEMPTS as usize } else { 1 };
        assert_eq!(requests(&server).await, expected, "{call:?}");
    }
}

#[tokio::test]
async fn an_error_carries_the_request_id_of_aws() {
    for call in CALLS {
        let refusal = call.error_answer("AccessDenied", "not you");
        let answer = ResponseTemplate::new(403).set_body_raw(refusal, "text/xml");
        let server = server(answer.insert_header("x-amzn-requestid", "req-1")).await;
        let error = call.make(&client(&server.uri()).await).await.unwrap_err();
        assert_eq!(error.fault, Fault::Denied, "{call:?}");
        assert_eq!(error.request_id.as_deref(), Some("req-1"), "{call:?}");
        assert!(error.to_string().ends_with("(request id req-1)"), "{error}");
        assert_eq!(requests(&server).await, 1);
    }
}

#[tokio::test]
async fn a_mutation_without_the_lease_is_not_sent() {
    let server = server(ResponseTemplate::new(200)).await;
    let aws = Aws::connect(AwsConfig {
        lease: LeaseGuard::not_held(),
        ..config(&server.uri())
    })
    .await;
    for call in CALLS.into_iter().filter(|call| call.is_mutation()) {
        let error = call.make(&aws).await.unwrap_err();
        assert_eq!(
            (error.fault, error.answered),
            (Fault::LeaseLost, true),
            "{call:?}"
        );
        assert_clear(&error, "lease");
    }
    assert_eq!(requests(&server).await, 0);
}
