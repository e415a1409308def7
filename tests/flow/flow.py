"""flow -- what the flow tests share: a fresh world for each test, clients that keep their connection, a data API that misbehaves.

Each tests/flow/test_*.py is one theme and ends with flow.main(). The whole binary runs, with real clients, on loopback.
"""
import argparse
import http.client
import os
import shutil
import socket
import ssl
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "deploy", "world"), os.path.join(ROOT, "tests", "support")]
import running  # noqa: E402
import story  # noqa: E402
from running import PERMITTED  # noqa: E402

BINARIES = {}  # sekisho, authority


class Flow(unittest.TestCase):
    BAD_LISTS, PEERS = False, 0

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="sekisho-flow-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.world = running.make(os.path.join(self.dir, "world"), bad_lists=self.BAD_LISTS, peers=self.PEERS)
        self.world.sekisho, self.world.authority = BINARIES["sekisho"], BINARIES["authority"]
        self.addCleanup(self.world.stop_all)
        self.path = self.world.facts["data_api"]["paths"][1]

    def allowed(self, persona="granted", **more):
        answer = self.world.ask(persona, self.path, PERMITTED, **more)
        self.assertEqual(200, answer.status, f"{answer.slug} {answer.words} {self.world.tail('gateway')}")
        self.assertIn("dfft-seal", answer.fields)
        return answer

    def refused(self, persona, status, slug, headers=PERMITTED, **more):
        answer = self.world.ask(persona, self.path, headers, **more)
        self.assertEqual((status, slug), (answer.status, answer.slug), f"{answer.words} {answer.body[:300]} {self.world.tail('gateway')}")
        return answer

    def until(self, what, condition, wait_s=20):
        """Waits for something; returns what `condition` gave."""
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            self.world.must_live("gateway")
            time.sleep(0.05)
        return self.fail(f"{what}: not within {wait_s} s; {self.world.tail('gateway', 4)}")

    def metric(self, line):
        """The value of one line of /metrics, whole name with labels."""
        with urllib.request.urlopen(self.world.facts["gateway"]["observe"] + "/metrics", timeout=5) as r:
            for row in r.read().decode().splitlines():
                if row.startswith(line + " "):
                    return float(row.rsplit(" ", 1)[1])
        return None

    def log_verifies(self):
        told = story.Story(self.world)
        told.vkeys()
        done = self.world.run("provenance", "verify", told.shard(), "--vkey", "@" + self.world.path("log", "vkeys"))
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def recorded_ids(self, query="decision=permit"):
        """Message ids of every record that the regulator sees, page by page."""
        seen, cursor = set(), ""
        while True:
            page = self.world.ask("regulator", f"/provenance/v1/records?{query}&limit=1000{cursor}", story.CASE, regulator=True)
            if page.status != 200:
                return seen
            content = page.json()
            seen |= {"urn:uuid:" + story.leaf_of(r)["rec"]["id"] for r in content["records"]}
            if "next" not in content:
                return seen
            cursor = "&cursor=" + content["next"]

    def stays_clean(self):
        """Ends the gateway and lets the log be verified."""
        self.assertEqual(0, self.world.stop("gateway"), self.world.tail("gateway", 30))
        return self.log_verifies()


def context_of(world, persona):
    who = world.facts["personas"][persona]
    context = ssl.create_default_context(cafile=world.path(world.facts["gateway"]["tls_ca"]))
    context.load_cert_chain(world.path(who["certificate"]), world.path(who["key"]))
    return context


class Client(http.client.HTTPSConnection):
    """One HTTP/1.1 connection of a persona, kept open."""

    def __init__(self, world, persona, context=None):
        door = world.facts["gateway"]
        super().__init__(door["host"], 443, timeout=20, context=context or context_of(world, persona))
        self.address = door["address"].rsplit(":", 1)

    def connect(self):
        plain = socket.create_connection((self.address[0], int(self.address[1])), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def get(self, path):
        """(status, message id, body)"""
        self.request("GET", path, headers=PERMITTED)
        answer = self.getresponse()
        return answer.status, (answer.headers.get("dfft-message-id") or "").strip('"'), answer.read()


class Client2:
    """One HTTP/2 connection of a persona, kept open: just enough of RFC 9113 for a GET at a time."""

    def __init__(self, world, persona, context=None):
        door = world.facts["gateway"]
        context = context or context_of(world, persona)
        context.set_alpn_protocols(["h2"])
        host, port = door["address"].rsplit(":", 1)
        self.sock = context.wrap_socket(socket.create_connection((host, int(port)), 20), server_hostname=door["host"])
        self.authority, self.stream = door["host"], -1
        self.sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(4, 0, 0, b""))

    @staticmethod
    def frame(kind, flags, stream, payload):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    @staticmethod
    def field(name, value):
        """HPACK: a literal that is not indexed."""
        return bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()

    def exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise ConnectionError("the gateway closed the connection")
            data += more
        return data

    def get(self, path):
        """(status, None, body); status is 200, or 0 for any other. ConnectionError: closed, or this stream will not be served."""
        self.stream += 2
        fields = [(":method", "GET"), (":scheme", "https"), (":path", path), (":authority", self.authority)]
        fields += [(name.lower(), value) for name, value in PERMITTED.items()]
        self.sock.sendall(self.frame(1, 5, self.stream, b"".join(self.field(*f) for f in fields)))
        status, body = 0, b""
        while True:
            head = self.exactly(9)
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:9], "big")
            payload = self.exactly(int.from_bytes(head[:3], "big"))
            if kind == 4 and not flags & 1:
                self.sock.sendall(self.frame(4, 1, 0, b""))
            elif kind == 7 and int.from_bytes(payload[:4], "big") < self.stream:
                raise ConnectionError("GOAWAY before this stream")
            elif stream == self.stream and kind == 1 and not status:
                block = payload[1:] if 0x20 <= payload[0] < 0x40 else payload  # behind a table size update
                status = 200 if block[0] == 0x88 else 0
            elif stream == self.stream and kind == 0:
                body += payload
                self.sock.sendall(self.frame(8, 0, 0, len(payload).to_bytes(4, "big")) if payload else b"")
            elif stream == self.stream and kind == 3:
                raise ConnectionError("the stream was reset")
            if stream == self.stream and kind in (0, 1) and flags & 1:
                return status, None, body

    def close(self):
        self.sock.close()


class BadApi:
    """A data API whose every answer is what `behave(connection)` does after one request head was read."""

    def __init__(self, address, behave):
        host, port = address.rsplit(":", 1)
        self.door, self.behave, self.asked = socket.create_server((host, int(port)), reuse_port=False), behave, 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.door.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with connection:
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    more = connection.recv(65536)
                    if not more:
                        return
                    head += more
                self.asked += 1
                self.behave(connection)
            except OSError:
                pass  # the gateway gave up first

    def close(self):
        self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sekisho", required=True)
    args, rest = parser.parse_known_args()
    BINARIES["sekisho"] = os.path.abspath(args.sekisho)
    BINARIES["authority"] = os.path.join(os.path.dirname(BINARIES["sekisho"]), "authority")
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
