//! HTTP archives, version 1.2, as browsers, proxies and test tools write them.

mod entry;
mod url;

use std::cell::RefCell;
use std::fmt;
use std::io::BufRead;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_path_to_error::Track;

use super::{ImportReport, Sink, message, refusal};
use crate::diagnostic::Diagnostic;
use entry::Entry;

/// Reads an archive entry by entry: its `log.entries` are never all in memory.
pub(super) fn import(
    input: impl BufRead,
    report: &mut ImportReport,
    sink: &mut Sink<'_>,
) -> Result<(), Diagnostic> {
    let state = RefCell::new(State {
        report,
        sink,
        entries: 0,
        failure: None,
    });
    let mut json = serde_json::Deserializer::from_reader(input);
    let mut track = Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let parsed = Archive(&state)
        .deserialize(tracked)
        .and_then(|()| json.end());
    let failure = state.into_inner().failure;
    match (parsed, failure) {
        (Ok(()), _) => Ok(()),
        (Err(error), failure) => Err(located(failure, &error, &track.path().to_string())),
    }
}

struct State<'h, 's> {
    report: &'h mut ImportReport,
    sink: &'h mut Sink<'s>,
    entries: u64,
    /// Serde passes on texts only, so our own diagnostic waits here.
    failure: Option<Diagnostic>,
}

impl State<'_, '_> {
    fn take(&mut self, entry: Entry) -> Result<(), Diagnostic> {
        self.entries += 1;
        let path = format!("log.entries[{}]", self.entries - 1);
        let within = |mut fault: Diagnostic| {
            let inner = std::mem::take(&mut fault.place.path);
            fault.on(if inner.is_empty() {
                path.clone()
            } else {
                format!("{path}.{inner}")
            })
        };
        let Some(mut exchange) = entry::exchange(entry, self.report).map_err(within)? else {
            return Ok(());
        };
        message::name_exchange(&mut exchange, "har", self.entries);
        (self.sink)(exchange).map_err(|fault| match message::is_of_input(&fault) {
            true => within(fault),
            false => fault,
        })
    }
}

fn located(failure: Option<Diagnostic>, error: &serde_json::Error, path: &str) -> Diagnostic {
    let line = u64::try_from(error.line()).unwrap_or(u64::MAX);
    if let Some(mut fault) = failure {
        if message::is_of_input(&fault) {
            fault.place.line.get_or_insert(line);
        }
        return fault;
    }
    let mut fault = refusal::of_error(error, path, "an HTTP archive, version 1.2");
    fault.place.line = Some(line);
    fault
}

/// `{"log": …}`.
struct Archive<'c, 'h, 's>(&'c RefCell<State<'h, 's>>);

/// `{"entries": …}`.
struct Log<'c, 'h, 's>(&'c RefCell<State<'h, 's>>);

/// `[entry, …]`.
struct Entries<'c, 'h, 's>(&'c RefCell<State<'h, 's>>);

/// Finds the one key that matters in an object and passes over the others.
fn only_key<'de, A: MapAccess<'de>, S: DeserializeSeed<'de, Value = ()>>(
    mut map: A,
    name: &'static str,
    seed: impl Fn() -> S,
) -> Result<(), A::Error> {
    let mut is_found = false;
    while let Some(key) = map.next_key::<String>()? {
        if key == name {
            is_found = true;
            map.next_value_seed(seed())?;
        } else {
            map.next_value::<IgnoredAny>()?;
        }
    }
    if is_found {
        Ok(())
    } else {
        Err(de::Error::missing_field(name))
    }
}

macro_rules! object_with_key {
    ($outer:ident, $key:literal, $inner:ident) => {
        impl<'de> DeserializeSeed<'de> for $outer<'_, '_, '_> {
            type Value = ();
            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.deserialize_map(self)
            }
        }

        impl<'de> Visitor<'de> for $outer<'_, '_, '_> {
            type Value = ();
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!("an object with `", $key, "`"))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
                only_key(map, $key, || $inner(self.0))
            }
        }
    };
}

object_with_key!(Archive, "log", Log);
object_with_key!(Log, "entries", Entries);

impl<'de> DeserializeSeed<'de> for Entries<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element::<Entry>()? {
            let mut state = self.0.borrow_mut();
            if let Err(fault) = state.take(entry) {
                let message = fault.to_string();
                state.failure = Some(fault);
                return Err(de::Error::custom(message));
            }
        }
        Ok(())
    }
}
