//! The log: JSON lines on standard error.

use tracing_subscriber::EnvFilter;

/// Starts logging at `info`, or `debug`. A second start is ignored.
pub fn start(debug: bool) {
    let level = if debug {
        "info,elbow=debug"
    } else {
        "info,kube=warn,hyper=warn,aws_config=warn"
    };
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::new(level))
        .finish();
    // A test may have set a subscriber of its own.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
