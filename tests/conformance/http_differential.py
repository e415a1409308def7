#!/usr/bin/python3
"""http_differential -- the same messages to our HTTP/1.1 parser and to Node.js's; what we accept, Node must accept and frame alike.

    tests/conformance/http_differential.py [--count 6000] [--seed 9112] [--preset asan] [-v]

Stricter than Node is what we want to be: only the other direction is reported. Differences with a reason stand in
http_node_differences.txt; a line there that no message needs any more is a failure too. -v: what we refuse and Node takes, by id.
"""
import argparse
import collections
import json
import os
import re
import shutil
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
import http_messages  # noqa: E402
from verdicts import Verdicts  # noqa: E402

EXPLAINED = os.path.join(HERE, "http_node_differences.txt")
NODE_MIN = 20


def explained():
    """[(kind, pattern, reason)]"""
    rows = []
    with open(EXPLAINED, encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                kind, pattern, reason = (part.strip() for part in line.rstrip("\n").split(" | "))
                rows.append((kind, re.compile(pattern.encode("latin-1"), re.S), reason))
    return rows


def ask(command, messages):
    """One verdict a message."""
    frames = b"".join(struct.pack(">I", len(bytes_)) + bytes_ for _, bytes_ in messages)
    done = subprocess.run(command, input=frames, capture_output=True, timeout=300)
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or len(verdicts) != len(messages):
        raise RuntimeError(f"{command[0]}: exit {done.returncode}, {len(verdicts)} of {len(messages)} verdicts: {done.stderr.decode(errors='replace')[-300:]}")
    return verdicts


def difference(ours, node, methods):
    """None, or (kind, text). `methods`: those that Node knows, in hex."""
    for n, mine in enumerate(ours["requests"]):
        if n >= len(node["requests"]):
            return "refused" if mine["method"] in methods else "unknown-method", f"request {n + 1} is taken by us and not by Node ({node['end']})"
        for what in ("method", "target", "fields", "body"):
            if mine[what] != node["requests"][n][what]:
                return what, f"request {n + 1}: {what} {mine[what]!r} is {node['requests'][n][what]!r} to Node"
    if ours["end"] in ("whole", "more") and len(node["requests"]) > len(ours["requests"]):
        return "more", f"Node sees {len(node['requests'])} requests, we see {len(ours['requests'])} ({ours['end']})"
    return None


def why_not():
    """The reason why this machine cannot compare, or None."""
    node = shutil.which("node")
    if node is None:
        return "node is not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30).stdout.strip()
    major = re.match(r"v(\d+)\.", version)
    return None if major and int(major[1]) >= NODE_MIN else f"node {version} is older than {NODE_MIN}"


def run(v, count, seed, preset):
    reason = why_not()
    if reason:
        return v.skip("node", f"{count} messages to two parsers", reason)
    messages = [(name, http_messages.fill(bytes_, b"a", b"/p")) for name, bytes_ in http_messages.messages(count, seed)]
    ours = ask([os.path.join(ROOT, "build", preset, "conformance_h1")], messages)
    node = ask([shutil.which("node"), os.path.join(HERE, "http_node.js")], messages)
    methods = json.loads(subprocess.run(["node", "-p", "JSON.stringify(http.METHODS.map((m) => Buffer.from(m).toString('hex')))"], capture_output=True,
                                        timeout=30).stdout)
    rows, used, accepted, stricter = explained(), set(), 0, collections.Counter()
    for (name, bytes_), mine, theirs in zip(messages, ours, node):
        accepted += bool(mine["requests"])
        if len(theirs["requests"]) > len(mine["requests"]):
            stricter[mine["end"]] += 1
        found = difference(mine, theirs, methods)
        if found is None:
            v.passed += 1
            continue
        row = next((n for n, (kind, pattern, _) in enumerate(rows) if kind == found[0] and pattern.search(bytes_)), None)
        if row is None:
            v.line(False, "node", name, f"{found[1]}: {bytes_[:160]!r}")
        else:
            used.add(row)
            v.passed += 1
    for n, (kind, pattern, reason) in enumerate(rows):
        if n not in used and seed == 9112 and count >= 6000:
            v.line(False, "node", "explained difference", f"no message needs it: {kind} | {pattern.pattern!r} | {reason}")
    v.line(accepted > count / 40, "node", f"{count} messages to two parsers", f"{accepted} hold a request that we take; {len(used)} differences explained; "
           f"{sum(stricter.values())} hold more for Node than for us")
    if v.verbose:
        for end, number in stricter.most_common():
            print(f"     Node takes, we do not ({end}): {number}")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=9112)
    parser.add_argument("--preset", default="asan")
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    v = Verdicts("differential", None, args.v)
    run(v, args.count, args.seed, args.preset)
    return v.end()


if __name__ == "__main__":
    sys.exit(main())
