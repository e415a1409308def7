"""bench_servers -- the proxies that tests/bench compares, side by side in front of one data API, in one demo world.

All have the same server certificate, believe the same client certificate, run one worker on core 0 and write no access log; the data
API and the authorities share core 1 with the load.
"""
import collections
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "deploy", "world"))
import running  # noqa: E402
from running import Trouble  # noqa: E402

HOST = "data.example.jp"
PATH = "/v1/batteries/BENCH/carbon-footprint"
BODY_BYTES = 1024
IDLE_MAX = 400  # more than requests under way, so that no proxy closes connections to the data API it needs again
PERSONA = "granted"

# name, where it listens, the Popen of its first process
Server = collections.namedtuple("Server", "name address process")


def tool(name):
    """The path of a program, in /usr/sbin too; None when it is not installed."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def pinned(core, command):
    """The command bound to a core, where there are two to choose from."""
    return ["taskset", "-c", str(core), *command] if os.cpu_count() > 1 else list(command)


def free_addresses(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    addresses = ["127.0.0.1:%d" % s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return addresses


class Servers:
    """The world and everything that runs in it. Use with `with`: what was started is ended."""

    def __init__(self, out, proxy_binary, full_binary, authority, tsa_ms):
        self.world = running.make(out)
        self.world.authority = authority
        if tsa_ms > 0:
            self.world.set_fault(f"/jp slow {tsa_ms}", f"/eu slow {tsa_ms}")
        self.proxy_binary, self.full_binary = proxy_binary, full_binary
        self.dir = self.world.path("bench")
        os.makedirs(self.dir)
        self.servers, self.skipped = [], []
        self.nginx_at, self.haproxy_at, self.proxy_at, self.proxy_observe, self.proxy_regulator = free_addresses(5)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.world.stop_all()

    def start(self):
        w = self.world
        self.write_body()
        w.start("authority", pinned(1, [w.authority, w.path("authority.json")]))
        w.wait_port(w.facts["tsa"]["jp"]["url"].split("/")[2], "authority")
        w.start("api", pinned(1, self.nginx_command("bench_api.conf")))
        w.wait_port(w.facts["data_api"]["address"], "api")
        self.add_foreign("nginx", self.nginx_at, self.nginx_command("bench_nginx.conf"))
        if tool("haproxy"):
            self.add_foreign("haproxy", self.haproxy_at, [tool("haproxy"), "-q", "-db", "-f", self.fill("bench_haproxy.cfg")])
        else:
            self.skipped.append("haproxy: not installed")
        self.add_gateway("sekisho-proxy", self.proxy_binary, self.proxy_at, self.proxy_observe, self.proxy_regulator)
        self.add_gateway("sekisho-full", self.full_binary, w.facts["gateway"]["address"], w.facts["gateway"]["observe"].split("/")[2],
                         w.facts["regulator"]["address"])

    # ---- what each is given ----

    def write_body(self):
        """A footprint declaration of exactly BODY_BYTES, so that policy finds what it expects to find."""
        document = {"batteryId": "BENCH", "modelId": "KAI-75", "issued": "2026-09-30T00:00:00Z", "note": ""}
        document["note"] = "x" * (BODY_BYTES - len(json.dumps(document)))
        target = self.world.path("api", "www", *PATH.strip("/").split("/"))
        os.makedirs(os.path.dirname(target))
        with open(target, "w", encoding="ascii") as f:
            f.write(json.dumps(document))

    def fill(self, template):
        """A configuration with @NAME@ replaced by this world's values; returns its path."""
        w = self.world
        both = os.path.join(self.dir, "gateway-both.pem")
        with open(os.open(both, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
            f.write(w.read(w.path("tls", "gateway.pem")) + w.read(w.path("tls", "gateway.key")))
        values = {"DIR": self.dir, "ROOT": w.path("api", "www"), "API": w.facts["data_api"]["address"], "IDLE_MAX": str(IDLE_MAX),
                  "CERT": w.path("tls", "gateway.pem"), "KEY": w.path("tls", "gateway.key"), "CERT_AND_KEY": both,
                  "PEER_CA": w.path("ca", "de-granted.pem"), "LISTEN": self.haproxy_at if "haproxy" in template else self.nginx_at}
        with open(os.path.join(HERE, template), encoding="utf-8") as f:
            text = f.read()
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        target = os.path.join(self.dir, template)
        with open(target, "w", encoding="utf-8") as f:
            f.write(text)
        return target

    def nginx_command(self, template):
        if not tool("nginx"):
            raise Trouble("nginx is not installed (deploy/install-packages)")
        return [tool("nginx"), "-p", self.dir, "-e", os.path.join(self.dir, "start.err"), "-c", self.fill(template)]

    def add_foreign(self, name, address, command):
        process = self.world.start(name, pinned(0, command))
        self.world.wait_port(address, name)
        self.servers.append(Server(name, address, process))

    def add_gateway(self, name, binary, address, observe, regulator):
        """Each gateway of the world has ports, state and log of its own; keys and policy are shared."""
        w = self.world

        def change(c):
            c["listen"][0]["address"], c["observe"]["address"], c["regulator"]["address"] = address, observe, regulator
            c["state_dir"], c["provenance"]["guard_dir"], c["provenance"]["kek_dir"] = name + "-state", name + "-guard", name + "-kek"
            c["worker"]["count"], c["upstream"]["idle_max"], c["log"]["level"] = 1, IDLE_MAX, "warn"
        w.edit_config(change, name + ".json")
        for folder in ("state", "guard", "kek"):
            os.makedirs(w.path(f"{name}-{folder}"), mode=0o700)
        process = w.start(name, pinned(0, [binary, "run", "-c", w.path(name + ".json")]))
        self.wait_ready(name, observe)
        self.servers.append(Server(name, address, process))

    def wait_ready(self, name, observe, wait_s=30):
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            self.world.must_live(name)
            try:
                with urllib.request.urlopen(f"http://{observe}/health/ready", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise Trouble(f"{name} is not ready after {wait_s} s: {self.world.tail(name)}")

    # ---- what was really measured ----

    def ask(self, server):
        """One request by curl, to see what the load will be answered with."""
        w = self.world
        w.facts["gateway"]["address"] = server.address
        return w.ask(PERSONA, PATH, running.PERMITTED, save="bench-" + server.name)

    def log_verdict(self):
        """(held, text): does the log of sekisho-full verify, and how many records has it. Call after it was stopped."""
        w = self.world
        base = w.path("sekisho-full-state", "provenance")
        shards = sorted(os.path.join(base, s) for s in os.listdir(base) if os.path.isdir(os.path.join(base, s, "seg")))
        keys = subprocess.run([self.full_binary, "provenance", "keys", "-c", w.path("sekisho-full.json")], capture_output=True, text=True,
                              timeout=60, check=False)
        with open(w.path("bench", "vkeys"), "w", encoding="ascii") as f:
            f.write(keys.stdout)
        done = subprocess.run([self.full_binary, "provenance", "verify", shards[-1], "--vkey", "@" + w.path("bench", "vkeys")],
                              capture_output=True, text=True, timeout=300, check=False)
        return done.returncode == 0, (done.stdout + done.stderr).strip()
