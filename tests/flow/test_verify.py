#!/usr/bin/python3
"""`sekisho verify` on a saved exchange: yes by anchors and by lists, no for one changed byte, and 'could not find out' where nobody knows.

    tests/flow/test_verify.py --sekisho BINARY
"""
import datetime
import json
import os
import subprocess

import flow
import saved
import story


class Verify(flow.Flow):
    def setUp(self):
        super().setUp()
        w = self.world
        w.start_all()
        self.allowed(save="permitted")
        story.Story(w).lists()  # verifier.json, a state folder of a partner's own
        w.stop_all()
        self.exchange = saved.Saved.of(w, "permitted")
        self.number = 0
        gateway = w.facts["gateway"]
        self.seal_certificate = w.path(gateway["seal"]["certificate"])
        self.by_anchors = ["--cert", self.seal_certificate, "--anchor", w.path(gateway["seal"]["anchor"]), "--organisation", gateway["organisation"]]
        for tsa in w.facts["tsa"].values():
            self.by_anchors += ["--tsa-anchor", f"{tsa['territory']}={w.path(tsa['anchor'])}"]
        self.by_lists = ["--cert", self.seal_certificate, "-c", w.path("verifier.json"), "--organisation", gateway["organisation"]]

    def verify(self, expected, exchange, options, indication=None):
        self.number += 1
        done = self.world.run("verify", *exchange.write(os.path.join(self.dir, f"saved-{self.number}")), *options, "--json")
        self.assertEqual(expected, done.returncode, done.stdout[-900:] + done.stderr[-300:])
        told = json.loads(done.stdout)
        if indication:
            self.assertEqual(indication, told["indication"], done.stdout[-600:])
        return told

    def crls(self, **revoked):
        return [o for a in ("jp-eseal", "jp-tsa", "de-tsa") for o in ("--crl", saved.crl(self.world, a, self.dir, revoked=revoked.get(a.replace("-", "_"), ())))]

    def test_one_changed_byte_is_no_by_anchors_and_by_lists(self):
        lists = self.by_lists + self.crls()
        self.verify(0, self.exchange, self.by_anchors, "TOTAL-PASSED")
        self.verify(0, self.exchange, lists, "TOTAL-PASSED")
        for what, changed in self.exchange.faults():
            for options in (self.by_anchors, lists):
                with self.subTest(what, by=options[2]):
                    told = self.verify(1, changed, options, "TOTAL-FAILED")
                    self.assertTrue(told["first"], told)

    def test_by_lists_unknown_revocation_is_could_not_find_out(self):
        told = self.verify(3, self.exchange, self.by_lists, "INDETERMINATE")
        self.assertIn("revocation", next(c["text"] for c in told["checks"] if not c["ok"]))
        self.assertEqual(0, told["proven"], "nothing is proven by a stamp that is not believed")
        one = ["--crl", saved.crl(self.world, "jp-tsa", self.dir)]  # the stamp is covered, the seal is not
        told = self.verify(3, self.exchange, self.by_lists + one, "INDETERMINATE")
        self.assertEqual("SEAL-45", told["first"])
        self.assertGreater(told["proven"], 0)

    def test_by_lists_a_saved_ocsp_answer_counts_like_a_crl(self):
        w = self.world
        w.start_authority()
        options = []
        for authority, certificate in (("jp-eseal", self.seal_certificate), ("jp-tsa", w.path(w.facts["tsa"]["jp"]["certificate"]))):
            who, file = w.facts["authorities"][authority], os.path.join(self.dir, authority + ".ocsp")
            subprocess.run(["openssl", "ocsp", "-issuer", w.path(who["certificate"]), "-cert", certificate, "-url", who["ocsp"], "-respout", file, "-noverify"],
                           check=True, capture_output=True, timeout=20)
            options += ["--ocsp", file]
        self.verify(0, self.exchange, self.by_lists + options, "TOTAL-PASSED")

    def test_revoked_before_the_seal_is_no(self):
        yesterday = datetime.datetime.utcnow() - datetime.timedelta(days=1)
        revoked = self.crls(jp_eseal=[(self.seal_certificate, yesterday)])
        self.assertEqual("SEAL-45", self.verify(1, self.exchange, self.by_lists + revoked, "TOTAL-FAILED")["first"])
        self.assertEqual("SEAL-45", self.verify(1, self.exchange, self.by_anchors + revoked, "TOTAL-FAILED")["first"])

    def test_what_cannot_be_read_or_asked_is_usage(self):
        w = self.world
        files = self.exchange.write(os.path.join(self.dir, "usage"))
        for options in (["--anchor", self.seal_certificate, "-c", w.path("verifier.json")], [], ["-c", w.path("verifier.json"), "--crl", self.seal_certificate],
                        ["--anchor", self.seal_certificate, "--ocsp", self.seal_certificate]):
            with self.subTest(options):
                self.assertEqual(2, w.run("verify", *files, *options).returncode)

    def test_someone_elses_organisation_is_no_yes(self):
        at = self.by_anchors.index("--organisation") + 1
        told = self.verify(3, self.exchange, [*self.by_anchors[:at], "NTRJP-1010001000001", *self.by_anchors[at + 1:]], "INDETERMINATE")
        self.assertEqual("SEAL-42", told["first"])


if __name__ == "__main__":
    flow.main()
