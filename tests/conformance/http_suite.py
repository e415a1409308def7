#!/usr/bin/python3
"""http -- the gateway between hostile HTTP and servers that other people wrote.

    tests/conformance/http_suite.py [--tools DIR] [--preset asan] [--messages 2400] [--short] [-v]

The same messages to our parser and to Node.js's; then through the running gateway over mutual TLS to nginx, Apache httpd, HAProxy and
Node.js at once, each of which says what it read: no desync, nothing forwarded in another form than ours, no name that only we may set.
h2spec judges the listener (DIR/http). --short: a fair choice of all but h2spec, within 20 s. Last line: http: N passed, N failed, N skipped.
"""
import argparse
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "deploy", "world"), os.path.join(ROOT, "tests", "support")]
import h2spec  # noqa: E402
import http_answers  # noqa: E402
import http_client  # noqa: E402
import http_differential  # noqa: E402
import http_fields  # noqa: E402
import http_h2  # noqa: E402
import http_messages  # noqa: E402
import http_origins  # noqa: E402
import http_relay  # noqa: E402
import running  # noqa: E402
import story  # noqa: E402
from verdicts import Verdicts  # noqa: E402

METHODS = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE"]
PREFIX = b"/v1/batteries/"
SEED = 9112


class Gate:
    """The running gateway, its relay, and a canary that follows what was forwarded."""

    def __init__(self, world, relay):
        self.world, self.relay = world, relay
        self.door, self.h2_door = http_client.Door(world), http_client.Door(world, alpn="h2")
        self.host = world.facts["gateway"]["host"].encode()
        self.canaries, self.canary_sock, self.seen, self.slips = 0, None, 0, 0

    def trouble(self):
        """What went wrong behind the gateway since the last question, and whether anything arrived there."""
        new, self.slips = self.relay.slips[self.slips:], len(self.relay.slips)
        arrived, self.seen = self.relay.requests[self.seen:], len(self.relay.requests)
        return "; ".join(new), arrived

    def canary(self):
        """An ordinary request, down the upstream connection that was used last: it must get its own answer. None, or what is wrong."""
        self.canaries += 1
        target = PREFIX + b"canary-%d" % self.canaries
        for _ in range(2):
            fresh = self.canary_sock is None
            if fresh:
                self.canary_sock = self.door.open()
            try:
                self.canary_sock.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: " + self.host + b"\r\n\r\n")
                answer = http_client.Reader(self.canary_sock).answer()
            except OSError as e:
                answer = None if not fresh else (0, str(e), b"")
            if answer is not None:
                break
            self.canary_sock.close()
            self.canary_sock = None
        if answer is None or answer[0] != 200:
            return f"the canary got {answer and (answer[0], answer[2][:200])}"
        if f"x-echo: get {target.decode()} " not in answer[1].lower():
            return f"the canary got somebody else's answer: {answer[1][:300]!r}"
        return None


def oracle(messages, preset):
    """What our own parser makes of each: how many answers to wait for."""
    frames = b"".join(struct.pack(">I", len(m)) + m for m in messages)
    done = subprocess.run([os.path.join(ROOT, "build", preset, "conformance_h1")], input=frames, capture_output=True, check=True, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines()]


def send_http1(gate, bytes_, expected, cut=0):
    """(statuses, None or what is wrong). `cut`: where a second TLS record begins; 0: all in one."""
    methods = [bytes.fromhex(r["method"]).decode("latin-1") for r in expected["requests"]]
    refused = expected["end"].startswith("DP-")
    statuses = []
    with gate.door.open() as sock:
        try:
            for part in (bytes_[:cut], bytes_[cut:]):
                if part:
                    sock.sendall(part)
            reader = http_client.Reader(sock)
            for method in methods + [None] * refused:
                answer = reader.answer(method)
                if answer is None:
                    break
                statuses.append(answer[0])
                if answer[0] in (500, 502, 503, 504):
                    return statuses, f"answered {answer[0]}: {answer[2][:200]!r}"
                said = re.search(rb'"id":"(DP-1[0-36]\\d)"', answer[2])  # not DP-141 (whose host it is): judged behind the parser
                if said and said[1].decode() != expected["end"]:
                    return statuses, f"refused with {said[1].decode()}, our parser says {expected['end']}"
                if "\r\nconnection: close" in answer[1].lower():
                    break
        except TimeoutError:
            return statuses, f"no answer: {statuses} of {len(methods)} requests, then {expected['end']}"
        except OSError:
            pass  # cut while we were still sending: a refusal
    if not statuses and (methods or refused):
        return statuses, f"no answer at all to {len(methods)} requests, then {expected['end']}"
    return statuses, None


def smuggling(v, gate, count, preset):
    """The corpus, each message on a connection of its own; a canary behind everything that got through."""
    messages = [(name, http_messages.fill(bytes_, gate.host, PREFIX + b"m%05d" % n)) for n, (name, bytes_) in enumerate(http_messages.messages(count, SEED))]
    verdicts = oracle([bytes_ for _, bytes_ in messages], preset)
    forwarded = refused = bad = 0
    for n, ((name, bytes_), expected) in enumerate(zip(messages, verdicts)):
        statuses, wrong = send_http1(gate, bytes_, expected, cut=n * 7919 % len(bytes_) if n % 2 else 0)
        behind, arrived = gate.trouble()
        refused += any(400 <= s for s in statuses)
        forwarded += bool(arrived)
        if not wrong and not behind and len(arrived) > len(expected["requests"]):
            wrong = f"{len(arrived)} requests arrived where we read {len(expected['requests'])}"
        if not wrong and not behind and name.startswith("valid") and (len(arrived) < len(expected["requests"]) or set(statuses) != {200}):
            wrong = f"valid, and answered {statuses}"
        if not wrong and not behind and arrived:
            wrong = gate.canary()
            behind, _ = gate.trouble()
        if wrong or behind:
            bad += 1
            v.line(False, "gateway", name, f"{wrong or ''} {behind}: {bytes_[:200]!r}")
        else:
            v.passed += 1
    v.line(bad == 0 and forwarded > count / 20, "gateway HTTP/1.1", f"{count} messages to {', '.join(n for n, _ in gate.relay.origins)}",
           f"{refused} refused, {forwarded} with something that was forwarded, each followed by a canary; {bad} slips")


def through_h2(v, gate, what, requests, mark=None):
    client, arrived_n, bad, count, resets = None, 0, 0, 0, 0
    for name, fields, body, trailers in requests:
        count += 1
        try:
            if client is None or client.over:
                if client is not None:
                    client.close()
                client = http_h2.Client(gate.h2_door)
            said = client.ask(fields, body, trailers)
            wrong = f"answered {said}" if said in (500, 502, 503, 504) else None
            resets += isinstance(said, str) or said >= 400
        except TimeoutError:
            said, wrong, client.over = None, "neither answered nor reset", True
        except OSError:
            said, wrong, client.over = "cut", None, True
        behind, arrived = gate.trouble()
        arrived_n += bool(arrived)
        wrong = wrong or spoofed(arrived, mark)
        if not wrong and not behind and len(arrived) > 1:
            wrong = f"{len(arrived)} requests arrived"
        if not wrong and not behind and arrived:
            wrong = gate.canary()
            behind, _ = gate.trouble()
        if wrong or behind:
            bad += 1
            v.line(False, "gateway HTTP/2", name, f"{said}: {wrong or ''} {behind}")
        else:
            v.passed += 1
    if client is not None:
        client.close()
    v.line(bad == 0 and arrived_n > 0, "gateway HTTP/2", f"{count} {what}", f"{resets} refused, {arrived_n} forwarded, {bad} slips")


def spoofed(arrived, mark):
    for request in arrived:
        for name, value in request.fields:
            if mark and mark in value.encode("latin-1"):
                return f"{name}: {value} reached the data API"
    return None


def identity(v, gate, step, preset):
    """Fields that only the gateway may set."""
    path = PREFIX + b"fields"
    variants = list(http_fields.http1(gate.host, path))[::step]
    bad = arrived_n = 0
    for (name, bytes_), expected in zip(variants, oracle([b for _, b in variants], preset)):
        _, wrong = send_http1(gate, bytes_, expected)
        behind, arrived = gate.trouble()
        arrived_n += bool(arrived)
        wrong = wrong or spoofed(arrived, http_fields.MARK)
        if not wrong and any(r.field("dfft-peer-organisation") is None for r in arrived):
            wrong = "our own field is gone"
        if wrong or behind:
            bad += 1
            v.line(False, "fields HTTP/1.1", name, f"{wrong or ''} {behind}")
        else:
            v.passed += 1
    v.line(bad == 0 and arrived_n > 0, "fields HTTP/1.1", f"{len(variants)} variants of fields that are ours",
           f"{arrived_n} requests were forwarded without them, the others refused; {bad} arrived")
    through_h2(v, gate, "variants of fields that are ours", list(http_fields.http2(gate.host, path))[::step], http_fields.MARK)


def answers(v, gate, step):
    """Answers of the data API: one that cannot be believed is 502 and nothing of it leaves; what may not go to a peer stays behind."""
    bad = 0
    table = [(name, "GET", bytes_, 502, slug) for name, bytes_, slug in http_answers.bad()] + [(*row, None) for row in http_answers.good()]
    table = table[::step]
    for name, method, bytes_, status, slug in table:
        gate.relay.instead = bytes_
        with gate.door.open() as sock:
            sock.sendall(method.encode() + b" " + PREFIX + b"answer HTTP/1.1\r\nHost: " + gate.host + b"\r\nConnection: close\r\n\r\n")
            reader = http_client.Reader(sock)
            try:
                answer = reader.answer(method)
                while reader.more():
                    pass
            except TimeoutError:
                answer = None
        wrong = None
        if answer is None or answer[0] != status or (slug and f"urn:dfft:problem:{slug}\"" not in answer[2].decode("latin-1")):
            wrong = f"answered {answer and (answer[0], answer[2][:200])} instead of {status} {slug or ''}"
        elif http_answers.MARK in (answer[1].encode("latin-1") + answer[2] + reader.data).lower() or reader.data:
            wrong = f"what must stay behind left: {answer[1]!r} {answer[2][:200]!r} {reader.data[:200]!r}"
        wrong = wrong or gate.canary() or gate.trouble()[0]
        bad += bool(wrong)
        if wrong:
            v.line(False, "answers", name, wrong)
        else:
            v.passed += 1
    v.line(bad == 0, "answers", f"{len(table)} answers of the data API", f"each followed by a canary; {bad} slips")


def records(world):
    """{exchange id: method} of all that the regulator sees, page by page."""
    seen, cursor = {}, ""
    while True:
        page = world.ask("regulator", f"/provenance/v1/records?limit=1000{cursor}", story.CASE, regulator=True)
        if page.status != 200:
            raise running.Trouble(f"the regulator got {page.status}: {page.body[:200]!r}")
        content = page.json()
        for leaf in map(story.leaf_of, content["records"]):
            seen[leaf["rec"]["id"]] = leaf["request"].get("method")
        if "next" not in content:
            return seen
        cursor = "&cursor=" + content["next"]


def recorded(v, gate):
    """Nothing reached the data API that the log does not know, under the method that was judged."""
    arrived = {request.field("dfft-exchange-id"): request.method for request in gate.relay.requests}
    end = time.monotonic() + 10
    while True:
        known = records(gate.world)
        unknown = [one for one, method in arrived.items() if known.get(one) != method]
        if not unknown or time.monotonic() > end:
            break
        time.sleep(0.5)
    v.line(not unknown, "log", f"{len(arrived)} requests that reached the data API", f"{len(unknown)} are in no record with their method{': ' + unknown[0] if unknown else ''}")


def through_the_gateway(v, args, scratch):
    with running.make(os.path.join(scratch, "world")) as world:
        world.sekisho, world.authority = running.binaries(args.preset)
        h2spec.permit_plain_requests(world, METHODS)
        world.edit_config(lambda c: (c["worker"].update(count=1), c.setdefault("limit", {}).update(connections_per_peer=1000)))
        ports, missing = http_origins.start(world, os.path.join(scratch, "origins"))
        for name, why in missing.items():
            v.skip("origin", name, why)
        if not ports:
            v.skip("gateway", "messages through the gateway", "no origin is installed")
            return
        relay = http_relay.Relay(world.facts["data_api"]["address"], ports)
        try:
            world.start_authority()
            world.start_gateway()
            gate = Gate(world, relay)
            wrong = gate.canary()
            if not v.line(wrong is None and not gate.trouble()[0], "gateway", "an ordinary request", wrong or f"arrived at {', '.join(ports)} and came back"):
                return
            step = 9 if args.short else 1  # no divisor of the number of variants of a name
            smuggling(v, gate, 200 if args.short else args.messages, args.preset)
            through_h2(v, gate, "requests that are none in HTTP/1.1", list(http_h2.requests(gate.host, PREFIX + b"h2"))[::step])
            identity(v, gate, step, args.preset)
            answers(v, gate, 2 if args.short else 1)
            recorded(v, gate)
            code = world.stop("gateway")
            v.line(code == 0, "sekisho", "the gateway afterwards", f"ended with {code}" + ("" if code == 0 else ": " + world.tail("gateway")))
        finally:
            relay.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools")
    parser.add_argument("--preset", default="asan")
    parser.add_argument("--messages", type=int, default=2400)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    v = Verdicts("http", args.tools and os.path.abspath(args.tools), args.v)
    with tempfile.TemporaryDirectory(prefix="sekisho-http-") as scratch:
        try:
            http_differential.run(v, 1500 if args.short else 6000, SEED, args.preset)
            through_the_gateway(v, args, scratch)
            if not args.short:
                h2spec.run(v, args.preset, scratch)
        except (running.Trouble, subprocess.SubprocessError, OSError, RuntimeError) as e:
            v.line(False, "http", "did not come to its end", f"{type(e).__name__}: {e}")
    return v.end()


if __name__ == "__main__":
    sys.exit(main())
