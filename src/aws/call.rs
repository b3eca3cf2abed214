//! The attempt loop: every AWS call goes through here.
//!
//! In: an operation and a way to send it once. Out: its output, or one classified error. Each attempt takes
//! its tokens, then (a mutation) checks the lease, then is sent. A mutation that AWS gave no answer to is
//! repeated only where a repetition does no harm.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::Instant;
use tracing::Instrument;

use super::counts::CountKey;
use super::error::{AwsError, Fault, Service};
use super::failure::{Failure, failure, lease_lost, ours, timed_out};
use super::merge::Asker;
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
    /// What is repeated without looking: where a repetition changes nothing, or AWS knows it by name.
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
            "ModifyRule",
            "SetRulePriorities",
            "DeleteRule",
        ] {
            assert_eq!(Kind::of(operation), Kind::Repeatable, "{operation}");
        }
        for operation in [
            "CreateListener",
            "CreateRule",
            "CreateSecurityGroup",
            "AuthorizeSecurityGroupIngress",
            "RevokeSecurityGroupIngress",
            "AddListenerCertificates",
            "RemoveListenerCertificates",
        ] {
            assert_eq!(Kind::of(operation), Kind::Once, "{operation}");
        }
        for operation in ["DescribeTags", "DescribeRules"] {
            assert_eq!(Kind::of(operation), Kind::Read, "{operation}");
        }
    }
}
