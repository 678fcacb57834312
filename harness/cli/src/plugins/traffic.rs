//! Which listeners of a proxy a plugin is on: `match`.

use clap::ValueEnum;
use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics};

/// The direction of a listener, seen from the workload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// Requests to the workload: SERVER.
    #[default]
    Inbound,
    /// Requests that the workload makes, and everything at a gateway: CLIENT.
    Outbound,
}

impl Direction {
    /// As in `--direction`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }

    /// The other one.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Inbound => Self::Outbound,
            Self::Outbound => Self::Inbound,
        }
    }
}

/// `match[].mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Both directions; also what `UNDEFINED` and nothing mean.
    #[default]
    ClientAndServer,
    /// Outbound, and gateways.
    Client,
    /// Inbound.
    Server,
}

const MODES: [(&str, Mode); 4] = [
    ("UNDEFINED", Mode::ClientAndServer),
    ("CLIENT", Mode::Client),
    ("SERVER", Mode::Server),
    ("CLIENT_AND_SERVER", Mode::ClientAndServer),
];

/// One entry of `match`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrafficSelector {
    /// Direction.
    pub mode: Mode,
    /// Destination ports; none listed means every port.
    pub ports: Vec<u16>,
}

impl TrafficSelector {
    /// Whether the entry is about this direction, on some port.
    pub fn selects_direction(&self, direction: Direction) -> bool {
        match self.mode {
            Mode::ClientAndServer => true,
            Mode::Client => direction == Direction::Outbound,
            Mode::Server => direction == Direction::Inbound,
        }
    }

    /// Reads every entry of `match`; none means all listeners.
    pub(super) fn read_all(spec: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Vec<Self> {
        let entries = spec
            .take("match")
            .and_then(|node| node.items(diagnostics))
            .unwrap_or_default();
        entries
            .iter()
            .map(|entry| Self::read(entry, diagnostics))
            .collect()
    }

    fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Self {
        let Some(mut entry) = node.object(diagnostics) else {
            return Self::default();
        };
        let mode = entry.take("mode");
        let ports = entry.take("ports");
        entry.finish(diagnostics);
        Self {
            mode: mode
                .and_then(|mode| mode.one_of(&MODES, diagnostics))
                .unwrap_or_default(),
            ports: ports.map_or_else(Vec::new, |ports| read_ports(&ports, diagnostics)),
        }
    }
}

/// A map-list keyed by `number`: required, unique, a port.
fn read_ports(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<u16> {
    let mut ports = Vec::new();
    for item in node.items(diagnostics).unwrap_or_default() {
        let Some(mut port) = item.object(diagnostics) else {
            continue;
        };
        let number = port.require("number", diagnostics);
        port.finish(diagnostics);
        let Some(node) = number else { continue };
        let Some(number) = node.integer(1..=65535_u16, diagnostics) else {
            continue;
        };
        if ports.contains(&number) {
            let expected = "each port once";
            node.error(DiagnosticCode::DuplicateItem, expected, diagnostics);
        }
        ports.push(number);
    }
    ports
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &serde_json::Value) -> (Vec<TrafficSelector>, String) {
        let mut diagnostics = Diagnostics::new();
        let mut spec = Node::new(value, "spec").object(&mut diagnostics).unwrap();
        let entries = TrafficSelector::read_all(&mut spec, &mut diagnostics);
        spec.finish(&mut diagnostics);
        (entries, diagnostics.to_string())
    }

    #[test]
    fn an_entry_has_a_mode_and_ports() {
        let (entries, found) = read(
            &json!({"match": [{"mode": "CLIENT", "ports": [{"number": 80}, {"number": 443}]}, {}]}),
        );
        assert_eq!(found, "");
        let client = TrafficSelector {
            mode: Mode::Client,
            ports: vec![80, 443],
        };
        assert_eq!(entries, [client, TrafficSelector::default()]);
    }

    #[test]
    fn ports_are_numbers_given_once() {
        let (_, found) = read(&json!({"match": [{"ports": [{"number": 80}, {"number": 80}, {}]}]}));
        let expected = "spec.match[0].ports[1].number: found the number 80, expected each port once [duplicate-item]\n\
                        spec.match[0].ports[2].number: found nothing, expected a value [missing-key]";
        assert_eq!(found, expected);
    }

    #[test]
    fn modes_choose_directions() {
        let selects = |mode, direction| {
            let entry = TrafficSelector {
                mode,
                ports: Vec::new(),
            };
            entry.selects_direction(direction)
        };
        assert!(selects(Mode::Client, Direction::Outbound));
        assert!(!selects(Mode::Client, Direction::Inbound));
        assert!(selects(Mode::Server, Direction::Inbound));
        assert!(!selects(Mode::Server, Direction::Outbound));
        assert!(selects(Mode::ClientAndServer, Direction::Outbound));
    }
}
