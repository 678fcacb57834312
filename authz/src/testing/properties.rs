//! Properties of the engine, on generated policies and requests.

use proptest::prelude::*;
use sluice_policy::Workload;

use super::generate::{OwnedRequest, config, request, rule};
use super::oracle::{Judgement, judge};
use crate::config::{Action, AuthorizationPolicy};
use crate::{Config, Resume, Scratch, Verdict, compile, decide};

fn workload() -> Workload {
    Workload {
        namespace: "a".into(),
        ..Workload::default()
    }
}

fn decided(config: &Config, request: &OwnedRequest) -> Judgement {
    let program = compile(config, &workload());
    request.with(|request| {
        Judgement::of(&decide(
            &program,
            &mut Scratch::default(),
            request,
            Resume::default(),
        ))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_a_naive_evaluation_finds(config in config(), requests in prop::collection::vec(request(), 4)) {
        let program = compile(&config, &workload());
        let mut scratch = Scratch::default();
        for request in requests {
            request.with(|request| {
                let decision = decide(&program, &mut scratch, request, Resume::default());
                prop_assert_eq!(Judgement::of(&decision), judge(&config, &workload(), request));
                Ok(())
            })?;
        }
    }

    #[test]
    fn another_deny_never_allows_more(config in config(), rules in prop::collection::vec(rule(), 1..3), request in request()) {
        let before = decided(&config, &request);
        let mut stricter = config;
        let mut policy = AuthorizationPolicy::named("extra", "a", Action::Deny);
        policy.rules = rules;
        stricter.policies.push(policy);
        let after = decided(&stricter, &request);
        prop_assert!(before.allowed || !after.allowed);
    }

    #[test]
    fn another_allow_rule_never_allows_less(config in config(), rule in rule(), request in request()) {
        let before = decided(&config, &request);
        let mut laxer = config;
        if let Some(policy) = laxer.policies.iter_mut().find(|policy| policy.action == Action::Allow) {
            policy.rules.push(rule);
        }
        prop_assert!(decided(&laxer, &request).allowed || !before.allowed);
    }

    #[test]
    fn the_order_of_policies_is_irrelevant(config in config(), shuffled in Just(()).prop_perturb(|(), mut rng| rng.next_u64()), request in request()) {
        let before = decided(&config, &request);
        let mut other = config;
        let count = other.policies.len().max(1);
        other.policies.rotate_left(usize::try_from(shuffled).unwrap_or(0) % count);
        other.policies.reverse();
        prop_assert_eq!(before, decided(&other, &request));
    }

    #[test]
    fn knowing_less_never_allows_more(config in config(), request in request()) {
        let known = decided(&config, &request);
        for blinded in request.blinded() {
            let blind = decided(&config, &blinded);
            prop_assert!(known.allowed || !blind.allowed);
        }
    }

    #[test]
    fn only_demanded_facts_matter(config in config(), request in request()) {
        let program = compile(&config, &workload());
        let full = request.with(|request| Judgement::of(&decide(&program, &mut Scratch::default(), request, Resume::default())));
        let demanded = request.only(program.demand());
        let partial = demanded.with(|request| Judgement::of(&decide(&program, &mut Scratch::default(), request, Resume::default())));
        prop_assert_eq!(full, partial);
    }

    #[test]
    fn a_verdict_never_asks_without_custom_policies(config in config(), request in request()) {
        let program = compile(&config, &workload());
        prop_assert!(!program.may_ask());
        let verdict = request.with(|request| decide(&program, &mut Scratch::default(), request, Resume::default()).verdict);
        prop_assert!(!matches!(verdict, Verdict::Ask(_)));
    }
}
