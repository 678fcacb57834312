//! The admin interface, asked with the least HTTP that it understands.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

use crate::{LabError, error::Doing};

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Client of one Envoy's admin interface.
#[derive(Debug, Clone, Copy)]
pub struct Admin {
    address: SocketAddr,
}

impl Admin {
    /// Does not connect yet.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Body of a `GET` that was answered with 200.
    ///
    /// # Errors
    /// On a broken connection or any other status.
    pub fn get(&self, path: &str) -> Result<String, LabError> {
        self.ask("GET", path)
    }

    /// Body of a `POST` that was answered with 200.
    ///
    /// # Errors
    /// On a broken connection or any other status.
    pub fn post(&self, path: &str) -> Result<String, LabError> {
        self.ask("POST", path)
    }

    /// Counters and gauges by name; histograms are left out.
    ///
    /// # Errors
    /// On a broken connection.
    pub fn stats(&self) -> Result<BTreeMap<String, u64>, LabError> {
        let text = self.get("/stats")?;
        Ok(text.lines().flat_map(stat_line).collect())
    }

    /// Local address of every listener by name, so that a bootstrap can bind port 0.
    ///
    /// # Errors
    /// On a broken connection or an answer of another shape.
    pub fn listeners(&self) -> Result<BTreeMap<String, SocketAddr>, LabError> {
        let text = self.get("/listeners?format=json")?;
        let document: Value = serde_json::from_str(&text).doing("read /listeners")?;
        let statuses = document["listener_statuses"].as_array();
        Ok(statuses.into_iter().flatten().flat_map(listener).collect())
    }

    fn ask(&self, method: &str, path: &str) -> Result<String, LabError> {
        let doing = format!("{method} {path} on the admin interface");
        let mut stream = TcpStream::connect_timeout(&self.address, TIMEOUT).doing(&doing)?;
        stream.set_read_timeout(Some(TIMEOUT)).doing(&doing)?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).doing(&doing)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).doing(&doing)?;
        let response = crate::client::wire::response(&answer)?;
        let body = String::from_utf8_lossy(&response.body).into_owned();
        if response.status == 200 {
            Ok(body)
        } else {
            Err(LabError::new(doing, format!("{}: {body}", response.status)))
        }
    }
}

fn stat_line(line: &str) -> Option<(String, u64)> {
    let (name, value) = line.split_once(": ")?;
    let value = value.parse().ok()?;
    Some((name.to_owned(), value))
}

fn listener(status: &Value) -> Option<(String, SocketAddr)> {
    let socket = &status["local_address"]["socket_address"];
    let port = u16::try_from(socket["port_value"].as_u64()?).ok()?;
    let ip = socket["address"].as_str()?.parse().ok()?;
    Some((
        status["name"].as_str()?.to_owned(),
        SocketAddr::new(ip, port),
    ))
}
