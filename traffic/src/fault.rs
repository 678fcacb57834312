//! Faults of a route: what a request has to suffer, decided without doing it.

pub mod config;

/// A stand-in.
#[derive(Debug, Clone)]
pub struct Fault;
