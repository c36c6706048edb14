# The few commands. Without `just`, type what is behind them.

default:
    @just --list

# Everything CI checks.
check:
    bash .ci/run

# All tests, or those whose name contains the filter.
test *filter:
    cargo test {{filter}}

# The gateway over five simulators on 127.0.0.1:8080; options are passed on.
demo *options:
    cargo run --release -- demo {{options}}

# The gateway under load and faults, with the bounds of docs/endurance.md; `--short` takes under a minute.
endure *options:
    cargo build --release
    cargo run --release -p benches --bin endure -- {{options}}

# The gateway beside others, see bench/README.md; `--short` takes half a minute.
bench *options:
    cargo build --release
    python3 bench/run.py {{options}}

# How the gateway's cost grows with loans, clients and connections, see bench/README.md; `--short` takes a minute and a half.
growth *options:
    cargo build --release
    python3 bench/growth.py {{options}}

# The instructions that each part of a request's work takes, beside the baseline; `--bless` keeps them as the new one.
instructions *options:
    python3 .ci/instructions {{options}}

# What a browser reads of the console, made of src/console/page.
bundle:
    bash .ci/bundle

# Format in place.
fmt:
    cargo fmt
