//! The life of a guard: one VM, several, and hosts and clocks that misbehave.

use super::testing::{START, Shared, config};
use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The default window.
const WINDOW_MS: u64 = 60_000;

/// A slot of it.
const SLOT_MS: u64 = 15_000;

/// A VM, and the data that it shares.
struct Vm {
    guard: Guard,
    shared: Shared,
    now_ms: u64,
}

impl Vm {
    fn new(config: &CanaryGuard, shared: &Shared) -> Self {
        Self {
            guard: Guard::new(config.clone()),
            shared: shared.clone(),
            now_ms: START,
        }
    }

    /// Each subset gets 100 requests, of which the canary fails some; then time passes.
    fn serve(&mut self, canary_errors: usize, ms: u64) -> Vec<Event> {
        for number in 0..100 {
            let canary = match number < canary_errors {
                true => Outcome::Failed,
                false => Outcome::Good,
            };
            self.guard
                .observe(Subset::Stable, None, Outcome::Good, 20_000);
            self.guard.observe(Subset::Canary, None, canary, 20_000);
        }
        self.wait(ms)
    }

    fn wait(&mut self, ms: u64) -> Vec<Event> {
        self.now_ms += ms;
        self.guard.on_tick(self.now_ms, &mut self.shared)
    }

    /// Serves until the canary is drained.
    fn drain(&mut self) -> Finding {
        for _ in 0..8 {
            if let [Event::Drained(finding)] = self.serve(50, SLOT_MS)[..] {
                return finding;
            }
        }
        panic!("half of all requests fail");
    }

    fn requests(&self) -> u64 {
        let figures = |subset| self.guard.figures(subset).errors.samples;
        figures(Subset::Stable) + figures(Subset::Canary)
    }
}

fn restoring(after_ms: u32) -> CanaryGuard {
    CanaryGuard {
        restore_after_ms: Some(after_ms),
        ..config()
    }
}

fn dry() -> CanaryGuard {
    CanaryGuard {
        is_dry_run: true,
        ..config()
    }
}

#[test]
fn a_canary_that_fails_is_drained_and_stays_so() {
    let mut vm = Vm::new(&config(), &Shared::default());
    let finding = vm.drain();
    assert!(vm.guard.is_drained() && !vm.guard.would_drain());
    assert_eq!(vm.guard.finding(), Some((vm.now_ms, finding)));
    assert_eq!(finding.canary.value, 500_000);
    assert_eq!(finding.stable.value, 0);
    let writes = vm.shared.writes();
    for _ in 0..100 {
        assert_eq!(vm.serve(0, 3_600_000), []);
    }
    assert!(vm.guard.is_drained());
    assert_eq!(vm.requests(), 0, "nobody asks any more");
    assert_eq!(vm.shared.writes(), writes);
}

#[test]
fn a_canary_that_does_as_well_is_not() {
    let mut vm = Vm::new(&config(), &Shared::default());
    for _ in 0..100 {
        assert_eq!(vm.serve(0, 5_000), []);
    }
    assert!(!vm.guard.is_drained() && vm.guard.finding().is_none());
    // A window and the slot that has begun.
    assert!(
        (2_400..=3_000).contains(&vm.requests()),
        "{}",
        vm.requests()
    );
}

#[test]
fn figures_are_those_of_the_window() {
    let mut vm = Vm::new(&config(), &Shared::default());
    vm.serve(1, 1_000);
    vm.guard
        .observe(Subset::Canary, None, Outcome::Left, 90_000);
    let canary = vm.guard.figures(Subset::Canary);
    assert_eq!((canary.errors.value, canary.errors.samples), (10_000, 100));
    assert_eq!(canary.latency.samples, 99);
    assert!(canary.latency.value.abs_diff(20_000) < 200);
    vm.wait(1_000);
    let canary = vm.guard.figures(Subset::Canary);
    assert_eq!(canary.errors.samples, 101, "with what came since");
    assert_eq!(vm.guard.figures(Subset::Stable).errors.value, 0);
    vm.wait(WINDOW_MS + SLOT_MS);
    assert_eq!(vm.requests(), 0);
    let errors_alone = CanaryGuard {
        latency: None,
        ..config()
    };
    let mut vm = Vm::new(&errors_alone, &Shared::default());
    vm.serve(0, 1_000);
    assert_eq!(vm.guard.figures(Subset::Stable).latency, Figure::default());
}

#[test]
fn a_drained_canary_is_restored_as_declared() {
    let mut vm = Vm::new(&restoring(600_000), &Shared::default());
    vm.drain();
    assert_eq!(vm.serve(50, 599_999), []);
    assert!(vm.guard.is_drained());
    assert_eq!(vm.serve(50, 1), [Event::Restored]);
    assert!(!vm.guard.is_drained());
    // What was late counts for nothing.
    assert_eq!(vm.requests(), 0);
    assert_eq!(vm.wait(1_000), []);
    vm.drain();
    assert!(vm.guard.is_drained(), "it is watched again");
}

#[test]
fn a_clock_that_is_set_back_makes_a_drained_canary_wait_anew() {
    let mut vm = Vm::new(&restoring(600_000), &Shared::default());
    vm.drain();
    vm.now_ms -= 3_600_000;
    assert_eq!(vm.wait(0), []);
    assert_eq!(vm.wait(599_999), []);
    assert_eq!(vm.wait(1), [Event::Restored]);
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_the_watch() {
    for back_ms in [1_000, 20_000, 3_600_000, START] {
        let mut vm = Vm::new(&config(), &Shared::default());
        for _ in 0..8 {
            vm.serve(0, SLOT_MS);
        }
        vm.now_ms -= back_ms;
        let requests = vm.requests();
        vm.wait(0);
        assert_eq!(vm.requests(), requests, "nothing is lost");
        vm.drain();
    }
}

#[test]
fn a_clock_that_is_set_on_forgets_what_is_old() {
    let mut vm = Vm::new(&config(), &Shared::default());
    vm.serve(50, 1_000);
    vm.serve(50, WINDOW_MS + SLOT_MS);
    assert_eq!(vm.requests(), 200);
    vm.serve(50, u64::MAX - vm.now_ms);
    assert_eq!(vm.requests(), 200);
    assert_eq!(vm.wait(0), []);
    let mut other = Vm::new(&config(), &vm.shared);
    other.wait(0);
    assert_eq!(other.requests(), 200, "what it wrote can be read");
}

#[test]
fn a_dry_run_only_reports() {
    let mut vm = Vm::new(&dry(), &Shared::default());
    vm.drain();
    assert!(!vm.guard.is_drained() && vm.guard.would_drain());
    let (at_ms, finding) = vm.guard.finding().unwrap();
    for _ in 0..20 {
        assert_eq!(vm.serve(50, SLOT_MS), [], "it was said already");
    }
    assert_eq!(vm.guard.finding(), Some((at_ms, finding)));
    // The last slots with errors have to fall out, and a window has to pass.
    let slots = (1..20).find(|_| vm.serve(0, SLOT_MS) == [Event::Recovered]);
    assert!(
        slots.is_some_and(|slots| (5..=9).contains(&slots)),
        "{slots:?}"
    );
    assert!(!vm.guard.would_drain());
    vm.drain();
}

#[test]
fn a_dry_run_ends_its_report_when_nobody_comes() {
    let mut vm = Vm::new(&dry(), &Shared::default());
    vm.drain();
    assert_eq!(vm.wait(10 * WINDOW_MS), [Event::Recovered]);
    vm.drain();
    // Even where the clock stood still, or worse.
    vm.now_ms = 1_000;
    assert_eq!(vm.wait(0), []);
    assert_eq!(vm.wait(10 * WINDOW_MS), [Event::Recovered]);
}

#[test]
fn one_vm_announces_for_all() {
    let shared = Shared::default();
    let mut vms = [(); 3].map(|()| Vm::new(&restoring(60_000), &shared));
    let mut said = 0;
    for _ in 0..8 {
        said += vms
            .iter_mut()
            .map(|vm| vm.serve(50, SLOT_MS).len())
            .sum::<usize>();
        if said > 0 {
            break;
        }
    }
    assert_eq!(said, 1);
    let silent: Vec<_> = vms.iter_mut().flat_map(|vm| vm.wait(0)).collect();
    assert_eq!(silent, []);
    assert!(vms.iter().all(|vm| vm.guard.is_drained()));
    assert!(
        vms.windows(2)
            .all(|two| two[0].guard.finding() == two[1].guard.finding())
    );
    let restored: Vec<_> = vms.iter_mut().flat_map(|vm| vm.wait(60_000)).collect();
    assert_eq!(restored, [Event::Restored]);
    assert!(vms.iter().all(|vm| !vm.guard.is_drained()));
}

#[test]
fn a_vm_that_starts_takes_over_what_others_found() {
    let shared = Shared::default();
    Vm::new(&config(), &shared).drain();
    let mut vm = Vm::new(&config(), &shared);
    assert!(!vm.guard.is_drained());
    assert_eq!(vm.wait(0), []);
    assert!(vm.guard.is_drained());
}

/// Whoever of the VMs served it: between ticks none knows of the others.
#[test]
fn a_client_that_stays_counts_once_for_all_vms() {
    let shared = Shared::default();
    let mut vms = [(); 3].map(|()| Vm::new(&config(), &shared));
    for second in 0..30 {
        for vm in &mut vms {
            for client in 0..10_u64 {
                let client = Some(crate::hash::mix(client));
                vm.guard.observe(Subset::Canary, client, Outcome::Failed, 1);
            }
            assert_eq!(vm.wait(1_000), []);
        }
        let most = if second < 1 { 10 } else { 20 };
        assert!((10..=most).contains(&vms[2].requests()), "second {second}");
    }
    let [vm, ..] = &mut vms;
    vm.now_ms += WINDOW_MS;
    vm.wait(SLOT_MS);
    assert_eq!(vm.requests(), 0);
    vm.guard
        .observe(Subset::Canary, Some(1), Outcome::Failed, 1);
    vm.wait(0);
    assert_eq!(vm.requests(), 1, "it is forgotten with the window");
}

/// What a canary was drained for does not make it wait for its clients.
#[test]
fn a_restored_canary_counts_its_clients_anew() {
    let mut vm = Vm::new(&restoring(10_000), &Shared::default());
    let serve = |vm: &mut Vm| {
        for client in 0..100_u64 {
            let client = Some(crate::hash::mix(client));
            vm.guard.observe(Subset::Canary, client, Outcome::Good, 1);
        }
        vm.wait(1_000)
    };
    serve(&mut vm);
    assert_eq!(vm.requests(), 100);
    vm.drain();
    assert_eq!(vm.wait(10_000), [Event::Restored]);
    serve(&mut vm);
    assert_eq!(vm.requests(), 100);
}

#[test]
fn whoever_is_overtaken_loses_nothing() {
    let shared = Shared::default();
    let mut vm = Vm::new(&config(), &shared);
    vm.serve(0, 1_000);
    let mut other = Vm::new(&config(), &shared.undisturbed());
    *shared.meanwhile.borrow_mut() = Some(Box::new(move || {
        other.serve(0, 1_000);
    }));
    vm.serve(0, 1_000);
    assert_eq!(vm.requests(), 600);
}

/// A host in which somebody else is always first.
struct Contended {
    data: Shared,
    tries: u32,
}

impl SharedData for Contended {
    fn get(&mut self, key: &str) -> Option<(Vec<u8>, u32)> {
        self.data.get(key)
    }

    fn set(&mut self, _: &str, _: &[u8], _: u32) -> bool {
        self.tries += 1;
        false
    }
}

#[test]
fn who_always_loses_tries_again_at_the_next_tick() {
    let shared = Shared::default();
    Vm::new(&config(), &shared).serve(0, 1_000);
    let mut vm = Vm::new(&config(), &shared);
    let mut contended = Contended {
        data: shared,
        tries: 0,
    };
    vm.guard.observe(Subset::Canary, None, Outcome::Good, 1);
    assert_eq!(vm.guard.on_tick(START + 1_000, &mut contended), []);
    assert_eq!(contended.tries, 8);
    assert_eq!(vm.requests(), 200, "others' are seen");
    vm.wait(2_000);
    assert_eq!(vm.requests(), 201);
}

#[test]
fn a_host_that_keeps_nothing_leaves_each_to_itself() {
    let mut vm = Vm::new(&restoring(60_000), &Shared::missing());
    vm.drain();
    assert_eq!(vm.serve(0, 59_999), []);
    assert_eq!(vm.wait(1), [Event::Restored]);
}

#[test]
fn nothing_is_written_when_nothing_has_changed() {
    let mut vm = Vm::new(&config(), &Shared::default());
    vm.wait(0);
    assert_eq!(vm.shared.writes(), 1, "it is there");
    for _ in 0..100 {
        vm.wait(1_000);
    }
    assert_eq!(vm.shared.writes(), 1);
    vm.serve(0, 0);
    vm.wait(0);
    assert_eq!(vm.shared.writes(), 2);
}

#[test]
fn rubbish_and_loss_do_not_restore_a_canary() {
    let good = {
        let mut vm = Vm::new(&config(), &Shared::default());
        vm.serve(0, 1_000);
        vm.shared.copy().unwrap()
    };
    for rubbish in [None, Some(b"rubbish".as_slice()), Some(b""), Some(&good)] {
        let shared = Shared::default();
        let mut vm = Vm::new(&config(), &shared);
        vm.drain();
        shared.spoil(rubbish);
        assert_eq!(vm.wait(1_000), []);
        assert!(vm.guard.is_drained());
        let mut other = Vm::new(&config(), &shared);
        other.wait(0);
        assert!(other.guard.is_drained(), "and others hear of it");
    }
}

#[test]
fn rubbish_does_not_lose_the_window() {
    let shared = Shared::default();
    let mut vm = Vm::new(&config(), &shared);
    vm.serve(0, 1_000);
    shared.spoil(Some(b"rubbish"));
    vm.serve(0, 1_000);
    assert_eq!(vm.requests(), 400);
}

#[test]
fn another_configuration_begins_anew() {
    let shared = Shared::default();
    let mut old = Vm::new(&config(), &shared);
    old.drain();
    let again = CanaryGuard {
        revision: "2".into(),
        ..config()
    };
    let mut new = Vm::new(&again, &shared);
    new.wait(0);
    assert!(!new.guard.is_drained());
    // Who has the old one is on its way out, and leaves the record alone.
    let writes = shared.writes();
    old.serve(0, 1_000);
    assert!(old.guard.is_drained());
    assert_eq!(shared.writes(), writes);
    new.serve(0, 1_000);
    assert_eq!(new.requests(), 200);
}

#[test]
fn who_was_replaced_goes_on_by_itself() {
    let shared = Shared::default();
    let mut old = Vm::new(&restoring(60_000), &shared);
    old.serve(0, 1_000);
    Vm::new(&config(), &shared).wait(0);
    let writes = shared.writes();
    old.drain();
    assert_eq!(old.serve(0, 60_000), [Event::Restored]);
    assert_eq!(shared.writes(), writes);
}

#[test]
fn guards_of_other_names_have_other_records() {
    let shared = Shared::default();
    Vm::new(&config(), &shared).drain();
    for (name, namespace) in [("carts", "shop"), ("orders", "bakery")] {
        let elsewhere = CanaryGuard {
            name: name.into(),
            namespace: namespace.into(),
            ..config()
        };
        let mut vm = Vm::new(&elsewhere, &shared);
        vm.wait(0);
        assert!(!vm.guard.is_drained(), "{namespace}/{name}");
        assert_eq!(vm.guard.config(), &elsewhere);
    }
}
