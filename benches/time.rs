//! How long each job takes here and now: `cargo bench -p benches`. What a change costs: `.ci/instructions`.

#![allow(
    clippy::unwrap_used,
    reason = "a measuring program: what it did not expect ends it"
)]

mod jobs;

use criterion::{Criterion, criterion_group, criterion_main};

/// The gateway's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn all(criterion: &mut Criterion) {
    for (name, prepare) in jobs::ALL {
        let mut work = prepare();
        criterion.bench_function(name, |bencher| bencher.iter(&mut work));
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
