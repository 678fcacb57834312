//! `sluice replay` without its command line: recordings in, reports out.
//!
//! * [`exchange`] makes of a recorded exchange what the host takes.
//! * [`expectation`] compares what came of it with what was expected.
//! * [`ids`] finds exchanges that share an id.
//! * [`services`] stands for the services that plugins call.
//! * [`world`] builds the proxy around it.
//! * [`simulation`] is one simulated Envoy worker.
//! * [`pipeline`] deals blocks of exchanges to workers and puts their reports
//!   back into recording order.

pub mod exchange;
pub mod expectation;
pub mod ids;
pub mod pipeline;
pub mod services;
pub mod simulation;
pub mod world;
