//! The real SDK against servers that do not behave: every answer ends as a classified fault with one clear
//! sentence, never a panic, and no mutation is sent a second time blindly.

use std::future::Future;
use std::time::Duration;

use aws_credential_types::Credentials;
use elbow::aws::{Aws, AwsConfig, AwsError, Endpoints, Fault, LeaseGuard};
use elbow_core::model::{
    Action, ForwardAction, IngressPermission, Listener, PermissionSource, Protocol, Ref, ResourceId, Setting,
    WeightedTargetGroup,
};
use elbow_core::redacted::Redacted;
use elbow_core::targets::GroupRule;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{cx, quick_config};

const ATTEMPTS: u32 = 3;
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(250);

/// What a repetition of the call does, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Read,
    ReadEc2,
    Delete,
    CreateListener,
    Authorize,
}

const CALLS: [Call; 5] = [
    Call::Read,
    Call::ReadEc2,
    Call::Delete,
    Call::CreateListener,
    Call::Authorize,
];

impl Call {
    /// Whether a second attempt is harmless.
    fn repeats(self) -> bool {
        matches!(self, Self::Read | Self::ReadEc2 | Self::Delete)
    }

    fn is_mutation(self) -> bool {
        !matches!(self, Self::Read | Self::ReadEc2)
    }

    async fn make(self, aws: &Aws) -> Result<(), AwsError> {
        match self {
            Self::Read => aws.list_load_balancers(&cx()).await.map(drop),
            Self::ReadEc2 => aws.vpc_subnets(&cx()).await.map(drop),
            Self::Delete => aws.delete_load_balancer(&cx(), "arn:lb").await,
            Self::CreateListener => aws
                .create_listener(&cx(), &listener(), &Default::default())
                .await
                .map(drop),
            Self::Authorize => aws.authorize_ingress(&cx(), "sg-1", &[rule()]).await,
        }
    }

    /// What AWS says when all is well.
    fn good_answer(self) -> &'static str {
        match self {
            Self::Read => {
                "<DescribeLoadBalancersResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
                 <DescribeLoadBalancersResult><LoadBalancers/></DescribeLoadBalancersResult>\
                 </DescribeLoadBalancersResponse>"
            }
            Self::ReadEc2 => {
                "<DescribeSubnetsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><subnetSet/>\
                 </DescribeSubnetsResponse>"
            }
            Self::Delete => {
                "<DeleteLoadBalancerResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
                 <DeleteLoadBalancerResult/></DeleteLoadBalancerResponse>"
            }
            Self::CreateListener => {
                "<CreateListenerResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
                 <CreateListenerResult><Listeners><member><ListenerArn>arn:l</ListenerArn></member></Listeners>\
                 </CreateListenerResult></CreateListenerResponse>"
            }
            Self::Authorize => {
                "<AuthorizeSecurityGroupIngressResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
                 <return>true</return></AuthorizeSecurityGroupIngressResponse>"
            }
        }
    }

    fn is_ec2(self) -> bool {
        matches!(self, Self::ReadEc2 | Self::Authorize)
    }

    /// An error answer in the protocol of the service.
    fn error_answer(self, code: &str, message: &str) -> String {
        if self.is_ec2() {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code>\
                 <Message>{message}</Message></Error></Errors><RequestID>req-1</RequestID></Response>"
            )
        } else {
            format!(
                "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><Error>\
                 <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                 <RequestId>req-1</RequestId></ErrorResponse>"
            )
        }
    }
}

fn listener() -> Listener {
    Listener {
        id: ResourceId("80".to_owned()),
        arn: None,
        load_balancer: Ref::Known("arn:lb".to_owned()),
        port: 80,
        protocol: Protocol::Tcp,
        default_actions: vec![Action::Forward(ForwardAction {
            target_groups: vec![WeightedTargetGroup {
                target_group: Ref::Known("arn:tg".to_owned()),
                weight: None,
            }],
            stickiness: Setting::Unmanaged,
        })],
        certificates: Vec::new(),
        extra_certificates: Setting::Unmanaged,
        ssl_policy: Setting::Unmanaged,
        alpn_policy: Setting::Unmanaged,
        attributes: Default::default(),
        tags: Setting::Unmanaged,
        origins: Default::default(),
    }
}

fn rule() -> GroupRule {
    GroupRule {
        permission: IngressPermission {
            protocol: "tcp".to_owned(),
            from_port: Some(80),
            to_port: Some(80),
            source: PermissionSource::Ipv4("0.0.0.0/0".to_owned()),
        },
        description: String::new(),
    }
}

fn config(url: &str) -> AwsConfig {
    AwsConfig {
        endpoints: Endpoints::all(url),
        max_attempts: ATTEMPTS,
        read_timeout: ATTEMPT_TIMEOUT,
        mutation_timeout: ATTEMPT_TIMEOUT,
        credentials: Some(Redacted::new(Credentials::new(
            "key",
            "TOPSECRET",
            None,
            None,
            "test",
        ))),
        ..quick_config()
    }
}

async fn client(url: &str) -> Aws {
    Aws::connect(config(url)).await
}

async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// One sentence: one line, not long, naming the operation, without secrets.
fn assert_clear(error: &AwsError, case: &str) {
    let sentence = error.to_string();
    assert!(sentence.contains(error.operation), "{case}: {sentence}");
    assert!(
        !sentence.contains('\n') && sentence.len() < 400,
        "{case}: {sentence}"
    );
    assert!(
        !error.message.is_empty() && !sentence.contains("TOPSECRET"),
        "{case}: {sentence}"
    );
}

/// Makes every call against a server that always answers so: the class is right, harmless calls are repeated
/// to the end, others are sent once and reported as possibly done.
async fn all_calls_fail_as<F, Fut>(case: &str, fault: Fault, serve: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = MockServer>,
{
    for call in CALLS {
        let server = serve().await;
        let aws = client(&server.uri()).await;
        let error = call.make(&aws).await.unwrap_err();
        let case = format!("{case}, {call:?}");
        assert_eq!(error.fault, fault, "{case}: {error}");
        assert_clear(&error, &case);
        assert_eq!(error.answered, !call.is_mutation(), "{case}");
        let expected = if call.repeats() { ATTEMPTS as usize } else { 1 };
        assert_eq!(requests(&server).await, expected, "{case}");
    }
}

#[tokio::test]
async fn good_answers_of_the_table_are_understood() {
    for call in CALLS {
        let server = server(ResponseTemplate::new(200).set_body_raw(call.good_answer(), "text/xml")).await;
        call.make(&client(&server.uri()).await)
            .await
            .unwrap_or_else(|error| panic!("{call:?}: {error}"));
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.len(), 1);
        let agent = requests[0].headers.get("user-agent").unwrap().to_str().unwrap();
        assert!(
            agent.starts_with("elbv2.k8s.aws/") && agent.contains("elbow/"),
            "{agent}"
        );
    }
}

#[tokio::test]
async fn a_page_of_html_with_status_200_is_not_an_answer() {
    let page = "<html><body>Please sign in</body></html>";
    all_calls_fail_as("HTML 200", Fault::Transient, || {
        server(ResponseTemplate::new(200).set_body_raw(page, "text/html"))
    })
    .await;
}

#[tokio::test]
async fn a_page_of_html_with_a_server_error_is_not_an_answer() {
    let page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head></html>";
    all_calls_fail_as("HTML 502", Fault::Transient, || {
        server(ResponseTemplate::new(502).set_body_raw(page, "text/html"))
    })
    .await;
}

#[tokio::test]
async fn an_empty_body_is_not_an_answer() {
    for status in [200, 204, 400, 500] {
        all_calls_fail_as(&format!("empty {status}"), Fault::Transient, || {
            server(ResponseTemplate::new(status))
        })
        .await;
    }
}

#[tokio::test]
async fn other_content_is_not_an_answer() {
    let bodies: [&[u8]; 3] = [
        b"{\"message\":\"no\"}",
        &[0xff, 0xfe, 0x00, 0x80],
        b"<NotWhatWasAsked><x/></NotWhatWasAsked>",
    ];
    for body in bodies {
        for call in CALLS {
            let server = server(ResponseTemplate::new(200).set_body_raw(body.to_vec(), "text/xml")).await;
            let error = call.make(&client(&server.uri()).await).await.unwrap_err();
            assert_eq!(error.fault, Fault::Transient, "{call:?}: {error}");
            assert_clear(&error, "other content");
            let expected = if call.repeats() { ATTEMPTS as usize } else { 1 };
            assert_eq!(requests(&server).await, expected, "{call:?}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 307, 308] {
        let elsewhere = server(ResponseTemplate::new(200)).await;
        let target = elsewhere.uri();
        all_calls_fail_as(&format!("redirect {status}"), Fault::Transient, || {
            server(ResponseTemplate::new(status).insert_header("location", target.as_str()))
        })
        .await;
        assert_eq!(requests(&elsewhere).await, 0);
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_none() {
    all_calls_fail_as("slow", Fault::Transient, || {
        server(ResponseTemplate::new(200).set_delay(Duration::from_secs(20)))
    })
    .await;
}

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

/// A server that reads a request, writes some bytes and closes, and how often it was asked.
async fn cutting_server(
    bytes: Vec<u8>,
) -> (
    String,
    tokio::task::JoinHandle<()>,
    std::sync::Arc<std::sync::atomic::AtomicUsize>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    });
    (url, task, asked)
}

async fn read_request(stream: &mut tokio::net::TcpStream) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await.unwrap_or_default();
        request.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return;
            }
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if read == 0 || body.len() >= length.unwrap_or_default() {
            return;
        }
    }
}

#[tokio::test]
async fn a_cut_answer_is_none() {
    let whole = |call: Call| call.good_answer().len();
    for call in CALLS {
        let half = &call.good_answer()[..whole(call) / 2];
        let answers = [
            Vec::new(),
            b"HTTP/1.1 200 OK\r\n".to_vec(),
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{half}", whole(call)).into_bytes(),
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{half}\r\n",
                half.len()
            )
            .into_bytes(),
            // Cut by something in between that mends the framing: a shorter list must not come of it.
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{half}", half.len()).into_bytes(),
            b"this is not HTTP at all\r\n\r\n".to_vec(),
        ];
        for (number, answer) in answers.into_iter().enumerate() {
            let (url, task, asked) = cutting_server(answer).await;
            let error = call.make(&client(&url).await).await.unwrap_err();
            let case = format!("{call:?}, cut {number}");
            assert_eq!(
                (error.fault, error.answered),
                (Fault::Transient, !call.is_mutation()),
                "{case}: {error}"
            );
            assert_clear(&error, &case);
            let expected = if call.repeats() { ATTEMPTS as usize } else { 1 };
            assert_eq!(
                asked.load(std::sync::atomic::Ordering::SeqCst),
                expected,
                "{case}"
            );
            task.abort();
        }
    }
}

#[tokio::test]
async fn nobody_listening_is_one_clear_sentence_and_nothing_was_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for call in CALLS {
        let error = call.make(&client(&url).await).await.unwrap_err();
        assert_eq!(
            (error.fault, error.answered),
            (Fault::Transient, true),
            "{call:?}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.to_lowercase().contains("refused") && text.contains(&url),
            "{text}"
        );
        assert_clear(&error, "refused");
    }
}
