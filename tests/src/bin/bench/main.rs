//! `cargo xtask bench NAME`: measures beside native Envoy, in the same run.

mod authz;
mod bars;
mod faults;
mod harness;
mod jwt;
mod machine;
mod mesh;
mod policies;
mod processes;
mod proxies;
mod rounds;
mod wrk;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use bars::{Bar, Run};

#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// What to measure.
    #[arg(value_enum)]
    name: Name,
    /// A tenth of the work, to see whether the bench itself runs; its figures say little, and
    /// go to a file of their own.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// Time that authz.wasm adds to a request in Envoy, beside native rbac.
    Authz,
    /// Time that jwt.wasm adds to a request in Envoy, beside native jwt_authn.
    Jwt,
    /// How late fault.wasm lets delayed requests go.
    Faults,
    /// Exchanges per second of the harness, and the memory of a long replay.
    Harness,
}

impl Name {
    const fn text(self) -> &'static str {
        match self {
            Self::Authz => "authz",
            Self::Jwt => "jwt",
            Self::Faults => "faults",
            Self::Harness => "harness",
        }
    }

    /// How often that is measured of which the median or the best is taken.
    const fn rounds(self, quick: bool) -> usize {
        match self {
            Self::Authz => authz::rounds(quick),
            Self::Jwt => jwt::rounds(quick),
            Self::Faults => faults::rounds(quick),
            Self::Harness => harness::rounds(quick),
        }
    }

    const fn run(self, quick: bool) -> Run {
        Run {
            name: self.text(),
            quick,
            rounds: self.rounds(quick),
        }
    }

    fn measure(self, quick: bool) -> Result<Vec<Bar>> {
        match self {
            Self::Authz => authz::measure(quick),
            Self::Jwt => jwt::measure(quick),
            Self::Faults => faults::measure(quick),
            Self::Harness => harness::measure(quick),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let run = arguments.name.run(arguments.quick);
    let measured = arguments.name.measure(arguments.quick);
    match measured.and_then(|bars| bars::publish(&run, &bars)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure:#}");
            ExitCode::FAILURE
        }
    }
}
