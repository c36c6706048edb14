"""What was measured, as the section of docs/performance.md that belongs to it."""

from dataclasses import dataclass
from statistics import median

from subjects import ROOT

PAGE = ROOT / "docs" / "performance.md"


@dataclass
class Facts:
    subjects: list
    turns: dict
    absent: dict
    latencies: dict
    rate: int
    starts: dict
    binary: int
    lists: int
    pinned: bool
    machine: str
    tools: str
    others: float
    given: object


def written(facts):
    given = facts.given
    lines = [
        f"Measured {given.write or 'now'} on {facts.machine}, of which other programs took "
        f"{facts.others:.0f} % meanwhile. {given.beside}".strip(),
        "",
        f"`{command(given)}`: {given.rounds} turns of each, one after another; each turn a new process, its answer "
        f"checked, 1 s to warm up, then {given.seconds} s of wrk (longer for who is slow) with {given.connections} kept connections; upstreams "
        f"answer after {given.latency} ms, {facts.lists:,} bytes in five lists. "
        + (
            "What is measured has one processor, everything else the others."
            if facts.pinned
            else "There is one processor for everything."
        ),
        "",
        "Medians; in brackets the lowest and the highest turn. CPU is user and system time of the process and its "
        "children. MiB are resident: idle, and at its peak.",
        "",
        "| who | answers | bytes | CPU us a request | requests/s | p50 ms | MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for subject in facts.subjects:
        turns = facts.turns.get(subject.name)
        if turns:
            lines.append(row(subject, turns))
    lines += [f"| {title} | left out: {cell(reason)} | | | | | |" for title, reason in facts.absent.items()]
    lines += ["", "| target | wanted | measured | |", "|---|---|---|---|"]
    lines += [target(*each) for each in targets(facts)]
    if facts.latencies:
        shown = [f"{name} {pair(values)}" for name, values in facts.latencies.items()]
        lines += [
            "",
            f"At {facts.rate} requests a second, half of what the gateway took above, over upstreams that take 20 ms, "
            "p50 and p99 in ms, each request counted from when it was due: " + "; ".join(shown) + ". Latency added is over "
            "the p50 of the upstream alone, asked at the same rate.",
        ]
    told = [f"{each.title}: {each.told}" for each in facts.subjects if each.name not in ("cached", "memory")]
    lines += ["", "Versions: " + "; ".join([*told, facts.tools]) + "."]
    return "\n".join(lines)


def command(given):
    words = ["python3 bench/run.py"]
    if given.short:
        return " ".join([*words, "--short"])
    for name, usual in (("rounds", 5), ("seconds", 6), ("connections", 64), ("latency", 0)):
        if getattr(given, name) != usual:
            words.append(f"--{name} {getattr(given, name)}")
    return " ".join(words)


def row(subject, turns):
    of = lambda key: [turn[key] for turn in turns]
    memory = f"{median(of('idle')):.0f} / {median(of('peak')):.0f}"
    size = f"{median(of('bytes')):,.0f}"
    cells = [subject.title, subject.does, size, spread(of("cpu_us"), 0), spread(of("rate"), 0)]
    return "| " + " | ".join([*cells, spread(of("p50_ms"), 1), memory]) + " |"


def targets(facts):
    """What, the bound in words, the values, how they are shown, whether the median holds."""
    ratios = [
        ("gateway", "forward", "CPU, times that of bare axum + reqwest", "at most 2.0", lambda x: x <= 2),
        ("gateway", "fastify", "CPU, times that of Fastify", "below 1", lambda x: x < 1),
        ("gateway", "tailcall", "CPU, times that of Tailcall", "below 0.333", lambda x: x < 1 / 3),
        ("gateway", "fastapi", "CPU, times that of FastAPI", "below 0.0167", lambda x: x < 1 / 60),
        ("cached", "memory", "CPU of a cache hit, times that of axum from memory", "at most 1.5", lambda x: x <= 1.5),
    ]
    for mine, theirs, what, wanted, holds in ratios:
        pairs = zip(facts.turns.get(mine, ()), facts.turns.get(theirs, ()))
        values = [one["cpu_us"] / other["cpu_us"] for one, other in pairs]
        yield what, wanted, values, 4 if theirs == "fastapi" else 2, holds
    upstream = facts.latencies.get("upstream")
    alone = median(p50 for p50, _ in upstream) if upstream else 0
    mine = facts.latencies.get("gateway", ())
    yield "ms added, p50", "below 1", [p50 - alone for p50, _ in mine], 1, lambda x: x < 1
    yield "ms added, p99", "below 5", [p99 - alone for _, p99 in mine], 1, lambda x: x < 5
    yield "ms from exec to ready", "below 100", facts.starts.get("ready_ms", []), 0, lambda x: x < 100
    yield "MiB resident when idle", "below 20", facts.starts.get("idle", []), 1, lambda x: x < 20
    yield "MB of the release binary", "below 20", [facts.binary / 1e6], 1, lambda x: x < 20


def target(what, wanted, values, digits, holds):
    if not values:
        return f"| {what} | {wanted} | not measured | |"
    verdict = "met" if holds(median(values)) else "missed"
    return f"| {what} | {wanted} | {spread(values, digits)} | {verdict} |"


def spread(values, digits):
    shown = f"{median(values):,.{digits}f}"
    if len(values) > 1:
        shown += f" ({min(values):,.{digits}f}-{max(values):,.{digits}f})"
    return shown


def pair(values):
    return f"{median(p50 for p50, _ in values):.1f} and {median(p99 for _, p99 in values):.1f}"


def cell(text):
    return text.replace("|", "/")


def put(text, section="bench"):
    """Between the marks of the section, and nowhere else."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    page = PAGE.read_text()
    before, _, rest = page.partition(begin)
    _, mark, after = rest.partition(end)
    if not mark:
        raise SystemExit(f"{PAGE} has no {begin} and {end}")
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}")
