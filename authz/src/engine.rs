//! The decision: Istio's order of evaluation over the layers of a program.

use sluice_policy::{AttributeSet, Fact, Request};

use crate::decision::{Decision, DryRun, ProviderId, Resume, Stage, Verdict};
use crate::layer::{Found, Layer};
use crate::program::{OnMatch, Program};
use crate::rules::Literal;
use crate::scratch::Scratch;
use crate::subject::Facts;
use crate::truth::Truth;

/// Decides on one request.
///
/// The order is Istio's: mutual TLS as PeerAuthentication demands it, CUSTOM,
/// AUDIT, DENY, ALLOW. CUSTOM interrupts: the verdict is then
/// [`Verdict::Ask`], and when the provider says yes, `decide` is called again
/// with [`Decision::resume`] and the request as the provider left it.
///
/// Unavailable facts never help a request: a DENY fires unless it certainly
/// does not match, an ALLOW grants only if it certainly matches, a CUSTOM asks
/// and an AUDIT records unless they certainly do not match.
///
/// Pure, and free of allocation once `scratch` has grown to the program.
pub fn decide<'p>(
    program: &'p Program,
    scratch: &mut Scratch,
    request: &Request<'_>,
    resume: Resume,
) -> Decision<'p> {
    if let Some(reason) = &program.refusal {
        let decision = Decision::new(Verdict::Deny, Stage::Invalid);
        return Decision {
            rule: Some(reason),
            ..decision
        };
    }
    scratch.begin(program.predicates.len());
    let facts = Facts {
        request,
        identity: program.identity,
    };
    Run {
        program,
        scratch,
        facts,
    }
    .decide(resume)
}

struct Run<'p, 's, 'r> {
    program: &'p Program,
    scratch: &'s mut Scratch,
    facts: Facts<'r>,
}

impl<'p> Run<'p, '_, '_> {
    fn decide(&mut self, resume: Resume) -> Decision<'p> {
        // Of another program's layers none is done here.
        let resume = match resume.mark == self.program.custom_mark {
            true => resume,
            false => Resume::default(),
        };
        if resume == Resume::default()
            && let Some(decision) = self.plaintext()
        {
            return decision;
        }
        if let Some(decision) = self.custom(resume) {
            return decision;
        }
        let mut decision = Decision::new(Verdict::Allow, Stage::Default);
        decision.audit = self.audit();
        self.deny(&mut decision);
        if decision.verdict == Verdict::Allow {
            self.allow(&mut decision);
        }
        decision
    }

    /// Refuses a request that came without a client certificate where one is
    /// demanded.
    fn plaintext(&self) -> Option<Decision<'p>> {
        let refusal = self.program.peers.refusal(&self.facts)?;
        let decision = Decision::new(Verdict::Deny, Stage::PeerAuthentication);
        Some(Decision {
            rule: Some(refusal.id),
            unavailable: refusal.unavailable,
            ..decision
        })
    }

    fn custom(&mut self, resume: Resume) -> Option<Decision<'p>> {
        for (done, custom) in (1..).zip(&self.program.custom).skip(resume.done as usize) {
            let found = self.search(&custom.layer);
            let Some(rank) = found.holds.or(found.unknown) else {
                continue;
            };
            let verdict = match custom.on_match {
                OnMatch::Ask(provider) => Verdict::Ask(ProviderId(provider)),
                OnMatch::Refuse => Verdict::Deny,
            };
            let mut decision = Decision::new(verdict, Stage::Custom);
            decision.rule = Some(custom.layer.id(rank));
            decision.unavailable = self.wanting(&custom.layer, found);
            decision.resume = Resume {
                done,
                mark: self.program.custom_mark,
            };
            return Some(decision);
        }
        None
    }

    fn audit(&mut self) -> Option<&'p str> {
        let layer = self.program.audit.as_ref()?;
        let found = self.search(layer);
        found.holds.or(found.unknown).map(|rank| layer.id(rank))
    }

    fn deny(&mut self, decision: &mut Decision<'p>) {
        if let Some(layer) = &self.program.dry_run_deny {
            let found = self.search(layer);
            let rank = found.holds.or(found.unknown);
            decision.dry_run_deny = Some(DryRun {
                allowed: rank.is_none(),
                rule: rank.map(|rank| layer.id(rank)),
            });
        }
        let Some(layer) = &self.program.deny else {
            return;
        };
        let found = self.search(layer);
        if let Some(rank) = found.holds.or(found.unknown) {
            decision.verdict = Verdict::Deny;
            decision.stage = Stage::Deny;
            decision.rule = Some(layer.id(rank));
            decision.unavailable = self.wanting(layer, found);
        }
    }

    fn allow(&mut self, decision: &mut Decision<'p>) {
        if let Some(layer) = &self.program.dry_run_allow {
            let rank = self.search(layer).holds;
            decision.dry_run_allow = Some(DryRun {
                allowed: rank.is_some(),
                rule: rank.map(|rank| layer.id(rank)),
            });
        }
        let Some(layer) = &self.program.allow else {
            return;
        };
        let found = self.search(layer);
        decision.stage = Stage::Allow;
        decision.rule = found.holds.map(|rank| layer.id(rank));
        if found.holds.is_none() {
            decision.verdict = Verdict::Deny;
            decision.unavailable = self.wanting(layer, found);
        }
    }

    fn search(&mut self, layer: &Layer) -> Found {
        let (program, facts) = (self.program, self.facts);
        let scratch = &mut *self.scratch;
        layer.search(&facts, &mut |literal| {
            test(program, scratch, &facts, literal)
        })
    }

    /// What the first undecided rule lacked, if that is why the verdict fell.
    fn wanting(&mut self, layer: &Layer, found: Found) -> AttributeSet {
        let (None, Some(rank)) = (found.holds, found.unknown) else {
            return AttributeSet::EMPTY;
        };
        let mut wanting = AttributeSet::EMPTY;
        for &literal in layer
            .rules()
            .groups(rank as usize)
            .iter()
            .flatten()
            .copied()
            .flatten()
        {
            if test(self.program, self.scratch, &self.facts, literal) == Truth::Unknown
                && let Some(subject) = self.program.subject_of(literal)
            {
                wanting = wanting.union(subject.demand(self.program.identity));
            }
        }
        unavailable_of(self.facts.request, wanting)
    }
}

fn test(program: &Program, scratch: &mut Scratch, facts: &Facts<'_>, literal: Literal) -> Truth {
    let predicate = literal.predicate();
    scratch
        .memoised(predicate, || program.evaluate(predicate, facts))
        .negate_if(literal.is_negated())
}

/// Those of `wanted` that the request does not know.
pub(crate) fn unavailable_of(request: &Request<'_>, wanted: AttributeSet) -> AttributeSet {
    let unknown = wanted
        .iter()
        .filter(|&attribute| is_unavailable(request, attribute));
    unknown.fold(AttributeSet::EMPTY, |mut set, attribute| {
        set.insert(attribute);
        set
    })
}

fn is_unavailable(request: &Request<'_>, attribute: sluice_policy::Attribute) -> bool {
    use sluice_policy::Attribute as A;
    fn unknown<T: Copy>(fact: Fact<T>) -> bool {
        fact.is_unavailable()
    }
    let connection = &request.connection;
    match attribute {
        A::Method => unknown(request.method),
        A::Path => unknown(request.path),
        A::Authority => unknown(request.authority),
        A::Headers => unknown(request.headers),
        A::Metadata => unknown(request.metadata),
        A::SourceAddress => unknown(connection.remote_address),
        A::DestinationAddress => unknown(connection.destination_address),
        A::Mtls => unknown(connection.mtls),
        A::PeerUriSan => unknown(connection.peer_uri_san),
        A::PeerDnsSan => unknown(connection.peer_dns_san),
        A::PeerSubject => unknown(connection.peer_subject),
        A::PeerPrincipal => unknown(connection.peer_principal),
        A::RequestedServerName => unknown(connection.requested_server_name),
    }
}
