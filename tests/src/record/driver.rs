//! Sends the planned calls, one after another.

use std::collections::{HashMap, hash_map::Entry};

use sluice_envoy::{
    LabError,
    client::{Client, Connection, Protocol},
};

use super::{
    caller::Caller,
    calls::{Call, Planned},
    scene::Scene,
    stage::Stage,
};

/// First of the ports that connections seem to come from.
const FIRST_PORT: u16 = 40_000;

/// Sends every call of `scene`. A caller keeps one connection for each protocol,
/// as a sidecar's pool would, except where bytes are written by hand: after an
/// odd request a server may want no other.
///
/// # Errors
/// When a call has no response at all.
pub fn drive(stage: &Stage, scene: &Scene) -> Result<(), LabError> {
    let client = Client::new()?;
    let mut pool = Pool::new(stage, &client);
    for (index, planned) in scene.plan.iter().enumerate() {
        let sent = pool.send(planned, &scene.request_id(index));
        sent.map_err(|error| LabError::new(format!("send {planned:?}"), error))?;
    }
    Ok(())
}

struct Pool<'a> {
    stage: &'a Stage,
    client: &'a Client,
    open: HashMap<(Caller, Protocol), Connection<'a>>,
    next_port: u16,
}

impl<'a> Pool<'a> {
    fn new(stage: &'a Stage, client: &'a Client) -> Self {
        Self {
            stage,
            client,
            open: HashMap::new(),
            next_port: FIRST_PORT,
        }
    }

    fn send(&mut self, planned: &Planned, request_id: &str) -> Result<(), LabError> {
        let key = (planned.caller, planned.protocol);
        let connection = match self.open.entry(key) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(slot) => {
                let target = self
                    .stage
                    .target(planned.caller, planned.protocol, self.next_port)?;
                self.next_port += 1;
                slot.insert(self.client.connect(&target)?)
            }
        };
        match &planned.call {
            Call::Http(request) => {
                let request = request.clone().header("x-request-id", request_id);
                connection.send(&request)?;
            }
            Call::Grpc(call, token) => {
                let token = token.as_deref().map(|token| ("authorization", token));
                let metadata: Vec<_> = [("x-request-id", request_id)]
                    .into_iter()
                    .chain(token)
                    .collect();
                call.send(connection, &metadata)?;
            }
        }
        if planned.protocol == Protocol::Wire {
            self.open.remove(&key);
        }
        Ok(())
    }
}
