"""What is measured: how each is installed, started and held to its answer."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from system import Running, free_port

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
BUILT = ROOT / "target" / "bench"
GATEWAY = ROOT / "target" / "release" / "loangate"
CALLS = json.loads((BENCH / "calls.json").read_text())
# Records that each simulator is asked to have, so that each gives 20 (Fineract counts without its sample) and GoScore a
# student loan too; and the loans in them: one of Belvo's is an older observation of another.
RECORDS = {"goscore": 20, "carbon": 20, "bsa": 20, "belvo": 20, "fineract": 19}
LOANS = {"goscore": 21, "carbon": 20, "bsa": 20, "belvo": 19, "fineract": 20}
ROWS = {"goscore": "loans", "carbon": "data", "bsa": "items", "belvo": "items", "fineract": "pageItems"}


class Missing(Exception):
    """Why a subject cannot take part."""


class Wrong(Exception):
    """What is wrong with an answer."""


def records(lists):
    """How many records five bodies hold, the student loan included."""
    return sum(len(lists[name][rows]) for name, rows in ROWS.items()) + 1


class Subject:
    """`bodies` below are the five upstream bodies by provider, `length` is that of the gateway's answer."""

    path = "/loans"
    query = None
    folder = None

    def __init__(self, name, title, does, ready="/"):
        self.name, self.title, self.does, self.ready = name, title, does, ready

    def install(self):
        """Installs or builds it, or raises `Missing`."""

    def version(self):
        return ""

    def command(self, port, upstreams, work):
        raise NotImplementedError

    def environment(self, port, upstreams, length):
        return {
            "PORT": str(port),
            "UPSTREAMS": upstreams,
            "CALLS": str(BENCH / "calls.json"),
            "ANSWER_BYTES": str(length),
        }

    def check(self, body, bodies, length):
        raise NotImplementedError


class Gateway(Subject):
    path = "/loans?limit=200"

    def __init__(self, name, title, does, max_age):
        super().__init__(name, title, does)
        self.max_age = max_age

    def install(self):
        if not GATEWAY.is_file():
            raise SystemExit(f"{GATEWAY} is not built: run `cargo build --release` first")

    def version(self):
        return run([GATEWAY, "--version"])

    def command(self, port, upstreams, work):
        config = filled(BENCH / "gateway.toml", work, UPSTREAMS=upstreams, MAX_AGE=self.max_age)
        return [GATEWAY, "serve", "--config", config]

    def environment(self, port, upstreams, length):
        return {"LOANGATE__SERVER__LISTEN": f"127.0.0.1:{port}"}

    def check(self, body, bodies, length):
        answer = json.loads(body)
        counts = {source["connection"]: source["count"] for source in answer["sources"]}
        if not answer["complete"] or len(answer["data"]) != sum(LOANS.values()) or counts != LOANS:
            raise Wrong(f"complete: {answer['complete']}, {len(answer['data'])} loans: {counts}")


class Axum(Subject):
    def __init__(self, name, title, does, binary):
        super().__init__(name, title, does)
        self.binary = BUILT / "release" / binary

    def install(self):
        build()

    def version(self):
        lock = (BENCH / "Cargo.lock").read_text()
        of = lambda name: lock.split(f'name = "{name}"\nversion = "')[1].split('"')[0]
        return f"axum {of('axum')}, reqwest {of('reqwest')}"

    def command(self, port, upstreams, work):
        return [self.binary]

    def check(self, body, bodies, length):
        if len(body) != length:
            raise Wrong(f"{len(body)} bytes instead of {length}")
        if self.name == "forward" and not body.startswith(b"".join(bodies.values())):
            raise Wrong("not the five bodies")


class Fastify(Subject):
    def install(self):
        node_modules(self.name)

    def version(self):
        packages = json.loads((BENCH / "peers/fastify/package.json").read_text())["dependencies"]
        return f"Node {run(['node', '--version'])}, " + ", ".join(f"{k} {v}" for k, v in packages.items())

    def environment(self, port, upstreams, length):
        return {**super().environment(port, upstreams, length), "NODE_ENV": "production"}

    def command(self, port, upstreams, work):
        return ["node", BUILT / "fastify" / "server.js"]

    def check(self, body, bodies, length):
        mapped(body, bodies)


class Tailcall(Subject):
    path = "/graphql"

    def install(self):
        folder = node_modules(self.name)
        self.binary = folder / "node_modules/@tailcallhq/core-linux-x64-gnu/bin/tailcall"
        text = (BENCH / "peers/tailcall/query.graphql").read_text()
        self.query = json.dumps({"query": " ".join(text.split())})
        self.version()

    def version(self):
        return run([self.binary, "--version"])

    def environment(self, port, upstreams, length):
        # It reports its use to its makers otherwise.
        return {"TAILCALL_TRACKER": "false", "TAILCALL_LOG_LEVEL": "error"}

    def command(self, port, upstreams, work):
        config = filled(BENCH / "peers/tailcall/loans.graphql", work, UPSTREAMS=upstreams, PORT=port)
        return [self.binary, "start", config]

    def check(self, body, bodies, length):
        lists = json.loads(body)["data"]
        if any(lists[name] is None for name in ROWS):
            raise Wrong(body[:300])
        expected = records(parsed(bodies))
        rows = [row for name, key in ROWS.items() for row in lists[name][key]]
        if len(rows) + bool(lists["goscore"]["student_loan"]) != expected or not all(any(row.values()) for row in rows):
            raise Wrong(f"{len(rows)} records instead of {expected}")


class FastApi(Subject):
    folder = BENCH / "peers" / "fastapi"

    def install(self):
        needs("python3")
        wanted = self.folder / "requirements.txt"
        self.tools = BUILT / "fastapi"
        done = self.tools / "requirements.txt"
        if not done.is_file() or done.read_text() != wanted.read_text():
            shutil.rmtree(self.tools, ignore_errors=True)
            attempt([sys.executable, "-m", "venv", self.tools])
            pip = [self.tools / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
            attempt([*pip, "--only-binary", ":all:", "-r", wanted])
            shutil.copy(wanted, done)

    def version(self):
        pins = dict(line.split("==") for line in (self.folder / "requirements.txt").read_text().split())
        shown = ", ".join(f"{name} {pins[name]}" for name in ("fastapi", "httpx", "uvicorn", "uvloop"))
        return f"{run([self.tools / 'bin' / 'python', '--version'])}, {shown}"

    def environment(self, port, upstreams, length):
        return {**super().environment(port, upstreams, length), "PYTHONDONTWRITEBYTECODE": "1"}

    def command(self, port, upstreams, work):
        uvicorn = [self.tools / "bin" / "uvicorn", "app:app", "--port", str(port), "--workers", "1"]
        return [*uvicorn, "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "error"]

    def check(self, body, bodies, length):
        mapped(body, bodies)


class Nginx(Subject):
    def install(self):
        needs("nginx", "/usr/sbin")
        if not Path("/usr/lib/nginx/modules/ngx_http_lua_module.so").is_file():
            raise Missing("Debian's libnginx-mod-http-lua is not installed")

    def version(self):
        lua = run(["dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-http-lua"])
        return f"{run(['/usr/sbin/nginx', '-v']).split()[-1]}, lua-nginx-module {lua}"

    def command(self, port, upstreams, work):
        origin = upstreams.removeprefix("http://")
        config = filled(BENCH / "peers/nginx-lua/nginx.conf", work, UPSTREAMS=origin, PORT=port, FOLDER=work)
        return ["/usr/sbin/nginx", "-p", work, "-c", config]

    def check(self, body, bodies, length):
        if json.loads(body) != parsed(bodies):
            raise Wrong("not the five bodies")


SUBJECTS = [
    Gateway("gateway", "Loangate", "about 60 keys a loan, exact money, completeness, flags; cache off", "0s"),
    Axum("forward", "bare axum + reqwest", "as many bytes as Loangate; nothing parsed", "forward"),
    Nginx("nginx-lua", "nginx + Lua", "the five bodies in one object; nothing parsed"),
    Fastify("fastify", "Fastify + undici", "a dozen fields mapped by hand, money as floats"),
    Tailcall("tailcall", "Tailcall", "a dozen fields selected by configuration, money as floats"),
    FastApi("fastapi", "FastAPI + httpx", "a dozen fields mapped by hand, money as floats"),
    Gateway("cached", "Loangate, cache hit", "the same answer, all five sources from the cache", "1h"),
    Axum("memory", "bare axum, from memory", "as many bytes as Loangate, always the same", "memory"),
]
SHORT = ["gateway", "forward", "cached", "memory"]


def build():
    """The programs of bench/Cargo.toml."""
    cargo = ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", BENCH / "Cargo.toml"]
    subprocess.run([*cargo, "--target-dir", BUILT], check=True)


def simulator(stack, records, gateway=GATEWAY):
    """The port of simulators with so many records each."""
    port = free_port()
    command = [gateway, "simulate", "--port", str(port), "--loans", str(records)]
    stack.enter_context(Running(command)).listens_on(port)
    return port


def upstreams(stack, simulators, latency=0):
    """The port of what repeats the simulators' answers; their ports are by provider."""
    port = free_port()
    origins = [f"{name}=http://127.0.0.1:{theirs}" for name, theirs in simulators.items()]
    command = [BUILT / "release" / "upstreams", str(port), str(latency), *origins]
    stack.enter_context(Running(command)).listens_on(port)
    return port


def filled(template, folder, **values):
    """The template with its braces filled, in the folder."""
    text = template.read_text()
    for key, value in values.items():
        text = text.replace("{{" + key + "}}", str(value))
    path = Path(folder) / template.name
    path.write_text(text)
    return path


def node_modules(name):
    needs("npm")
    source, folder = BENCH / "peers" / name, BUILT / name
    folder.mkdir(parents=True, exist_ok=True)
    lock, done = source / "package-lock.json", folder / "installed.json"
    for path in source.iterdir():
        shutil.copy(path, folder)
    if not done.is_file() or done.read_bytes() != lock.read_bytes():
        attempt(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
        shutil.copy(lock, done)
    return folder


def parsed(bodies):
    return {name: json.loads(body) for name, body in bodies.items()}


def mapped(body, bodies):
    """Holds an answer of hand-mapped records to what the upstreams gave."""
    loans, expected = json.loads(body)["loans"], records(parsed(bodies))
    if len(loans) != expected or {loan["provider"] for loan in loans} != set(ROWS):
        raise Wrong(f"{len(loans)} records instead of {expected}")
    if not all(loan["id"] and loan["status"] and loan["currency"] for loan in loans):
        raise Wrong("a record without id, status or currency")


def needs(program, folder=""):
    if not shutil.which(program, path=os.environ.get("PATH", "") + ":" + folder):
        raise Missing(f"{program} is not installed")


def attempt(command, folder=None):
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Missing(f"`{' '.join(map(str, command[:3]))}` failed") from error


def run(command):
    """The first line that a command says."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Missing(f"{Path(command[0]).name} does not run here") from error
    return (done.stdout + done.stderr).strip().splitlines()[0]
