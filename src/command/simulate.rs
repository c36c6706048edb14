//! `loangate simulate`

use std::net::SocketAddr;
use std::process::ExitCode;

use loangate::sim::{Fault, NATIVE_FINERACT_PATH, Provider, World, serve};
use tokio::net::TcpListener;

/// The world that the options ask for.
pub(super) fn world(loans: Option<usize>, seed: u64, faults: &[String]) -> Result<World, String> {
    let world = match loans {
        Some(loans) => World::generated(seed, loans),
        None => World::documents(),
    };
    for fault in faults {
        let (providers, kind) = match fault.split_once('=') {
            Some((name, kind)) => (vec![name.parse::<Provider>()?], kind),
            None => (Provider::ALL.to_vec(), fault.as_str()),
        };
        for provider in providers {
            world.set_fault(provider, Fault::parse(kind)?);
        }
    }
    Ok(world)
}

pub(super) async fn run(address: SocketAddr, loans: Option<usize>, seed: u64, faults: &[String]) -> ExitCode {
    let world = match world(loans, seed, faults) {
        Ok(world) => world,
        Err(problem) => return super::fail(&problem),
    };
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => return super::fail(&format!("cannot listen on {address}: {error}")),
    };
    let address = listener.local_addr().unwrap_or(address);
    super::say(&format!(
        "Five provider simulators on http://{address}; none of them is the real thing."
    ));
    for provider in Provider::ALL {
        super::say(&format!(
            "  {provider:<9} http://{address}{}",
            provider.base_path()
        ));
    }
    super::say(&format!(
        "  fineract  http://{address}{NATIVE_FINERACT_PATH} (flavour = \"native\")"
    ));
    match serve(listener, world, super::stop_signal()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&format!("the simulators ended: {error}")),
    }
}
