//! One simulated Envoy worker.

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_host::{Chain, Engine, Headers, LogLevel, Message, OutcomeKind, PluginState};
use sluice_policy::path_normalization::{Normalization, Normalized};
use sluice_recording::{AttributeValue, Exchange as Recorded, Paths, Recorded as Fact};

use super::services::Services;
use super::{exchange, expectation, world};
use crate::callouts::Script;
use crate::console::{Console, Severity};
use crate::failure::Failure;
use crate::plugins::{Direction, Installation};
use crate::report::ExchangeReport;
use crate::report::exchange::folded_route;
use crate::report::unknown::PATH_IN_DOUBT;
use crate::workload::WorkloadOption;

/// What all workers share.
pub struct Setup {
    /// Compiles and runs modules.
    pub engine: Engine,
    /// The plugins, in order.
    pub installation: Installation,
    /// Whose proxy it is.
    pub workload: WorkloadOption,
    /// Which listener it is.
    pub direction: Direction,
    /// Its port, where the recording does not say.
    pub port: Option<u16>,
    /// The mesh's path normalisation.
    pub normalization: Normalization,
    /// What services answer.
    pub script: Arc<Script>,
    /// Seed of everything random.
    pub seed: u64,
    /// Lines below it are not logged.
    pub log_level: LogLevel,
}

impl Setup {
    /// What the connection manager does to `:path`; `false` where it answers 400.
    pub fn normalize(&self, headers: &mut Headers, paths: Option<Paths>) -> bool {
        if paths == Some(Paths::Normalized) {
            return true;
        }
        let Some(path) = headers.get(":path") else {
            return true;
        };
        let Normalized::Path(normal) = self.normalization.apply(path) else {
            return false;
        };
        if normal != path {
            let normal = normal.into_owned();
            headers.set(":path", normal);
        }
        true
    }

    /// Whether it depends on the release of Envoy what the connection manager does to `:path`.
    fn has_path_in_doubt(&self, headers: &Headers, paths: Option<Paths>) -> bool {
        let path = headers.get(":path");
        paths != Some(Paths::Normalized)
            && path.is_some_and(|path| self.normalization.is_in_doubt(path))
    }

    /// Starts every plugin once, and shows what it logged while it did.
    ///
    /// # Errors
    /// When a plugin does not start or refuses its configuration: Istio would
    /// keep the proxy from taking that configuration at all.
    pub fn check_configuration(&self, console: &mut Console) -> Result<(), Failure> {
        let names = self.installation.names();
        let all: Vec<usize> = (0..names.len()).collect();
        let world = world::world(&self.workload, self.direction, self.seed);
        let chain = Chain::new(&self.engine, self.installation.chosen(&all), world)?;
        let refused: Vec<_> = (all.iter().zip(&names))
            .filter_map(|(index, name)| Some((name, refusal(chain.plugin_state(*index)?)?)))
            .collect();
        if refused.is_empty() {
            return Ok(());
        }
        say_logs(&chain, &[], console);
        let (name, reason) = refused
            .first()
            .map_or(("plugin", ""), |(name, reason)| (name.as_str(), *reason));
        Err(Failure::new(
            name,
            reason,
            "a plugin that takes its configuration",
            "plugin-refused",
        ))
    }
}

/// Shows what plugins logged outside any stream, but for what has been `said`.
pub fn say_logs(chain: &Chain, said: &[String], console: &mut Console) {
    let is_new = |message: &str| !said.iter().any(|known| repeats(message, known));
    for line in chain.logs().iter().filter(|line| is_new(&line.message)) {
        console.say(
            severity(line.level),
            format_args!("{}: {}", line.plugin, line.message),
        );
    }
}

/// Whether a logged line is `known`, perhaps after the name of the filter.
fn repeats(line: &str, known: &str) -> bool {
    line.strip_suffix(known)
        .is_some_and(|before| before.is_empty() || before.ends_with(": "))
}

fn refusal(state: &PluginState) -> Option<&str> {
    match state {
        PluginState::Running => None,
        PluginState::Refused => Some("a refused configuration"),
        PluginState::Failed(reason) => Some(reason),
    }
}

fn severity(level: LogLevel) -> Severity {
    match level {
        LogLevel::Trace | LogLevel::Debug | LogLevel::Info => Severity::Note,
        LogLevel::Warn => Severity::Warning,
        LogLevel::Error | LogLevel::Critical => Severity::Error,
    }
}

/// The chain for one selection of the plugins.
struct Selected {
    plugins: Vec<usize>,
    chain: Chain,
}

/// One worker: its chains keep their state from exchange to exchange.
pub struct Worker<'a> {
    setup: &'a Setup,
    /// Differs between workers, so that they do not all draw the same numbers.
    seed: u64,
    /// One chain for each set of plugins that some port selects; most often one.
    chains: Vec<Selected>,
    /// What answers the plugins' calls.
    services: Services,
}

impl<'a> Worker<'a> {
    /// A worker that has not seen anything.
    pub fn new(setup: &'a Setup, number: u64) -> Self {
        Self {
            setup,
            seed: setup.seed.wrapping_add(number),
            chains: Vec::new(),
            services: Services::new(Arc::clone(&setup.script)),
        }
    }

    /// Runs one exchange.
    ///
    /// # Errors
    /// When a plugin applies to certain ports only and nothing says the
    /// exchange's, or when the chain cannot be started.
    pub fn run(
        &mut self,
        sequence: u64,
        recorded: &Recorded<'_>,
        paths: Option<Paths>,
    ) -> Result<ExchangeReport, Failure> {
        let mut exchange = exchange::to_host(recorded);
        let headers = &exchange.request.headers;
        let has_path_in_doubt = self.setup.has_path_in_doubt(headers, paths);
        let is_taken = self.setup.normalize(&mut exchange.request.headers, paths);
        let route = route(recorded, &exchange.request.headers);
        let id = recorded.id.to_string();
        let mut report = if is_taken {
            let services = self.services.clone();
            let chain = self.chain(recorded)?;
            if let Some(time) = recorded.time {
                chain.advance_to(u64::try_from(time.as_nanos()).unwrap_or(0));
            }
            // What ticks logged would otherwise pile up over a long recording, and
            // what they called belongs to no exchange.
            drop(chain.take_logs());
            drop(services.take_unscripted());
            ExchangeReport::of_outcome(sequence, id, route, chain.run(&exchange))
        } else {
            let request = exchange.request;
            ExchangeReport {
                sequence,
                id,
                route,
                request,
                ..refused_path()
            }
        };
        self.complete_calls(&mut report);
        if has_path_in_doubt && !report.costs.is_empty() {
            report.unknown.push(PATH_IN_DOUBT.to_owned());
        }
        complete(&mut report, recorded);
        Ok(report)
    }

    /// What a service that nobody scripted would have said is one more unknown.
    fn complete_calls(&self, report: &mut ExchangeReport) {
        report.unscripted = self.services.take_unscripted();
        report.answered = self.services.take_answered();
        let clusters: BTreeSet<&str> = (report.unscripted.iter())
            .map(|call| call.cluster.as_str())
            .collect();
        let unknown = clusters.iter().map(|cluster| format!("callout.{cluster}"));
        report.unknown.extend(unknown);
    }

    fn chain(&mut self, recorded: &Recorded<'_>) -> Result<&mut Chain, Failure> {
        let plugins = self.setup.installation.on_port(|| self.port_of(recorded))?;
        let found = self
            .chains
            .iter()
            .position(|selected| selected.plugins == plugins);
        let index = match found {
            Some(index) => index,
            None => {
                let chain = self.start(&plugins, recorded)?;
                self.chains.push(Selected { plugins, chain });
                self.chains.len() - 1
            }
        };
        let missing = || {
            Failure::new(
                "replay",
                "no chain",
                "a chain for every set of plugins",
                "internal",
            )
        };
        self.chains
            .get_mut(index)
            .map(|selected| &mut selected.chain)
            .ok_or_else(missing)
    }

    /// The virtual clock starts with the first exchange, so that it never has to go back.
    fn start(&self, plugins: &[usize], recorded: &Recorded<'_>) -> Result<Chain, Failure> {
        let mut world = world::world(&self.setup.workload, self.setup.direction, self.seed);
        world.log_level = self.setup.log_level;
        world.callouts = Box::new(self.services.clone());
        if let Some(now) = recorded
            .time
            .and_then(|time| u64::try_from(time.as_nanos()).ok())
        {
            world.now_ns = now;
        }
        let chosen = self.setup.installation.chosen(plugins);
        Ok(Chain::new(&self.setup.engine, chosen, world)?)
    }

    fn port_of(&self, recorded: &Recorded<'_>) -> Result<u16, Failure> {
        let recorded_port = match recorded.attributes.get("destination.port") {
            Fact::Known(port) => port.as_u64().and_then(|port| u16::try_from(port).ok()),
            Fact::Absent | Fact::Unknown => match recorded.attributes.get("destination.address") {
                Fact::Known(address) => address.as_text().and_then(port_of_address),
                Fact::Absent | Fact::Unknown => None,
            },
        };
        recorded_port.or(self.setup.port).ok_or_else(|| {
            Failure::with_help(
                format_args!("exchange `{}`", recorded.id),
                "neither destination.port nor destination.address",
                "a port, since a plugin applies to certain ports only",
                "give the listener's port with --port",
                "unknown-port",
            )
        })
    }
}

/// `10.0.0.9:8080` or `[::1]:8080`.
fn port_of_address(address: &str) -> Option<u16> {
    let Ok(address) = address.parse::<std::net::SocketAddr>() else {
        return None;
    };
    Some(address.port())
}

/// Envoy's answer to a path that normalisation refuses, before any filter.
fn refused_path() -> ExchangeReport {
    ExchangeReport {
        kind: OutcomeKind::Replied,
        status: Some(400),
        details: Some("path_normalization_failed".to_owned()),
        response: Some(Message::of_headers([(":status", "400")])),
        ..ExchangeReport::default()
    }
}

/// What the recording says about the exchange, beside what the replay found.
fn complete(report: &mut ExchangeReport, recorded: &Recorded<'_>) {
    report.recorded_status = recorded
        .response
        .as_ref()
        .known()
        .and_then(sluice_recording::Response::status);
    if recorded.request.partial.is_some() && !report.costs.is_empty() {
        // The header list is not whole, so any header that a plugin missed may have been there.
        report.unknown.push("request.headers".to_owned());
    }
    report.expectation = recorded
        .expect
        .as_ref()
        .map(|expected| expectation::compare(expected, report));
}

/// Istio calls every inbound route `default`, which tells nothing.
const UNTOLD_ROUTE: &str = "default";

fn route(recorded: &Recorded<'_>, headers: &Headers) -> String {
    let named = recorded.attributes.get("xds.route_name").known();
    let name = named
        .and_then(AttributeValue::as_text)
        .filter(|name| !name.is_empty() && *name != UNTOLD_ROUTE);
    name.map_or_else(|| folded_route(headers), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_known_with_and_without_the_filters_name() {
        assert!(repeats("a: found b [c]", "a: found b [c]"));
        assert!(repeats("sluice-authz: a: found b [c]", "a: found b [c]"));
        assert!(!repeats("xa: found b [c]", "a: found b [c]"));
        assert!(!repeats("a: found b [c] too", "a: found b [c]"));
    }
}
