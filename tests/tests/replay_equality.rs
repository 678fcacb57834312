//! Every exchange of the recording through `authz.wasm`, in the harness and in
//! every Envoy that is here: the same status, the same headers upstream.

use std::{path::Path, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use sluice_envoy::{EnvoyBinary, binary::find_module};
use sluice_recording::Exchange;
use sluice_tests::equality::{
    differences, envoy::Proxy, harness::Harness, plugin_config, recording,
};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("replay_equality: {error}");
            ExitCode::FAILURE
        }
    }
}

fn trials() -> Result<Vec<Trial>, String> {
    let module = Arc::new(find_module("authz").map_err(|error| error.to_string())?);
    let exchanges = Arc::new(recording()?);
    let binaries = EnvoyBinary::available();
    if binaries.is_empty() {
        return Err("no Envoy is here; `cargo xtask setup envoy` fetches it".to_owned());
    }
    let trial = |binary: EnvoyBinary| {
        let (module, exchanges) = (Arc::clone(&module), Arc::clone(&exchanges));
        let name = format!(
            "envoy {}: {} exchanges as in the harness",
            binary.version(),
            exchanges.len()
        );
        Trial::test(name, move || compare(&binary, &module, &exchanges))
    };
    let missing = EnvoyBinary::missing().into_iter().map(skipped);
    Ok(binaries.into_iter().map(trial).chain(missing).collect())
}

fn skipped(version: &str) -> Trial {
    let name =
        format!("envoy {version}: not here, `cargo xtask setup envoy` fetches every version");
    Trial::test(name, || Ok(())).with_ignored_flag(true)
}

fn compare(
    binary: &EnvoyBinary,
    module: &Path,
    exchanges: &[Exchange<'static>],
) -> Result<(), Failed> {
    let configuration = plugin_config()?;
    let mut harness = Harness::start(module, &configuration)?;
    let mut envoy = Proxy::start(binary, module, &configuration)?;
    let mut found = Vec::new();
    let (mut forwarded, mut refused) = (0_usize, 0_usize);
    for exchange in exchanges {
        let here = harness.run(exchange);
        let there = envoy
            .run(exchange)
            .map_err(|error| format!("{}: {error}", exchange.id))?;
        let count = if here.upstream.is_some() {
            &mut forwarded
        } else {
            &mut refused
        };
        *count += 1;
        let differences = differences(&there, &here);
        found.extend(
            differences
                .iter()
                .map(|line| format!("{}: {line}", exchange.id)),
        );
    }
    // A module that refuses or passes everything would agree with itself anywhere.
    if forwarded == 0 || refused == 0 {
        return Err(
            format!("{forwarded} forwarded, {refused} refused: expected some of each").into(),
        );
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(found.join("\n").into())
    }
}
