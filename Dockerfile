# syntax=docker/dockerfile:1

# Build:  docker build -t loangate .
# Run:    docker compose up                 (compose.yaml: this and the simulators)
#         docker run --rm --network host --no-healthcheck loangate demo
#         docker run --rm -p 127.0.0.1:8080:8080 --read-only -v ./my:/etc/loangate:ro loangate
#
# Not built yet: that needs a Docker engine, and none was at hand. It was linted, and its cargo steps were run one by one
# outside of a container.
#
# The digests are those that many public Dockerfiles and build logs give for these tags; they were not pulled here.
# .github/dependabot.yml moves them.

FROM rust:1.95-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1 AS chef
RUN cargo install cargo-chef --locked --version 0.1.78
WORKDIR /build

# What of the manifest decides how dependencies are compiled; it changes when they do.
FROM chef AS plan
COPY Cargo.toml Cargo.lock build.rs ./
COPY .cargo .cargo
COPY benches benches
COPY src src
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
COPY --from=plan /build/recipe.json recipe.json
RUN cargo chef cook --release --locked --recipe-path recipe.json
COPY Cargo.toml Cargo.lock build.rs ./
COPY .cargo .cargo
COPY benches benches
COPY config config
COPY src src
RUN cargo build --release --locked --bin loangate

# glibc and libgcc, a CA store, no shell; of the same Debian release as above, or glibc may be too old.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:bd2899c12b335c827750ccf2359879eab09c09b206023dcebea408947d54127c
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="loangate" \
      org.opencontainers.image.description="One normalized /loans API over loan providers that agree on nothing" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY LICENSE /LICENSE
COPY --from=build /build/target/release/loangate /usr/local/bin/loangate
# `serve`, `check` and `healthcheck` read it from here. Mount the directory, not the file: editors replace files, and a
# mounted file stays what it was.
ENV LOANGATE_CONFIG=/etc/loangate/loangate.toml
# Nothing is written to the file system: it may be read-only.
USER 65532:65532
EXPOSE 8080
# /readyz of the address that the config says, asked by the binary itself: there is no shell.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/usr/local/bin/loangate", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/loangate"]
CMD ["serve"]
