#!/usr/bin/python3
"""What somebody who holds one record can check alone, and what the log keeps beside its leaves.

    tests/flow/test_log_evidence.py --sekisho BINARY
"""
import glob
import hashlib
import json
import os

import flow
import story


class LogEvidence(flow.Flow):
    def test_one_record_proves_itself_and_each_list_is_kept(self):
        w = self.world
        w.start_all()
        told = story.Story(w)
        self.assertTrue(told.run())
        self.assertEqual(0, w.stop("gateway"), w.tail("gateway", 30))
        self.a_record_proves_itself()
        self.each_list_is_kept()

    def verify(self, *arguments):
        return self.world.run("provenance", "verify", "--vkey", "@" + self.world.path("log", "vkeys"), *arguments)

    def a_record_proves_itself(self):
        w = self.world
        leaf, proof = (w.path("exchanges", name + ".body.bin") for name in ("record", "proof"))
        done = self.verify("--proof", proof, "--leaf", leaf)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"^ok    this is record \d+ of a signed log\n$")
        changed = w.path("exchanges", "changed.bin")
        with open(leaf, "rb") as f, open(changed, "wb") as out:
            out.write(f.read().replace(b'"permit"', b'"permIt"', 1))
        done = self.verify("--proof", proof, "--leaf", changed)
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"^no    PV-201 \(RFC 6962 2\.1\.1\) ")
        done = self.verify("--proof", leaf, "--leaf", proof, "--json")
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual((False, "PV-105", "C2SP tlog-proof, tlog-witness"), (said["ok"], said["id"], said["clause"]))
        for wrong in (("--proof", proof), ("--leaf", leaf), ("--proof", proof, "--leaf", leaf, "x")):
            self.assertEqual(2, self.verify(*wrong).returncode, wrong)
        done = w.run("explain", said["id"])
        self.assertEqual(0, done.returncode)
        self.assertIn(said["clause"], done.stdout)

    def each_list_is_kept(self):
        state = self.world.path("state")
        kept = {os.path.basename(p): p for p in glob.glob(state + "/provenance/evidence/??/*")}
        lists = {os.path.basename(p)[:-4] for p in glob.glob(state + "/trust/lists/*.xml")}
        recorded = {h for h in lists if h in kept}
        self.assertGreater(len(recorded), 1, (sorted(kept), sorted(lists)))
        for name, path in kept.items():
            with open(path, "rb") as f:
                self.assertEqual(name, hashlib.sha256(f.read()).hexdigest())


if __name__ == "__main__":
    flow.main()
