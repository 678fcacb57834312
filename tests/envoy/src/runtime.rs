//! The event loop behind a client or a service.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// One background thread each: the machine has few cores and Envoy needs them.
pub(crate) fn start(name: &str) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(name)
        .enable_all()
        .build()
}
