//! Requests that are under way at the same time.

use std::time::{Duration, Instant};

use tokio::{runtime::Runtime, task::JoinHandle, time::timeout};

use super::{Request, Response, TIMEOUT, Target, connect, send};
use crate::{LabError, error::Doing};

/// A response, and when it was whole.
type Timed = (Response, Duration);

/// A request whose response has not been waited for; to drop it is to leave: its
/// connection is closed.
pub struct Underway<'a> {
    runtime: &'a Runtime,
    task: JoinHandle<Result<Timed, LabError>>,
}

impl<'a> Underway<'a> {
    pub(super) fn begin(runtime: &'a Runtime, target: Target, request: Request) -> Self {
        let task = runtime.spawn(async move {
            let mut inner = timeout(TIMEOUT, connect(&target))
                .await
                .doing("connect")??;
            let begin = Instant::now();
            let response = timeout(TIMEOUT, send(&mut inner, &request)).await;
            let response = response.doing("wait for a response")??;
            Ok((response, begin.elapsed()))
        });
        Self { runtime, task }
    }

    /// Waits for the whole response; with it comes the time since the request began.
    ///
    /// # Errors
    /// When the connection fails first.
    pub fn wait(mut self) -> Result<(Response, Duration), LabError> {
        self.runtime
            .block_on(&mut self.task)
            .doing("wait for a request")?
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
