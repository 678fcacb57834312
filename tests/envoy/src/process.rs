//! One Envoy process, from its bootstrap to its end.

mod clock;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{EnvoyBinary, LabError, admin::Admin, error::Doing};

/// Longest wait until an Envoy is ready. Five thousand policies in one plugin
/// take a few seconds to compile.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two looks at a process that is starting or ending.
const POLL: Duration = Duration::from_millis(10);
/// How much of the log goes into an error.
const LOG_TAIL_LINES: usize = 30;

/// How to start an Envoy.
#[derive(Debug)]
pub struct Envoy {
    binary: EnvoyBinary,
    concurrency: u32,
    log_level: String,
    component_log_level: Option<String>,
    clock: Option<SystemTime>,
}

impl Envoy {
    /// One worker thread, so that one virtual machine serves every request.
    #[must_use]
    pub fn new(binary: EnvoyBinary) -> Self {
        Self {
            binary,
            concurrency: 1,
            log_level: "warning".to_owned(),
            component_log_level: None,
            clock: None,
        }
    }

    /// Worker threads.
    #[must_use]
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// General log level, such as `warning`.
    #[must_use]
    pub fn log_level(mut self, level: &str) -> Self {
        level.clone_into(&mut self.log_level);
        self
    }

    /// Levels by component, such as `wasm:debug,rbac:debug`.
    #[must_use]
    pub fn component_log_level(mut self, levels: &str) -> Self {
        self.component_log_level = Some(levels.to_owned());
        self
    }

    /// What the process takes for the time of day when it starts.
    #[must_use]
    pub fn clock(mut self, start: SystemTime) -> Self {
        self.clock = Some(start);
        self
    }

    /// Starts the process with `bootstrap` (its `admin` is filled in) and waits
    /// until it is ready.
    ///
    /// # Errors
    /// When it ends or is not ready in time; the error carries the end of its log.
    pub fn start(&self, mut bootstrap: Value) -> Result<RunningEnvoy, LabError> {
        let directory = TempDir::with_prefix("sluice-envoy-").doing("make a directory")?;
        bootstrap["admin"] =
            json!({"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}});
        let config = directory.path().join("bootstrap.json");
        fs::write(&config, bootstrap.to_string()).doing("write the bootstrap")?;
        let child = self
            .command(&config, directory.path())?
            .spawn()
            .doing(&format!("start {}", self.binary.path().display()))?;
        let mut running = RunningEnvoy {
            child,
            admin: Admin::new(SocketAddr::from(([127, 0, 0, 1], 0))),
            listeners: BTreeMap::new(),
            directory,
        };
        running.wait_until_ready()?;
        Ok(running)
    }

    fn command(&self, config: &Path, directory: &Path) -> Result<Command, LabError> {
        let log = File::create(directory.join("envoy.log")).doing("create the log")?;
        let mut command = Command::new(self.binary.path());
        command
            .arg("--config-path")
            .arg(config)
            .arg("--admin-address-path")
            .arg(directory.join("admin"))
            .args(["--concurrency", &self.concurrency.to_string()])
            .args(["--log-level", &self.log_level])
            // Shared memory for hot restart would let two Envoys meet.
            .arg("--disable-hot-restart")
            // Access logs wait ten seconds otherwise.
            .args(["--file-flush-interval-msec", "50"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        if let Some(levels) = &self.component_log_level {
            command.args(["--component-log-level", levels]);
        }
        if let Some(start) = self.clock {
            clock::set(&mut command, start, directory)?;
        }
        Ok(command)
    }
}

/// A process that is ready; dropping it kills it.
#[derive(Debug)]
pub struct RunningEnvoy {
    child: Child,
    admin: Admin,
    listeners: BTreeMap<String, SocketAddr>,
    directory: TempDir,
}

impl RunningEnvoy {
    /// Its admin interface.
    #[must_use]
    pub fn admin(&self) -> Admin {
        self.admin
    }

    /// Where the listener of that name accepts connections.
    ///
    /// # Errors
    /// When the bootstrap named no such listener.
    pub fn listener(&self, name: &str) -> Result<SocketAddr, LabError> {
        self.listeners.get(name).copied().ok_or_else(|| {
            let known: Vec<_> = self.listeners.keys().collect();
            LabError::new(
                "look up a listener",
                format!("found {name:?}, expected one of {known:?}"),
            )
        })
    }

    /// Counters and gauges by name.
    ///
    /// # Errors
    /// When the process does not answer.
    pub fn stats(&self) -> Result<BTreeMap<String, u64>, LabError> {
        self.admin.stats()
    }

    /// Everything logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.directory.path().join("envoy.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time used so far by all threads, in user and kernel mode.
    ///
    /// # Errors
    /// When `/proc` does not tell (the process is gone, or this is not Linux).
    pub fn cpu_time(&self) -> Result<Duration, LabError> {
        let path = format!("/proc/{}/stat", self.pid());
        let stat = fs::read_to_string(&path).doing(&format!("read {path}"))?;
        cpu_ticks(&stat)
            .map(|ticks| Duration::from_secs(ticks) / ticks_per_second())
            .ok_or_else(|| LabError::new(format!("read {path}"), "unexpected shape"))
    }

    /// Ends the process in an orderly way, so that taps and access logs are whole.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(mut self) -> Result<(), LabError> {
        self.admin.post("/quitquitquit")?;
        let until = Instant::now() + READY_WITHIN;
        while self.child.try_wait().doing("wait for Envoy")?.is_none() {
            if Instant::now() > until {
                return Err(LabError::new("stop Envoy", "it does not end"));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Result<(), LabError> {
        let until = Instant::now() + READY_WITHIN;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().doing("wait for Envoy")? {
                return Err(self.failed_start(&format!("ended with {status}")));
            }
            if self.look_whether_ready() {
                self.listeners = self.admin.listeners()?;
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err(self.failed_start("not ready in time"))
    }

    fn look_whether_ready(&mut self) -> bool {
        let Some(address) = self.admin_address() else {
            return false;
        };
        self.admin = Admin::new(address);
        self.admin
            .get("/ready")
            .is_ok_and(|body| body.starts_with("LIVE"))
    }

    /// Envoy writes the file in one go once the port is bound.
    fn admin_address(&self) -> Option<SocketAddr> {
        let path: PathBuf = self.directory.path().join("admin");
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }

    fn failed_start(&self, cause: &str) -> LabError {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(LOG_TAIL_LINES)..);
        let tail = tail.unwrap_or_default().join("\n");
        LabError::new(
            "start Envoy",
            format!("{cause}; the end of its log:\n{tail}"),
        )
    }
}

impl Drop for RunningEnvoy {
    fn drop(&mut self) {
        // Both fail only when the process is gone already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Fields 14 and 15 of proc(5) stat, counted after the command name, which may
/// itself hold spaces and brackets.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(user + system)
}

fn ticks_per_second() -> u32 {
    u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::cpu_ticks;

    #[test]
    fn the_command_name_may_hold_anything() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0";
        assert_eq!(cpu_ticks(stat), Some(42));
    }
}
