//! Decides where a request is sent.

use sluice_policy::{HeaderEdit, Reply, Request};

use super::chance::Draw;
use super::program::{Action, Forward, Program, RouterHeader, Target, Then};
use super::sticky::Known;
use super::world::{Canary, World};
use super::{cors, edits, path, redirect, rendezvous, split};
use crate::breaker::{Admission, Refusal};
use crate::config::{HeaderOperations, MILLION};
use crate::guard::Subset;
use crate::hash::hash;
use crate::route_table::{Found, Route, header};

/// What was decided, and by which route.
#[derive(Debug)]
pub struct Decision<'p> {
    /// What becomes of the request.
    pub verdict: Verdict<'p>,
    /// The name of the route; none if none was found.
    pub route: Option<&'p str>,
    /// Whether a route was passed over for want of a fact.
    pub is_uncertain: bool,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict<'p> {
    /// It goes where Envoy's own routes send it; these edits take a client's hints away.
    Pass(Vec<HeaderEdit>),
    /// It is answered: by a redirect, a direct response, to a browser's question, or
    /// because no route takes it.
    Reply(Reply),
    /// It is answered, because of what became of others.
    Refuse(Refusal),
    /// It is sent to a destination.
    Forward(Forwarding<'p>),
}

/// What sending it on takes.
#[derive(Debug)]
pub struct Forwarding<'p> {
    /// Number of the route's action, for what is kept of each.
    pub action: usize,
    /// Number of the destination among those of the action.
    pub destination: usize,
    /// What counts it as under way, where something holds for the destinations of the
    /// route: to be taken back when it has ended.
    pub admission: Option<Admission>,
    /// Who is to hear how it went.
    pub watched: Option<Watched>,
    /// Its port, subset and host, as `PORT|SUBSET|HOST`.
    pub name: &'p str,
    /// Edits of the request.
    pub request: Vec<HeaderEdit>,
    /// Edits of the response.
    pub response: Vec<HeaderEdit>,
}

/// A request that a guard counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// The guard's number.
    pub guard: usize,
    /// What the destination is to it.
    pub subset: Subset,
    /// A hash of the key that the destination was chosen by, where clients are to stay.
    pub client: Option<u64>,
}

/// Decides.
pub fn decide<'p>(
    program: &'p Program,
    request: &Request<'_>,
    world: &mut impl World,
) -> Decision<'p> {
    let search = program.table.search(request);
    let (verdict, route) = match search.found {
        Found::NoHost => (Verdict::Pass(strip_hints(program, request, &[])), None),
        Found::NoRoute => (Verdict::Reply(not_found()), None),
        Found::TooLong => (Verdict::Reply(too_long()), None),
        Found::Route(route) => {
            let action = program.actions.get(route.action);
            let verdict = action.map_or_else(
                || Verdict::Pass(Vec::new()),
                |action| {
                    Context {
                        program,
                        route,
                        action,
                        request,
                    }
                    .follow(world)
                },
            );
            (verdict, Some(&*route.name))
        }
    };
    Decision {
        verdict,
        route,
        is_uncertain: search.is_uncertain,
    }
}

/// How often Envoy's router tries again at the most.
pub(super) const MAX_RETRIES: &str = "x-envoy-max-retries";

/// Most bytes of changes of a response that are kept while its request is under way. A
/// client may have thousands under way, and fill in what `%REQ(…)%` names.
const MOST_KEPT: usize = 16 * 1024;

/// The header of a response of a canary that would get no more requests, were it no dry
/// run.
const DRY_RUN: &str = "x-sluice-guard";

/// As Envoy's router answers.
fn not_found() -> Reply {
    refuse(404, "route_not_found")
}

/// Which route is right is not known, so none is taken; or too much would have to be kept
/// until the response. Nobody but the client has made its path or headers so long (RFC 6585
/// section 5).
fn too_long() -> Reply {
    refuse(431, "too_long_for_routes")
}

fn refuse(status: u16, details: &str) -> Reply {
    Reply {
        status,
        headers: Vec::new(),
        body: Vec::new(),
        details: details.into(),
        grpc_status: None,
    }
}

/// Takes away hints that a client sends, but for those that are written anyway.
fn strip_hints(program: &Program, request: &Request<'_>, written: &[&str]) -> Vec<HeaderEdit> {
    let names = program.hints.names().into_iter();
    let sent = names.filter(|name| {
        let mut lines = header(request, name).into_iter().flatten();
        !written.contains(name) && lines.next().is_some()
    });
    sent.map(|name| HeaderEdit::Remove(name.as_bytes().to_vec()))
        .collect()
}

/// Some text of the request is too long.
struct TooLong;

/// A request on its route.
struct Context<'p, 'r> {
    program: &'p Program,
    route: &'p Route<usize>,
    action: &'p Action,
    request: &'r Request<'r>,
}

impl<'p> Context<'p, '_> {
    fn follow(&self, world: &mut impl World) -> Verdict<'p> {
        let mut response = match self
            .action
            .route
            .cors
            .as_ref()
            .map(|cors| cors::look_at(cors, self.request))
        {
            Some(cors::Answer::Preflight(reply)) => return Verdict::Reply(reply),
            Some(cors::Answer::Response(edits)) => edits,
            Some(cors::Answer::Nothing) | None => Vec::new(),
        };
        match &self.action.then {
            Then::Forward(forward) => self.forward(forward, world, response),
            Then::Redirect(to) => {
                let location = redirect::location(to, self.route, self.request);
                let line = (b"location".to_vec(), location);
                Verdict::Reply(self.reply(
                    to.status,
                    vec![line],
                    Vec::new(),
                    &mut response,
                    b"direct_response",
                ))
            }
            Then::Respond(answer) => {
                let body = answer.body.to_vec();
                Verdict::Reply(self.reply(
                    answer.status,
                    Vec::new(),
                    body,
                    &mut response,
                    b"direct_response",
                ))
            }
        }
    }

    /// An answer of the route itself, with what it changes in responses.
    fn reply(
        &self,
        status: u16,
        mut headers: Vec<(Vec<u8>, Vec<u8>)>,
        body: Vec<u8>,
        response: &mut Vec<HeaderEdit>,
        details: &[u8],
    ) -> Reply {
        let none = HeaderOperations::default();
        let own = edits::edits(
            &self.action.route.headers.response,
            &none,
            true,
            self.request,
        );
        response.extend(own);
        for edit in response.drain(..) {
            match edit {
                HeaderEdit::Set(name, value) => {
                    headers.retain(|(other, _)| *other != name);
                    headers.push((name, value));
                }
                HeaderEdit::Append(name, value) => headers.push((name, value)),
                HeaderEdit::Remove(name) => headers.retain(|(other, _)| *other != name),
            }
        }
        Reply {
            status,
            headers,
            body,
            details: details.to_vec(),
            grpc_status: None,
        }
    }

    fn forward(
        &self,
        forward: &'p Forward,
        world: &mut impl World,
        mut response: Vec<HeaderEdit>,
    ) -> Verdict<'p> {
        let canary = forward
            .guard
            .map_or(Canary::Fine, |guard| world.canary(guard));
        let shares = forward.shares(canary);
        let chosen = self.choose(forward, &shares.weights, world, &mut response);
        let Some((given, client)) = chosen else {
            return Verdict::Reply(not_found());
        };
        let Ok(path) = self.rewritten_path() else {
            return Verdict::Reply(too_long());
        };
        let wanted = self.wanted_retries(forward);
        let admission = match shares.guarded.as_slice() {
            [] => None,
            guarded => match world.begin(guarded, given, wanted) {
                Ok(admission) => Some(admission),
                Err(refusal) => return Verdict::Refuse(refusal),
            },
        };
        let number = admission
            .as_ref()
            .map_or(given, |admission| admission.choice.destination(given));
        let Some(target) = forward.destinations.get(number) else {
            return Verdict::Reply(not_found());
        };
        response.extend(self.response_edits(forward, target, canary));
        if edits::size(&response) > MOST_KEPT {
            if let Some(admission) = &admission {
                world.cancel(admission);
            }
            return Verdict::Reply(too_long());
        }
        let mut request = self.request_edits(forward, target);
        request.extend(path.into_iter().flatten());
        for router in &forward.router {
            request.extend(self.tell_router(router));
        }
        let retries = admission.as_ref().map(|admission| admission.retries);
        if let Some(retries) = retries.filter(|retries| *retries < wanted) {
            request.push(set(MAX_RETRIES, retries.to_string().as_bytes()));
        }
        self.hint(forward, target, world, &mut request);
        Verdict::Forward(Forwarding {
            action: self.route.action,
            destination: number,
            // What a breaker moved here is no fair sample.
            watched: forward
                .guard
                .zip(target.role)
                .filter(|_| number == given)
                .map(|(guard, subset)| Watched {
                    guard,
                    subset,
                    client,
                }),
            admission,
            name: &target.name,
            request,
            response,
        })
    }

    /// What the route and the destination change in a request, and who it is for.
    fn request_edits(&self, forward: &Forward, target: &'p Target) -> Vec<HeaderEdit> {
        let is_single = forward.destinations.len() == 1;
        let own = &self.action.route.headers.request;
        let mut edits = edits::edits(own, &target.headers.request, is_single, self.request);
        let authority = self.authority(target);
        edits.extend(authority.map(|to| set(":authority", to.as_bytes())));
        edits
    }

    /// What they change in a response, and what marks that of a canary that would get no
    /// more requests.
    fn response_edits(
        &self,
        forward: &Forward,
        target: &Target,
        canary: Canary,
    ) -> Vec<HeaderEdit> {
        let is_single = forward.destinations.len() == 1;
        let own = &self.action.route.headers.response;
        let mut edits = edits::edits(own, &target.headers.response, is_single, self.request);
        if canary == Canary::Suspect && target.role == Some(Subset::Canary) {
            edits.push(set(DRY_RUN, b"would-drain"));
        }
        edits
    }

    /// The destination: by the client's key, of which the hash for a guard is returned
    /// too, where clients are to stay, or drawn.
    fn choose(
        &self,
        forward: &'p Forward,
        weights: &[u32],
        world: &mut impl World,
        response: &mut Vec<HeaderEdit>,
    ) -> Option<(usize, Option<u64>)> {
        let targets = &forward.destinations;
        let by_key = |key: &[u8], scope: u64| {
            let names = targets.iter().map(|target| &*target.name);
            let number = rendezvous::choose(key, scope, names.zip(weights.iter().copied()))?;
            Some((number, forward.guard.map(|_| hash(0, key))))
        };
        let known = match &forward.sticky {
            Some((sticky, scope)) => (sticky.of(self.request, world), *scope),
            None => (Known::Not, 0),
        };
        match known {
            (Known::By(key), scope) => by_key(&key, scope),
            (Known::From(key, edit), scope) => {
                response.push(edit);
                by_key(&key, scope)
            }
            (Known::Not, _) => {
                let number = match weights {
                    [_] => Some(0),
                    weights => split::draw(self.route.action, weights.iter().copied(), world),
                };
                number.map(|number| (number, None))
            }
        }
    }

    /// How many retries Envoy would make: as many as the client says, or the route.
    fn wanted_retries(&self, forward: &Forward) -> u32 {
        let lines = header(self.request, MAX_RETRIES);
        let own = lines.and_then(|mut lines| lines.next());
        let own = own.and_then(|own| std::str::from_utf8(own).ok()?.parse().ok());
        own.unwrap_or(forward.retries)
    }

    /// What the route rewrites counts more than what headers say, and the route's headers
    /// more than the destination's.
    fn authority(&self, target: &'p Target) -> Option<&'p str> {
        let route = &self.action.route;
        let authority = route.rewrite.authority.as_ref();
        let authority = authority.or(route.headers.request.authority.as_ref());
        let authority = authority.or(target.headers.request.authority.as_ref());
        authority.map(|authority| &**authority)
    }

    /// The edits of a rewritten path.
    ///
    /// # Errors
    /// To rewrite it takes too long.
    fn rewritten_path(&self) -> Result<Option<[HeaderEdit; 2]>, TooLong> {
        let (Some(uri), Some(path)) = (&self.action.route.rewrite.uri, self.request.path.present())
        else {
            return Ok(None);
        };
        let new = path::rewrite(uri, self.route, path).ok_or(TooLong)?;
        let original = set("x-envoy-original-path", path);
        Ok(Some([original, HeaderEdit::Set(b":path".to_vec(), new)]))
    }

    fn tell_router(&self, router: &RouterHeader) -> Option<HeaderEdit> {
        let mut lines = header(self.request, router.name)?;
        match lines.next() {
            None => Some(set(router.name, router.value.as_bytes())),
            Some(own) if router.is_list => {
                let joined = [own, b",", router.value.as_bytes()].concat();
                Some(HeaderEdit::Set(router.name.into(), joined))
            }
            Some(_) => None,
        }
    }

    fn hint(
        &self,
        forward: &Forward,
        target: &Target,
        world: &mut impl World,
        request: &mut Vec<HeaderEdit>,
    ) {
        let hints = &self.program.hints;
        let mut mirrored: Vec<&str> = Vec::new();
        for (mirror, name) in self.action.route.mirrors.iter().zip(&forward.mirrors) {
            if mirror.millionths == MILLION || world.point(Draw::Other, MILLION) < mirror.millionths
            {
                mirrored.push(name);
            }
        }
        let mirrored = mirrored.join(",");
        let host = if forward.has_hosts { &*target.host } else { "" };
        let values = [
            (&*hints.subset, &*target.subset),
            (&*hints.route, &*self.route.name),
            (&*hints.destination, host),
            (&*hints.mirror, &*mirrored),
        ];
        let written = values.iter().filter(|(_, value)| !value.is_empty());
        let names: Vec<&str> = written.clone().map(|(name, _)| *name).collect();
        request.extend(strip_hints(self.program, self.request, &names));
        request.extend(written.map(|(name, value)| set(name, value.as_bytes())));
    }
}

fn set(name: &str, value: &[u8]) -> HeaderEdit {
    HeaderEdit::Set(name.as_bytes().to_vec(), value.to_vec())
}
