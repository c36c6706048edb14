"""Processes: started, asked what they used, ended. Everything comes from /proc."""

import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")


def processors():
    """One processor for what is measured, the others for everything else; None and None where there is only one."""
    mine = sorted(os.sched_getaffinity(0))
    return ({mine[0]}, set(mine[1:])) if len(mine) > 1 else (None, None)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def fetch(port, path, body=None, headers=None):
    """Status and body of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = dict(headers or {})
        if body:
            headers["content-type"] = "application/json"
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Neighbours:
    """What programs that are not ours take of the machine, from here on."""

    def __init__(self):
        self.began, self.busy, self.mine = time.monotonic(), _busy(), _own()

    def share(self):
        """In per cent of all processors, once our own processes have ended."""
        there = (time.monotonic() - self.began) * os.cpu_count()
        return 100 * max(0, _busy() - self.busy - _own() + self.mine) / there


class Running:
    """A process and its children, ended by `stop` or at the end of a `with`."""

    def __init__(self, command, environment=None, on=None, folder=None):
        self.errors = tempfile.TemporaryFile()
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
            preexec_fn=(lambda: os.sched_setaffinity(0, on)) if on else None,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_until(self, ready, seconds=30):
        """Waits for `ready` and says how long after its start the process was. It is asked once a millisecond."""
        while time.perf_counter() - self.began < seconds:
            try:
                if ready():
                    return time.perf_counter() - self.began
            except (OSError, http.client.HTTPException):
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.001)
        self.errors.seek(0)
        told = self.errors.read()[-2000:].decode(errors="replace")
        raise RuntimeError(f"{self.process.args[0]} did not start: {told}")

    def listens_on(self, port):
        def connects():
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True

        return self.wait_until(connects)

    def family(self):
        """This process and all below it."""
        parents = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    parents[int(name)] = int(_stat(name)[1])
                except OSError:
                    pass
        family = [self.process.pid]
        for member in family:
            family += [child for child, parent in parents.items() if parent == member]
        return family

    def processor_seconds(self):
        """User and system time of the family, of its dead members too."""
        ticks = 0
        for member in self.family():
            # utime, stime, cutime, cstime
            ticks += sum(int(field) for field in _stat(member)[11:15])
        return ticks / TICKS

    def own_seconds(self):
        """User and system time of the process alone, all its threads, to the nanosecond: CLOCK_PROCESS_CPUTIME_ID of
        another process, as clock_getcpuclockid(3) makes it."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def mebibytes(self, field):
        """`VmRSS` or `VmHWM`, summed over the family. What its members share is counted for each."""
        kibibytes = 0
        for member in self.family():
            with open(f"/proc/{member}/status") as status:
                for line in status:
                    if line.startswith(field + ":"):
                        kibibytes += int(line.split()[1])
        return kibibytes / 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.errors.close()


def _stat(process):
    """The fields of /proc/…/stat that follow the name, which may hold anything; the first is the state."""
    with open(f"/proc/{process}/stat") as stat:
        return stat.read().rpartition(")")[2].split()


def _busy():
    """Seconds that all processors were busy: user, nice, system, irq and softirq."""
    with open("/proc/stat") as stat:
        fields = [int(field) for field in stat.readline().split()[1:]]
    return sum(fields[:3] + fields[5:7]) / TICKS


def _own():
    return sum(os.times()[:4])
