//! What a filter crate provides: its engine, behind these callbacks.

use sluice_policy::{
    AttributeSet, Callout, CalloutEvent, Diagnostics, HeaderEdit, Reply, Request, Severity,
    Workload,
};

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

impl<F> Configured<F> {
    /// A filter with what was found in its configuration.
    pub fn new(filter: F, diagnostics: &Diagnostics) -> Self {
        let lines = |severity| {
            let chosen = diagnostics
                .iter()
                .filter(move |diagnostic| diagnostic.severity == severity);
            chosen.map(ToString::to_string).collect()
        };
        Self {
            filter,
            errors: lines(Severity::Error),
            warnings: lines(Severity::Warning),
        }
    }
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
    /// Its headers are edited, and it goes on.
    Forward(Vec<HeaderEdit>),
    /// It waits until the filter has news ([`Wants::wake`]), and the filter decides on
    /// it again.
    Park(W),
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

/// What a filter wants that is of no single request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Calls to make, each with a number of the filter's own that
    /// [`HttpFilter::on_errand`] hands back.
    pub errands: Vec<(u64, Callout)>,
    /// Whether parked requests are to be asked again.
    pub wake: bool,
}

/// Why a parked request is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The filter has news.
    News,
    /// Too many are parked, and this one waits longest: it has to be decided now.
    Crowded,
}

/// An HTTP filter: pure decisions behind callbacks.
///
/// What goes on with a request refuses it by default: only a filter that never asks for
/// the wait may leave its callback out.
pub trait HttpFilter: Sized + 'static {
    /// Name in logs and diagnostics.
    const NAME: &'static str;
    /// What the filter keeps while a request waits for a callout.
    type Waiting: 'static;
    /// Whether the filter runs errands and parks requests. What serves these is left
    /// out of a module whose filter does not.
    const HAS_ERRANDS: bool = false;
    /// How much of the body of an answer to a callout is read: memory of a VM never shrinks,
    /// and who is asked decides how much comes.
    const MOST_ANSWER_BYTES: usize = usize::MAX;
    /// Whether [`demand`](Self::demand) may name more than headers. What reads the rest is
    /// left out of a module whose filter never does.
    const READS_MORE_THAN_HEADERS: bool = true;

    /// Compiles the configuration.
    fn configure(setup: Setup<'_>) -> Configured<Self>;

    /// The attributes to read before [`Self::on_request`].
    fn demand(&self) -> AttributeSet;

    /// Decides on a request.
    fn on_request(&mut self, host: Host<'_>, request: &Request<'_>) -> Step<Self::Waiting>;

    /// Goes on with a request whose headers were edited.
    fn on_amended(
        &mut self,
        _host: Host<'_>,
        _request: &Request<'_>,
        _state: Self::Waiting,
    ) -> Step<Self::Waiting> {
        Step::Reply(Self::unconfigured())
    }

    /// Goes on with a request whose callout ended.
    fn on_callout(
        &mut self,
        _host: Host<'_>,
        _request: &Request<'_>,
        _state: Self::Waiting,
        _event: &CalloutEvent<'_>,
    ) -> Step<Self::Waiting> {
        Step::Reply(Self::unconfigured())
    }

    /// Tells the host what can wait: once a second, and before the filter is dropped.
    fn on_tick(&mut self, host: Host<'_>);

    /// What the filter wants now: asked after each of its callbacks but the last word
    /// before it is dropped.
    fn wants(&mut self, _host: Host<'_>) -> Wants {
        Wants::default()
    }

    /// An errand ended.
    fn on_errand(&mut self, _host: Host<'_>, _errand: u64, _event: &CalloutEvent<'_>) {}

    /// Goes on with a request that was parked.
    fn on_woken(
        &mut self,
        _host: Host<'_>,
        _request: &Request<'_>,
        _state: Self::Waiting,
        _why: Woken,
    ) -> Step<Self::Waiting> {
        Step::Reply(Self::unconfigured())
    }

    /// What happens to requests that no configuration is known for.
    fn unconfigured() -> Reply;
}
