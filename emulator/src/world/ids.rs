//! Identifiers: deterministic, unique within one world.

use sha2::{Digest, Sha256};

/// A counter that yields identifiers which look like AWS's.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    next: u64,
}

impl Ids {
    /// `digits` lower-case hexadecimal digits (at most 64), different on every call.
    pub fn hex(&mut self, digits: usize) -> String {
        self.next += 1;
        let hash = Sha256::digest(self.next.to_be_bytes());
        hash.iter()
            .flat_map(|b| [b >> 4, b & 15])
            .filter_map(|n| char::from_digit(n.into(), 16))
            .take(digits)
            .collect()
    }
}
