//! What is remembered, for how long, and how much of it.

use super::*;
use crate::{SourceId, Status};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const A: SourceId = SourceId(0);
const B: SourceId = SourceId(1);

fn verdict(source: SourceId, version: u64, result: Result<(), Status>) -> KeyVerdict {
    KeyVerdict {
        source,
        version,
        result,
    }
}

fn good(source: SourceId) -> KeyVerdict {
    verdict(source, 1, Ok(()))
}

fn bad(source: SourceId) -> KeyVerdict {
    verdict(source, 1, Err(Status::VerificationFailed))
}

fn cache() -> TokenCache<u32> {
    TokenCache::new(CacheLimits::default(), 7)
}

/// As for a token that comes twice: of one that comes once, only a mark may be kept.
fn keep<V: Clone>(
    cache: &mut TokenCache<V>,
    token: &[u8],
    expiry_s: u64,
    verdict: KeyVerdict,
    value: V,
) {
    cache.remember(token, expiry_s, verdict, value.clone());
    cache.remember(token, expiry_s, verdict, value);
}

/// Room for so many verified and refused tokens, of as many bytes as they like.
fn narrow(verified: usize, refused: usize) -> TokenCache<u32> {
    let part = |entries| PartLimits {
        entries,
        bytes: 1_000_000,
    };
    let limits = CacheLimits {
        verified: part(verified),
        refused: part(refused),
        token_bytes: 100,
    };
    TokenCache::new(limits, 7)
}

#[test]
fn a_token_is_recalled_with_what_was_kept() {
    let mut cache = cache();
    assert!(cache.recall(b"token", 0).is_none());
    keep(&mut cache, b"token", 0, good(A), 5);
    let known = cache.recall(b"token", 0).unwrap();
    assert_eq!(known.value, 5);
    assert_eq!(known.verdicts.of(A, 1), Some(Ok(())));
    assert_eq!((cache.len(), cache.bytes()), (1, 5));
    for other in [b"toke".as_slice(), b"token ", b"Token", b""] {
        assert!(cache.recall(other, 0).is_none());
    }
    keep(&mut cache, b"bad", 0, bad(A), 6);
    assert_eq!((cache.len(), cache.bytes()), (2, 8), "both parts count");
    assert!(!cache.is_empty());
}

#[test]
fn a_verified_token_is_kept_when_it_comes_again() {
    let mut cache = cache();
    cache.remember(b"token", 0, good(A), 1);
    cache.remember(b"other", 0, good(A), 2);
    assert!(cache.is_empty());
    assert!(cache.recall(b"token", 0).is_none());
    cache.remember(b"token", 0, good(A), 3);
    assert_eq!(cache.recall(b"token", 0).unwrap().value, 3);
    assert!(cache.recall(b"other", 0).is_none());
    assert_eq!(cache.len(), 1);
}

/// They cost who made them up nothing, and are to cost the keys as little.
#[test]
fn a_refused_token_is_kept_at_once() {
    let mut cache = cache();
    cache.remember(b"token", 0, bad(A), 1);
    assert!(cache.recall(b"token", 0).is_some());
    cache.remember(b"token", 0, good(B), 2);
    let known = cache.recall(b"token", 0).unwrap();
    assert_eq!(known.verdicts.of(B, 1), Some(Ok(())));
}

/// Who can only make up tokens cannot have good ones verified again and again.
#[test]
fn refused_tokens_leave_no_mark() {
    let mut cache = cache();
    cache.remember(b"good", 0, good(A), 1);
    for number in 0..100_000 {
        cache.remember(format!("made up {number}").as_bytes(), 0, bad(A), 0);
    }
    cache.remember(b"good", 0, good(A), 1);
    assert!(cache.recall(b"good", 0).is_some());
}

#[test]
fn tokens_that_end_alike_are_told_apart() {
    let mut cache = cache();
    let tokens = [b'a', b'b'].map(|start| [&[start], [b'x'; 200].as_slice()].concat());
    keep(&mut cache, &tokens[0], 0, good(A), 0);
    assert!(cache.recall(&tokens[1], 0).is_none());
    keep(&mut cache, &tokens[1], 0, bad(A), 1);
    for (token, value) in tokens.iter().zip([0, 1]) {
        assert_eq!(cache.recall(token, 0).unwrap().value, value);
    }
}

#[test]
fn a_verdict_is_of_one_source_and_one_key_set() {
    let mut cache = cache();
    keep(&mut cache, b"token", 0, good(A), 1);
    keep(&mut cache, b"token", 0, bad(B), 2);
    let known = cache.recall(b"token", 0).unwrap();
    assert_eq!(known.value, 1, "that of a known token stays");
    assert_eq!(known.verdicts.of(A, 1), Some(Ok(())));
    assert_eq!(known.verdicts.of(A, 2), None);
    assert_eq!(
        known.verdicts.of(B, 1),
        Some(Err(Status::VerificationFailed))
    );
    assert_eq!(known.verdicts.of(SourceId(2), 1), None);
    keep(
        &mut cache,
        b"token",
        0,
        verdict(A, 2, Err(Status::NoMatchingKey)),
        3,
    );
    let known = cache.recall(b"token", 0).unwrap();
    assert_eq!(
        known.verdicts.of(A, 1),
        None,
        "a newer verdict takes its place"
    );
    assert_eq!(known.verdicts.of(A, 2), Some(Err(Status::NoMatchingKey)));
}

#[test]
fn a_token_that_has_run_out_is_forgotten() {
    let mut cache = cache();
    keep(&mut cache, b"mortal", 1_000, good(A), 1);
    keep(&mut cache, b"immortal", 0, good(A), 1);
    keep(&mut cache, b"last", u64::MAX, bad(A), 1);
    assert!(cache.recall(b"mortal", 1_060).is_some());
    assert!(cache.recall(b"mortal", 1_061).is_none());
    assert!(
        cache.recall(b"mortal", 0).is_none(),
        "it does not come back"
    );
    assert!(cache.recall(b"immortal", u64::MAX).is_some());
    assert!(cache.recall(b"last", u64::MAX).is_some());
    assert_eq!(cache.len(), 2);
}

#[test]
fn long_tokens_are_not_kept() {
    let mut cache = cache();
    keep(&mut cache, &[b'a'; 4_096], 0, good(A), 1);
    keep(&mut cache, &[b'a'; 4_097], 0, good(A), 1);
    assert!(cache.recall(&[b'a'; 4_096], 0).is_some());
    assert!(cache.recall(&[b'a'; 4_097], 0).is_none());
    assert_eq!(cache.len(), 1);
}

#[test]
fn refused_tokens_do_not_push_out_verified_ones() {
    let mut cache = cache();
    keep(&mut cache, b"good", 0, good(A), 1);
    for number in 0..10_000 {
        keep(
            &mut cache,
            format!("made up {number}").as_bytes(),
            0,
            bad(A),
            0,
        );
    }
    assert!(cache.recall(b"good", 0).is_some());
    assert_eq!(cache.len(), 257);
}

#[test]
fn a_token_that_one_source_refuses_and_another_verifies_is_a_verified_one() {
    let mut cache = narrow(1, 1);
    keep(&mut cache, b"token", 0, bad(A), 1);
    keep(&mut cache, b"token", 0, good(B), 2);
    keep(&mut cache, b"other", 0, bad(A), 3);
    let known = cache.recall(b"token", 0).unwrap();
    assert_eq!((known.value, known.verdicts.of(A, 1).is_some()), (1, true));
    assert_eq!(cache.len(), 2);
}

#[test]
fn a_token_that_no_source_verifies_any_more_is_a_refused_one() {
    let mut cache = narrow(1, 1);
    keep(&mut cache, b"token", 0, good(A), 1);
    keep(
        &mut cache,
        b"token",
        0,
        verdict(A, 2, Err(Status::NoMatchingKey)),
        1,
    );
    keep(&mut cache, b"other", 0, good(A), 2);
    assert_eq!(cache.len(), 2);
    keep(&mut cache, b"third", 0, bad(A), 3);
    assert!(cache.recall(b"token", 0).is_none());
}

#[test]
fn tokens_in_use_outlive_those_that_come_by_once() {
    let mut cache = narrow(8, 8);
    keep(&mut cache, b"used", 0, good(A), 1);
    for number in 0..1_000 {
        keep(
            &mut cache,
            format!("once {number}").as_bytes(),
            0,
            good(A),
            0,
        );
        assert!(cache.recall(b"used", 0).is_some(), "after {number}");
    }
    assert_eq!(cache.len(), 8);
}

#[test]
fn what_has_no_room_is_not_kept() {
    let mut cache = narrow(0, 1);
    keep(&mut cache, b"token", 0, good(A), 1);
    assert!(cache.is_empty());
    let part = PartLimits {
        entries: 9,
        bytes: 5,
    };
    let limits = CacheLimits {
        verified: part,
        refused: part,
        token_bytes: 100,
    };
    let mut cache = TokenCache::new(limits, 7);
    keep(&mut cache, b"tokens", 0, good(A), 1);
    assert!(cache.is_empty());
    keep(&mut cache, b"ab", 0, good(A), 1);
    keep(&mut cache, b"cde", 0, good(A), 2);
    assert_eq!((cache.len(), cache.bytes()), (2, 5));
    keep(&mut cache, b"f", 0, good(A), 3);
    assert_eq!((cache.len(), cache.bytes()), (2, 4));
    assert!(cache.recall(b"ab", 0).is_none());
}

/// Many rules with a source each must not make a token grow.
#[test]
fn verdicts_of_one_token_are_bounded_and_a_good_one_is_kept() {
    let mut cache = cache();
    keep(&mut cache, b"token", 0, good(A), 1);
    for number in 1..100 {
        keep(&mut cache, b"token", 0, bad(SourceId(number)), 1);
    }
    let known = cache.recall(b"token", 0).unwrap();
    let kept = (0..100).filter(|&number| known.verdicts.of(SourceId(number), 1).is_some());
    assert_eq!(kept.count(), verdicts::MOST);
    assert!(known.verdicts.of(A, 1).is_some());
    assert!(known.verdicts.of(SourceId(99), 1).is_some());
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Recall(Vec<u8>, u64),
        Remember(Vec<u8>, u64, KeyVerdict),
    }

    /// Few letters, so that tokens repeat and begin alike.
    fn token() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            4 => prop::collection::vec(b'a'..=b'c', 0..4),
            1 => (0..40_usize).prop_map(|size| vec![b'a'; size]),
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        let source = || (0..3_usize).prop_map(SourceId);
        let time = 0..500_u64;
        let result = prop_oneof![Just(Ok(())), Just(Err(Status::VerificationFailed))];
        let judged = (source(), 0..2_u64, result)
            .prop_map(|(source, version, result)| verdict(source, version, result));
        prop_oneof![
            3 => (token(), time.clone()).prop_map(|(token, now)| Step::Recall(token, now)),
            5 => (token(), time, judged)
                .prop_map(|(token, expiry, judged)| Step::Remember(token, expiry, judged)),
        ]
    }

    fn limits() -> impl Strategy<Value = CacheLimits> {
        let part =
            || (0..5_usize, 0..40_usize).prop_map(|(entries, bytes)| PartLimits { entries, bytes });
        (part(), part(), 0..40_usize).prop_map(|(verified, refused, token_bytes)| CacheLimits {
            verified,
            refused,
            token_bytes,
        })
    }

    /// What may be recalled of a token: the value is its own bytes, and each verdict the
    /// last one of its source.
    #[derive(Default)]
    struct Model {
        verdicts: HashMap<(Vec<u8>, SourceId), KeyVerdict>,
    }

    impl Model {
        fn permits(&self, token: &[u8], known: &CachedToken<Vec<u8>>) -> bool {
            let is_known = |judged: &KeyVerdict| {
                let last = self.verdicts.get(&(token.to_vec(), judged.source));
                last == Some(judged)
            };
            known.value == token && known.verdicts.all().iter().all(is_known)
        }

        fn note(&mut self, step: &Step) {
            match step {
                Step::Recall(..) => {}
                Step::Remember(token, _, judged) => {
                    self.verdicts
                        .insert((token.clone(), judged.source), *judged);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

        #[test]
        fn no_bound_is_passed_and_no_token_passes_for_another(
            limits in limits(),
            seed: u64,
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let mut cache = TokenCache::new(limits, seed);
            let mut model = Model::default();
            for step in steps {
                model.note(&step);
                match step {
                    Step::Recall(token, now_s) => {
                        if let Some(known) = cache.recall(&token, now_s) {
                            prop_assert!(model.permits(&token, known));
                            prop_assert!(!known.is_dead(now_s));
                            prop_assert!(!known.verdicts.all().is_empty());
                        }
                    }
                    Step::Remember(token, expiry_s, judged) => {
                        let value = token.clone();
                        keep(&mut cache, &token, expiry_s, judged, value);
                    }
                }
                for (part, limits) in [(&cache.verified, limits.verified), (&cache.refused, limits.refused)] {
                    prop_assert!(part.len() <= limits.entries);
                    prop_assert!(part.bytes() <= limits.bytes);
                    prop_assert!(part.is_whole());
                }
            }
        }

        /// With room enough nothing is forgotten that need not be.
        #[test]
        fn what_has_room_is_kept(steps in prop::collection::vec(step(), 0..60)) {
            let mut cache = TokenCache::new(CacheLimits::default(), 7);
            let mut model = Model::default();
            for step in steps {
                model.note(&step);
                match step {
                    Step::Recall(..) => {}
                    Step::Remember(token, _, judged) => {
                        let value = token.clone();
                        keep(&mut cache, &token, 0, judged, value);
                    }
                }
                for ((token, source), judged) in &model.verdicts {
                    let known = cache.recall(token, 0);
                    let found = known.and_then(|known| known.verdicts.of(*source, judged.version));
                    prop_assert_eq!(found, Some(judged.result));
                }
            }
        }
    }
}
