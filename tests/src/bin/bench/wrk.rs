//! Load from a second process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// What is asked for, again and again.
#[derive(Debug, Clone)]
pub struct Load {
    path: String,
    /// Lua that makes the requests; without it, all are plain GETs.
    script: Option<PathBuf>,
}

impl Load {
    /// GET of that path.
    pub fn path(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            script: None,
        }
    }

    /// Requests as a script in that file makes them.
    pub fn scripted(script: PathBuf) -> Self {
        Self {
            path: "/".to_owned(),
            script: Some(script),
        }
    }

    /// Sends requests for `time` over sixteen connections and returns how many were answered.
    ///
    /// Fails when any answer was not a success: a filter that refuses early is
    /// fast, and its figure worthless.
    pub fn send(&self, address: SocketAddr, time: Duration) -> Result<u64> {
        let path = &self.path;
        let output = self.command(address, time).output().context(
            "`wrk` cannot be started; `cargo xtask setup packages` installs or names it",
        )?;
        let report = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("wrk: {}", String::from_utf8_lossy(&output.stderr));
        }
        if let Some(line) = report
            .lines()
            .find(|line| line.contains("Non-2xx") || line.contains("Socket errors"))
        {
            bail!("wrk: {path}: found{line}, expected successes only");
        }
        requests(&report).with_context(|| format!("wrk printed no count of requests:\n{report}"))
    }

    fn command(&self, address: SocketAddr, time: Duration) -> Command {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", "-c16"]);
        wrk.arg(format!("-d{}s", time.as_secs()));
        if let Some(script) = &self.script {
            wrk.arg("-s").arg(script);
        }
        wrk.arg(format!("http://{address}{}", self.path));
        wrk
    }
}

/// From the line `  40123 requests in 2.00s, 5.10MB read`.
fn requests(report: &str) -> Option<u64> {
    let line = report.lines().find(|line| line.contains(" requests in "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_count_is_found() {
        let report = "Running 2s test\n  Latency 1ms\n  40123 requests in 2.00s, 5.10MB read\nRequests/sec: 20000.1\n";
        assert_eq!(super::requests(report), Some(40123));
        assert_eq!(super::requests("no such line"), None);
    }
}
