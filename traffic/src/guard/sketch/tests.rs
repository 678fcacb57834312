//! Buckets, ranks, and the form of a sketch.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn sketch(latencies: &[u64]) -> Sketch {
    let mut sketch = Sketch::default();
    for latency_us in latencies {
        sketch.add(*latency_us);
    }
    sketch
}

fn encoded(sketch: &Sketch) -> Vec<u8> {
    let mut out = Writer::default();
    sketch.encode(&mut out);
    out.0
}

fn decoded(bytes: &[u8]) -> Option<Sketch> {
    let mut input = Reader(bytes);
    let sketch = Sketch::decode(&mut input)?;
    input.0.is_empty().then_some(sketch)
}

#[test]
fn buckets_reach_from_a_tenth_of_a_millisecond_to_ten_minutes() {
    assert_eq!((ENDS[0], ENDS[BUCKETS - 1]), (100, 600_000_000));
    assert!(ENDS.windows(2).all(|ends| ends[0] < ends[1]));
    assert!(ENDS[BUCKETS - 2] < 600_000_000);
    // So many that none is needed behind the last.
    assert!(u64::from(ENDS[BUCKETS - 2]) * 61 / 60 >= 600_000_000);
}

#[test]
fn the_ends_of_buckets_stay() {
    // VMs with different versions of a module share sketches.
    let some = [1, 2, 3, 100, 500, 944].map(|index: usize| ENDS[index]);
    assert_eq!(some, [101, 103, 105, 522, 388_411, 597_838_321]);
}

#[test]
fn the_least_and_the_greatest_of_a_bucket_are_within_one_percent_of_its_middle() {
    for bucket in 1..u16::try_from(BUCKETS).unwrap() {
        let (before, end) = range(bucket);
        for latency_us in [u64::from(before) + 1, u64::from(end)] {
            assert_eq!(bucket_of(latency_us), bucket, "{latency_us}");
            let value = u64::from(sketch(&[latency_us]).value(1).unwrap());
            let difference = value.abs_diff(latency_us) * 100;
            assert!(difference <= latency_us, "{value} for {latency_us}");
        }
    }
}

#[test]
fn what_is_out_of_range_counts_as_what_is_in_it() {
    for latency_us in [0, 1, 99, 100] {
        assert_eq!(sketch(&[latency_us]).value(1), Some(100), "{latency_us}");
        assert_eq!(sketch(&[latency_us]).bound(1), Some(100), "{latency_us}");
    }
    for latency_us in [600_000_000, 600_000_001, u64::MAX] {
        assert_eq!(usize::from(bucket_of(latency_us)), BUCKETS - 1);
        assert_eq!(sketch(&[latency_us]).bound(1), Some(600_000_000));
    }
}

#[test]
fn ranks_count_from_the_least() {
    let sketch = sketch(&[1_000, 2_000, 2_000, 4_000]);
    assert_eq!(sketch.count(), 4);
    let bounds = [0, 1, 2, 3, 4].map(|rank| sketch.bound(rank).unwrap());
    assert_eq!(bounds, [1_011, 1_011, 2_025, 2_025, 4_055]);
    assert_eq!((sketch.bound(5), sketch.value(5)), (None, None));
    let values = [1, 3, 4].map(|rank| sketch.value(rank).unwrap());
    assert_eq!(values, [1_003, 2_009, 4_022]);
}

#[test]
fn only_what_is_above_for_certain_is_above() {
    let sketch = sketch(&[1_000, 2_000, 2_000, 4_000]);
    let table = [
        (0, 4),
        (100, 4),
        (995, 4),
        (996, 3),
        (1_992, 3),
        (1_993, 1),
        (3_988, 1),
        (3_989, 0),
        (u64::MAX, 0),
    ];
    for (latency_us, above) in table {
        assert_eq!(sketch.count_above(latency_us), above, "{latency_us}");
    }
    // Nobody knows how much less than a tenth of a millisecond it is.
    assert_eq!(self::sketch(&[0]).count_above(0), 1);
    assert_eq!(self::sketch(&[0]).count_above(1), 0);
}

#[test]
fn counts_stop_at_what_fits() {
    let bytes = encoded(&Sketch {
        counts: vec![(7, u32::MAX)],
    });
    let mut full = decoded(&bytes).unwrap();
    full.merge(&full.clone());
    assert_eq!(full.count(), u64::from(u32::MAX));
}

#[test]
fn the_form_of_a_sketch_stays() {
    assert_eq!(encoded(&Sketch::default()), [0]);
    let counts = vec![(3, 1), (4, 200), (6, 2), (300, 1)];
    let bytes = [
        0xaa, 0x02, // 298 buckets
        3,    // from the third on
        1, 0xc8, 0x01, // one, two hundred
        0, 0, // one empty one
        2, //
        0, 0xa4, 0x02, // one empty one and 292 more
        1,
    ];
    assert_eq!(
        encoded(&Sketch {
            counts: counts.clone()
        }),
        bytes
    );
    assert_eq!(decoded(&bytes), Some(Sketch { counts }));
}

#[test]
fn other_bytes_are_no_sketch() {
    let last = u8::try_from(BUCKETS & 0x7f).unwrap();
    let table: [(&[u8], &str); 9] = [
        (&[], "nothing"),
        (&[1], "no bucket"),
        (&[1, 3], "no count"),
        (&[1, 3, 0, 0], "an empty bucket at the end"),
        (&[2, 3, 0, 0, 1], "an empty bucket at the beginning"),
        (&[2, 3, 1, 0, 0], "an empty bucket at the end"),
        (&[3, 3, 1, 0, 5, 1], "buckets behind the end"),
        (&[2, 0x80 | (last - 1), 7, 1, 1], "one behind the last"),
        (&[1, 0x80 | last, 7, 1], "a bucket that there is not"),
    ];
    for (bytes, why) in table {
        assert_eq!(decoded(bytes), None, "{why}");
    }
    assert!(decoded(&[1, 0x80 | (last - 1), 7, 1]).is_some(), "the last");
    let huge = [[0xff; 9].as_slice(), &[1, 1, 1]].concat();
    assert_eq!(decoded(&huge), None);
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use super::*;
    use proptest::prelude::*;

    /// Latencies of every order of magnitude.
    fn latencies(most: usize) -> impl Strategy<Value = Vec<u64>> {
        let latency =
            (0..30_u32, 0..1_000_u64).prop_map(|(shift, part)| (1_000 + part) << shift >> 10);
        prop::collection::vec(latency.prop_map(|us| us.clamp(100, 600_000_000)), 1..most)
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_one_percent(mut latencies in latencies(300), rank in 0..300_usize) {
            let sketch = sketch(&latencies);
            latencies.sort_unstable();
            let place = rank % latencies.len();
            let (exact, rank) = (latencies[place], place as u64 + 1);
            let value = u64::from(sketch.value(rank).unwrap());
            prop_assert!(value.abs_diff(exact) * 100 <= exact, "{value} for {exact}");
            prop_assert!(u64::from(sketch.bound(rank).unwrap()) >= exact);
            let above = latencies.iter().filter(|us| **us > exact).count() as u64;
            prop_assert!(sketch.count_above(exact) <= above);
            let bound = exact * 983 / 1_000;
            let above = latencies.iter().filter(|us| **us > exact * 102 / 100).count() as u64;
            prop_assert!(sketch.count_above(bound.max(exact)) >= above);
        }

        #[test]
        fn sketches_are_merged_in_any_order(
            one in latencies(50), two in latencies(50), three in latencies(50),
        ) {
            let all = sketch(&[one.clone(), two.clone(), three.clone()].concat());
            let [one, two, three] = [one, two, three].map(|latencies| sketch(&latencies));
            for order in [[&one, &two, &three], [&three, &one, &two], [&two, &three, &one]] {
                let mut merged = Sketch::default();
                order.iter().for_each(|sketch| merged.merge(sketch));
                prop_assert_eq!(&merged, &all);
            }
            let mut later = two.clone();
            later.merge(&three);
            let mut merged = one.clone();
            merged.merge(&later);
            prop_assert_eq!(&merged, &all);
        }

        #[test]
        fn a_sketch_is_read_as_it_was_written(latencies in latencies(300)) {
            let sketch = sketch(&latencies);
            let bytes = encoded(&sketch);
            prop_assert!((0..bytes.len()).all(|end| decoded(&bytes[..end]).is_none()));
            prop_assert_eq!(decoded(&bytes), Some(sketch));
        }

        #[test]
        fn what_is_read_has_one_form(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(sketch) = decoded(&bytes) {
                prop_assert_eq!(encoded(&sketch), bytes);
            }
        }
    }
}
