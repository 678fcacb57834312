//! What a filter crate provides: its engine, behind these callbacks.

use sluice_policy::{AttributeSet, Callout, CalloutEvent, HeaderEdit, Reply, Request, Workload};

use crate::abi::Host;

/// What `proxy_on_configure` has to go by.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// pluginConfig as JSON text; empty when the resource has none.
    pub configuration: &'a [u8],
    /// The workload as the node describes it, if it does.
    pub workload: Option<&'a Workload>,
}

/// A filter that was configured, or could not be.
pub struct Configured<F> {
    /// What serves requests. A filter that could not be configured serves too:
    /// it refuses them, or lets them pass, as its kind demands.
    pub filter: F,
    /// One line for each thing that is wrong.
    pub errors: Vec<String>,
    /// One line for each thing that is doubtful.
    pub warnings: Vec<String>,
}

/// What is to happen with the request now. `W` is what the filter keeps of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<W> {
    /// It goes on.
    Continue,
    /// It is answered here.
    Reply(Reply),
    /// It waits for a callout.
    Wait(Callout, W),
    /// Its headers are edited, and the filter decides on it again. The
    /// response's headers are edited when it comes.
    Amend {
        /// Edits of the request headers, in order.
        request: Vec<HeaderEdit>,
        /// Edits of the response headers, in order.
        response: Vec<HeaderEdit>,
        /// Handed back with the edited request.
        state: W,
    },
}

/// An HTTP filter: pure decisions behind callbacks.
pub trait HttpFilter: Sized + 'static {
    /// Name in logs and diagnostics.
    const NAME: &'static str;
    /// What the filter keeps while a request waits for a callout.
    type Waiting: 'static;

    /// Compiles the configuration.
    fn configure(setup: Setup<'_>) -> Configured<Self>;

    /// The attributes to read before [`Self::on_request`].
    fn demand(&self) -> AttributeSet;

    /// Decides on a request.
    fn on_request(&mut self, host: Host<'_>, request: &Request<'_>) -> Step<Self::Waiting>;

    /// Goes on with a request whose headers were edited.
    fn on_amended(
        &mut self,
        host: Host<'_>,
        request: &Request<'_>,
        state: Self::Waiting,
    ) -> Step<Self::Waiting>;

    /// Goes on with a request whose callout ended.
    fn on_callout(
        &mut self,
        host: Host<'_>,
        request: &Request<'_>,
        state: Self::Waiting,
        event: &CalloutEvent<'_>,
    ) -> Step<Self::Waiting>;

    /// Tells the host what can wait: once a second, and before the filter is dropped.
    fn on_tick(&mut self, host: Host<'_>);

    /// What happens to requests that no configuration is known for.
    fn unconfigured() -> Reply;
}
