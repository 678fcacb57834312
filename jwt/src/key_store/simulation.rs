//! Several VMs under schedules that nobody would write down: polls in any order and
//! amid each other's, answers that are late or never come, VMs that die, records that
//! are spoilt, clocks that step.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use sluice_policy::HeaderLine;

use super::proxy::{LEASE_MS, SOURCE, Shared, Vm, key_set};

const VMS: usize = 3;

/// When a simulation begins.
const START: u64 = 1_790_000_000_000;

/// What happens next. VMs are named by number.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Time passes, in milliseconds.
    Wait(u64),
    Poll(usize),
    /// The second VM polls between what the first reads and what it writes.
    PollAmid(usize, usize),
    /// The oldest fetch is answered, with a `max-age`.
    Serve(usize, Option<u64>),
    /// Likewise, and another VM polls meanwhile.
    ServeAmid(usize, usize),
    Fail(usize),
    /// An answer that is no key set.
    Rubbish(usize),
    /// The host forgets the oldest fetch.
    Forget(usize),
    /// A token comes whose key nobody knows.
    Ask(usize),
    /// A VM dies, with its fetches, and a new one starts.
    Kill(usize),
    /// The issuer makes a new key.
    Rotate,
    // What breaks the order of things.
    /// Records vanish.
    Lose,
    /// Somebody else writes into records.
    Spoil,
    /// Somebody puts back what the records were at the last rotation.
    PutBack,
    /// The clock steps back, in seconds.
    TurnBack(u64),
}

fn vm() -> std::ops::Range<usize> {
    0..VMS
}

/// Steps that a well-kept host may take.
fn orderly() -> BoxedStrategy<Step> {
    prop_oneof![
        4 => (0..3_000_u64).prop_map(Step::Wait),
        1 => (0..400_000_u64).prop_map(Step::Wait),
        6 => vm().prop_map(Step::Poll),
        3 => (vm(), vm()).prop_map(|(one, other)| Step::PollAmid(one, other)),
        4 => (vm(), prop::option::of(0..9_999_u64)).prop_map(|(vm, age)| Step::Serve(vm, age)),
        2 => (vm(), vm()).prop_map(|(one, other)| Step::ServeAmid(one, other)),
        1 => vm().prop_map(Step::Fail),
        1 => vm().prop_map(Step::Rubbish),
        1 => vm().prop_map(Step::Forget),
        2 => vm().prop_map(Step::Ask),
        1 => vm().prop_map(Step::Kill),
        1 => Just(Step::Rotate),
    ]
    .boxed()
}

/// Any steps.
fn disorderly() -> BoxedStrategy<Step> {
    prop_oneof![
        10 => orderly(),
        1 => Just(Step::Lose),
        1 => Just(Step::Spoil),
        1 => Just(Step::PutBack),
        1 => (0..4_000_u64).prop_map(Step::TurnBack),
    ]
    .boxed()
}

fn schedule(step: BoxedStrategy<Step>) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step, 0..120)
}

/// An attempt, as one who sees all VMs knows it.
#[derive(Debug)]
struct Begun {
    at_ms: u64,
    has_ended: bool,
}

type Log = Rc<RefCell<Vec<Begun>>>;

/// A VM, and what its requests live through.
struct Seat {
    vm: Vm,
    /// Tells VMs apart, those that died too.
    name: u64,
    /// Of each fetch what the issuer had when it was sent, and its place in the log.
    sent: Vec<(u64, usize)>,
    /// Whether requests wait.
    has_waiting: bool,
    log: Log,
}

impl Seat {
    fn new(name: u64, log: &Log) -> Self {
        Self {
            vm: Vm::new(name),
            name,
            sent: Vec::new(),
            has_waiting: false,
            log: Rc::clone(log),
        }
    }

    fn poll(&mut self, now_ms: u64, shared: &Shared, rotation: u64) {
        for _ in 0..self.vm.poll(now_ms, shared) {
            let mut log = self.log.borrow_mut();
            self.sent.push((rotation, log.len()));
            log.push(Begun {
                at_ms: now_ms,
                has_ended: false,
            });
        }
        self.hear();
    }

    fn hear(&mut self) {
        if self.vm.store.take_news() {
            self.has_waiting = false;
        }
    }

    /// Answers the oldest fetch, if there is one.
    fn answer(&mut self, answer: impl FnOnce(&mut Vm, u64) -> bool) {
        if self.sent.is_empty() {
            return;
        }
        let (rotation, place) = self.sent.remove(0);
        if let Some(begun) = self.log.borrow_mut().get_mut(place) {
            begun.has_ended = true;
        }
        if answer(&mut self.vm, rotation) {
            self.has_waiting = false;
        }
    }

    fn serve(&mut self, now_ms: u64, shared: &Shared, max_age_s: Option<u64>) {
        let line = max_age_s.map(|age| format!("max-age={age}"));
        let line = line.as_deref().unwrap_or("public");
        let lines: [HeaderLine<'_>; 1] = [(b"cache-control", line.as_bytes())];
        self.answer(|vm, rotation| vm.respond(now_ms, shared, ("200", &key_set(rotation)), &lines));
    }

    /// A token comes whose key nobody knows; whether it waits.
    fn ask(&mut self, now_ms: u64, shared: &Shared, rotation: u64) -> bool {
        let is_pending = self.vm.keys() == "pending";
        let waits = is_pending || self.vm.store.unknown_key(SOURCE, "nobody's", now_ms);
        self.has_waiting |= waits;
        self.poll(now_ms, shared, rotation);
        waits && self.has_waiting
    }

    /// The rotation whose keys it has.
    fn holds(&self) -> Option<u64> {
        self.vm.keys().strip_prefix('k')?.parse().ok()
    }
}

struct Proxy {
    now_ms: u64,
    shared: Shared,
    seats: Vec<Rc<RefCell<Seat>>>,
    next_name: u64,
    rotation: u64,
    earlier: Option<Vec<u8>>,
    log: Log,
}

impl Proxy {
    fn new(shared: Shared) -> Self {
        let log = Log::default();
        let seat = |name| Rc::new(RefCell::new(Seat::new(name, &log)));
        Self {
            now_ms: START,
            shared,
            seats: (0..VMS as u64).map(seat).collect(),
            next_name: VMS as u64,
            rotation: 0,
            earlier: None,
            log,
        }
    }

    fn take(&mut self, step: Step) {
        let (now_ms, shared, rotation) = (self.now_ms, self.shared.clone(), self.rotation);
        let seat = |vm: usize| self.seats[vm].borrow_mut();
        match step {
            Step::Wait(ms) => self.now_ms += ms,
            Step::Poll(vm) => seat(vm).poll(now_ms, &shared, rotation),
            Step::PollAmid(one, other) => {
                self.disturb(one, other);
                self.seats[one].borrow_mut().poll(now_ms, &shared, rotation);
            }
            Step::Serve(vm, max_age_s) => seat(vm).serve(now_ms, &shared, max_age_s),
            Step::ServeAmid(one, other) => {
                self.disturb(one, other);
                self.seats[one].borrow_mut().serve(now_ms, &shared, None);
            }
            Step::Fail(vm) => seat(vm).answer(|vm, _| vm.fail(now_ms, &shared)),
            Step::Rubbish(vm) => {
                seat(vm).answer(|vm, _| vm.respond(now_ms, &shared, ("200", "<html>"), &[]));
            }
            Step::Forget(vm) => {
                let mut seat = seat(vm);
                seat.vm.fetches.clear();
                seat.sent.clear();
            }
            Step::Ask(vm) => {
                seat(vm).ask(now_ms, &shared, rotation);
            }
            Step::Kill(vm) => {
                *seat(vm) = Seat::new(self.next_name, &self.log);
                self.next_name += 1;
            }
            Step::Rotate => {
                self.earlier = self.shared.copy();
                self.rotation += 1;
            }
            Step::Lose => self.shared.spoil(None),
            Step::Spoil => self.shared.spoil(Some(b"sluice.jwks\x01 of somebody else")),
            Step::PutBack => {
                if let Some(earlier) = &self.earlier {
                    self.shared.spoil(Some(earlier));
                }
            }
            Step::TurnBack(s) => self.now_ms -= s * 1_000,
        }
        *self.shared.meanwhile.borrow_mut() = None;
    }

    /// Makes one VM poll while another is between reading and writing.
    fn disturb(&self, disturbed: usize, by: usize) {
        if disturbed == by {
            return;
        }
        let seat = Rc::clone(&self.seats[by]);
        let (now_ms, rotation) = (self.now_ms, self.rotation);
        let shared = self.shared.undisturbed();
        let poll = move || seat.borrow_mut().poll(now_ms, &shared, rotation);
        *self.shared.meanwhile.borrow_mut() = Some(Box::new(poll));
    }

    /// All is well for a while: every VM polls, every fetch is answered.
    fn calm(&mut self, ticks: u64, ms: u64) {
        for _ in 0..ticks {
            self.now_ms += ms;
            for seat in &self.seats {
                let mut seat = seat.borrow_mut();
                seat.poll(self.now_ms, &self.shared, self.rotation);
                while !seat.sent.is_empty() {
                    seat.serve(self.now_ms, &self.shared, None);
                }
            }
        }
    }

    /// Whether what began last began while nobody else's attempt could be under way.
    fn is_alone(&self) -> bool {
        let log = self.log.borrow();
        let Some((last, before)) = log.split_last() else {
            return true;
        };
        before
            .iter()
            .all(|begun| begun.has_ended || last.at_ms >= begun.at_ms + LEASE_MS)
    }

    fn begun(&self) -> usize {
        self.log.borrow().len()
    }

    fn holds(&self) -> Vec<(u64, Option<u64>)> {
        let holds = |seat: &Rc<RefCell<Seat>>| {
            let seat = seat.borrow();
            (seat.name, seat.holds())
        };
        self.seats.iter().map(holds).collect()
    }

    /// After whatever happened: nobody waits for ever, everybody comes to the newest
    /// keys, and nothing is fetched without need.
    fn recovers(&mut self) -> Result<(), TestCaseError> {
        self.calm(30, 1_000);
        for seat in &self.seats {
            prop_assert!(!seat.borrow().has_waiting, "waits without end");
        }
        // The longest time that an issuer can have asked for, and back-off.
        self.calm(190, 20_000);
        for (_, holds) in self.holds() {
            prop_assert_eq!(holds, Some(self.rotation));
        }
        let before = self.begun();
        self.calm(300, 1_000);
        let fetches = self.begun() - before;
        prop_assert!(
            fetches <= 2 * self.fetchers(),
            "{} in five minutes",
            fetches
        );
        self.answers_strangers()
    }

    /// How many VMs fetch for themselves.
    fn fetchers(&self) -> usize {
        match self.shared.keys().is_empty() {
            true => VMS,
            false => 1,
        }
    }

    /// A token whose key nobody knows waits once at most.
    fn answers_strangers(&self) -> Result<(), TestCaseError> {
        for seat in &self.seats {
            let mut seat = seat.borrow_mut();
            seat.ask(self.now_ms, &self.shared, self.rotation);
            seat.serve(self.now_ms, &self.shared, None);
            prop_assert!(!seat.has_waiting);
            prop_assert!(!seat.ask(self.now_ms, &self.shared, self.rotation));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn one_attempt_at_a_time_unless_a_lease_is_up(steps in schedule(orderly())) {
        let mut proxy = Proxy::new(Shared::default());
        for step in steps {
            let before = proxy.begun();
            proxy.take(step);
            prop_assert!(proxy.begun() <= before + 1, "two at once: {step:?}");
            prop_assert!(proxy.begun() == before || proxy.is_alone(), "{step:?}");
        }
    }

    #[test]
    fn no_vm_loses_keys_or_goes_back_to_older_ones(steps in schedule(orderly())) {
        let mut proxy = Proxy::new(Shared::default());
        let mut before = proxy.holds();
        for step in steps {
            proxy.take(step);
            let now = proxy.holds();
            for (old, new) in before.iter().zip(&now).filter(|(old, new)| old.0 == new.0) {
                prop_assert!(old.1 <= new.1, "{step:?}: {old:?} {new:?}");
            }
            before = now;
        }
    }

    #[test]
    fn every_schedule_ends_well(steps in schedule(orderly())) {
        let mut proxy = Proxy::new(Shared::default());
        steps.into_iter().for_each(|step| proxy.take(step));
        proxy.recovers()?;
    }

    #[test]
    fn no_spoilt_record_and_no_clock_prevents_that(steps in schedule(disorderly())) {
        let mut proxy = Proxy::new(Shared::default());
        steps.into_iter().for_each(|step| proxy.take(step));
        proxy.recovers()?;
    }

    #[test]
    fn nor_does_a_host_without_shared_data(steps in schedule(disorderly())) {
        let mut proxy = Proxy::new(Shared::missing());
        steps.into_iter().for_each(|step| proxy.take(step));
        proxy.recovers()?;
    }
}
