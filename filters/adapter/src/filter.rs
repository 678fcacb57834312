//! What a filter crate provides: its engine, behind these callbacks.

use sluice_policy::{
    AttributeSet, Callout, CalloutEvent, Diagnostics, HeaderEdit, HeaderLine, Reply, Request,
    Severity, Workload,
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
    /// It is held back for a time, and the filter decides on it again when that is over
    /// ([`Woken::Due`]), within a few milliseconds and never before. One that cannot be
    /// held, because there are too many or the host has no clock or no ticks, is decided
    /// on at once ([`Woken::Crowded`]). One whose client leaves meanwhile is forgotten.
    /// For filters with [`HttpFilter::HAS_DELAYS`].
    Delay {
        /// How long.
        for_ms: u32,
        /// Handed back when it is over.
        state: W,
    },
    /// Its headers are edited, it goes on, and the filter hears of the response
    /// ([`HttpFilter::on_response`]) and of the end ([`HttpFilter::on_done`]).
    /// For filters with [`HttpFilter::OBSERVES`].
    Observe {
        /// Edits of the request headers, in order.
        request: Vec<HeaderEdit>,
        /// Kept until the end.
        state: W,
    },
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

/// Why a request that is held back is decided on again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The filter has news.
    News,
    /// Too many are held back, and this one has to be decided now: of parked requests the
    /// one that waits longest, of delayed ones the one that comes when there is no room.
    Crowded,
    /// The time of a delay is over.
    Due,
}

/// An HTTP filter: pure decisions behind callbacks.
///
/// What goes on with a request does by default what is done to one without configuration:
/// only a filter that never asks for the wait may leave its callback out.
pub trait HttpFilter: Sized + 'static {
    /// Name in logs and diagnostics.
    const NAME: &'static str;
    /// What the filter keeps while a request waits for a callout.
    type Waiting: 'static;
    /// Whether the filter asks others about requests ([`Step::Wait`]) or decides on them
    /// again once they are edited ([`Step::Amend`]). What serves these is left out of a
    /// module whose filter does not.
    const HAS_CALLOUTS: bool = true;
    /// Whether the filter runs errands and parks requests. What serves these is left
    /// out of a module whose filter does not.
    const HAS_ERRANDS: bool = false;
    /// Whether the filter delays requests. One that does exports `tick` in
    /// [`main!`](crate::main); a module of another pays nothing for it.
    const HAS_DELAYS: bool = false;
    /// Whether the filter observes responses. One that does exports `response_headers`
    /// and `log` in [`main!`](crate::main); a module of another pays nothing for it.
    const OBSERVES: bool = false;
    /// Whether [`on_response`](Self::on_response) looks at response headers: reading them
    /// costs as much as the headers of the request.
    const READS_RESPONSE_HEADERS: bool = true;
    /// How much of the body of an answer to a callout is read: memory of a VM never shrinks,
    /// and who is asked decides how much comes.
    const MOST_ANSWER_BYTES: usize = usize::MAX;
    /// Whether [`demand`](Self::demand) may name more than headers. What reads the rest is
    /// left out of a module whose filter never does.
    const READS_MORE_THAN_HEADERS: bool = true;

    /// Whether a configuration with an error is refused. The host then goes on with the
    /// one before, or does not serve at all: right for a security filter. The filter of a
    /// configuration that is not refused serves, and the errors are in the log.
    const REFUSES_BAD_CONFIGURATION: bool = true;

    /// Compiles the configuration.
    fn configure(setup: Setup<'_>) -> Configured<Self>;

    /// The attributes to read before [`Self::on_request`].
    fn demand(&self) -> AttributeSet;

    /// The attributes to read before [`Self::on_woken`] when a delay is over. By then the
    /// filter may know all that it needs.
    fn demand_when_due(&self) -> AttributeSet {
        self.demand()
    }

    /// Decides on a request.
    fn on_request(&mut self, host: Host<'_>, request: &Request<'_>) -> Step<Self::Waiting>;

    /// Goes on with a request whose headers were edited.
    fn on_amended(
        &mut self,
        _host: Host<'_>,
        _request: &Request<'_>,
        _state: Self::Waiting,
    ) -> Step<Self::Waiting> {
        Self::unconfigured()
    }

    /// Goes on with a request whose callout ended.
    fn on_callout(
        &mut self,
        _host: Host<'_>,
        _request: &Request<'_>,
        _state: Self::Waiting,
        _event: &CalloutEvent<'_>,
    ) -> Step<Self::Waiting> {
        Self::unconfigured()
    }

    /// Tells the host what can wait: once a second.
    fn on_tick(&mut self, host: Host<'_>);

    /// The last word of a filter that is dropped, because its plugin has another
    /// configuration or none any more. What it told in gauges it takes back here: they
    /// live as long as the host.
    fn on_drop(&mut self, host: Host<'_>) {
        self.on_tick(host);
    }

    /// What the filter wants now: asked after each of its callbacks but the last word
    /// before it is dropped.
    fn wants(&mut self, _host: Host<'_>) -> Wants {
        Wants::default()
    }

    /// An errand ended.
    fn on_errand(&mut self, _host: Host<'_>, _errand: u64, _event: &CalloutEvent<'_>) {}

    /// Goes on with a request that was parked or delayed.
    fn on_woken(
        &mut self,
        _host: Host<'_>,
        _request: &Request<'_>,
        _state: Self::Waiting,
        _why: Woken,
    ) -> Step<Self::Waiting> {
        Self::unconfigured()
    }

    /// The response to an observed request begins: how its headers are edited, in order.
    ///
    /// `response_headers` has every line, `:status` among them; none where they are not
    /// read ([`Self::READS_RESPONSE_HEADERS`]) or cannot be. The response may be one that
    /// a later filter or the proxy itself gave. Not called where there is none: the
    /// client left, or the request was reset.
    fn on_response(
        &mut self,
        _host: Host<'_>,
        _response_headers: &[HeaderLine<'_>],
        _state: &mut Self::Waiting,
    ) -> Vec<HeaderEdit> {
        Vec::new()
    }

    /// An observed request is over, with or without a response: called once for each
    /// [`Step::Observe`], so that what was counted up there can be counted down here.
    ///
    /// [`Host::response_code`], [`Host::response_flags`], [`Host::grpc_status`],
    /// [`Host::upstream_attempts`], [`Host::backend_latency_ns`], [`Host::service_time_ms`]
    /// and [`Host::request_duration_ns`] say how it went. All of them answer `None` where
    /// the end was missed (too many were observed, the stream was gone at a tick, or its
    /// edits failed and it was reset), or where the host does not tell.
    fn on_done(&mut self, _host: Host<'_>, _state: Self::Waiting) {}

    /// What happens to requests that no configuration is known for, and to what else has
    /// to be decided without the filter: security filters refuse.
    fn unconfigured() -> Step<Self::Waiting>;
}
