//! A controller process in the test's own, and a look at when all is at rest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use elbow::engine::{Engine, LastRun};
use elbow_core::key::Key;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::world::{Seen, WATCH_DELAY, World};

/// A world in which nothing has run and nothing was written for so long is at rest: longer than every wait
/// that somebody looks at again, shorter than the pause between two sweeps.
pub const QUIET: Duration = Duration::from_secs(130);
/// Nothing takes longer than this.
const PATIENCE: Duration = Duration::from_hours(3);

/// A controller process. Dropping it is a crash.
pub struct Controller {
    pub engine: Arc<Engine>,
    pub(super) world: World,
    pub(super) tasks: JoinSet<()>,
}

impl Controller {
    /// Waits until nothing happens any more; what happened meanwhile.
    #[allow(clippy::wrong_self_convention)] // it converts nothing
    pub async fn to_rest(&mut self) -> Seen {
        let (mark, started) = (self.world.mark(), Instant::now());
        // Let the watch and the workers hear of what the test has just done.
        sleep(WATCH_DELAY * 2).await;
        let mut written = (self.world.mark().write, Instant::now());
        while self
            .last_run()
            .is_none_or(|at| self.world.land.clock.now().duration_since(at) < quiet())
            || self.engine.stacks.depth().0 + self.engine.bindings.depth().0 > 0
            || written.1.elapsed() < QUIET
            || self.holds_back()
        {
            assert!(
                started.elapsed() < PATIENCE,
                "not at rest: {:#?}\n{:#?}",
                self.runs(),
                self.world
                    .since(mark)
                    .calls
                    .iter()
                    .rev()
                    .take(20)
                    .collect::<Vec<_>>()
            );
            sleep(Duration::from_secs(5)).await;
            self.alive();
            let now = self.world.mark().write;
            if now != written.0 {
                written = (now, Instant::now());
            }
        }
        self.world.since(mark)
    }

    /// Lets time pass; what happened meanwhile.
    pub async fn run_for(&mut self, time: Duration) -> Seen {
        let mark = self.world.mark();
        sleep(time).await;
        self.alive();
        self.world.since(mark)
    }

    /// Nothing stands in the way of anything: no problem, no retry, no wait.
    pub fn assert_content(&self, what: &str) {
        for (key, run) in self.runs() {
            assert!(
                !run.retry && run.problems.is_empty() && run.waits.is_empty(),
                "{what}: {key}: {run:#?}"
            );
        }
    }

    /// The last run of every key.
    pub fn runs(&self) -> BTreeMap<Key, LastRun> {
        self.engine.last.lock().unwrap().clone()
    }

    /// Whether a step that AWS refused is to be sent again within the ten minutes that a refusal stands.
    fn holds_back(&self) -> bool {
        let now = self.world.land.clock.now();
        let soon = now + jiff::SignedDuration::from_mins(10);
        self.runs().values().any(|run| {
            let again = run.wake_at.is_some_and(|at| now < at && at <= soon);
            again && !run.retry && !run.problems.is_empty()
        })
    }

    fn last_run(&self) -> Option<Timestamp> {
        self.runs().values().map(|run| run.at).max()
    }

    /// The tasks never end by themselves; one that did has panicked.
    fn alive(&mut self) {
        if let Some(ended) = self.tasks.try_join_next() {
            ended.unwrap();
        }
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.engine.leading.store(false, Ordering::Release);
    }
}

fn quiet() -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(QUIET).unwrap()
}
