# syntax=docker/dockerfile:1

# Build:  docker build -t loangate .
# Run:    docker run --rm --network host loangate demo
#         docker run --rm -p 127.0.0.1:8080:8080 -v ./my.toml:/etc/loangate.toml:ro loangate serve --config /etc/loangate.toml
#         In a container of its own the gateway must listen on 0.0.0.0:8080, which mode "none" refuses without
#         auth.allow_insecure = true; publish it on loopback only, as above.
#
# Not built yet: that needs a Docker engine. Its cargo steps were run one by one outside a container.

FROM rust:1.95-bookworm AS build
WORKDIR /build

# Dependencies first, over an empty program, so that a change in src/ does not compile them again.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -r src

# Cargo compares times: files from the build context may be older than the empty program.
COPY config config
COPY src src
RUN find src -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --bin loangate

# glibc and libgcc, a CA store, no shell. The same Debian release as above.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="loangate" \
      org.opencontainers.image.description="One normalized /loans API over loan providers that agree on nothing" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY LICENSE /LICENSE
COPY --from=build /build/target/release/loangate /loangate
USER 65532:65532
EXPOSE 8080
# No HEALTHCHECK: the image has no shell, and the binary no command for it yet. Orchestrators ask /livez and /readyz.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/loangate"]
