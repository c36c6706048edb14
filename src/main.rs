//! The `loangate` binary: arguments in, exit codes out. Everything else is in the library and in `command/`.

mod command;

use std::process::ExitCode;

use clap::Parser;

/// The system's allocator kept half a gigabyte after many large answers had gone; this one gives it back, and is
/// faster where a record becomes many small texts (`docs/endurance.md`, scenarios `slow` and `books`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = command::Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return command::fail(&format!("no runtime could be started: {error}")),
    };
    runtime.block_on(command::run(arguments))
}
