//! The real SDK against servers that do not behave: every answer ends as a classified fault with one clear
//! sentence, never a panic, and no mutation is sent a second time blindly.

mod answers;
mod codes;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use aws_credential_types::Credentials;
use elbow::aws::{Aws, AwsConfig, AwsError, Endpoints, Fault};
use elbow_core::model::{
    Action, ForwardAction, IngressPermission, Listener, PermissionSource, Protocol, Ref, ResourceId, Setting,
    WeightedTargetGroup,
};
use elbow_core::redacted::Redacted;
use elbow_core::targets::GroupRule;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{cx, quick_config};

pub const ATTEMPTS: u32 = 3;
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(250);

/// What a repetition of the call does, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Read,
    ReadEc2,
    Delete,
    CreateListener,
    Authorize,
}

pub const CALLS: [Call; 5] = [
    Call::Read,
    Call::ReadEc2,
    Call::Delete,
    Call::CreateListener,
    Call::Authorize,
];

impl Call {
    /// Whether a second attempt is harmless.
    pub fn repeats(self) -> bool {
        matches!(self, Self::Read | Self::ReadEc2 | Self::Delete)
    }

    pub fn is_mutation(self) -> bool {
        !matches!(self, Self::Read | Self::ReadEc2)
    }

    pub async fn make(self, aws: &Aws) -> Result<(), AwsError> {
        match self {
            Self::Read => aws.list_load_balancers(&cx()).await.map(drop),
            Self::ReadEc2 => aws.vpc_subnets(&cx()).await.map(drop),
            Self::Delete => aws.delete_load_balancer(&cx(), "arn:lb").await,
            Self::CreateListener => aws
                .create_listener(&cx(), &listener(), &BTreeMap::default())
                .await
                .map(drop),
            Self::Authorize => aws.authorize_ingress(&cx(), "sg-1", &[rule()]).await,
        }
    }

    /// What AWS says when all is well.
    pub fn good_answer(self) -> &'static str {
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

    pub fn is_ec2(self) -> bool {
        matches!(self, Self::ReadEc2 | Self::Authorize)
    }

    /// An error answer in the protocol of the service.
    pub fn error_answer(self, code: &str, message: &str) -> String {
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

pub fn listener() -> Listener {
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
        certificate_origins: BTreeMap::default(),
        ssl_policy: Setting::Unmanaged,
        alpn_policy: Setting::Unmanaged,
        attributes: BTreeMap::default(),
        tags: Setting::Unmanaged,
        origins: BTreeSet::default(),
    }
}

pub fn rule() -> GroupRule {
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

pub fn config(url: &str) -> AwsConfig {
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

pub async fn client(url: &str) -> Aws {
    Aws::connect(config(url)).await
}

pub async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

pub async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// One sentence: one line, not long, naming the operation, without secrets.
pub fn assert_clear(error: &AwsError, case: &str) {
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
pub async fn all_calls_fail_as<F, Fut>(case: &str, fault: Fault, serve: F)
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
