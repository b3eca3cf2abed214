//! What went wrong in one attempt: what the SDK or the wire reports in, a classified error out.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};

use super::error::{AwsError, Fault, Service, by_status, classify};
use super::wire::{BadAnswer, NoAnswer};

/// A failed attempt. `error.answered` says whether nothing was changed by it.
pub(super) struct Failure {
    pub(super) error: AwsError,
    pub(super) status: u16,
    /// Whether another attempt may end differently.
    pub(super) passing: bool,
}

/// An error without a code of AWS; nothing was changed.
pub(super) fn ours(service: Service, operation: &'static str, code: &str, message: &str) -> AwsError {
    AwsError {
        fault: Fault::Transient,
        ..AwsError::answered(service, operation, code, message)
    }
}

pub(super) fn lease_lost(service: Service, operation: &'static str, answered: bool) -> AwsError {
    let message = "not sent, because the leader lease has run out";
    AwsError {
        fault: Fault::LeaseLost,
        answered,
        ..ours(service, operation, "LeaseLost", message)
    }
}

pub(super) fn timed_out(service: Service, operation: &'static str, limit: Duration) -> Failure {
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
pub(super) fn failure<E>(
    service: Service,
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> Failure
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
    meta: &ErrorMetadata,
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
    let endpoint = find::<NoAnswer>(error).map(|error| format!(" {}", error.endpoint));
    let message = format!(
        "no answer from the endpoint{}: {}",
        endpoint.unwrap_or_default(),
        deepest(error)
    );
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
