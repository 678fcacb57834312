//! Prints how many exchanges a second one core takes through a module.
//!
//! `cargo run --release -p sluice-host --example throughput -- MODULE.wasm [COUNT]`

use sluice_host::{Chain, Engine, EngineOptions, Exchange, Message, Module, PluginConfig, World};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: throughput MODULE.wasm [COUNT]")?;
    let count: u32 = arguments.next().map_or(Ok(500_000), |text| text.parse())?;
    let engine = Engine::new(EngineOptions::default())?;
    let module = Module::compile(&engine, &path, &std::fs::read(&path)?)?;
    let mut chain = Chain::new(
        &engine,
        vec![(module, PluginConfig::new("plugin", ""))],
        World::default(),
    )?;
    let exchange = exchange();
    let started = Instant::now();
    let mut fuel = 0;
    for _ in 0..count {
        let outcome = chain.run(&exchange);
        fuel = outcome.costs.first().map_or(0, |cost| cost.cost.fuel);
    }
    let elapsed = started.elapsed().as_secs_f64();
    println!(
        "{:.0} exchanges/s; {fuel} fuel in the last; {:?}",
        f64::from(count) / elapsed,
        chain.plugin_state(0)
    );
    Ok(())
}

fn exchange() -> Exchange {
    let request = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "payments.example.com"),
        (":path", "/v1/payments/42?expand=true"),
        ("user-agent", "curl/8.5.0"),
        ("accept", "*/*"),
        ("x-request-id", "3d9f3f6c-5b0e-4f4e-9d7e-2f1f3b8d7a10"),
        ("x-forwarded-proto", "https"),
        (
            "authorization",
            "Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
        ),
    ];
    let response = [
        (":status", "200"),
        ("content-type", "application/json"),
        ("content-length", "2"),
    ];
    Exchange {
        request: Message::of_headers(request),
        response: Some(Message {
            body: vec![b"{}".to_vec()],
            ..Message::of_headers(response)
        }),
        ..Exchange::default()
    }
}
