//! What callers can ask, and what they hear when they ask wrongly.

mod parameters;
mod refusals;
mod shapes;

use loangate::sim::{Provider, World};

use crate::support::{Running, Setup};

async fn bsa() -> Running {
    Setup::only(Provider::Bsa, &World::documents()).start().await
}

async fn all() -> Running {
    Setup::all(&World::documents()).start().await
}
