#!/usr/bin/env python3
"""Measures the gateway and its peers side by side. README.md says how and what for."""

import argparse
import collections
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack

import report
from subjects import BENCH, BUILT, CALLS, GATEWAY, RECORDS, SHORT, SUBJECTS, Missing, Wrong, build, simulator, upstreams
from system import Neighbours, Running, fetch, free_port, processors

STARTS = 10
# Requests of a turn for each connection, if they are to be had in this many seconds.
TURNOVER, LONGEST = 15, 30


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="seconds: the gateway and bare axum, once, nothing written")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each subject (5)")
    parser.add_argument("--seconds", type=int, default=6, help="load of one turn (6)")
    parser.add_argument("--connections", type=int, default=64, help="kept connections of the load (64)")
    parser.add_argument("--latency", type=int, default=0, help="milliseconds that each upstream takes (0)")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[subject.name for subject in SUBJECTS])
    parser.add_argument("--write", metavar="DATE", help="write docs/performance.md, with this date")
    parser.add_argument("--beside", default="", help="a sentence for it: what else ran on the machine")
    given = parser.parse_args()
    if given.short:
        given.rounds, given.seconds, given.only = 1, 1, given.only or SHORT
    if given.write and (given.short or given.only or given.latency):
        parser.error("--write needs a whole run")
    return given


class Bench:
    def __init__(self, given, stack):
        self.given = given
        self.stack = stack
        self.own, self.others = processors()
        if self.others:
            os.sched_setaffinity(0, self.others)
        self.work = stack.enter_context(tempfile.TemporaryDirectory())
        ports = {records: simulator(stack, records) for records in sorted(set(RECORDS.values()))}
        self.simulators = {name: ports[records] for name, records in RECORDS.items()}
        self.port = upstreams(stack, self.simulators, given.latency)
        self.bodies = {}
        for call in CALLS:
            status, body = fetch(self.port, call["path"], headers=call["headers"])
            if status != 200:
                raise SystemExit(f"the simulator of {call['name']} answers {status}")
            self.bodies[call["name"]] = body
        # What the bare ones answer is as long as the gateway's answer.
        self.length = 0
        gateway = SUBJECTS[0]
        with self.started(gateway) as (_, port):
            self.length = len(self.checked(gateway, port))

    def started(self, subject, upstreams=None):
        return Started(self, subject, upstreams or self.port)

    def checked(self, subject, port):
        status, body = fetch(port, subject.path, subject.query)
        if status != 200:
            raise Wrong(f"{subject.name} answers {status}: {body[:300]}")
        try:
            subject.check(body, self.bodies, self.length)
        except (KeyError, TypeError, ValueError) as error:
            raise Wrong(f"{subject.name} answers something else: {body[:300]}") from error
        return body

    def turn(self, subject):
        """One process from its start: idle, checked, warm, loaded, checked again."""
        with self.started(subject) as (process, port):
            idle = process.mebibytes("VmRSS")
            size = len(self.checked(subject, port))
            warm = self.load(subject, port, 1)
            seconds = self.long_enough(warm)
            before = process.processor_seconds()
            loaded = self.load(subject, port, seconds)
            used = process.processor_seconds() - before
            peak = process.mebibytes("VmHWM")
            self.checked(subject, port)
        if loaded["failed"]:
            raise Wrong(f"{subject.name}: {loaded['failed']} of {loaded['requests']} requests failed")
        return {
            "cpu_us": used / loaded["requests"] * 1e6,
            "rate": loaded["requests"] / loaded["seconds"],
            "p50_ms": loaded["p50_us"] / 1e3,
            "p99_ms": loaded["p99_us"] / 1e3,
            "idle": idle,
            "peak": peak,
            "bytes": size,
        }

    def long_enough(self, warm):
        """Requests that are begun when the load ends cost, and do not count; slow ones are loaded for longer."""
        rate = max(warm["requests"], 20) / warm["seconds"]
        needed = math.ceil(TURNOVER * self.given.connections / rate)
        return self.given.seconds if self.given.short else max(self.given.seconds, min(needed, LONGEST))

    def load(self, subject, port, seconds):
        address = f"http://127.0.0.1:{port}{subject.path}"
        wrk = ["wrk", "--threads", "1", "--connections", str(self.given.connections), "--timeout", "30s"]
        environment = {**os.environ, **({"BENCH_BODY": subject.query} if subject.query else {})}
        command = [*wrk, "--duration", f"{seconds}s", "--script", BENCH / "wrk.lua", address]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return json.loads(done.stdout.strip().splitlines()[-1])

    def pace(self, port, path, rate, seconds, headers=None):
        """p50 and p99 in milliseconds, at a fixed rate."""
        lines = "".join(f"{name}: {value}\n" for name, value in (headers or {}).items())
        command = [BUILT / "release" / "pace", str(port), path, str(rate), str(seconds)]
        done = subprocess.run(command, input=lines, check=True, capture_output=True, text=True)
        seen = json.loads(done.stdout)
        if seen["failed"]:
            raise Wrong(f"{path}: {seen['failed']} of {seen['sent']} paced requests failed")
        return seen["p50_us"] / 1e3, seen["p99_us"] / 1e3

    def latencies(self, subjects, rate):
        """The slowest upstream alone and each subject over it, in turn, at a fixed rate."""
        port = upstreams(self.stack, self.simulators, 20)
        slowest = max(CALLS, key=lambda call: len(self.bodies[call["name"]]))
        seconds = 1 if self.given.short else 10
        seen = collections.defaultdict(list)
        for _ in range(1 if self.given.short else 3):
            fetch(port, slowest["path"], headers=slowest["headers"])
            seen["upstream"].append(self.pace(port, slowest["path"], rate, seconds, slowest["headers"]))
            for subject in subjects:
                with self.started(subject, port) as (_, own):
                    self.checked(subject, own)
                    self.pace(own, subject.path, rate, 1)
                    seen[subject.name].append(self.pace(own, subject.path, rate, seconds))
        return seen

    def starts(self):
        """Milliseconds from exec to ready, and what is resident a second later."""
        took, resident = [], []
        for _ in range(1 if self.given.short else STARTS):
            with self.started(SUBJECTS[0]) as (process, port):
                took.append(process.ready * 1e3)
                resident.append(process.mebibytes("VmRSS"))
        return {"ready_ms": took, "idle": resident}


class Started:
    def __init__(self, bench, subject, upstreams):
        self.bench, self.subject, self.upstreams = bench, subject, upstreams

    def __enter__(self):
        bench, subject, port = self.bench, self.subject, free_port()
        origin = f"http://127.0.0.1:{self.upstreams}"
        self.work = tempfile.mkdtemp(dir=bench.work)
        command = subject.command(port, origin, self.work)
        environment = subject.environment(port, origin, bench.length)
        self.process = Running(command, environment, bench.own, subject.folder)
        try:
            if subject.name in ("gateway", "cached"):
                self.process.ready = self.process.wait_until(lambda: fetch(port, "/readyz")[0] == 200)
            else:
                self.process.listens_on(port)
            # What a start does behind its first answer.
            subprocess.run(["sleep", "1"], check=True)
        except BaseException:
            self.process.stop()
            raise
        return self.process, port

    def __exit__(self, *_):
        self.process.stop()


def main():
    given = options()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: `apt-get install wrk` on Debian")
    build()
    absent, present = {}, []
    for subject in SUBJECTS:
        if given.only and subject.name not in given.only:
            continue
        try:
            subject.install()
            subject.told = subject.version()
            present.append(subject)
        except Missing as reason:
            absent[subject.title] = str(reason)
    neighbours = Neighbours()
    turns = collections.defaultdict(list)
    with ExitStack() as stack:
        bench = Bench(given, stack)
        for number in range(given.rounds):
            for subject in list(present):
                try:
                    seen = bench.turn(subject)
                except (Wrong, RuntimeError) as problem:
                    absent[subject.title] = "; ".join(str(problem).split("\n"))[:300]
                    present.remove(subject)
                    turns.pop(subject.name, None)
                    continue
                turns[subject.name].append(seen)
                print(
                    f"{number + 1}/{given.rounds} {subject.name:10} {seen['cpu_us']:9.1f} us {seen['rate']:8.1f}/s "
                    f"p50 {seen['p50_ms']:.1f} ms {seen['idle']:.0f}/{seen['peak']:.0f} MiB {seen['bytes']} bytes",
                    file=sys.stderr,
                )
        paced = [subject for subject in present if subject.name in ("gateway", "forward")]
        latencies, rate, starts = {}, 0, {}
        if len(paced) == 2:
            rate = round(statistics.median(turn["rate"] for turn in turns["gateway"]) / 2)
            try:
                latencies = bench.latencies(paced, rate)
            except Wrong as problem:
                absent["latency at a fixed rate"] = str(problem)
            starts = bench.starts()
    facts = report.Facts(
        subjects=present,
        turns=turns,
        absent=absent,
        latencies=latencies,
        rate=rate,
        starts=starts,
        binary=GATEWAY.stat().st_size,
        lists=sum(map(len, bench.bodies.values())),
        pinned=bench.others is not None,
        machine=f"{cpu()}, {os.cpu_count()} processors, {platform.system()} {platform.release()}",
        tools=wrk(),
        others=neighbours.share(),
        given=given,
    )
    text = report.written(facts)
    print(text)
    if given.write:
        report.put(text)
    # Peers come and go; these must be there.
    return int(any(subject.title in absent for subject in SUBJECTS if subject.name in SHORT))


def wrk():
    """The first words of what wrk says of itself; it exits with 1."""
    told = subprocess.run(["wrk", "-v"], capture_output=True, text=True)
    return " ".join((told.stdout + told.stderr).split()[:2])


def cpu():
    with open("/proc/cpuinfo") as lines:
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
