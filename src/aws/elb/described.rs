//! Load balancers and target groups alike: all of them, by ARN, by name.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;

use super::convert::{Strange, keep_readable};
use crate::aws::batch::Batch;
use crate::aws::call::all_pages;
use crate::aws::error::{AwsError, Fault, Service};
use crate::aws::merge::Asker;
use crate::aws::{Aws, Cx};

/// The describe operations take 20 ARNs (ELBv2 API reference; for target groups it names no limit).
const ARNS: usize = 20;

/// Which resources to describe.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    /// These ARNs; `None`: all.
    pub arns: Option<Vec<String>>,
    /// These names; `None`: all.
    pub names: Option<Vec<String>>,
}

/// A page of what AWS described, with the marker of the next one.
pub(super) type Page<T> = (Vec<Result<T, Strange>>, Option<String>);

/// A kind of resource that is described in pages, by ARN and by name.
pub(super) trait Described: Clone + Send + Sync + 'static {
    /// The operation.
    const OPERATION: &'static str;

    /// ARN of one of them.
    fn own_arn(&self) -> &str;

    /// Its batch of lookups by ARN.
    fn batch(aws: &Aws) -> &Arc<Batch<Self>>;

    /// Reads a page.
    fn page(
        aws: &Aws,
        asker: &Asker,
        selection: &Selection,
        marker: Option<String>,
    ) -> impl Future<Output = Result<Page<Self>, AwsError>> + Send;
}

/// Lookups by ARN, many in one call.
pub(super) fn batch<T: Described>() -> Arc<Batch<T>> {
    Batch::new(Service::Elb, T::OPERATION, ARNS, |aws, asker, arns| {
        async move {
            let selection = Selection {
                arns: Some(arns),
                ..Selection::default()
            };
            let read = aws.describe::<T>(&asker, &selection).await?;
            let by_arn = |item: Result<T, Strange>| match item {
                Ok(item) => Ok((item.own_arn().to_owned(), item)),
                Err(strange) => Err(strange.error(T::OPERATION)),
            };
            read.into_iter()
                .map(by_arn)
                .collect::<Result<BTreeMap<_, _>, _>>()
        }
        .boxed()
    })
}

impl Aws {
    /// All of the account and region, in AWS's order. Left out are kinds this controller never makes; so
    /// absence from the list proves nothing.
    pub(super) async fn list<T: Described>(&self, cx: &Cx) -> Result<Vec<T>, AwsError> {
        self.merged(
            cx,
            Service::Elb,
            T::OPERATION.to_owned(),
            |aws, asker| async move {
                let read = aws.describe(&asker, &Selection::default()).await?;
                Ok(keep_readable(T::OPERATION, read))
            },
        )
        .await
    }

    /// Those that exist of the given ARNs, sorted by ARN.
    pub(super) async fn by_arn<T: Described>(&self, cx: &Cx, arns: &[String]) -> Result<Vec<T>, AwsError> {
        let found = T::batch(self).get(self, cx, arns).await?;
        Ok(found.into_values().collect())
    }

    /// The one with a name.
    pub(super) async fn by_name<T: Described>(&self, cx: &Cx, name: &str) -> Result<Option<T>, AwsError> {
        let selection = Selection {
            names: Some(vec![name.to_owned()]),
            ..Selection::default()
        };
        let request = format!("{} name {name}", T::OPERATION);
        self.merged(cx, Service::Elb, request, |aws, asker| async move {
            match aws.describe::<T>(&asker, &selection).await {
                Ok(read) => read
                    .into_iter()
                    .next()
                    .transpose()
                    .map_err(|strange| strange.error(T::OPERATION)),
                Err(error) if error.fault == Fault::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn describe<T: Described>(
        &self,
        asker: &Asker,
        selection: &Selection,
    ) -> Result<Vec<Result<T, Strange>>, AwsError> {
        all_pages(Service::Elb, T::OPERATION, |marker| {
            T::page(self, asker, selection, marker)
        })
        .await
    }
}
