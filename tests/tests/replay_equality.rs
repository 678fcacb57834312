//! Every exchange of the recordings through the plugins of their examples, in the harness
//! and in every Envoy that is here: the same status, the same headers upstream.

use std::{process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use sluice_envoy::EnvoyBinary;
use sluice_tests::{
    envoys,
    equality::{differences, envoy::Proxy, harness::Harness, scene::Scene},
    record::scene::Name,
};

/// Recordings, and the examples that they are replayed through. The last one draws lots:
/// under its seed they must fall alike everywhere.
const SCENES: [(Name, &str); 3] = [
    (Name::PaymentService, "payment-service"),
    (Name::PaymentServiceJwt, "payment-service-jwt"),
    (Name::PaymentService, "payment-service-traffic"),
];

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
    let binaries = envoys::available()?;
    let mut trials = Vec::new();
    for (name, example) in SCENES {
        let scene = Arc::new(Scene::of(name, example)?);
        trials.extend(binaries.iter().map(|binary| trial(binary, example, &scene)));
    }
    trials.extend(EnvoyBinary::missing().into_iter().map(skipped));
    Ok(trials)
}

fn trial(binary: &EnvoyBinary, example: &str, scene: &Arc<Scene>) -> Trial {
    let (version, count) = (binary.version(), scene.exchanges.len());
    let title = format!("envoy {version}: {example}, {count} exchanges as in the harness");
    let (binary, scene) = (binary.clone(), Arc::clone(scene));
    Trial::test(title, move || compare(&binary, &scene))
}

fn skipped(version: &str) -> Trial {
    let name =
        format!("envoy {version}: not here, `cargo xtask setup envoy` fetches every version");
    Trial::test(name, || Ok(())).with_ignored_flag(true)
}

fn compare(binary: &EnvoyBinary, scene: &Scene) -> Result<(), Failed> {
    let mut harness = Harness::start(scene)?;
    let mut envoy = Proxy::start(binary, scene)?;
    let mut found = Vec::new();
    let (mut forwarded, mut refused) = (0_usize, 0_usize);
    for exchange in &scene.exchanges {
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
