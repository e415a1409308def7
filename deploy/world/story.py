#!/usr/bin/python3
"""story -- the first five minutes of a new user: data crosses a border, and everybody can check it. Started by deploy/quickstart.

Starts a fresh demo world, asks the gateway as each of its personas, checks what comes back with the gateway's own command line and with
programs that share no code with it, and prints what happened. Exit 0: everything held.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import running  # noqa: E402
from running import PERMITTED, Trouble  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CASE = {"DFFT-Case": '"2026-B-0042"'}


class Story:
    def __init__(self, world):
        self.world, self.failures, self.started = world, 0, time.monotonic()

    def tell(self, what, text, held=True):
        """One line of the story; `held` False marks it as broken."""
        self.failures += not held
        print(f"{'  ' if held else '✗ '}{what:<11}{text}", flush=True)

    def expect(self, condition, what, text, otherwise):
        self.tell(what, text if condition else otherwise, bool(condition))
        return bool(condition)

    # ---- chapters ----

    def lists(self):
        """A partner's view of the trusted lists, in a state folder of its own beside the gateway's."""
        w = self.world
        w.edit_config(lambda c: c.update(state_dir="verifier-state"), "verifier.json")
        done = w.run("trust", "update", "-c", w.path("verifier.json"))
        told = w.run("trust", "show", "-c", w.path("verifier.json"), "--json")
        lists = json.loads(told.stdout) if told.returncode == 0 else []
        text = ", ".join(f"{t['scheme']}/{t['territory']} no. {t['sequence']}" for t in lists)
        self.expect(done.returncode == 0 and len(lists) == 3, "lists", f"signed trusted lists verified: {text}",
                    f"trusted lists: {done.stdout.strip()} {done.stderr.strip()}")

    def crossing(self):
        """The main job; returns the answer."""
        w, path = self.world, self.world.facts["data_api"]["paths"][1]
        who = w.facts["personas"]["granted"]
        answer = w.ask("granted", path, PERMITTED, save="permitted")
        self.tell("asked", f"{who['name']} ({who['organisation']}, DE) asks https://data.example.jp{path} for dpv:LegalCompliance")
        text = answer.problem.get("type") or answer.words or w.tail("gateway")
        if not self.expect(answer.status == 200, "answered", f"{answer.version} {answer.status}, {len(answer.body)} bytes of carbon-footprint data, "
                           f"exchange {answer.fields.get('dfft-message-id', '?')}", f"expected 200, got {answer.status}: {text}"):
            return None
        self.believed("granted")
        return answer

    def believed(self, persona):
        w = self.world
        done = w.run("trust", "explain", w.path(w.facts["personas"][persona]["certificate"]), "-c", w.path("verifier.json"), "--online", "--json")
        line = ""
        if done.returncode == 0:
            by = next(c["listed"] for c in json.loads(done.stdout)["path"] if "listed" in c)
            line = f"{by['scheme']}/{by['territory']} sequence {by['sequence']}: {by['service']}, {by['type']} {by['status']} since {by['since']}"
        self.expect(line != "", "believed", f"by {line}", f"trust explain: {done.stdout} {done.stderr}")

    def seal(self, answer):
        w, gateway = self.world, self.world.facts["gateway"]
        files = answer.files
        command = ["verify", "--head", files["response.txt"], "--body", files["body.bin"], "--request", files["request.txt"],
                   "--cert", w.path(gateway["seal"]["certificate"]), "--anchor", w.path(gateway["seal"]["anchor"]),
                   "--organisation", gateway["organisation"]]
        for name, tsa in w.facts["tsa"].items():
            command += ["--tsa-anchor", f"{tsa['territory']}={w.path(tsa['anchor'])}"]
        done = w.run(*command)
        stamped = answer.fields.get("dfft-seal-time", "").partition('by="')[2].partition('"')[0] or "one authority"
        self.expect(done.returncode == 0, "seal", f"`sekisho verify`: eSeal of {gateway['organisation']} and time-stamp ({stamped}) hold",
                    f"sekisho verify ({done.returncode}): {done.stdout[-600:]} {done.stderr[-300:]}")
        check = subprocess.run(["/usr/bin/python3", os.path.join(HERE, "check_seal.py"), *(files[k] for k in ("response.txt", "body.bin", "request.txt")),
                                w.path(gateway["seal"]["certificate"])], capture_output=True, text=True, timeout=30)
        self.expect(check.returncode == 0, "", f"Python, without our code: {check.stdout.strip()}", f"check_seal.py: {check.stderr[-300:]}")
        changed = w.path("exchanges", "changed.body.bin")
        with open(changed, "wb") as f:
            f.write(answer.body.replace(b"0", b"1", 1))
        command[4] = changed
        done = w.run(*command)
        self.expect(done.returncode == 1, "", f"one digit changed: {self.first_no(done.stdout)}", f"a changed body gave exit {done.returncode}: {done.stdout[-300:]}")

    @staticmethod
    def first_no(text):
        lines = [" ".join(line.split()) for line in text.splitlines() if line.split()[:1] in (["no"], ["bad"], ["FAIL"], ["failed"])]
        return lines[0] if lines else "the answer is no"

    def refusals(self):
        w, path = self.world, self.world.facts["data_api"]["paths"][1]
        cases = (("withdrawn", PERMITTED, "service-not-granted"), ("revoked", PERMITTED, "peer-revoked"), ("unlisted", PERMITTED, "issuer-not-listed"),
                 ("no-agreement", PERMITTED, "agreement.none"), ("granted", dict(PERMITTED, **{"DFFT-Destination": "DE, US"}), "partnership.never"))
        for persona, headers, slug in cases:
            name = "third-country" if persona == "granted" else persona
            answer = w.ask(persona, path, headers, save="refused-" + name)
            problem = answer.problem
            self.expect(answer.status == 403 and answer.slug == slug, "refused", f"{name}: {answer.status} {answer.slug}, {problem.get('clause', 'no clause')}",
                        f"{name}: expected 403 {slug}, got {answer.status} {answer.slug or answer.words}")
        answer = w.ask(None, path, PERMITTED)
        self.expect(answer.status == 0, "refused", "no certificate: the handshake ends (RFC 8446 certificate_required)",
                    f"no certificate: expected no answer, got {answer.status}")

    def nghttp(self):
        w, path = self.world, self.world.facts["data_api"]["paths"][5]
        who, door = w.facts["personas"]["granted"], w.facts["gateway"]
        command = ["nghttp", "-v", "--cert=" + w.path(who["certificate"]), "--key=" + w.path(who["key"]), "-H:authority: " + door["host"], "-t", "20s"]
        command += [f"-H{name.lower()}: {value}" for name, value in PERMITTED.items()]
        done = subprocess.run(command + [f"https://{door['address']}{path}"], capture_output=True, text=True, timeout=40)
        self.expect(":status: 200" in done.stdout and "dfft-seal:" in done.stdout, "also", "`nghttp`, another HTTP/2 client: 200, sealed",
                    f"nghttp: {done.stdout[-400:]} {done.stderr[-200:]}")

    def regulator(self, answer):
        w, base = self.world, self.world.facts["regulator"]["base"]
        who = w.facts["personas"]["regulator"]
        message = answer.fields.get("dfft-message-id", "").strip('"')
        found, page = None, None
        for _ in range(40):  # the index follows the log; a page sees what was published (every 2 s)
            page = w.ask("regulator", base + "/records?decision=permit&country=DE&purpose=dpv%3ALegalCompliance", CASE, save="records", regulator=True)
            records = page.json().get("records", []) if page.status == 200 else []
            found = next((r for r in records if message.endswith(leaf_of(r).get("rec", {}).get("id", "?"))), None)
            if found or page.status not in (200, 503):
                break
            time.sleep(0.25)
        if not self.expect(found, "regulator", f"{who['name']} finds it among {len(records)} permitted exchanges with DE",
                           f"records: {page.status} {page.slug or page.words} {page.body[:300]!r}"):
            return
        leaf = leaf_of(found)
        origin, index = page.json()["at"].rsplit(":", 1)[0], leaf["log"]["i"]
        record = w.ask("regulator", f"{base}/records/{origin}/{index}", CASE, save="record", regulator=True)
        proof = w.ask("regulator", f"{base}/records/{origin}/{index}/proof", dict(CASE, Accept="text/plain"), save="proof", regulator=True)
        if not self.expect(record.status == 200 and proof.status == 200, "record", f"no. {index} of {origin}, "
                           f"{leaf['decision']['code']} under {leaf['decision'].get('clause', leaf['decision'].get('rule'))}",
                           f"record {record.status} {record.slug}, proof {proof.status} {proof.slug}"):
            return
        self.prove(record, proof)

    def prove(self, record, proof):
        w = self.world
        vkey = next(line for line in self.vkeys() if self.key_type(line) == 1)
        environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="", GOTOOLCHAIN="local")
        go = shutil.which("go") or "/usr/local/go/bin/go"
        done = subprocess.run([go, "run", os.path.join(HERE, "check_proof.go"), proof.files["body.bin"], record.files["body.bin"], vkey],
                              capture_output=True, text=True, timeout=120, env=environment)
        self.expect(done.returncode == 0, "proof", f"Go's sumdb packages, without our code: {done.stdout.strip()}", f"check_proof.go: {done.stderr[-400:]}")
        done = w.run("provenance", "verify", self.shard(), "--vkey", "@" + w.path("log", "vkeys"))
        self.expect(done.returncode == 0, "log", f"`sekisho provenance verify`: {done.stdout.strip().removeprefix('ok').strip()}",
                    f"provenance verify ({done.returncode}): {done.stdout} {done.stderr}")

    def shard(self):
        found = sorted(p for p in glob.glob(self.world.path("state", "provenance", "*")) if os.path.isdir(os.path.join(p, "seg")))
        if not found:
            raise Trouble("there is no log under state/provenance")
        return found[-1]

    def vkeys(self):
        w = self.world
        done = w.run("provenance", "keys", "-c", w.path("config.json"))
        if done.returncode != 0:
            raise Trouble("provenance keys: " + done.stderr)
        with open(w.path("log", "vkeys"), "w", encoding="ascii") as f:
            f.write(done.stdout)
        return done.stdout.split()

    @staticmethod
    def key_type(vkey):
        import base64
        return base64.b64decode(vkey.split("+", 2)[2])[0]

    def keep(self):
        """world.json learns what only a run knows."""
        w = self.world
        vkeys = self.vkeys()
        shard = self.shard()
        w.facts["log"] = {"dir": os.path.relpath(shard, w.dir), "segments": sorted(os.path.relpath(p, w.dir) for p in glob.glob(shard + "/seg/*.seg")),
                          "vkeys": "log/vkeys", "origin": vkeys[0].split("+")[0]}
        saved = sorted({os.path.basename(p).split(".")[0] for p in glob.glob(w.path("exchanges", "*.response.txt"))} - {"_last"})
        w.facts["exchanges"] = {s: {"response": f"exchanges/{s}.response.txt", "body": f"exchanges/{s}.body.bin", "request": f"exchanges/{s}.request.txt"}
                                for s in saved}
        w.save_facts()

    def run(self):
        self.lists()
        answer = self.crossing()
        if answer:
            self.seal(answer)
        self.nghttp()
        self.refusals()
        if answer:
            self.regulator(answer)
        self.keep()
        return self.failures == 0


def leaf_of(record):
    """The leaf of one row of a records page, whatever wraps it."""
    return record.get("leaf", record)


def invitation(world):
    door, reader = world.facts["gateway"], world.facts["regulator"]
    who = world.facts["personas"]["granted"]
    flags = f"--cacert {world.path(door['tls_ca'])}"
    print(f"\nStill running. Try, as any persona of {world.path('personas')}:\n"
          f"  curl --http2 --connect-to {door['host']}:443:{door['address']} {flags} --cert {world.path(who['certificate'])} --key {world.path(who['key'])} \\\n"
          f"       -H 'DFFT-Purpose: dpv:LegalCompliance' -H 'DFFT-Destination: DE' -i https://{door['host']}{world.facts['data_api']['paths'][1]}\n"
          f"  curl --connect-to {reader['host']}:443:{reader['address']} {flags} --cert {world.path('personas/regulator.pem')} --key "
          f"{world.path('personas/regulator.key')} \\\n       -H 'DFFT-Case: \"2026-B-0042\"' 'https://{reader['host']}{reader['base']}/records?country=DE'\n"
          f"  {world.sekisho} trust show -c {world.path('verifier.json')}\n"
          f"Stop it with: kill {' '.join(str(p.pid) for p in world.running.values())}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stay", action="store_true", help="leave the world running")
    parser.add_argument("--dir", help="where to make the world; must not exist or be empty (default: a new temporary folder)")
    parser.add_argument("--preset", default="release")
    args = parser.parse_args()
    out = args.dir or tempfile.mkdtemp(prefix="sekisho-world-")
    held = False
    try:
        world = running.make(out)
        world.sekisho, world.authority = running.binaries(args.preset)
        try:
            world.start_all()
            story = Story(world)
            held = story.run()
            print(f"  {'':<11}{'everything held' if held else f'{story.failures} things did not hold'} ({time.monotonic() - story.started:.1f} s); "
                  f"the world is described in {world.path('world.json')}")
            if args.stay:
                invitation(world)
        finally:
            if not (args.stay and held):
                world.stop_all()
    except (Trouble, subprocess.SubprocessError, OSError) as e:
        print(f"✗ quickstart: {e}", file=sys.stderr)
        held = False
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
