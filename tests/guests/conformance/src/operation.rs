//! The operations of a script, by name.

use std::fmt::Display;

use crate::{
    abi::{self, Answer},
    names, state,
    text::{escape, unescape},
};

/// What an operation says, and what the callback is to return.
pub(crate) enum Done {
    Said(String),
    Return(u32),
}

/// The arguments of one operation.
struct Arguments<'a>(&'a [String]);

impl Arguments<'_> {
    fn text(&self, index: usize) -> &str {
        self.0.get(index).map_or("", String::as_str)
    }

    fn bytes(&self, index: usize) -> Vec<u8> {
        unescape(self.text(index))
    }

    fn number<T: std::str::FromStr + Default>(&self, index: usize) -> T {
        self.text(index).parse().unwrap_or_default()
    }

    /// `key=value` words from `first` on, as the ABI passes pairs.
    fn pairs(&self, first: usize) -> Vec<u8> {
        let words = self.0.get(first..).unwrap_or_default().iter();
        let pairs: Vec<_> = words
            .filter_map(|word| word.split_once('='))
            .map(|(key, value)| (unescape(key), unescape(value)))
            .collect();
        abi::encode_pairs(&pairs)
    }

    /// Path segments from `first` on, joined by NUL.
    fn path(&self, first: usize) -> Vec<u8> {
        let words = self.0.get(first..).unwrap_or_default().iter();
        words
            .map(|word| unescape(word))
            .collect::<Vec<_>>()
            .join(&0)
    }
}

type Operation = fn(&Arguments<'_>) -> String;

const OPERATIONS: &[(&str, Operation)] = &[
    ("log", |a| plain(abi::log(a.number(0), &a.bytes(1)))),
    ("log_level", |_| shown(abi::log_level())),
    ("tick", |a| plain(abi::set_tick_period(a.number(0)))),
    ("get_status", |_| {
        let (status, (code, text)) = abi::status();
        format!("{} {code} {}", names::status(status), escape(&text))
    }),
    ("header", |a| {
        bytes(abi::get_header(names::map(a.text(0)), &a.bytes(1)))
    }),
    ("add", |a| {
        plain(abi::add_header(
            names::map(a.text(0)),
            &a.bytes(1),
            &a.bytes(2),
        ))
    }),
    ("replace", |a| {
        plain(abi::replace_header(
            names::map(a.text(0)),
            &a.bytes(1),
            &a.bytes(2),
        ))
    }),
    ("remove", |a| {
        plain(abi::remove_header(names::map(a.text(0)), &a.bytes(1)))
    }),
    ("pairs", |a| {
        pairs(abi::get_pairs(names::map(a.text(0))), a.text(1))
    }),
    ("set_pairs", |a| {
        plain(abi::set_pairs(names::map(a.text(0)), &a.pairs(1)))
    }),
    ("raw_pairs", |a| {
        plain(abi::set_pairs(names::map(a.text(0)), &a.bytes(1)))
    }),
    ("map_size", |a| shown(abi::map_size(names::map(a.text(0))))),
    ("property", |a| bytes(abi::get_property(&a.path(0)))),
    ("property_pairs", |a| {
        pairs(abi::get_property(&a.path(1)), a.text(0))
    }),
    ("property_size", |a| {
        let (status, value) = abi::get_property(&a.path(0));
        format!("{} {}", names::status(status), value.len())
    }),
    ("set_property", |a| {
        plain(abi::set_property(&a.bytes(0), &a.bytes(1)))
    }),
    ("buffer", |a| {
        bytes(abi::get_buffer(
            names::buffer(a.text(0)),
            a.number(1),
            a.number(2),
        ))
    }),
    ("set_buffer", |a| {
        let kind = names::buffer(a.text(0));
        plain(abi::set_buffer(kind, a.number(1), a.number(2), &a.bytes(3)))
    }),
    ("buffer_status", |a| {
        let (status, (length, flags)) = abi::buffer_status(names::buffer(a.text(0)));
        format!("{} {length} {flags}", names::status(status))
    }),
    ("reply", |a| {
        let (details, body, headers) = (a.bytes(1), a.bytes(2), a.pairs(4));
        plain(abi::local_response(
            a.number(0),
            &details,
            &body,
            &headers,
            a.number(3),
        ))
    }),
    ("continue", |a| plain(abi::continue_stream(a.number(0)))),
    ("close", |a| plain(abi::close_stream(a.number(0)))),
    ("http_call", |a| {
        shown(abi::http_call(
            &a.bytes(0),
            &a.pairs(2),
            b"",
            &abi::encode_pairs(&[]),
            a.number(1),
        ))
    }),
    ("grpc_call", |a| {
        let (service, name, method) = (a.bytes(0), a.bytes(1), a.bytes(2));
        shown(abi::grpc_call(
            &service,
            &name,
            &method,
            &a.bytes(3),
            a.number(4),
        ))
    }),
    ("grpc_send", |a| {
        plain(abi::grpc_send(a.number(0), &a.bytes(1), 0))
    }),
    ("grpc_cancel", |a| plain(abi::grpc_cancel(a.number(0)))),
    ("set_shared", |a| {
        // `last` is the number that the last read gave.
        let cas = if a.text(2) == "last" {
            state::last_cas()
        } else {
            a.number(2)
        };
        plain(abi::set_shared(&a.bytes(0), &a.bytes(1), cas))
    }),
    ("shared", |a| {
        let (status, (value, cas)) = abi::get_shared(&a.bytes(0));
        state::read_cas(cas);
        format!("{} {} {cas}", names::status(status), escape(&value))
    }),
    ("register_queue", |a| {
        plain(without(abi::register_queue(&a.bytes(0))))
    }),
    ("resolve_queue", |a| {
        plain(without(abi::resolve_queue(&a.bytes(0), &a.bytes(1))))
    }),
    ("enqueue_to", |a| {
        on_queue(a, |queue| plain(abi::enqueue(queue, &a.bytes(2))))
    }),
    ("dequeue_from", |a| {
        on_queue(a, |queue| bytes(abi::dequeue(queue)))
    }),
    ("dequeue", |a| bytes(abi::dequeue(a.number(0)))),
    ("define", |a| {
        shown(abi::define_metric(names::metric(a.text(0)), &a.bytes(1)))
    }),
    ("increment", |a| {
        plain(abi::increment_metric(a.number(0), a.number(1)))
    }),
    ("record", |a| {
        plain(abi::record_metric(a.number(0), a.number(1)))
    }),
    ("metric", |a| shown(abi::get_metric(a.number(0)))),
    ("effective_stream", |_| {
        plain(abi::set_effective_context(state::last_stream()))
    }),
    ("effective", |a| {
        plain(abi::set_effective_context(a.number(0)))
    }),
    ("done", |_| plain(abi::done())),
    ("foreign", |a| bytes(abi::foreign(&a.bytes(0), &a.bytes(1)))),
    ("wild_header", |_| plain(abi::wild_header())),
    ("property_into_nowhere", |a| {
        plain(abi::property_into_nowhere(&a.path(0)))
    }),
    ("environment", |a| {
        std::env::var(a.text(0)).unwrap_or_else(|error| error.to_string())
    }),
    ("print", |a| {
        println!("{}", a.text(0));
        "done".to_owned()
    }),
    ("print_error", |a| {
        eprintln!("{}", a.text(0));
        "done".to_owned()
    }),
    ("trap", |_| std::process::abort()),
];

/// Does what `words` say.
pub(crate) fn run(words: &[String]) -> Done {
    let Some((name, arguments)) = words.split_first() else {
        return Done::Said("no operation".to_owned());
    };
    let arguments = Arguments(arguments);
    if name == "return" {
        return Done::Return(arguments.number(0));
    }
    let operation = OPERATIONS.iter().find(|(known, _)| known == name);
    Done::Said(operation.map_or_else(
        || "no such operation".to_owned(),
        |(_, operation)| operation(&arguments),
    ))
}

fn plain((status, ()): Answer) -> String {
    names::status(status)
}

fn without<T>((status, _): Answer<T>) -> Answer {
    (status, ())
}

fn shown<T: Display>((status, value): Answer<T>) -> String {
    if status == 0 {
        format!("ok {value}")
    } else {
        names::status(status)
    }
}

fn bytes((status, value): Answer<Vec<u8>>) -> String {
    if status == 0 {
        format!("ok {}", escape(&value)).trim_end().to_owned()
    } else {
        names::status(status)
    }
}

/// Pairs whose key begins with `prefix`, in the order of the host.
fn pairs((status, value): Answer<Vec<u8>>, prefix: &str) -> String {
    let Some(all) = abi::pairs_to_text(&value) else {
        return format!("{} malformed {}", names::status(status), escape(&value));
    };
    let chosen = all
        .iter()
        .filter(|(key, _)| key.starts_with(prefix.as_bytes()));
    let chosen: Vec<_> = chosen
        .map(|(key, value)| format!("{}={}", escape(key), escape(value)))
        .collect();
    format!("{} {}", names::status(status), chosen.join("|"))
        .trim_end()
        .to_owned()
}

/// Queue ids differ from run to run, so queues are named by VM and name.
fn on_queue(arguments: &Arguments<'_>, then: impl FnOnce(u32) -> String) -> String {
    let (status, queue) = abi::resolve_queue(&arguments.bytes(0), &arguments.bytes(1));
    if status == 0 {
        then(queue)
    } else {
        format!("unresolved: {}", names::status(status))
    }
}
