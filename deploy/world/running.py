"""running -- starts a demo world's programs, asks the gateway with real clients, ends what it started by process id.

Used by deploy/quickstart, the flow tests and tests/conformance/external. Debian's python3 is enough; curl is the client.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Trouble(Exception):
    """Something did not come up, or did not answer; the text says what."""


class Answer:
    """What came back: status (0: no HTTP answer), head as saved, fields, body, the client's own words."""

    def __init__(self, status, head, body, request, words, files):
        self.status, self.head, self.body, self.request, self.words, self.files = status, head, body, request, words, files
        self.fields = {}
        for line in head.split("\r\n")[1:]:
            if ":" in line:
                name, value = line.split(":", 1)
                self.fields[name.lower()] = value.strip()

    @property
    def version(self):
        return self.head.split(" ", 1)[0]

    def json(self):
        return json.loads(self.body)

    @property
    def problem(self):
        """The problem document, or {}."""
        if "json" not in self.fields.get("content-type", ""):
            return {}
        try:
            return self.json()
        except ValueError:
            return {}

    @property
    def slug(self):
        return self.problem.get("type", "").removeprefix("urn:dfft:problem:")


def make(out, bad_lists=False, ports=None, peers=0):
    command = [os.path.join(ROOT, "certs", "make-world"), out, f"--peers={peers}"] + (["--bad-lists"] if bad_lists else [])
    command += [f"--port={name}={port}" for name, port in (ports or {}).items()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return World(out)


class World:
    def __init__(self, out, sekisho=None, authority=None):
        self.dir = os.path.abspath(out)
        with open(self.path("world.json"), encoding="utf-8") as f:
            self.facts = json.load(f)
        self.sekisho, self.authority, self.running = sekisho, authority, {}
        self.environment = {}  # added to that of the gateway

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def save_facts(self):
        with open(self.path("world.json"), "w", encoding="utf-8") as f:
            json.dump(self.facts, f, indent=1, ensure_ascii=False)
            f.write("\n")

    def edit_config(self, change, name="config.json"):
        """`change(config)` alters the parsed configuration in place."""
        with open(self.path("config.json"), encoding="utf-8") as f:
            config = json.load(f)
        change(config)
        with open(self.path(name), "w", encoding="utf-8") as f:
            json.dump(config, f, indent=1)

    # ---- programs ----

    def start(self, name, command, **options):
        log = open(self.path(name + ".log"), "ab")
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.dir,
                                   start_new_session=True, **options)
        log.close()
        self.running[name] = process
        return process

    def start_authority(self):
        self.start("authority", [self.authority, self.path("authority.json")])
        self.wait_port(self.facts["tsa"]["jp"]["url"].split("/")[2], "authority")

    def start_data_api(self):
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        self.start("nginx", [nginx, "-p", self.path("api") + "/", "-e", self.path("api", "error.log"), "-c", self.path("api", "nginx.conf")])
        self.wait_port(self.facts["data_api"]["address"], "nginx")

    def start_gateway(self, wait_s=30, config="config.json"):
        self.start("gateway", [self.sekisho, "run", "-c", self.path(config)], env=dict(os.environ, **self.environment))
        self.wait_ready(wait_s)

    def start_all(self):
        self.start_authority()
        self.start_data_api()
        self.start_gateway()

    def wait_port(self, address, name, wait_s=15):
        host, port = address.rsplit(":", 1)
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            self.must_live(name)
            try:
                socket.create_connection((host, int(port)), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Trouble(f"{name} does not listen on {address} after {wait_s} s; see {self.path(name + '.log')}")

    def wait_ready(self, wait_s=30):
        end, last = time.monotonic() + wait_s, ""
        while time.monotonic() < end:
            self.must_live("gateway")
            try:
                with urllib.request.urlopen(self.facts["gateway"]["observe"] + "/health/ready", timeout=2) as r:
                    if r.status == 200:
                        return
            except OSError as e:
                last = str(e)
            time.sleep(0.05)
        raise Trouble(f"the gateway is not ready after {wait_s} s ({last}); see {self.path('gateway.log')}")

    def must_live(self, name):
        code = self.running[name].poll() if name in self.running else None
        if code is not None:
            raise Trouble(f"{name} ended with {code}: {self.tail(name)}")

    def tail(self, name, lines=6):
        try:
            with open(self.path(name + ".log"), encoding="utf-8", errors="replace") as f:
                return " | ".join(line.strip() for line in f.readlines()[-lines:])
        except OSError:
            return "no log"

    def stop(self, name, how=signal.SIGTERM, wait_s=15):
        """Ends one program; returns its exit code. A program that does not go is killed, which is an error."""
        process = self.running.pop(name, None)
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(how)
        try:
            return process.wait(wait_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            raise Trouble(f"{name} did not end within {wait_s} s") from None

    def stop_all(self):
        trouble = None
        for name in ("gateway", "nginx", "authority", *self.running):
            try:
                self.stop(name)
            except Trouble as e:
                trouble = e
        if trouble:
            raise trouble

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop_all()

    # ---- clients ----

    def ask(self, persona, path, headers=None, save=None, http="--http2", regulator=False, method=None, more=(), timeout_s=30):
        """One request by curl with the persona's certificate (None: without). Saved under exchanges/<save> when asked."""
        door = self.facts["regulator" if regulator else "gateway"]
        base = self.path("exchanges", save or "_last")
        files = {k: f"{base}.{k}" for k in ("response.txt", "body.bin", "request.txt")}
        for file in files.values():
            if os.path.exists(file):
                os.unlink(file)
        command = ["curl", "-sS", "-v", http, "--noproxy", "*", "-m", str(timeout_s), "--connect-to", f"{door['host']}:443:{door['address']}",
                   "--cacert", self.path(self.facts["gateway"]["tls_ca"]), "-D", files["response.txt"], "-o", files["body.bin"]]
        if persona:
            who = self.facts["personas"][persona]
            command += ["--cert", self.path(who["certificate"]), "--key", self.path(who["key"])]
        if method == "HEAD":
            command += ["-I"]
        elif method:
            command += ["-X", method]
        for name, value in (headers or {}).items():
            command += ["-H", f"{name}: {value}"]
        done = subprocess.run(command + list(more) + [f"https://{door['host']}{path}"], capture_output=True, timeout=timeout_s + 10)
        words = done.stderr.decode(errors="replace")
        request = "".join(line[2:].rstrip("\r") + "\r\n" for line in words.split("\n") if line.startswith("> "))
        with open(files["request.txt"], "w", encoding="utf-8", newline="") as f:
            f.write(request)
        head, body = (self.read(files[k]) for k in ("response.txt", "body.bin"))
        head = head.decode(errors="replace")
        status = re.match(r"HTTP/[\d.]+ (\d+)", head)
        complaint = [line for line in words.split("\n") if line.startswith("curl:")]
        return Answer(int(status[1]) if status else 0, head, body, request, (complaint or [""])[0], files)

    @staticmethod
    def read(path):
        try:
            with open(path, "rb") as f:
                return f.read()
        except OSError:
            return b""

    def run(self, *command, timeout_s=60, **options):
        """The gateway's own command line; returns CompletedProcess with text."""
        return subprocess.run([self.sekisho, *command], capture_output=True, text=True, timeout=timeout_s, cwd=self.dir,
                              env=dict(os.environ, **self.environment), **options)

    def events(self, name=None):
        """The gateway's log events so far."""
        found = []
        for line in self.read(self.path("gateway.log")).split(b"\n"):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if name is None or event.get("event") == name:
                found.append(event)
        return found

    def set_fault(self, *lines):
        """Replaces the authority's fault table, like set_fault("/jp hang")."""
        with open(self.path("faults.txt"), "w", encoding="utf-8") as f:
            f.write("".join(line + "\n" for line in lines))

    def asked(self, path, method="POST"):
        """How many requests for that path the authority has seen."""
        return self.read(self.path("requests.txt")).split(b"\n").count(f"{method} {path}".encode())

    def set_standing(self, persona, words):
        """What the responder says of a persona's certificate from now on: "good", or "revoked UNIX_SECONDS REASON"."""
        serial = subprocess.run(["openssl", "x509", "-noout", "-serial", "-in", self.path(self.facts["personas"][persona]["certificate"])], check=True,
                                capture_output=True, text=True, timeout=20).stdout.strip().split("=")[1].lower().lstrip("0")
        for authority in self.facts["authorities"].values():
            table = self.path(authority["status_table"])
            with open(table, encoding="utf-8") as f:
                rows = f.read().split("\n")
            if any(row.startswith(serial + " ") for row in rows):
                rows = [f"{serial} {words}" if row.startswith(serial + " ") else row for row in rows]
                with open(table + ".new", "w", encoding="utf-8") as f:
                    f.write("\n".join(rows))
                os.rename(table + ".new", table)

    def publish(self, source, name):
        """Puts a list file where the authority serves it, in one step."""
        temporary = self.path("www", name + ".new")
        shutil.copyfile(source, temporary)
        os.rename(temporary, self.path("www", name))


def binaries(preset="release"):
    """(sekisho, authority) of a build; Trouble when they are not there."""
    found = [os.path.join(ROOT, "build", preset, name) for name in ("sekisho", "authority")]
    for path in found:
        if not os.access(path, os.X_OK):
            raise Trouble(f"{path} is missing: build it first (cmake --build --preset {preset})")
    return found


PERMITTED = {"DFFT-Purpose": "dpv:LegalCompliance", "DFFT-Destination": "DE"}

if __name__ == "__main__":
    sys.exit("running is a module: see deploy/quickstart")
