//! The `loangate` binary: arguments in, exit codes out. Everything else is in the library and in `command/`.

mod command;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = command::Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return command::fail(&format!("no runtime could be started: {error}")),
    };
    runtime.block_on(command::run(arguments))
}
