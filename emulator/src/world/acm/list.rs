//! ListCertificates.

use super::{Certificate, validation};
use crate::world::{
    ApiError, World,
    token::{self, Cut},
};

/// Most and default number of certificates on a page.
const LARGEST_PAGE: i64 = 1_000;

/// The key algorithms that are listed unless others are asked for
/// (<https://docs.aws.amazon.com/acm/latest/APIReference/API_Filters.html>).
const USUAL_KEYS: [&str; 2] = ["RSA_1024", "RSA_2048"];

/// `ListCertificates`
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// `CertificateStatuses`; empty: all.
    pub statuses: Vec<&'static str>,
    /// `Includes.keyTypes`; empty: [`USUAL_KEYS`], and then only certificates with a domain.
    pub key_types: Vec<&'static str>,
    /// `SortBy=CREATED_AT` with `SortOrder`: whether the latest comes first.
    pub by_creation: Option<bool>,
    /// `MaxItems`, 1 to 1,000.
    pub size: Option<i64>,
    /// `NextToken`
    pub token: Option<String>,
}

/// One page of the certificates that a query keeps, by ARN unless it asks for the order of their creation.
///
/// # Errors
/// `ValidationException` for a page size out of bounds or a token that was not given out here.
pub fn list(world: &World, query: &Query) -> Result<Cut<Certificate>, ApiError> {
    let size = query.size.unwrap_or(LARGEST_PAGE);
    if !(1..=LARGEST_PAGE).contains(&size) {
        return Err(validation(format!(
            "1 validation error detected: Value '{size}' at 'maxItems' failed to satisfy constraint: \
             Member must have value between 1 and {LARGEST_PAGE}"
        )));
    }
    let size = size.min(world.page_size.map_or(LARGEST_PAGE, |cap| i64::from(cap.max(1))));
    let kept = world.certificates.of_acm().filter(|found| keeps(query, found));
    let key = |found: &Certificate| match query.by_creation {
        // All of this time have 20 digits, so their order as text is their order.
        Some(_) => format!("{:020} {}", found.created.as_nanosecond(), found.arn),
        None => found.arn.clone(),
    };
    let descending = query.by_creation == Some(true);
    token::cut(
        kept.cloned().collect(),
        descending,
        query.token.as_deref(),
        usize::try_from(size).unwrap_or(1),
        key,
    )
    .map_err(|token| validation(format!("The token '{token}' is not valid")))
}

fn keeps(query: &Query, found: &Certificate) -> bool {
    let keys = if query.key_types.is_empty() {
        USUAL_KEYS.contains(&found.key_algorithm) && !found.domains.is_empty()
    } else {
        query.key_types.contains(&found.key_algorithm)
    };
    keys && (query.statuses.is_empty() || query.statuses.contains(&found.status))
}
