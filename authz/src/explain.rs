//! Why: the deciding rule, and the rules that nearly matched.

use std::fmt;

use sluice_policy::{Fact, Request};

use crate::decision::{Decision, Resume, Stage};
use crate::engine::decide;
use crate::layer::Layer;
use crate::program::Program;
use crate::rules::Literal;
use crate::scratch::Scratch;
use crate::subject::{Facts, Subject};
use crate::truth::Truth;

/// Rules to name when several nearly matched.
const NEAR_MISSES: usize = 5;

/// Values to show of what was found or expected.
const SHOWN: usize = 8;

/// A decision with its reasons. Not for the hot path: every rule of the layer
/// in question is evaluated, and everything is copied.
#[derive(Debug, Clone)]
pub struct Explanation<'p> {
    /// The decision.
    pub decision: Decision<'p>,
    /// For a request that no ALLOW rule matched: the rules with the fewest
    /// failed tests, nearest first.
    pub near_misses: Vec<NearMiss<'p>>,
}

/// A rule that did not match, and what kept it from matching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss<'p> {
    /// Id of the rule.
    pub rule: &'p str,
    /// Every test that would have had to succeed. Of several alternatives, the
    /// nearest.
    pub failed: Vec<FailedTest>,
}

/// One test that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTest {
    /// What was compared.
    pub field: String,
    /// What the request has; none if the fact is unavailable.
    pub found: Option<Vec<String>>,
    /// The values of the rule.
    pub expected: Vec<String>,
    /// Whether none of the values should have matched, rather than some.
    pub negated: bool,
}

/// Decides, and says why.
pub fn explain<'p>(program: &'p Program, request: &Request<'_>, resume: Resume) -> Explanation<'p> {
    let decision = decide(program, &mut Scratch::default(), request, resume);
    let missed = decision.stage == Stage::Allow && decision.rule.is_none();
    let facts = Facts {
        request,
        identity: program.identity,
    };
    let explainer = Explainer { program, facts };
    let near_misses = match &program.allow {
        Some(layer) if missed => explainer.near_misses(layer),
        _ => Vec::new(),
    };
    Explanation {
        decision,
        near_misses,
    }
}

struct Explainer<'p, 'r> {
    program: &'p Program,
    facts: Facts<'r>,
}

impl<'p> Explainer<'p, '_> {
    fn near_misses(&self, layer: &'p Layer) -> Vec<NearMiss<'p>> {
        let ranks = 0..crate::spans::position(layer.rules().len());
        let mut misses: Vec<_> = ranks.map(|rank| (self.failed(layer, rank), rank)).collect();
        misses.sort_by_key(|(failed, rank)| (failed.len(), *rank));
        misses.truncate(NEAR_MISSES);
        let misses = misses.into_iter();
        misses
            .map(|(failed, rank)| self.near_miss(layer.id(rank), &failed))
            .collect()
    }

    /// The literals that keep a rule from matching: of each group those of the
    /// alternative where fewest fail.
    fn failed(&self, layer: &'p Layer, rank: u32) -> Vec<Literal> {
        let groups = layer.rules().groups(rank as usize);
        let nearest = groups.iter().filter_map(|alternatives| {
            let failed = alternatives.iter().map(|literals| self.failed_of(literals));
            failed.min_by_key(Vec::len)
        });
        nearest.flatten().collect()
    }

    fn failed_of(&self, literals: &[Literal]) -> Vec<Literal> {
        literals
            .iter()
            .copied()
            .filter(|&literal| self.truth(literal) != Truth::True)
            .collect()
    }

    fn truth(&self, literal: Literal) -> Truth {
        self.program
            .evaluate(literal.predicate(), &self.facts)
            .negate_if(literal.is_negated())
    }

    fn near_miss(&self, rule: &'p str, failed: &[Literal]) -> NearMiss<'p> {
        NearMiss {
            rule,
            failed: failed
                .iter()
                .filter_map(|&literal| self.describe(literal))
                .collect(),
        }
    }

    fn describe(&self, literal: Literal) -> Option<FailedTest> {
        let predicate = self.program.predicates.get(literal.predicate())?;
        let subject = self.program.subject_of(literal)?;
        let expected = predicate
            .values
            .iter()
            .take(SHOWN)
            .map(ToString::to_string)
            .collect();
        Some(FailedTest {
            field: subject.to_string(),
            found: self.found(subject),
            expected,
            negated: literal.is_negated(),
        })
    }

    fn found(&self, subject: &Subject) -> Option<Vec<String>> {
        let mut found = Vec::new();
        let mut note = |text: String| {
            if found.len() < SHOWN {
                found.push(text);
            }
        };
        let truth = match subject {
            Subject::RemoteAddress | Subject::DestinationAddress => noted(
                self.facts
                    .address(subject)
                    .map(|address| address.to_string()),
                &mut note,
            ),
            Subject::DestinationPort => {
                noted(self.facts.port().map(|port| port.to_string()), &mut note)
            }
            Subject::RequestPrincipal => self.facts.request_principal(&mut |issuer, subject| {
                note(format!(
                    "{}/{}",
                    issuer.escape_ascii(),
                    subject.escape_ascii()
                ));
                false
            }),
            _ => self.facts.any_text(subject, &mut |text| {
                note(text.escape_ascii().to_string());
                false
            }),
        };
        (truth != Truth::Unknown || !found.is_empty()).then_some(found)
    }
}

fn noted(fact: Fact<String>, note: &mut dyn FnMut(String)) -> Truth {
    match fact {
        Fact::Present(text) => {
            note(text);
            Truth::False
        }
        Fact::Absent => Truth::False,
        Fact::Unavailable => Truth::Unknown,
    }
}

impl fmt::Display for FailedTest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: found ", self.field)?;
        match self.found.as_deref() {
            None => out.write_str("nothing readable")?,
            Some([]) => out.write_str("nothing")?,
            Some(texts) => quoted(out, texts)?,
        }
        out.write_str(if self.negated {
            ", expected none of "
        } else {
            ", expected "
        })?;
        quoted(out, &self.expected)
    }
}

fn quoted(out: &mut fmt::Formatter<'_>, texts: &[String]) -> fmt::Result {
    for (number, text) in texts.iter().enumerate() {
        let separator = if number == 0 { "" } else { ", " };
        write!(out, "{separator}\"{text}\"")?;
    }
    Ok(())
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decision {
            verdict,
            stage,
            rule,
            ..
        } = &self.decision;
        write!(
            out,
            "{verdict:?} by {stage:?}, rule {}",
            rule.unwrap_or("none")
        )?;
        for attribute in self.decision.unavailable.iter() {
            write!(out, "\n  unavailable: {}", attribute.name())?;
        }
        for miss in &self.near_misses {
            write!(out, "\n  {}", miss.rule)?;
            for failed in &miss.failed {
                write!(out, "\n    {failed}")?;
            }
        }
        Ok(())
    }
}
