//! The attempt loop: every AWS call goes through here.
//!
//! In: an operation and a way to send it once. Out: its output, or one classified error. Each attempt takes
//! its tokens, then (a mutation) checks the lease, then is sent. A mutation that AWS gave no answer to is
//! repeated only where a repetition does no harm.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::Instant;
use tracing::Instrument;

use super::counts::CountKey;
use super::error::{AwsError, Fault, Service, by_status, classify};
use super::merge::Asker;
use super::wire::BadAnswer;
use super::{Aws, Cx};

/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a repetition does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Changes nothing.
    Read,
    /// Changes nothing more than the first time did.
    Repeatable,
    /// May do it twice, or report the first time as a conflict.
    Once,
}

impl Kind {
    /// DESIGN 4.1: what is repeated without looking.
    fn of(operation: &str) -> Self {
        const REPEATABLE: [&str; 8] = [
            "AddTags",
            "RemoveTags",
            "CreateTags",
            "RegisterTargets",
            "DeregisterTargets",
            "CreateLoadBalancer",
            "CreateTargetGroup",
            "DeleteTags",
        ];
        if operation.starts_with("Describe") {
            Self::Read
        } else if REPEATABLE.contains(&operation)
            || ["Delete", "Modify", "Set"]
                .iter()
                .any(|word| operation.starts_with(word))
        {
            Self::Repeatable
        } else {
            Self::Once
        }
    }
}

/// A failed attempt. `error.answered` says whether nothing was changed by it.
struct Failure {
    error: AwsError,
    status: u16,
    /// Whether another attempt may end differently.
    passing: bool,
}

impl Aws {
    /// Sends an operation until it succeeds, fails for good or runs out of attempts.
    pub(super) async fn call<O, E, F, Fut>(
        &self,
        asker: &Asker,
        service: Service,
        operation: &'static str,
        send: F,
    ) -> Result<O, AwsError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let key = asker.key.as_ref().map(ToString::to_string).unwrap_or_default();
        let span = tracing::debug_span!("aws", operation, key);
        let attempt = || async {
            match Box::pin(send()).await {
                Ok(output) => Ok(output),
                Err(error) => Err(failure(service, operation, &error)),
            }
        };
        self.attempts(asker.clone(), service, operation, attempt)
            .instrument(span)
            .await
    }

    async fn attempts<O, F, Fut>(
        &self,
        mut asker: Asker,
        service: Service,
        operation: &'static str,
        attempt: F,
    ) -> Result<O, AwsError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<O, Failure>>,
    {
        let kind = Kind::of(operation);
        let config = &self.0.config;
        let limit = if kind == Kind::Read {
            config.read_timeout
        } else {
            config.mutation_timeout
        };
        let _wrote = (kind != Kind::Read).then(|| Wrote { aws: self, service });
        let mut nothing_changed = true;
        let mut pause = config.pause;
        let mut left = config.max_attempts;
        loop {
            left = left.saturating_sub(1);
            self.0.budget.take(service, operation, &mut asker).await;
            if kind != Kind::Read && !config.lease.is_valid() {
                return Err(lease_lost(service, operation, nothing_changed));
            }
            let started = Instant::now();
            let result = tokio::time::timeout(limit, attempt()).await;
            let mut failure = match result {
                Ok(Ok(output)) => {
                    self.count(service, operation, 200, "", started, true);
                    return Ok(output);
                }
                Ok(Err(failure)) => failure,
                Err(_) => timed_out(service, operation, limit),
            };
            if failure.error.fault == Fault::Throttled {
                self.0.budget.throttled(service, operation);
            }
            let again = left > 0 && failure.passing && (failure.error.answered || kind != Kind::Once);
            self.count(
                service,
                operation,
                failure.status,
                &failure.error.code,
                started,
                !again,
            );
            nothing_changed &= failure.error.answered || kind == Kind::Read;
            if !again {
                failure.error.answered = nothing_changed;
                tracing::debug!(error = %failure.error, "AWS call failed");
                return Err(failure.error);
            }
            tracing::debug!(error = %failure.error, attempts_left = left, "AWS call is repeated");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn count(
        &self,
        service: Service,
        operation: &'static str,
        status: u16,
        code: &str,
        started: Instant,
        ends_call: bool,
    ) {
        let key = CountKey {
            service,
            operation,
            status,
            code: code.to_owned(),
        };
        self.0.counts.attempt(key, started.elapsed(), ends_call);
    }

    /// A read that equal reads may join.
    pub(super) async fn merged<T, F, Fut>(
        &self,
        cx: &Cx,
        service: Service,
        name: String,
        read: F,
    ) -> Result<T, AwsError>
    where
        T: Clone + Send + Sync + 'static,
        F: FnOnce(Aws, Asker) -> Fut,
        Fut: Future<Output = Result<T, AwsError>> + Send + 'static,
    {
        let aws = self.clone();
        self.0
            .merge
            .read(cx, service, name, |asker| read(aws, asker))
            .await
    }
}

/// Ends the merging of reads that began before a write, however the write ends.
struct Wrote<'a> {
    aws: &'a Aws,
    service: Service,
}

impl Drop for Wrote<'_> {
    fn drop(&mut self) {
        self.aws.0.merge.wrote(self.service);
    }
}

/// All pages of a listing. `page` gets the marker of the page to read.
pub(super) async fn all_pages<T, F, Fut>(
    service: Service,
    operation: &'static str,
    page: F,
) -> Result<Vec<T>, AwsError>
where
    F: Fn(Option<String>) -> Fut,
    Fut: Future<Output = Result<(Vec<T>, Option<String>), AwsError>>,
{
    let mut all = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let (mut items, next) = page(marker.clone()).await?;
        all.append(&mut items);
        match next.filter(|next| !next.is_empty()) {
            None => return Ok(all),
            Some(next) if marker.as_ref() == Some(&next) => {
                return Err(ours(
                    service,
                    operation,
                    "BadAnswer",
                    "the endpoint sent the same page marker twice",
                ));
            }
            next => marker = next,
        }
    }
}

/// An error without a code of AWS; nothing was changed.
fn ours(service: Service, operation: &'static str, code: &str, message: &str) -> AwsError {
    AwsError {
        fault: Fault::Transient,
        ..AwsError::answered(service, operation, code, message)
    }
}

fn lease_lost(service: Service, operation: &'static str, answered: bool) -> AwsError {
    let message = "not sent, because the leader lease has run out";
    AwsError {
        fault: Fault::LeaseLost,
        answered,
        ..ours(service, operation, "LeaseLost", message)
    }
}

fn timed_out(service: Service, operation: &'static str, limit: Duration) -> Failure {
    let message = format!("the endpoint did not answer within {limit:?}");
    Failure {
        error: AwsError {
            answered: false,
            ..ours(service, operation, "TimedOut", &message)
        },
        status: 0,
        passing: true,
    }
}

/// Classifies what the SDK reports.
fn failure<E>(service: Service, operation: &'static str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let SdkError::ServiceError(context) = error
        && let Some(code) = context.err().meta().code()
    {
        let status = context.raw().status().as_u16();
        return refused(service, operation, code, context.err().meta(), status);
    }
    if let SdkError::ConstructionFailure(_) = error {
        let mut error = ours(service, operation, "InvalidRequest", &deepest(error));
        error.fault = Fault::Invalid;
        return Failure {
            error,
            status: 0,
            passing: false,
        };
    }
    if let Some(bad) = find::<BadAnswer>(error) {
        return bad_answer(service, operation, bad);
    }
    if let Some(status) = error.raw_response().map(|raw| raw.status().as_u16()) {
        let what = format!("an answer that cannot be read: {}", deepest(error));
        return bad_answer(service, operation, &BadAnswer { status, what });
    }
    unconnected(service, operation, error)
}

/// AWS answered with an error code.
fn refused(
    service: Service,
    operation: &'static str,
    code: &str,
    meta: &aws_smithy_types::error::ErrorMetadata,
    status: u16,
) -> Failure {
    let fault = classify(code, status);
    // A server error may come from behind the point where the change was made.
    let settled = match fault {
        Fault::Transient => status < 500,
        _ => true,
    };
    let error = AwsError {
        service,
        fault,
        operation,
        code: code.to_owned(),
        message: meta.message().unwrap_or("no message").to_owned(),
        request_id: meta.extra("aws_request_id").map(str::to_owned),
        answered: settled,
    };
    Failure {
        passing: matches!(fault, Fault::Throttled | Fault::Transient),
        error,
        status,
    }
}

/// Something else answered in AWS's place. Only 429 proves that nothing was changed.
fn bad_answer(service: Service, operation: &'static str, bad: &BadAnswer) -> Failure {
    let fault = match bad.status {
        400.. => by_status(bad.status),
        _ => Fault::Transient,
    };
    let fault = if fault == Fault::Unknown {
        Fault::Transient
    } else {
        fault
    };
    let error = AwsError {
        fault,
        answered: bad.status == 429,
        ..ours(service, operation, "BadAnswer", &bad.to_string())
    };
    Failure {
        passing: matches!(fault, Fault::Throttled | Fault::Transient),
        error,
        status: bad.status,
    }
}

/// No answer at all.
fn unconnected<E>(service: Service, operation: &'static str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: Error + Send + Sync + 'static,
{
    if let Some(credentials) = find::<CredentialsError>(error) {
        let message = format!(
            "no AWS credentials were found in environment, profile, web identity, container or instance metadata: {}",
            deepest(credentials)
        );
        return Failure {
            error: ours(service, operation, "NoCredentials", &message),
            status: 0,
            passing: false,
        };
    }
    let never_sent = find::<std::io::Error>(error).is_some_and(|error| {
        use std::io::ErrorKind as Io;
        matches!(
            error.kind(),
            Io::ConnectionRefused | Io::HostUnreachable | Io::NetworkUnreachable
        )
    });
    let message = format!("no answer from the endpoint: {}", deepest(error));
    Failure {
        error: AwsError {
            answered: never_sent,
            ..ours(service, operation, "ConnectionFailed", &message)
        },
        status: 0,
        passing: true,
    }
}

/// An error and its causes, outermost first.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// The first cause of a type.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}

/// The innermost cause, which says most.
pub(super) fn deepest(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_calls_of_the_design_are_repeated_without_looking() {
        for operation in [
            "DeleteListener",
            "ModifyListener",
            "SetSubnets",
            "AddTags",
            "CreateTags",
            "RegisterTargets",
            "CreateLoadBalancer",
            "CreateTargetGroup",
            "ModifyCapacityReservation",
        ] {
            assert_eq!(Kind::of(operation), Kind::Repeatable, "{operation}");
        }
        for operation in [
            "CreateListener",
            "CreateSecurityGroup",
            "AuthorizeSecurityGroupIngress",
            "RevokeSecurityGroupIngress",
            "AddListenerCertificates",
            "RemoveListenerCertificates",
        ] {
            assert_eq!(Kind::of(operation), Kind::Once, "{operation}");
        }
        assert_eq!(Kind::of("DescribeTags"), Kind::Read);
    }
}
