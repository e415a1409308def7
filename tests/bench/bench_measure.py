"""bench_measure -- what one request costs a server: load from h2load, CPU time from the kernel's books, primitives from `openssl speed`."""
import collections
import os
import re
import subprocess
import time

from bench_servers import BODY_BYTES, HOST, PATH, PERSONA, Trouble, pinned
from running import PERMITTED

# HTTP version: connections, requests under way on each, h2load's words for it
Protocol = collections.namedtuple("Protocol", "connections streams words")
PROTOCOLS = {"h2": Protocol(32, 10, ["-m", "10"]), "h1": Protocol(32, 1, ["--h1"])}
SETTLE_S, SETTLED_NS_PER_S = 0.25, 5_000_000

# CPU in microseconds of a request on an open connection, and of opening a connection with one request on it
Cost = collections.namedtuple("Cost", "request_us opening_us requests_per_s")


class Void(Exception):
    """A run that does not count; the text says why."""


def family(pid):
    """A process and all that descend from it."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                    parents[int(entry)] = int(f.read().rpartition(")")[2].split()[1])
            except OSError:
                pass  # it ended meanwhile
    members = [pid]
    for member in members:
        members += [child for child, parent in parents.items() if parent == member]
    return members


def cpu_ns(pid):
    """CPU time of a server in nanoseconds: every thread of every process of it. The sum of /proc/PID/stat's utime and stime is the same
    account, in steps of 10 ms."""
    total = 0
    for member in family(pid):
        for thread in os.listdir(f"/proc/{member}/task"):
            with open(f"/proc/{member}/task/{thread}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
    return total


def settled_cpu_ns(pid, limit_s=6.0):
    """CPU time once the server has done what it does after its answers: index, checkpoints, fresh segments."""
    end, before = time.monotonic() + limit_s, cpu_ns(pid)
    while time.monotonic() < end:
        time.sleep(SETTLE_S)
        now = cpu_ns(pid)
        if now - before < SETTLED_NS_PER_S * SETTLE_S:
            return now
        before = now
    return before


class Load:
    """h2load with the client certificate of a partner whom policy allows."""

    def __init__(self, world, preload, limit_s):
        who = world.facts["personas"][PERSONA]
        self.environment = dict(os.environ, LD_PRELOAD=preload, BENCH_CERT=world.path(who["certificate"]), BENCH_KEY=world.path(who["key"]))
        self.limit_s = limit_s

    def run(self, server, protocol, requests):
        """Requests per second; Void unless each answer was a 2xx of full size."""
        command = ["h2load", "-n", str(requests), "-c", str(protocol.connections), *protocol.words, "--connect-to", server.address,
                   "--tls13-ciphers=TLS_AES_128_GCM_SHA256", "--groups=X25519", "-H", ":authority: " + HOST]
        for name, value in PERMITTED.items():
            command += ["-H", f"{name.lower()}: {value}"]
        try:
            done = subprocess.run(pinned(1, command + [f"https://{HOST}{PATH}"]), capture_output=True, text=True, env=self.environment,
                                  timeout=self.limit_s, check=False)
        except subprocess.TimeoutExpired:
            raise Void(f"not done within {self.limit_s} s") from None
        words = done.stdout
        ok = re.search(r"status codes: (\d+) 2xx", words)
        size = re.search(r"\((\d+)\) data", words)
        speed = re.search(r"finished in [^,]*, ([\d.]+) req/s", words)
        if not (ok and size and speed):
            raise Void(f"h2load ended with {done.returncode}: {(done.stderr or words)[-200:].strip()}")
        if int(ok[1]) != requests or int(size[1]) != requests * BODY_BYTES:
            line = re.search(r"requests: .*", words)
            raise Void(f"{ok[1]} of {requests} answers were 2xx, {size[1]} bytes of content ({line[0] if line else ''})")
        return float(speed[1])

    def cost(self, server, protocol, requests):
        """Two runs: one request on each connection, which is also the warm-up; then many. Their difference is free of handshakes."""
        few = protocol.connections
        start = settled_cpu_ns(server.process.pid)
        self.run(server, protocol, few)
        opened = settled_cpu_ns(server.process.pid)
        speed = self.run(server, protocol, few + requests)
        end = settled_cpu_ns(server.process.pid)
        opening = opened - start
        return Cost((end - opened - opening) / requests / 1000, opening / few / 1000, speed)


def openssl_speed(*what):
    done = subprocess.run(pinned(0, ["openssl", "speed", "-mr", "-seconds", "1", *what]), capture_output=True, text=True, timeout=60, check=False)
    found = [line.split(":") for line in done.stdout.splitlines() if line.startswith("+F")]
    if not found:
        raise Trouble(f"openssl speed {' '.join(what)}: {done.stderr[-200:]}")
    return found[0]


def primitives():
    """Microseconds on core 0: one P-256 signature, one SHA-256 over the body."""
    sign = openssl_speed("ecdsap256")  # +F4:<n>:<bits>:<signatures a second>:<verifications a second>
    digest = openssl_speed("-evp", "sha256", "-bytes", str(BODY_BYTES))  # +F:<n>:<name>:<bytes a second>
    return {"sign_us": 1e6 / float(sign[3]), "sha256_us": 1e6 * BODY_BYTES / float(digest[3])}
