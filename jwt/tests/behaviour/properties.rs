//! What holds for any resources and any requests.

use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_jwt::{Outcome, Verdict};

use crate::world::*;

/// Headers that rules of the tests write, and may read.
const OUTPUTS: [&str; 3] = ["x-payload", "x-iss", "x-sub"];

const ISSUERS: [&str; 3] = ["one", "two", "three"];

/// A rule with some of the fields that change what becomes of a request.
fn any_rule() -> impl Strategy<Value = Value> {
    let places = prop_oneof![
        4 => Just(json!({})),
        1 => Just(json!({"fromHeaders": [{"name": "x-token"}]})),
        1 => Just(json!({"fromHeaders": [{"name": "authorization", "prefix": "Bearer "}, {"name": "x-iss"}]})),
        1 => Just(json!({"fromParams": ["t", "access_token"]})),
        1 => Just(json!({"fromCookies": ["session"], "fromParams": ["t"]})),
    ];
    let outputs = prop::sample::select(vec![
        json!({}),
        json!({"outputPayloadToHeader": "x-payload"}),
        json!({"outputClaimToHeaders": [{"header": "x-iss", "claim": "iss"}, {"header": "x-sub", "claim": "sub"}]}),
    ]);
    let audiences = prop_oneof![4 => Just(json!({})), 1 => Just(json!({"audiences": ["here"]}))];
    let issuer = prop::sample::select(&ISSUERS[..]);
    (issuer, places, outputs, audiences, any::<bool>()).prop_map(
        |(issuer, places, outputs, audiences, forward)| {
            let mut rule = rule_with(issuer, json!({"forwardOriginalToken": forward}));
            for fields in [places, outputs, audiences] {
                for (name, value) in fields.as_object().unwrap() {
                    rule[name] = value.clone();
                }
            }
            rule
        },
    )
}

/// What stands where tokens stand.
fn any_token() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(&ISSUERS[..]).prop_map(token),
        1 => prop::sample::select(&ISSUERS[..]).prop_map(forged),
        1 => prop::sample::select(&ISSUERS[..]).prop_map(|issuer| token_with(issuer, json!({"exp": 1}))),
        1 => Just(token_with("one", json!({"aud": "here"}))),
        1 => "[ -~]{0,12}".prop_map(|text| text.replace(['&', '#', ';'], "")),
    ]
}

fn any_call() -> impl Strategy<Value = Call> {
    let some = |chance| prop::option::weighted(chance, any_token());
    let forged = prop::collection::vec(prop::sample::select(&OUTPUTS[..]), 0..3);
    (some(0.6), some(0.3), some(0.3), some(0.2), forged).prop_map(
        |(bearer, header, parameter, cookie, forged)| {
            let path = parameter.map(|token| format!("/p?a=%20b&access_token={token}&c"));
            let mut call = get(path.as_deref().unwrap_or("/p?a=%20b&c"));
            if let Some(token) = bearer {
                call = call.with(AUTHORIZATION, &format!("Bearer {token}"));
            }
            if let Some(token) = header {
                call = call.with("x-token", &token);
            }
            if let Some(token) = cookie {
                call = call.with("cookie", &format!("session={token}"));
            }
            for name in forged {
                call = call.with(name, "forged");
            }
            call
        },
    )
}

fn resources(rules: &[Value]) -> Vec<Value> {
    let resources = rules.iter().enumerate();
    resources
        .map(|(number, rule)| resource(&format!("r{number}"), json!([rule])))
        .collect()
}

fn by_rules(rules: &[Value], call: &Call) -> Outcome {
    judged(&program_of(resources(rules)), call)
}

/// Headers that the rules write.
fn outputs(rules: &[Value]) -> Vec<&'static str> {
    let text = json!(rules).to_string();
    let is_written = |name: &&str| {
        text.contains(&format!("\"outputPayloadToHeader\":\"{name}\""))
            || text.contains(&format!("\"header\":\"{name}\""))
    };
    OUTPUTS.into_iter().filter(is_written).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_order_of_resources_means_nothing(
        rules in prop::collection::vec(any_rule(), 1..4),
        call in any_call(),
        turn in 0..4_usize,
    ) {
        let resources = resources(&rules);
        let mut others = resources.clone();
        others.reverse();
        let turn = turn % others.len();
        others.rotate_left(turn);
        let outcome = judged(&program_of(resources), &call);
        prop_assert_eq!(judged(&program_of(others), &call), outcome);
    }

    #[test]
    fn a_request_without_tokens_is_never_refused(
        rules in prop::collection::vec(any_rule(), 0..4),
    ) {
        let mut call = get("/p?q=1").with(AUTHORIZATION, "Basic abc").with("cookie", "a=b");
        for name in outputs(&rules) {
            call = call.with(name, "forged");
        }
        let outcome = by_rules(&rules, &call);
        prop_assert_eq!(outcome.verdict, Verdict::Pass);
        prop_assert_eq!(outcome.identity, None);
    }

    #[test]
    fn forged_headers_never_arrive(
        rules in prop::collection::vec(any_rule(), 1..4),
        call in any_call(),
    ) {
        let outcome = by_rules(&rules, &call);
        if outcome.verdict == Verdict::Pass {
            for name in outputs(&rules) {
                let lines = upstream(&call, &outcome, name);
                prop_assert!(!lines.contains(&"forged".to_owned()), "{name}: {lines:?}");
            }
        }
    }

    #[test]
    fn nobody_is_identified_by_a_token_that_is_not_good(
        rules in prop::collection::vec(any_rule(), 1..4),
        call in any_call(),
    ) {
        let outcome = by_rules(&rules, &call);
        if let Some(issuer) = identity(&outcome) {
            let of_rule = |rule: &Value| rule["issuer"] == issuer.as_str();
            prop_assert!(rules.iter().any(of_rule));
            let texts = format!("{call:?}");
            let good = [token(&issuer), token_with("one", json!({"aud": "here"}))];
            prop_assert!(good.iter().any(|token| texts.contains(token)));
        }
    }

    #[test]
    fn the_same_rule_twice_refuses_nothing_more(
        rule in any_rule(),
        call in any_call(),
    ) {
        let once = by_rules(std::slice::from_ref(&rule), &call).verdict;
        let twice = by_rules(&[rule.clone(), rule], &call).verdict;
        if once == Verdict::Pass {
            prop_assert_eq!(twice, Verdict::Pass);
        }
    }

    #[test]
    fn a_memory_changes_nothing(
        rules in prop::collection::vec(any_rule(), 1..4),
        call in any_call(),
    ) {
        let program = program_of(resources(&rules));
        let mut desk = Desk::of(&program);
        let mut ask = || {
            call.lend(|request| sluice_jwt::authenticate(&program, request, NOW, &mut desk))
        };
        let first = ask();
        prop_assert_eq!(ask(), first);
    }

    #[test]
    fn what_is_not_a_token_of_ours_stays_in_the_query(
        query in "[a-z%=&+0-9]{0,24}",
        call in any_token(),
    ) {
        let path = format!("/p?{query}&t={}", call.replace(' ', "+"));
        let fields = json!({"fromParams": ["t"]});
        let outcome = judged(&program(json!([rule_with("one", fields)])), &get(&path));
        if outcome.identity.is_some() {
            let (left, _) = forwarded(&get(&path), &outcome);
            let kept: Vec<&str> = query
                .split('&')
                .filter(|piece| *piece != "t" && !piece.starts_with("t="))
                .collect();
            let kept = kept.join("&");
            let expected = if kept.is_empty() { "/p".to_owned() } else { format!("/p?{kept}") };
            prop_assume!(!query.contains("%74"));
            prop_assert_eq!(left, expected);
        }
    }
}
