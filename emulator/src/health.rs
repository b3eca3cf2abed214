//! Target health checks: targets of the world in, their state changes out.

use crate::server::Emulator;

/// Checks targets until the future is dropped.
pub async fn run(_emulator: Emulator) {
    std::future::pending::<()>().await;
}
