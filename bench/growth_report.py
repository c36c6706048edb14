"""What growth.py measured, as the section of docs/performance.md that belongs to it."""

from dataclasses import dataclass
from statistics import median

from report import spread, target

# What must be flat, and from how many loans on.
FLAT, FROM = 1.2, 100
QUESTIONS = {
    "one": "`/loans?connection=<one>&limit=20`",
    "all": "`/loans?limit=200`, all of them",
    "connections": "`/connections`",
    "metrics": "`/metrics`",
}


@dataclass
class Facts:
    read: dict
    crowds: dict
    configured: dict
    rate: int
    version: str
    pinned: bool
    machine: str
    others: float
    given: object


def written(facts):
    given = facts.given
    asked = "python3 bench/growth.py" + (" --short" if given.short else "")
    if given.rounds != 3 and not given.short:
        asked += f" --rounds {given.rounds}"
    lines = [
        f"Measured {given.write or 'now'} on {facts.machine}, of which other programs took "
        f"{facts.others:.0f} % meanwhile. {given.beside}".strip(),
        "",
        f"`{asked}`, {facts.version}: {given.rounds} turns of each, one after another, each a new process. "
        + ("The gateway has one processor, everything else the others. " if facts.pinned else "There is one processor. ")
        + "Medians; in brackets the lowest and the highest turn.",
        "",
        *books(facts),
        "",
        *crowds(facts),
        "",
        *configured(facts),
    ]
    return "\n".join(lines)


def books(facts):
    yield (
        "By loans. A third of each book is BSA's, Carbon's and Fineract's; cache off. Peak and KiB above idle a loan are of the first "
        f"time; peak later, of as many times as take {facts.given.enough} s of processor time."
    )
    yield ""
    yield "| read | loans | answers | CPU us a loan | peak MiB | KiB a loan | peak MiB later |"
    yield "|---|---|---|---|---|---|---|"
    for point, turns in facts.read.items():
        if any("refused" in turn for turn in turns):
            used = spread(of(turns, "cpu_s"), 1)
            yield f"| {point.what} | {point.loans:,} | refused: {turns[0]['refused']}, after {used} s of it | | | | |"
            continue
        cells = [point.what, f"{point.loans:,}", f"{turns[0]['answers']:,}", spread(of(turns, "cpu_us"), 2)]
        cells += [spread(of(turns, "peak"), 1), f"{median(of(turns, 'kib')):,.1f}", f"{median(of(turns, 'later')):,.1f}"]
        yield "| " + " | ".join(cells) + " |"
    yield ""
    yield "| CPU a loan, largest of these over smallest | wanted | measured | |"
    yield "|---|---|---|---|"
    for what, flat in alike(facts).items():
        ratios = [max(turn) / min(turn) for turn in zip(*(of(turns, "cpu_us") for turns in flat.values()))]
        title = f"{what}, {min(flat):,} to {max(flat):,} loans"
        yield target(title, f"at most {FLAT}", ratios if len(flat) > 1 else [], 2, lambda ratio: ratio <= FLAT)


def alike(facts):
    """The turns of whole books that were read in one way, by the number of loans."""
    groups = {}
    for point, turns in facts.read.items():
        if point.loans >= FROM and (point.walked or point.accept != "application/json"):
            groups.setdefault(point.what, {})
            if not any("refused" in turn for turn in turns):
                groups[point.what][point.loans] = turns
    return groups


def crowds(facts):
    yield (
        "By clients, `/loans?limit=200` over five lists of 20, `max_in_flight` raised. First each connection asks again as "
        f"soon as it was answered; then all of them, in turn, {facts.rate} times a second in all, half of what 64 got at "
        "first, and latency counts from when a request was due."
    )
    yield ""
    yield (
        "| kept connections | CPU us a request | requests/s | p50 ms | p99 ms | failed "
        "| CPU us at the fixed rate | p50 ms | p99 ms | failed | peak MiB |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for connections, turns in facts.crowds.items():
        closed, fixed = of(turns, "closed"), of(turns, "fixed")
        cells = [f"{connections:,}", spread(of(closed, "cpu_us"), 0), spread(of(closed, "rate"), 0)]
        cells += [spread(of(closed, "p50_ms"), 1), spread(of(closed, "p99_ms"), 1), f"{sum(of(closed, 'failed')):,}"]
        cells += [spread(of(fixed, "cpu_us"), 0), spread(of(fixed, "p50_ms"), 1), spread(of(fixed, "p99_ms"), 1)]
        cells += [f"{sum(of(fixed, 'failed')):,}", spread(of(turns, "peak"), 0)]
        yield "| " + " | ".join(cells) + " |"


def configured(facts):
    yield "By connections configured, the five providers again and again, 20 loans each. CPU us a request, and bytes:"
    yield ""
    yield "| | " + " | ".join(f"{count:,}" for count in facts.configured) + " |"
    yield "|---" * (len(facts.configured) + 1) + "|"
    columns = list(facts.configured.values())
    for title, key, digits in (("ms from exec to ready", "ready_ms", 0), ("MiB resident when idle", "idle", 1)):
        yield f"| {title} | " + " | ".join(spread(of(turns, key), digits) for turns in columns) + " |"
    for name, title in QUESTIONS.items():
        yield f"| {title} | " + " | ".join(question(turns, name) for turns in columns) + " |"
    yield "| MiB at the peak | " + " | ".join(spread(of(turns, "peak"), 0) for turns in columns) + " |"


def question(turns, name):
    refused = [turn[f"{name}_refused"] for turn in turns if f"{name}_refused" in turn]
    if refused:
        return f"refused: {refused[0]}"
    return f"{spread(of(turns, name), 0)}; {median(of(turns, f'{name}_bytes')):,.0f}"


def of(turns, key):
    return [turn[key] for turn in turns]
