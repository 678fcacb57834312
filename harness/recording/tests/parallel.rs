//! Reading on several threads gives what reading on one does.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::rc::Rc;

use sluice_recording::{Batch, BatchLimits, Code, Diagnostic, Reader, process_in_order};

fn recording(exchanges: usize) -> String {
    let mut text = "{\"recording\":\"sluice/v1\",\"source\":\"manual\"}\n".to_owned();
    for id in 0..exchanges {
        // Batches take differing time, so that threads overtake each other.
        let padding = "x".repeat(id % 7 * 300);
        let line = format!(
            r#"{{"id":"{id}","request":{{"headers":[[":method","GET"],["a","{padding}"]]}}}}"#
        );
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn jobs(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

const SMALL: BatchLimits = BatchLimits {
    lines: 3,
    bytes: 1000,
};

fn ids(batch: &Batch) -> Vec<String> {
    batch
        .exchanges()
        .map(|exchange| exchange.unwrap().id.into_owned())
        .collect()
}

#[test]
fn the_order_is_that_of_the_recording_with_any_number_of_jobs() {
    let text = recording(2000);
    let expected: Vec<_> = (0..2000).map(|id| id.to_string()).collect();
    for count in [1, 2, 5] {
        let mut reader = Reader::new(text.as_bytes()).unwrap();
        let mut seen = Vec::new();
        process_in_order(
            &mut reader,
            jobs(count),
            SMALL,
            || ids,
            |batch| {
                seen.extend(batch);
                Ok::<_, Diagnostic>(())
            },
        )
        .unwrap();
        assert_eq!(seen, expected, "{count} jobs");
    }
}

#[test]
fn batches_are_cut_by_content_alone() {
    let text = recording(100);
    let cuts = |count| {
        let mut reader = Reader::new(text.as_bytes()).unwrap();
        let mut cuts = Vec::new();
        let place = || |batch: &Batch| (batch.sequence(), batch.first_line(), ids(batch).len());
        process_in_order(&mut reader, jobs(count), SMALL, place, |cut| {
            cuts.push(cut);
            Ok::<_, Diagnostic>(())
        })
        .unwrap();
        cuts
    };
    assert_eq!(cuts(1), cuts(4));
    assert_eq!(cuts(1)[0], (0, 2, 3));
    let lines: usize = cuts(1).iter().map(|(_, _, lines)| lines).sum();
    assert_eq!(lines, 100);
}

#[test]
fn a_worker_may_hold_what_cannot_leave_its_thread() {
    let text = recording(50);
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    let mut largest = 0;
    let start = || {
        let handled = Rc::new(Cell::new(0));
        move |_: &Batch| {
            handled.set(handled.get() + 1);
            handled.get()
        }
    };
    process_in_order(&mut reader, jobs(2), SMALL, start, |handled| {
        largest = largest.max(handled);
        Ok::<_, Diagnostic>(())
    })
    .unwrap();
    assert!(largest > 1, "a worker lives for many batches");
}

#[test]
fn wrong_lines_keep_their_places() {
    let mut text = recording(10);
    text.push_str("{\"id\":1}\n\n");
    let at = recording(10).len() as u64;
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    let mut faults = Vec::new();
    let find = || {
        |batch: &Batch| {
            batch
                .exchanges()
                .filter_map(Result::err)
                .flatten()
                .collect::<Vec<_>>()
        }
    };
    process_in_order(&mut reader, jobs(3), SMALL, find, |found| {
        faults.extend(found);
        Ok::<_, Diagnostic>(())
    })
    .unwrap();
    let places: Vec<_> = faults
        .iter()
        .map(|fault| (fault.code, fault.place.line, fault.place.offset))
        .collect();
    let expected = |code| (code, Some(12), Some(at));
    assert_eq!(
        places,
        [expected(Code::WrongType), expected(Code::MissingField)]
    );
}

#[test]
fn an_input_that_fails_delivers_what_came_before_and_then_the_error() {
    let text = recording(20) + &"x".repeat(5000);
    let options = sluice_recording::ReaderOptions {
        max_line_bytes: 4000,
    };
    for count in [1, 3] {
        let mut reader = Reader::with_options(text.as_bytes(), options).unwrap();
        let mut seen = 0;
        let fault = process_in_order(
            &mut reader,
            jobs(count),
            BatchLimits { lines: 1, ..SMALL },
            || ids,
            |batch| {
                seen += batch.len();
                Ok::<_, Diagnostic>(())
            },
        )
        .unwrap_err();
        assert_eq!((fault.code, seen), (Code::TooLong, 20), "{count} jobs");
    }
}

#[test]
fn the_sink_can_stop_everything() {
    let text = recording(500);
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    let mut seen = 0;
    let stop = process_in_order(
        &mut reader,
        jobs(2),
        SMALL,
        || ids,
        |_| {
            seen += 1;
            match seen {
                5 => Err(Diagnostic::new(Code::Io, "a closed pipe", "a reader")),
                _ => Ok(()),
            }
        },
    );
    assert_eq!((stop.unwrap_err().code, seen), (Code::Io, 5));
}

#[test]
fn a_panic_of_a_worker_reaches_the_caller() {
    let text = recording(500);
    let outcome = std::panic::catch_unwind(|| {
        let mut reader = Reader::new(text.as_bytes()).unwrap();
        let fall = || |batch: &Batch| assert_ne!(batch.sequence(), 20, "falls over");
        process_in_order(&mut reader, jobs(2), SMALL, fall, |()| {
            Ok::<_, Diagnostic>(())
        })
    });
    assert!(outcome.is_err());
}
