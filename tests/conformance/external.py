#!/usr/bin/python3
"""external -- what the demo world produced, judged by programs that nobody here wrote.

    tests/conformance/external.py TOOLS [--preset asan] [-v]

TOOLS: a folder with seal-ref, log-check, dss and http, as their READMEs describe. Makes a world, runs the crossing, hands exchanges, log,
lists and listener to them, and the real lists beside TOOLS to dss; each verdict is a line, and what a machine lacks is skipped with its
reason. The same objects with one changed byte must be refused: a judge that says yes to everything has judged nothing. Last line:
external: N passed, N failed, N skipped.
"""
import argparse
import contextlib
import glob
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "deploy", "world"), os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "tests", "conformance")]
import external_lists  # noqa: E402
import h2spec  # noqa: E402
import running  # noqa: E402
import saved  # noqa: E402
import story  # noqa: E402
from verdicts import Verdicts  # noqa: E402

MORE = 300


# ---- seals ----

def seal_ref(v, world, scratch):
    """The Python reference: the exchange, every sealed refusal, and each with a byte changed."""
    if not v.ready("seal-ref", "verify", "--help"):
        return v.skip("seal-ref", "seals of this gateway", v.broken["seal-ref"])
    common = ["--cert", world.path(world.facts["gateway"]["seal"]["certificate"]), "--anchor", world.path(world.facts["gateway"]["seal"]["anchor"]),
              "--organisation", world.facts["gateway"]["organisation"], "--crl", saved.crl(world, "jp-eseal", scratch, form="PEM")]
    for tsa in world.facts["tsa"].values():
        common += ["--tsa-anchor", f"{tsa['territory']}={world.path(tsa['anchor'])}"]

    def said(done):
        lines = done.stdout.strip().splitlines()
        no = [line for line in lines if re.match(r"\S+\s+(NO|no|bad|FAIL)\b", line)]
        return (no or lines or done.stderr.strip().splitlines() or [""])[-1] + f" ({sum(' ok ' in line for line in lines)} checks held)"
    for name in sorted(world.facts["exchanges"]):
        exchange = saved.Saved.of(world, name)
        if not exchange.sealed():
            continue
        v.ask(0, name, "seal-ref", "verify", *exchange.write(os.path.join(scratch, "ref-" + name)), *common, said=said)
    for number, (what, changed) in enumerate(saved.Saved.of(world, "permitted").faults()):
        v.ask(1, f"one byte changed in {what}", "seal-ref", "verify", *changed.write(os.path.join(scratch, f"ref-{number}")), *common, said=said)


def dss(v, world, scratch):
    """The EU's validator: seal with time evidence, the evidence alone, the lists."""
    if not v.ready("dss", "dss-check", "--help"):
        return v.skip("dss", "seals and lists of this gateway", v.broken["dss"])

    def said(done):
        try:
            report = json.loads(done.stdout)
        except ValueError:
            return done.stderr
        found = [one for key in ("signatures", "evidence_records", "lists_of_lists", "lists") for one in report.get(key, [])]
        found += [record for one in report.get("signatures", []) for record in one.get("evidence_records", [])]
        return ", ".join(" ".join(str(one[k]) for k in ("level", "territory", "sequence", "file", "indication", "sub_indication", "refused") if one.get(k))
                         for one in found) or report.get("refused", report.get("error", done.stderr))
    authority, tsa = world.facts["gateway"]["seal"]["anchor"], [world.path(t["anchor"]) for t in world.facts["tsa"].values()]
    crls = [saved.crl(world, a, scratch) for a in ("jp-eseal", "jp-tsa", "de-tsa")]
    trust = ["--anchors", world.path(authority), *tsa, "--crl", *crls]

    def seal(what, expected, exchange, name):
        folder = os.path.join(scratch, name)
        os.makedirs(folder)
        parts = {"seal.jws": exchange.seal(), "seal.ers": exchange.time_evidence(), "seal-base.txt": exchange.base(), "body.bin": exchange.body}
        for file, content in parts.items():
            with open(os.path.join(folder, file), "wb") as f:
                f.write(content)
        jws, ers, *content = (os.path.join(folder, file) for file in parts)
        v.ask(expected, what, "dss", "dss-check", "seal", jws, "--evidence-records", ers, "--content", *content,
              "--certs", world.path(world.facts["gateway"]["seal"]["certificate"]), *trust, said=said)
        return ers, jws
    good = saved.Saved.of(world, "permitted")
    ers, jws = seal("seal and evidence record of the answer", 0, good, "dss-good")
    v.ask(0, "the evidence record alone, over the seal", "dss", "dss-check", "evidence-record", ers, "--content", jws, "--anchors", *tsa,
          "--crl", *crls, said=said)
    for number, (what, changed) in enumerate(good.faults()):
        if what != "RFC 9421 signature":  # DSS judges the JAdES proof
            seal(f"one byte changed in {what}", 1, changed, f"dss-{number}")
    facts, folder = world.facts["lists"], os.path.join(scratch, "national")
    os.makedirs(folder)
    shutil.copyfile(world.path(facts["de"]["file"]), os.path.join(folder, "DE.xml"))
    v.ask(0, "list of lists and German list", "dss", "dss-check", "lists", "--lotl", world.path(facts["eu"]["file"]), "--lotl-certs",
          world.path(facts["eu"]["signer"]), "--oj", facts["eu"]["oj_uri"], "--lists", folder, said=said)
    v.ask(0, "Japanese list", "dss", "dss-check", "lists", "--list", world.path(facts["jp"]["file"]), "--list-certs", world.path(facts["jp"]["signer"]), said=said)
    example, built, signer = os.path.join(ROOT, "deploy", "j-tsl"), os.path.join(scratch, "built.xml"), facts["jp"]["signer"]
    done = world.run("trust", "build-list", "--table", example + "/services.csv", "--scheme", example + "/scheme.json", "--profile", example + "/profile.json",
                     "--certs", world.path("ca"), "--previous", world.path(facts["jp"]["file"]), "--signer", world.path(signer[:-4] + ".key"),
                     "--signer-cert", world.path(signer), "--out", built)
    if v.line(done.returncode == 0, "sekisho", "trust build-list", done.stdout or done.stderr):
        v.ask(0, "Japanese list of build-list", "dss", "dss-check", "lists", "--list", built, "--list-certs", world.path(signer), said=said)
    for file, expected in (("j-tsl-altered.xml", 1), ("j-tsl-wrong-signer.xml", 3)):  # EN 319 102-1: a stranger is NO_CERTIFICATE_CHAIN_FOUND
        v.ask(expected, file, "dss", "dss-check", "lists", "--list", world.path("bad-lists", file), "--list-certs", world.path(facts["jp"]["signer"]), said=said)
    external_lists.run(v, world, scratch, os.path.join(os.path.dirname(v.tools), "trusted-lists"))


# ---- the log ----

def log_check(v, world, scratch):
    """The Go judge: segments, exported tiles, the proof that the regulator got."""
    if not v.ready("log-check", "log-check", "--help"):
        return v.skip("log-check", "log of this gateway", v.broken["log-check"])
    origin, vkeys, shard = world.facts["log"]["origin"], "@" + world.path(world.facts["log"]["vkeys"]), world.path(world.facts["log"]["dir"])

    def said(done):
        return " ".join(done.stdout.split()) + " " + done.stderr
    segments = sorted(glob.glob(shard + "/seg/*.seg"))
    v.ask(0, f"{len(segments)} segments of the closed log", "log-check", "log-check", "segment", *segments, "--origin", origin, "--leaves", said=said)
    changed = os.path.join(scratch, os.path.basename(segments[0]))
    data = world.read(segments[0])
    with open(changed, "wb") as f:
        f.write(saved.flip(data, data.index(b'"decision"') + 20))
    v.ask(1, "one byte changed in a segment", "log-check", "log-check", "segment", changed, "--origin", origin, "--leaves", said=said)
    tiles = os.path.join(scratch, "tiles")
    done = world.run("provenance", "export", tiles, "--dir", shard)
    if not v.line(done.returncode == 0, "sekisho", "provenance export", done.stderr or "the tree as static files"):
        return None
    v.ask(0, "checkpoint", "log-check", "log-check", "checkpoint", tiles + "/checkpoint", "--vkey", vkeys, said=said)
    v.ask(0, "exported tiles", "log-check", "log-check", "fsck", tiles, "--leaves", "--vkey", vkeys, said=said)
    bundle = glob.glob(tiles + "/tile/entries/**/*", recursive=True)[-1]
    data = world.read(bundle)
    with open(bundle, "wb") as f:
        f.write(saved.flip(data, data.index(b'"decision"') + 20))
    v.ask(1, "one byte changed in an entry bundle", "log-check", "log-check", "fsck", tiles, "--leaves", "--vkey", vkeys, said=said)
    proof, record = world.path("exchanges", "proof.body.bin"), world.path("exchanges", "record.body.bin")
    v.ask(0, "the regulator's proof", "log-check", "log-check", "inclusion", proof, "--leaf", record, "--vkey", vkeys, said=said)
    other = os.path.join(scratch, "record.json")
    with open(other, "wb") as f:
        f.write(saved.flip(world.read(record), 40))
    v.ask(1, "the proof with one byte of the record changed", "log-check", "log-check", "inclusion", proof, "--leaf", other, "--vkey", vkeys, said=said)
    return None


def run(v, preset, scratch):
    with running.make(os.path.join(scratch, "world"), bad_lists=True) as world:
        world.sekisho, world.authority = running.binaries(preset)
        world.start_all()
        told = story.Story(world)
        words = io.StringIO()
        with contextlib.redirect_stdout(words):
            held = told.run()
        v.line(held, "sekisho", "the crossing", "held" if held else words.getvalue())
        answer = world.ask("granted", world.facts["data_api"]["paths"][1] + f"?n=[1-{MORE}]", running.PERMITTED, more=("-Z", "--parallel-max", "16"))
        v.line(answer.status == 200, "sekisho", f"{MORE} more exchanges, so that the tree has full tiles and a second level", answer.words or "answered")
        world.stop_all()  # the closed log is what the judges get
        told.keep()
        seal_ref(v, world, scratch)
        dss(v, world, scratch)
        log_check(v, world, scratch)
    h2spec.run(v, preset, scratch)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tools")
    parser.add_argument("--preset", default="asan")
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    v = Verdicts("external", os.path.abspath(args.tools), args.v)
    if not os.path.isdir(args.tools):
        v.skip("external", "all", f"{args.tools} is not there")
    else:
        with tempfile.TemporaryDirectory(prefix="sekisho-external-") as scratch:
            try:
                run(v, args.preset, scratch)
            except (running.Trouble, subprocess.SubprocessError, OSError, LookupError, ValueError) as e:  # a judge's answer may lack what we read
                v.line(False, "external", "did not come to its end", str(e))
    return v.end()


if __name__ == "__main__":
    sys.exit(main())
