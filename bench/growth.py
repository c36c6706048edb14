#!/usr/bin/env python3
"""Measures how the gateway's cost grows with loans, with clients and with connections configured. README.md says how."""

import argparse
import collections
import http.client
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import growth_report
import report
from run import cpu
from subjects import BENCH, BUILT, CALLS, GATEWAY, LOANS, RECORDS, Wrong, build, run, simulator, upstreams
from system import Neighbours, Running, fetch, free_port, processors

NDJSON, CSV = "application/x-ndjson", "text/csv"
# Who lists a book, each loan once. Belvo lists observations, several of a loan.
BOOKS = ("bsa", "carbon", "fineract")
CROWDS = (1, 64, 1024)
CONFIGURED = (5, 50, 500)
NEXT = re.compile(rb'"next_cursor":"([^"]+)"')


@dataclass(frozen=True)
class Point:
    """One way to read `loans` loans, all of a book unless `book` is larger."""

    what: str
    loans: int
    query: str
    accept: str = "application/json"
    walked: bool = False
    book: int = 0

    def source(self):
        return self.book or self.loans


def points(largest):
    """All that is asked for, from books of up to `largest` loans."""
    sizes = [size for size in (10, 100, 1_000, 10_000, 100_000) if size <= largest]
    for limit in (10, 50, 200):
        yield Point("one answer, the whole book", limit, f"/loans?limit={limit}")
    for limit in (10, 50, 200):
        yield Point(f"first answer of a book of {min(largest, 10_000):,}", limit, f"/loans?limit={limit}", book=min(largest, 10_000))
    for size in sizes[1:]:
        yield Point("walk", size, "/loans?limit=200", walked=True)
    for size in sizes[1:]:
        yield Point("sorted walk", size, "/loans?sort=opened_on&limit=200", walked=True)
    for size in sizes:
        yield Point("export, NDJSON", size, "/loans", NDJSON)
    for size in sizes:
        yield Point("export, CSV", size, "/loans", CSV)
    for size in sizes[1:]:
        yield Point("sorted export, NDJSON", size, "/loans?sort=opened_on", NDJSON)


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a minute and a half: once, books of up to 1,000 loans, nothing written")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each point (3)")
    parser.add_argument("--gateway", type=Path, default=GATEWAY, help="the binary (target/release/loangate)")
    parser.add_argument("--write", metavar="DATE", help="write docs/performance.md, with this date")
    parser.add_argument("--beside", default="", help="a sentence for it: what else ran on the machine")
    given = parser.parse_args()
    # Of a point, seconds of processor time at least; of a load, seconds.
    given.enough, given.seconds, given.largest = 0.5, 3, 100_000
    if given.short:
        given.rounds, given.enough, given.seconds, given.largest = 1, 0.1, 1, 1_000
    if given.write and given.short:
        parser.error("--write needs a whole run")
    if not given.gateway.is_file():
        parser.error(f"{given.gateway} is not built: run `cargo build --release` first")
    given.gateway = given.gateway.resolve()
    return given


class Client:
    """One kept connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=330)

    def ask(self, path, accept="application/json"):
        """The answer, of which nothing is read yet."""
        self.connection.request("GET", path, headers={"accept": accept})
        answer = self.connection.getresponse()
        if answer.status != 200:
            body = answer.read()
            raise Refused(answer.status, json.loads(body).get("code") if body.startswith(b"{") else "")
        return answer

    def read(self, point):
        """Reads it to its end, and says how many answers that took."""
        if point.accept != "application/json":
            answer = self.ask(point.query, point.accept)
            while answer.readinto(BUFFER):
                pass
            return 1
        answers, cursor = 0, ""
        while True:
            body = self.ask(point.query + cursor).read()
            answers += 1
            found = point.walked and NEXT.search(body, len(body) - 2_000)
            if not found:
                return answers
            cursor = "&cursor=" + found[1].decode()

    def count(self, point):
        """Reads it to its end, and says how many loans came. Raises `Wrong` if it says that any are missing."""
        if point.accept == NDJSON:
            *_, last = self.ask(point.query, NDJSON)
            end = json.loads(last)
            complete, count = end["complete"], end["count"]
        elif point.accept == CSV:
            # The first line has the names; no value of these books holds a line break.
            complete, count = True, sum(1 for _ in self.ask(point.query, CSV)) - 1
        else:
            complete, count, cursor = True, 0, ""
            while cursor is not None:
                page = json.loads(self.ask(point.query + cursor).read())
                complete, count = complete and page["complete"], count + len(page["data"])
                following = page["page"]["next_cursor"]
                cursor = f"&cursor={following}" if following and point.walked else None
        # The first answer of a larger book is not all of it, and says so.
        if count != point.loans or not (complete or point.book):
            raise Wrong(f"{point.what} of {point.loans}: {count} loans, complete: {complete}")

    def close(self):
        self.connection.close()


class Refused(Exception):
    """Status and code of an answer that is not a 200."""


BUFFER = bytearray(1 << 20)


class Growth:
    def __init__(self, given, stack):
        self.given, self.stack = given, stack
        self.own, self.others = processors()
        if self.others:
            os.sched_setaffinity(0, self.others)
        self.work = stack.enter_context(tempfile.TemporaryDirectory())
        head, *sections = (BENCH / "gateway.toml").read_text().split("[connections.")
        self.head = head
        self.sections = dict(section.split("]", 1) for section in sections)
        ports = {records: simulator(stack, records, given.gateway) for records in sorted(set(RECORDS.values()))}
        self.five = upstreams(stack, {name: ports[records] for name, records in RECORDS.items()})

    @contextmanager
    def gateway(self, origin, connections, **settings):
        """A new process and its port, half a second after it was ready."""
        text = self.head + "".join(f"[connections.{name}]{self.sections[of]}" for name, of in connections)
        text = text.replace("{{UPSTREAMS}}", f"http://127.0.0.1:{origin}").replace("{{MAX_AGE}}", "0s")
        config = Path(self.work) / "growth.toml"
        config.write_text(text)
        port = free_port()
        environment = {f"LOANGATE__{name.upper()}": str(value) for name, value in settings.items()}
        environment["LOANGATE__SERVER__LISTEN"] = f"127.0.0.1:{port}"
        with Running([self.given.gateway, "serve", "--config", config], environment, self.own) as process:
            process.ready = process.wait_until(lambda: fetch(port, "/readyz")[0] == 200)
            # What a start does behind its first answer.
            subprocess.run(["sleep", "0.5"], check=True)
            yield process, port

    def book(self, loans):
        """The port of three books with a third of the loans each. Their pages are fetched once, so that none is made
        while the gateway is measured."""
        shares = {name: (loans + place) // len(BOOKS) for place, name in enumerate(BOOKS)}
        # Fineract's simulator has a sample more than it is asked to have.
        records = {name: share - (name == "fineract") for name, share in shares.items()}
        ports = {count: simulator(self.stack, count, self.given.gateway) for count in set(records.values())}
        port = upstreams(self.stack, {name: ports[count] for name, count in records.items()})
        for call in CALLS:
            # Whole pages; a last one that is not is fetched when the first process reads the book.
            for page in range(shares.get(call["name"], 0) // 100):
                path = call["path"].replace("page=1&", f"page={page + 1}&").replace("offset=0&", f"offset={page * 100}&")
                status, _ = fetch(port, path, headers=call["headers"])
                if status != 200:
                    raise SystemExit(f"{path} answers {status}")
        return port

    def repeated(self, process, do):
        """Processor seconds of one, after as many as take long enough to tell."""
        began, times = process.own_seconds(), 0
        while process.own_seconds() - began < self.given.enough:
            do()
            times += 1
        return (process.own_seconds() - began) / times

    def point(self, point, book):
        """One process: read once, checked, which tells its memory; then read as often as processor time needs."""
        settings = {"server__deadline": "5m", "limits__max_gathered": 100_000}
        with self.gateway(book, [(name, name) for name in BOOKS], **settings) as (process, port):
            idle, client = process.mebibytes("VmRSS"), Client(port)
            try:
                client.count(point)
            except Refused as refused:
                return {"refused": " ".join(map(str, refused.args)), "cpu_s": process.own_seconds()}
            peak = process.mebibytes("VmHWM")
            answers = client.read(point)
            used = self.repeated(process, lambda: client.read(point))
            client.close()
            return {
                "cpu_us": used / point.loans * 1e6,
                "idle": idle,
                "peak": peak,
                "kib": (peak - idle) * 1024 / point.loans,
                "later": process.mebibytes("VmHWM"),
                "answers": answers,
            }

    def paced(self, port, rate, seconds, connections):
        path = "/loans?limit=200"
        command = [BUILT / "release" / "pace", str(port), path, str(rate), str(seconds), str(connections)]
        done = subprocess.run(command, input="", check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def crowd(self, connections, rate=None):
        """So many kept connections: each asks again once it was answered; then all of them, in turn, at a fixed rate."""
        settings = {"server__max_in_flight": 4 * max(CROWDS), "server__deadline": "1m"}
        with self.gateway(self.five, [(name, name) for name in RECORDS], **settings) as (process, port):
            self.paced(port, 0, 1, connections)
            seen = {}
            loads = {"closed": 0, **({"fixed": rate} if rate else {})}
            for name, pace in loads.items():
                before = process.own_seconds()
                load = self.paced(port, pace, self.given.seconds, connections)
                used = process.own_seconds() - before
                if load["sent"] == load["failed"]:
                    raise Wrong(f"{connections} connections: nothing was answered")
                seen[name] = {
                    "cpu_us": used / load["sent"] * 1e6,
                    "rate": (load["sent"] - load["failed"]) / load["seconds"],
                    "p50_ms": load["p50_us"] / 1e3,
                    "p99_ms": load["p99_us"] / 1e3,
                    "failed": load["failed"],
                }
            return {**seen, "peak": process.mebibytes("VmHWM")}

    def configured(self, count):
        """The five providers again and again, under other ids."""
        names = [(f"{name}-{number}", name) for number in range(1, count // len(RECORDS) + 1) for name in RECORDS]
        with self.gateway(self.five, names) as (process, port):
            seen = {"ready_ms": process.ready * 1e3, "idle": process.mebibytes("VmRSS")}
            client = Client(port)
            paths = {
                "one": "/loans?connection=carbon-1&limit=20",
                "connections": "/connections",
                "metrics": "/metrics",
                "all": "/loans?limit=200",
            }
            accept = {"metrics": "text/plain"}
            for name in ("one", "connections", "all", "metrics"):
                ask = lambda: client.ask(paths[name], accept.get(name, "application/json")).read()
                try:
                    body = ask()
                    if name == "all":
                        self.whole(json.loads(body), count)
                    seen[name] = self.repeated(process, ask) * 1e6
                    seen[f"{name}_bytes"] = len(body)
                except Refused as refused:
                    seen[f"{name}_refused"] = " ".join(map(str, refused.args))
                    client = Client(port)
            client.close()
            return {**seen, "peak": process.mebibytes("VmHWM")}

    def whole(self, answer, count):
        given, expected = len(answer["data"]), count // len(RECORDS) * sum(LOANS.values())
        ill = [source for source in answer["sources"] if source["status"] != "ok"]
        if given != min(200, expected) or len(answer["sources"]) != count or ill:
            raise Wrong(f"{count} connections: {given} loans, {len(ill)} of {len(answer['sources'])} sources not ok")


def main():
    given = options()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A socket for each client, some for each connection configured, and the rest.
    if hard != resource.RLIM_INFINITY and hard < 2 * max(CROWDS):
        raise SystemExit(f"{hard} open files are too few: raise `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    build()
    neighbours = Neighbours()
    read, crowds, configured = (collections.defaultdict(list) for _ in range(3))
    asked = list(points(given.largest))
    with ExitStack() as stack:
        growth = Growth(given, stack)
        books = {loans: growth.book(loans) for loans in sorted({point.source() for point in asked})}
        rate = max(1, round(growth.crowd(64)["closed"]["rate"] / 2))
        for number in range(given.rounds):
            for point in asked:
                told(number, given, f"{point.what} {point.loans}", read[point], growth.point(point, books[point.source()]))
            for connections in CROWDS:
                told(number, given, f"{connections} clients", crowds[connections], growth.crowd(connections, rate))
            for count in CONFIGURED:
                told(number, given, f"{count} configured", configured[count], growth.configured(count))
    text = growth_report.written(
        growth_report.Facts(
            read=read,
            crowds=crowds,
            configured=configured,
            rate=rate,
            version=run([given.gateway, "--version"]),
            pinned=growth.others is not None,
            machine=f"{cpu()}, {os.cpu_count()} processors, {platform.system()} {platform.release()}",
            others=neighbours.share(),
            given=given,
        )
    )
    print(text)
    if given.write:
        report.put(text, "growth")


def told(number, given, what, to, seen):
    to.append(seen)
    shown = re.sub(r"([.][0-9])[0-9]+", r"\1", json.dumps(seen))
    print(f"{number + 1}/{given.rounds} {what}: {shown}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except Wrong as problem:
        sys.exit(str(problem))
