//! A fuse that blows at the k-th write: before it is carried out, or after, without an answer. Writes to AWS
//! and to Kubernetes are counted together.

use std::future::{Future, pending};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

/// On which side of the commit the writer dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Nothing is carried out.
    Before,
    /// It is carried out, and nobody hears of it.
    After,
}

/// Counts writes and ends the process at one of them. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Fuse(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    blown: Notify,
}

#[derive(Debug, Default)]
struct State {
    writes: Vec<String>,
    /// Whether the process is dead: nothing it still sends arrives.
    blown: bool,
    cut: Option<(usize, Side)>,
}

impl Fuse {
    /// Forgets the count, and blows at write number `at` (from 1).
    pub fn set(&self, cut: Option<(usize, Side)>) {
        *self.0.state.lock().unwrap() = State {
            cut,
            ..State::default()
        };
    }

    /// What was written since it was set.
    pub fn writes(&self) -> Vec<String> {
        self.0.state.lock().unwrap().writes.clone()
    }

    /// Ends when the fuse blows.
    pub async fn blown(&self) {
        self.0.blown.notified().await;
    }

    /// Carries out a write, unless the fuse blows: then this never ends.
    pub async fn write<T>(&self, what: String, act: impl Future<Output = T>) -> T {
        let side = self.count(what);
        if side == Some(Side::Before) {
            self.blow().await;
        }
        if self.0.state.lock().unwrap().blown {
            pending::<()>().await;
        }
        let answer = act.await;
        if side == Some(Side::After) {
            self.blow().await;
        }
        answer
    }

    /// Counts a write; on which side of it the fuse blows.
    fn count(&self, what: String) -> Option<Side> {
        let mut state = self.0.state.lock().unwrap();
        state.writes.push(what);
        let number = state.writes.len();
        state.cut.and_then(|(at, side)| (at == number).then_some(side))
    }

    async fn blow(&self) {
        self.0.state.lock().unwrap().blown = true;
        self.0.blown.notify_one();
        pending::<()>().await;
    }
}
