//! Bounded waiting: ask again until the answer is there or the time is up.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

/// Time between two questions; short enough not to be felt, long enough not to load two cores.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks `question` until it answers `Ok(Some(value))`. An `Err` counts as "not yet" and is quoted if `limit`
/// passes. `what` completes the sentence "waited N s for ...".
pub async fn until<T, F, Q>(what: &str, limit: Duration, mut question: Q) -> Result<T>
where
    Q: FnMut() -> F,
    F: Future<Output = Result<Option<T>>>,
{
    let deadline = Instant::now() + limit;
    let mut last = None;
    while Instant::now() < deadline {
        match tokio::time::timeout(limit, question()).await {
            Ok(Ok(Some(value))) => return Ok(value),
            Ok(Ok(None)) => last = None,
            Ok(Err(error)) => last = Some(error),
            Err(_) => break,
        }
        tokio::time::sleep(PAUSE).await;
    }
    match last {
        Some(error) => bail!("waited {} s for {what}: {error:#}", limit.as_secs()),
        None => bail!("waited {} s for {what}", limit.as_secs()),
    }
}
