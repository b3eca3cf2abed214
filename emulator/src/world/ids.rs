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
        digits_of(self.next.to_be_bytes(), digits)
    }
}

/// `digits` lower-case hexadecimal digits (at most 64), always the same for the same bytes.
pub fn digits_of(bytes: impl AsRef<[u8]>, digits: usize) -> String {
    let hash = Sha256::digest(bytes);
    let nibbles = hash.iter().flat_map(|b| [b >> 4, b & 15]);
    nibbles
        .filter_map(|n| char::from_digit(n.into(), 16))
        .take(digits)
        .collect()
}
