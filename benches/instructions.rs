//! Does one job a number of times, for a tool that counts instructions: `.ci/instructions`.
//!
//! `instructions <job> <times>`; without arguments it names the jobs.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measuring program: what it did not expect ends it"
)]

mod jobs;

/// The gateway's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let mut words = std::env::args().skip(1);
    let Some(name) = words.next() else {
        for (name, _) in jobs::ALL {
            println!("{name}");
        }
        return;
    };
    let times: u32 = words.next().unwrap().parse().unwrap();
    let (_, prepare) = jobs::ALL.iter().find(|(known, _)| *known == name).unwrap();
    let mut work = prepare();
    let first = work();
    for _ in 1..times {
        // The same every time, or it is not one job.
        assert_eq!(work(), first);
    }
    println!("{first}");
}
