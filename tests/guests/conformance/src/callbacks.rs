//! What the host calls.

use crate::{
    abi, names,
    operation::{self, Done},
    script::Script,
    state,
};

/// `info`.
const LOG_LEVEL: u32 = 2;
const PLUGIN_CONFIGURATION: &str = "plugin_configuration";

/// Declares exported callbacks that run their part of the script. Each returns
/// what the script says, else the number after `else`.
macro_rules! callbacks {
    ($($export:ident = $name:literal ($($argument:ident),*) $(else $default:literal)?;)*) => {
        $(#[unsafe(no_mangle)]
        extern "C" fn $export(context: u32 $(, $argument: u32)*) $(-> callbacks!(@u32 $default))? {
            let _returned = run(context, $name, &[$($argument),*], 0 $(+ $default)?);
            $(callbacks!(@returned $default _returned))?
        })*
    };
    (@u32 $default:literal) => { u32 };
    (@returned $default:literal $returned:ident) => { $returned };
}

callbacks! {
    proxy_on_vm_start = "vm_start"(size) else 1;
    proxy_on_tick = "tick"();
    proxy_on_queue_ready = "queue_ready"(_queue);
    proxy_on_request_headers = "request_headers"(count, end) else 0;
    proxy_on_request_body = "request_body"(size, end) else 0;
    proxy_on_request_trailers = "request_trailers"(count) else 0;
    proxy_on_response_headers = "response_headers"(count, end) else 0;
    proxy_on_response_body = "response_body"(size, end) else 0;
    proxy_on_response_trailers = "response_trailers"(count) else 0;
    proxy_on_http_call_response = "http_call_response"(token, headers, body, trailers);
    proxy_on_grpc_receive_initial_metadata = "grpc_initial_metadata"(token, count);
    proxy_on_grpc_receive = "grpc_message"(token, size);
    proxy_on_grpc_receive_trailing_metadata = "grpc_trailing_metadata"(token, count);
    proxy_on_grpc_close = "grpc_close"(token, status);
    proxy_on_done = "done"() else 1;
    proxy_on_log = "log"();
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
    state::created(context, parent);
    run(context, "context_create", &[], 0);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(context: u32, size: u32) -> u32 {
    let all = usize::try_from(size).unwrap_or(usize::MAX);
    let (_, text) = abi::get_buffer(names::buffer(PLUGIN_CONFIGURATION), 0, all);
    state::configured(context, Script::parse(&String::from_utf8_lossy(&text)));
    run(context, "configure", &[], 1)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    run(context, "delete", &[], 0);
    state::deleted(context);
}

/// Logs the call, makes the calls of the script, logs each.
fn run(context: u32, callback: &str, arguments: &[u32], default: u32) -> u32 {
    let Some((script, kind)) = state::script(context) else {
        return default;
    };
    let arguments: Vec<_> = arguments.iter().map(u32::to_string).collect();
    say(
        &script,
        &format!("call {callback} {kind} {}", arguments.join(" ")),
    );
    let mut returned = default;
    for words in script.steps(callback) {
        match operation::run(&words) {
            Done::Said(result) => {
                say(
                    &script,
                    &format!("{callback} {} -> {result}", words.join(" ")),
                );
            }
            Done::Return(value) => returned = value,
        }
    }
    returned
}

fn say(script: &Script, text: &str) {
    abi::log(
        LOG_LEVEL,
        format!("{} {}", script.tag(), text.trim_end()).as_bytes(),
    );
}
