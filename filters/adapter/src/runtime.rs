//! The contexts of one VM: which plugin a stream belongs to, and what waits.
//!
//! Envoy shares a VM between all plugins with the same module, so one module may
//! have several root contexts, each with its own configuration.

use std::collections::BTreeMap;

use sluice_policy::{HeaderEdit, Request};

use crate::abi::{Buffer, HeaderMap, Host, Level};
use crate::effects;
use crate::facts::Facts;
use crate::filter::{CalloutEvent, HttpFilter, Setup, Step};
use crate::{node, pairs};

/// What the host does with a stream after a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The stream goes on.
    Continue = 0,
    /// The stream waits for `resume_request`.
    Pause = 1,
}

/// The callbacks that are dispatched to, without the filter's type.
pub(crate) trait Callbacks {
    fn on_context_create(&mut self, context: u32, parent: u32);
    fn on_configure(&mut self, host: Host<'_>, root: u32, size: usize) -> bool;
    fn on_request_headers(&mut self, host: Host<'_>, stream: u32) -> Action;
    fn on_response_headers(&mut self, host: Host<'_>, stream: u32);
    fn on_http_call_response(
        &mut self,
        host: Host<'_>,
        token: u32,
        headers: usize,
        body_size: usize,
    );
    fn on_grpc_receive(&mut self, host: Host<'_>, token: u32, size: usize);
    fn on_grpc_close(&mut self, host: Host<'_>, token: u32, status: u32);
    fn on_delete(&mut self, context: u32);
}

struct Waiting<W> {
    stream: u32,
    root: u32,
    state: W,
}

pub(crate) struct Runtime<F: HttpFilter> {
    /// Configured filters by root context. Few, so a list is searched faster than a map.
    filters: Vec<(u32, F)>,
    /// Root context of the stream that was created last. Envoy creates a stream's
    /// context right before its request headers, so that is the one they are for.
    last_created: (u32, u32),
    /// Requests that wait for a callout, by token.
    waiting: BTreeMap<u32, Waiting<F::Waiting>>,
    /// Edits that wait for response headers, by stream.
    response_edits: BTreeMap<u32, Vec<HeaderEdit>>,
}

impl<F: HttpFilter> Runtime<F> {
    pub(crate) fn new() -> Self {
        Self {
            filters: Vec::new(),
            last_created: (0, 0),
            waiting: BTreeMap::new(),
            response_edits: BTreeMap::new(),
        }
    }

    fn filter(&mut self, root: u32) -> Option<&mut F> {
        self.filters
            .iter_mut()
            .find(|(id, _)| *id == root)
            .map(|(_, filter)| filter)
    }

    /// What the filter of `root` says to the stream that the host is at.
    fn ask(
        &mut self,
        host: Host<'_>,
        root: u32,
        question: impl FnOnce(&mut F, &Request<'_>) -> Step<F::Waiting>,
    ) -> Step<F::Waiting> {
        let Some(filter) = self.filter(root) else {
            return Step::Reply(F::unconfigured());
        };
        let facts = Facts::read(host, filter.demand());
        question(filter, &facts.request())
    }

    /// Carries out a step, and those it leads to.
    fn take(
        &mut self,
        host: Host<'_>,
        stream: u32,
        root: u32,
        mut step: Step<F::Waiting>,
    ) -> Action {
        loop {
            step = match step {
                Step::Continue => return Action::Continue,
                Step::Reply(reply) => {
                    effects::reply(host, &reply);
                    return Action::Pause;
                }
                Step::Wait(callout, state) => match effects::call(host, &callout) {
                    Some(token) => {
                        self.waiting.insert(
                            token,
                            Waiting {
                                stream,
                                root,
                                state,
                            },
                        );
                        return Action::Pause;
                    }
                    None => self.ask(host, root, |filter, request| {
                        filter.on_callout(host, request, state, &CalloutEvent::Failed)
                    }),
                },
                Step::Amend {
                    request,
                    response,
                    state,
                } => {
                    if !effects::edit(host, HeaderMap::Request, &request) {
                        // What could not be set may be an identity that the upstream trusts.
                        effects::reset(host);
                        return Action::Pause;
                    }
                    if !response.is_empty() {
                        self.response_edits
                            .entry(stream)
                            .or_default()
                            .extend(response);
                    }
                    self.ask(host, root, |filter, request| {
                        filter.on_amended(host, request, state)
                    })
                }
            }
        }
    }

    fn resume(&mut self, host: Host<'_>, token: u32, event: &CalloutEvent<'_>) {
        let Some(Waiting {
            stream,
            root,
            state,
        }) = self.waiting.remove(&token)
        else {
            return;
        };
        if host.set_effective_context(stream).is_err() {
            return;
        }
        let step = self.ask(host, root, |filter, request| {
            filter.on_callout(host, request, state, event)
        });
        if self.take(host, stream, root, step) == Action::Continue && host.resume_request().is_err()
        {
            host.log(
                Level::Warn,
                "a request that waited for a callout could not be resumed",
            );
        }
    }
}

impl<F: HttpFilter> Callbacks for Runtime<F> {
    fn on_context_create(&mut self, context: u32, parent: u32) {
        self.last_created = (context, parent);
    }

    fn on_configure(&mut self, host: Host<'_>, root: u32, size: usize) -> bool {
        let configuration = if size == 0 {
            Ok(&[][..])
        } else {
            host.buffer(Buffer::PluginConfiguration, size)
        };
        let Ok(configuration) = configuration else {
            host.log(Level::Error, "the host did not hand over the configuration");
            return false;
        };
        let workload = node::workload(host);
        let configured = F::configure(Setup {
            configuration,
            workload: workload.as_ref(),
        });
        for (level, lines) in [
            (Level::Warn, &configured.warnings),
            (Level::Error, &configured.errors),
        ] {
            for line in lines {
                host.log(level, &format!("{}: {line}", F::NAME));
            }
        }
        self.filters.retain(|(id, _)| *id != root);
        self.filters.push((root, configured.filter));
        configured.errors.is_empty()
    }

    fn on_request_headers(&mut self, host: Host<'_>, stream: u32) -> Action {
        let (created, root) = self.last_created;
        let step = if created == stream {
            self.ask(host, root, |filter, request| {
                filter.on_request(host, request)
            })
        } else {
            Step::Reply(F::unconfigured())
        };
        self.take(host, stream, root, step)
    }

    fn on_response_headers(&mut self, host: Host<'_>, stream: u32) {
        if self.response_edits.is_empty() {
            return;
        }
        if let Some(edits) = self.response_edits.remove(&stream)
            && !effects::edit(host, HeaderMap::Response, &edits)
        {
            host.log(Level::Warn, "response headers could not be edited");
        }
    }

    fn on_http_call_response(
        &mut self,
        host: Host<'_>,
        token: u32,
        headers: usize,
        body_size: usize,
    ) {
        let lines = host
            .header_pairs(HeaderMap::CalloutResponse)
            .map_or(None, pairs::decode);
        let body = if body_size == 0 {
            Ok(&[][..])
        } else {
            host.buffer(Buffer::CalloutResponseBody, body_size)
        };
        let event = match (headers, lines, body) {
            // Envoy reports a transport failure as a response without headers.
            (1.., Some(headers), Ok(body)) => CalloutEvent::Http { headers, body },
            _ => CalloutEvent::Failed,
        };
        self.resume(host, token, &event);
    }

    fn on_grpc_receive(&mut self, host: Host<'_>, token: u32, size: usize) {
        let message = if size == 0 {
            Ok(&[][..])
        } else {
            host.buffer(Buffer::GrpcMessage, size)
        };
        let event = message.map_or(CalloutEvent::Failed, CalloutEvent::Grpc);
        self.resume(host, token, &event);
    }

    fn on_grpc_close(&mut self, host: Host<'_>, token: u32, status: u32) {
        self.resume(host, token, &CalloutEvent::GrpcClosed(status));
    }

    fn on_delete(&mut self, context: u32) {
        if !self.waiting.is_empty() {
            self.waiting.retain(|_, waiting| waiting.stream != context);
        }
        if !self.response_edits.is_empty() {
            self.response_edits.remove(&context);
        }
        self.filters.retain(|(id, _)| *id != context);
    }
}
