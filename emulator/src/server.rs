//! The emulator as a whole: requests in, answers out.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::{clock::EmulatedClock, options::Options, world::World};

/// A running emulator. Clones share one account.
#[derive(Clone, Debug)]
pub struct Emulator {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: EmulatedClock,
    options: Options,
    state: Mutex<World>,
}

impl Emulator {
    /// An emulator of an account.
    pub fn new(world: World, options: Options) -> Self {
        let clock = EmulatedClock::new(options.start.unwrap_or_else(Timestamp::now), options.speed);
        Self {
            shared: Arc::new(Shared {
                clock,
                options,
                state: Mutex::new(world),
            }),
        }
    }

    /// The clock that all its delays follow.
    pub fn clock(&self) -> &EmulatedClock {
        &self.shared.clock
    }

    /// What it was started with.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Runs a function on the account, advanced to now. The lock is held meanwhile: be quick.
    pub fn with_world<R>(&self, act: impl FnOnce(&mut World, Timestamp) -> R) -> R {
        let mut world = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock().now();
        world.advance(now);
        act(&mut world, now)
    }
}
