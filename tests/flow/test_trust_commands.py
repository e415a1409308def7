#!/usr/bin/python3
"""sekisho trust update, show and diff, by hand: without a network, beside a running gateway, and what only a person may confirm.

    tests/flow/test_trust_commands.py --sekisho BINARY
"""
import glob
import hashlib
import json
import os
import re
import ssl

import flow


class TrustCommands(flow.Flow):
    BAD_LISTS = True

    def setUp(self):
        super().setUp()
        self.config = ("-c", self.world.path("config.json"))
        self.carried = os.path.join(self.dir, "carried")
        os.mkdir(self.carried)
        with open(self.config[1], encoding="utf-8") as f:
            sources = json.load(f)["trust"]["source"]
        with open(self.world.path("www", "eu-lotl.xml"), encoding="utf-8") as f:
            below = [url for url in re.findall(r"<(?:\w+:)?TSLLocation>([^<]+)<", f.read()) if url.endswith("de-tl.xml")]
        self.urls = {"eu": sources["eu"]["url"], "jp": sources["jp"]["url"], "de": below[0]}
        self.carry(eu=self.world.path("www", "eu-lotl.xml"), jp=self.world.path("www", "j-tsl.xml"), de=self.world.path("www", "de-tl.xml"))

    def carry(self, **files):
        """What a site without a network brought along."""
        path = os.path.join(self.carried, "manifest.json")
        manifest = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                manifest = json.load(f)
        manifest.update({self.urls[name]: file for name, file in files.items()})
        with open(path, "w", encoding="utf-8") as f:
            json.dump(manifest, f)

    def trust(self, code, *words):
        done = self.world.run("trust", *words)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout if code in (0, 1) else done.stderr

    def update(self, code, *words):
        return json.loads(self.trust(code, "update", *words, *self.config, "--from", self.carried, "--json"))

    def test_a_site_without_a_network(self):
        self.assertEqual({"EU", "DE", "JP"}, {line["territory"] for line in self.update(0, "--dry-run")})
        self.trust(3, "show", *self.config)  # a dry run left nothing behind
        lines = {line["territory"]: line for line in self.update(0)}
        self.assertTrue(all(line["accepted"] and line["state"] == "ok" for line in lines.values()), lines)
        self.assertTrue(all(line["unchanged"] for line in self.update(0)))
        self.assertEqual(["JP"], [line["territory"] for line in self.update(0, "jp")])
        self.assertIn("sequence", self.trust(0, "show", *self.config))
        jp = json.loads(self.trust(0, "show", "JP", *self.config, "--json"))
        self.assertEqual(lines["JP"]["sha256"], jp[0]["sha256"])
        service = jp[0]["services"][0]["certificates"][0]
        told = self.trust(0, "show", "--service", service, *self.config)
        self.assertIn(service, told)
        self.assertNotIn("DE", told.split("\n", maxsplit=1)[0])
        early = self.trust(0, "show", "JP", "--at", "1999-01-01T00:00:00Z", *self.config)
        self.assertIn("(no status)", early)
        anchors = json.loads(self.trust(0, "show", "--anchors", *self.config, "--json"))
        self.assertEqual({"configuration", "list of lists"}, {row["by"] for row in anchors})
        self.assertTrue(any(row["signed"] for row in anchors))
        self.trust(1, "show", "FR", *self.config)
        self.trust(2, "show", "--service", "xx", *self.config)

    def test_what_only_a_person_may_confirm(self):
        before = {line["territory"]: line for line in self.update(0)}["JP"]
        self.carry(jp=self.world.path("bad-lists", "j-tsl-rolled-back.xml"))
        line = self.update(1, "jp")[0]
        self.assertEqual(("TL-701", "stale", before["sequence"]), (line["id"], line["state"], line["sequence"]))
        self.assertTrue(line["clause"])
        self.trust(2, "update", *self.config, "--reset-sequence", "jp")  # no reason
        self.trust(2, "update", *self.config, "--reset-sequence", "nobody", "--reason", "x")
        self.trust(2, "update", *self.config, "--accept-reissue", "jp", "12")
        self.trust(2, "update", *self.config, "--accept-location", "nobody")
        self.trust(2, "update", "nobody", *self.config)
        after = self.update(0, "jp", "--reset-sequence", "jp", "--reason", "the operator began again")[0]
        self.assertLess(after["sequence"], before["sequence"])
        self.assertIn("the operator began again", self.trust(0, "show", "--anchors", *self.config))

    def test_what_a_list_change_touches(self):
        self.update(0)
        old, new = self.world.path("www", "de-tl.xml"), self.world.path("bad-lists", "de-tl-granted-withdrawn.xml")
        self.trust(0, "diff", old, old)
        self.assertEqual("", self.trust(0, "diff", "running", "running", *self.config))
        told = self.trust(1, "diff", old, new)
        self.assertRegex(told, r"(?m)^DE  ~ status .*granted -> .*withdrawn$")
        self.assertRegex(told, r"(?m)^DE  ~ sequence ")
        self.assertEqual(told, self.trust(1, "diff", old, new))  # the order stays
        peers = os.path.join(self.dir, "peers")
        os.mkdir(peers)
        for file in glob.glob(self.world.path("personas", "*.pem")):
            os.symlink(file, os.path.join(peers, os.path.basename(file)))
        self.assertGreater(len(os.listdir(peers)), 2)
        facts = json.loads(self.trust(1, "diff", "running", new, *self.config, "--peers", peers, "--json"))
        touched = [fact for fact in facts if fact["kind"] == "peer"]
        granted = os.path.join(peers, os.path.basename(self.world.facts["personas"]["granted"]["certificate"]))
        self.assertIn(granted, [fact["subject"] for fact in touched])
        for fact in touched:
            self.assertTrue(fact["after"].startswith("no ID-304"), fact)
            self.assertTrue(fact["subject"] != granted or fact["before"].startswith("yes "), fact)
        with open(granted, encoding="ascii") as f:
            first = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", f.read(), re.S).group(0)
        self.assertIn(hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest(), [fact["sha256"] for fact in touched])
        self.assertLess(len(touched), len(os.listdir(peers)))  # and nobody else
        self.trust(1, "diff", old, self.world.path("bad-lists", "j-tsl-altered.xml"))  # no list that is signed by anyone
        self.trust(2, "diff", "running", new)  # of which configuration?

    def test_beside_a_running_gateway(self):
        self.world.start_all()
        self.allowed()
        self.assertIn("SIGHUP", self.trust(4, "update", *self.config))
        self.assertIn("JP", self.trust(0, "show", *self.config))
        self.assertTrue(json.loads(self.trust(0, "update", *self.config, "--dry-run", "--json")))
        self.assertEqual(1, self.metric('sekisho_trust_list_state{source="jp",territory="JP",sekisho_trust_list_state="ok"}'))
        self.assertIsNotNone(self.metric("sekisho_trust_run_seconds"))
        self.assertIsNotNone(self.metric('sekisho_trust_list_validity_used_ratio{source="jp",territory="JP"}'))
        self.allowed()


if __name__ == "__main__":
    flow.main()
