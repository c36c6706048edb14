#!/usr/bin/env python3
"""Measures what Redis costs GET /loans: there, stalled, gone. Ends with 1 if a Redis that is away costs its time-out at the
99th percentile. Needs a `redis-server` and a built gateway; docs/fleet.md has the result."""

import argparse
import http.client
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEY = "lgk_" + secrets.token_urlsafe(32)


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", type=Path, default=ROOT / "target/release/loangate", help="the binary (target/release/loangate)")
    parser.add_argument("--seconds", type=float, default=5, help="of each load (5)")
    parser.add_argument("--callers", type=int, default=4, help="at once (4)")
    parser.add_argument("--pace", type=float, default=25, help="requests a second of each caller (25)")
    parser.add_argument("--timeout", default="50ms", help="cache.redis_timeout (50ms)")
    return parser.parse_args()


def free_port():
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port, path=None):
    import socket

    for _ in range(400):
        try:
            if path is None:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    sys.exit(f"nobody listens on {port}")


class Load:
    """Callers that each keep a pace; a latency counts from when its request was due, so that a delay hides no other."""

    def __init__(self, port, given):
        self.port, self.given, self.taken, self.wrong = port, given, [], []

    def caller(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        begin = time.perf_counter() + number / self.given.pace / self.given.callers
        for at in range(int(self.given.seconds * self.given.pace)):
            due = begin + at / self.given.pace
            time.sleep(max(0, due - time.perf_counter()))
            # Every other question is a new one: it asks for a lease, and gives what it fetched.
            new = f"&currency=NGN&outstanding_min={1000 * number + at}" if at % 2 else ""
            connection.request("GET", "/loans?connection=carbon&limit=20&sort=id" + new, headers={"x-api-key": KEY})
            answer = connection.getresponse()
            answer.read()
            self.taken.append(time.perf_counter() - due)
            if answer.status != 200:
                self.wrong.append(answer.status)

    def run(self):
        threads = [threading.Thread(target=self.caller, args=(number,)) for number in range(self.given.callers)]
        for thread in threads:
            thread.start()
        return threads

    def result(self, threads):
        for thread in threads:
            thread.join()
        if self.wrong:
            sys.exit(f"{len(self.wrong)} answers were lost: {self.wrong[:5]}")
        cuts = statistics.quantiles(self.taken, n=100)
        return cuts[49] * 1000, cuts[98] * 1000, max(self.taken) * 1000


def main():
    given = options()
    timeout = float(given.timeout.removesuffix("ms"))
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        simulators, redis_port, memory_port, fleet_port = free_port(), free_port(), free_port(), free_port()
        hashed = subprocess.run([given.gateway, "hash-key"], input=KEY, text=True, capture_output=True, check=True).stdout.strip()
        example = (ROOT / "config/example.toml").read_text().replace("127.0.0.1:9090", f"127.0.0.1:{simulators}")
        (directory / "loangate.toml").write_text(example)
        client = {
            "LOANGATE__AUTH__MODE": "api_key",
            "LOANGATE__AUTH__CLIENTS__0__ID": "bench",
            "LOANGATE__AUTH__CLIENTS__0__KEY_HASH": hashed,
            "LOANGATE__AUTH__CLIENTS__0__SCOPES": "loans:read",
            "LOANGATE__AUTH__CLIENTS__0__CONNECTIONS": "*",
            "LOANGATE__AUTH__CLIENTS__0__RATE_LIMIT__PER_SECOND": "100000",
            "LOANGATE__LOG__FILTER": "error",
        }
        shared = {
            "LOANGATE__CACHE__BACKEND": "redis",
            "LOANGATE__CACHE__REDIS_URL": f"redis://127.0.0.1:{redis_port}",
            "LOANGATE__CACHE__REDIS_TIMEOUT": given.timeout,
            "LOANGATE__CACHE__KEYS": secrets.token_hex(32),
            "LOANGATE__CURSOR__KEYS": secrets.token_hex(32),
        }
        started = []

        def start(command, **environment):
            started.append(subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            return started[-1]

        def gateway(port, extra):
            start([given.gateway, "serve", "--config", directory / "loangate.toml"], LOANGATE__SERVER__LISTEN=f"127.0.0.1:{port}", **client, **extra)
            wait_for(port, "/readyz")

        try:
            start([given.gateway, "simulate", "--port", str(simulators)])
            redis = start(["redis-server", "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            wait_for(simulators)
            wait_for(redis_port)
            gateway(memory_port, {})
            gateway(fleet_port, shared)
            rows = []

            def measure(name, port, meanwhile=None):
                load = Load(port, given)
                threads = load.run()
                if meanwhile:
                    time.sleep(given.seconds / 3)
                    meanwhile()
                rows.append((name, *load.result(threads)))
                print("%-36s p50 %6.1f ms   p99 %6.1f ms   most %6.1f ms" % rows[-1], flush=True)

            measure("(warming up)", fleet_port)
            rows.clear()
            measure("own memory", memory_port)
            measure("with Redis", fleet_port)
            measure("Redis stalls on the way", fleet_port, lambda: redis.send_signal(signal.SIGSTOP))
            measure("Redis stalled", fleet_port)
            redis.send_signal(signal.SIGCONT)
            time.sleep(2)
            measure("Redis is killed on the way", fleet_port, redis.kill)
            measure("Redis gone", fleet_port)
            worst = max(p99 for _, _, p99, _ in rows[2:])
            grown = worst - rows[1][2]
            print(f"p99 with Redis away is at most {grown:.1f} ms above p99 with it; cache.redis_timeout is {timeout:.0f} ms")
            return int(grown >= timeout)
        finally:
            for process in reversed(started):
                process.kill()
                process.wait()


if __name__ == "__main__":
    sys.exit(main())
