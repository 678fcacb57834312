//! Several VMs under schedules that nobody would write down: ticks in any order and
//! amid each other's, VMs that die, records that are lost or spoilt, clocks that step.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;

use super::testing::{START, Shared, short};
use super::{CanaryGuard, Event, Guard, Outcome, Subset};
use crate::hash::mix;

/// What happens next. VMs are named by number.
#[derive(Debug, Clone, Copy)]
enum Step {
    Wait(u64),
    /// Requests come to a VM, and the canary fails some percent of its own.
    Serve(usize, u8),
    Tick(usize),
    /// The second VM ticks between what the first reads and what it writes.
    TickAmid(usize, usize),
    /// A VM dies, and a new one starts.
    Kill(usize),
    // What breaks the order of things.
    Lose,
    Spoil,
    TurnBack(u64),
}

const VMS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    let vm = || 0..VMS;
    prop_oneof![
        6 => (0..6_000_u64).prop_map(Step::Wait),
        6 => (vm(), prop_oneof![Just(0), Just(0), Just(40)]).prop_map(|(vm, bad)| Step::Serve(vm, bad)),
        6 => vm().prop_map(Step::Tick),
        3 => (vm(), vm()).prop_map(|(one, other)| Step::TickAmid(one, other)),
        1 => vm().prop_map(Step::Kill),
        1 => Just(Step::Lose),
        1 => Just(Step::Spoil),
        1 => (0..40_000_u64).prop_map(Step::TurnBack),
    ]
}

/// VMs that anything may happen to.
struct Seats {
    config: CanaryGuard,
    guards: Vec<Rc<RefCell<Guard>>>,
    shared: Shared,
    now_ms: u64,
    said: Rc<RefCell<Vec<Event>>>,
}

impl Seats {
    fn new(config: CanaryGuard) -> Self {
        let guard = || Rc::new(RefCell::new(Guard::new(config.clone())));
        Self {
            guards: std::iter::repeat_with(guard).take(VMS).collect(),
            config,
            shared: Shared::default(),
            now_ms: START,
            said: Rc::default(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Wait(ms) => self.now_ms += ms,
            Step::Serve(vm, bad) => self.serve(vm, bad),
            Step::Tick(vm) => self.tick(vm),
            Step::TickAmid(one, other) => {
                if one != other {
                    let seat = self.ticker(other);
                    *self.shared.meanwhile.borrow_mut() = Some(Box::new(seat));
                }
                self.tick(one);
                *self.shared.meanwhile.borrow_mut() = None;
            }
            Step::Kill(vm) => *self.guards[vm].borrow_mut() = Guard::new(self.config.clone()),
            Step::Lose => self.shared.spoil(None),
            Step::Spoil => self.shared.spoil(Some(b"of somebody else")),
            Step::TurnBack(ms) => self.now_ms -= ms,
        }
    }

    fn serve(&self, vm: usize, bad: u8) {
        let mut guard = self.guards[vm].borrow_mut();
        for number in 0..100 {
            let outcome = match number < bad {
                true => Outcome::Failed,
                false => Outcome::Good,
            };
            // Some are clients that stay.
            let client = (number % 3 == 0).then(|| mix(number.into()));
            guard.observe(Subset::Stable, None, Outcome::Good, 10_000);
            guard.observe(Subset::Canary, client, outcome, 10_000);
        }
    }

    fn ticker(&self, vm: usize) -> impl FnOnce() + 'static {
        let (guard, said, now_ms) = (
            Rc::clone(&self.guards[vm]),
            Rc::clone(&self.said),
            self.now_ms,
        );
        let mut shared = self.shared.undisturbed();
        move || {
            let events = guard.borrow_mut().on_tick(now_ms, &mut shared);
            said.borrow_mut().extend(events);
        }
    }

    fn tick(&self, vm: usize) {
        let mut shared = self.shared.clone();
        let events = self.guards[vm]
            .borrow_mut()
            .on_tick(self.now_ms, &mut shared);
        self.said.borrow_mut().extend(events);
    }

    /// Whoever does not know yet hears what there is.
    fn settle(&self) {
        (0..VMS).chain(0..VMS).for_each(|vm| self.tick(vm));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_all_agree_in_the_end(steps in prop::collection::vec(step(), 0..150)) {
        let mut seats = Seats::new(CanaryGuard { restore_after_ms: Some(30_000), ..short() });
        steps.into_iter().for_each(|step| seats.take(step));
        seats.settle();
        let first = seats.guards[0].borrow();
        for other in &seats.guards {
            prop_assert_eq!(&other.borrow().view, &first.view);
        }
        let most = 4_000 * u64::from(seats.config.window_ms);
        prop_assert!(first.view.window.total().canary.requests() <= most);
    }

    /// Without `restore` a canary that was found worse stays drained, while anybody lives
    /// who knows.
    #[test]
    fn what_is_drained_stays_drained(steps in prop::collection::vec(step(), 0..150)) {
        let mut seats = Seats::new(short());
        for _ in 0..10 {
            seats.serve(0, 40);
            seats.now_ms += 5_000;
            seats.tick(0);
        }
        seats.settle();
        prop_assert_eq!(seats.said.borrow().len(), 1);
        // Of the last one who knows nobody could hear.
        let is_survivable = |step: &Step| !matches!(step, Step::Kill(0));
        steps.into_iter().filter(is_survivable).for_each(|step| seats.take(step));
        seats.settle();
        for guard in &seats.guards {
            prop_assert!(guard.borrow().is_drained());
        }
    }
}
