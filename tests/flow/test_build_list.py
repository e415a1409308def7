#!/usr/bin/python3
"""An operator's table becomes the Japanese list of a world, and everything that rests on it says who compiled it.

    tests/flow/test_build_list.py --sekisho BINARY

The table, scheme and profile are the worked example of deploy/j-tsl.
"""
import csv
import json
import os
import re
import shutil
import signal
import subprocess

import flow
import story

EXAMPLE = os.path.join(flow.ROOT, "deploy", "j-tsl")
COMPILED = "operator-compiled"


class BuildList(flow.Flow):
    def setUp(self):
        super().setUp()
        self.table = self.world.path("services.csv")
        shutil.copyfile(os.path.join(EXAMPLE, "services.csv"), self.table)
        self.list = self.world.path("www", "j-tsl.xml")

    def build(self, *more, table=None, scheme="scheme.json"):
        done = self.world.run("trust", "build-list", "--table", table or self.table, "--certs", self.world.path("ca"), "--profile",
                              os.path.join(EXAMPLE, "profile.json"), "--scheme", os.path.join(EXAMPLE, scheme), *more)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def signed(self, *more, out=None, **options):
        signer = self.world.facts["lists"]["jp"]["signer"]
        return self.build("--signer", self.world.path(signer.removesuffix(".pem") + ".key"), "--signer-cert", self.world.path(signer),
                          "--previous", self.list, "--out", out or self.list, *more, **options)

    def made(self, *more, **options):
        done = self.signed(*more, **options)
        self.assertEqual(0, done.returncode, done.stderr)
        return done

    def edit(self, change):
        with open(self.table, encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        change(rows)
        with open(self.table, "w", encoding="utf-8", newline="") as f:
            out = csv.DictWriter(f, rows[0].keys())
            out.writeheader()
            out.writerows(rows)

    def record_of(self, answer, query):
        """The leaf of one exchange as the regulator sees it; the index may be a moment behind."""
        wanted = answer.problem["instance"] if answer.slug else answer.fields["dfft-message-id"].strip('"')

        def found():
            page = self.world.ask("regulator", f"/provenance/v1/records?{query}&limit=1000", story.CASE, regulator=True)
            self.assertEqual(200, page.status, page.body)
            return next((leaf for leaf in map(story.leaf_of, page.json()["records"]) if "urn:uuid:" + leaf["rec"]["id"] == wanted), None)
        return self.until(f"the record of {wanted} is found", found)

    def test_a_gateway_runs_on_the_list_and_every_place_says_who_compiled_it(self):
        w = self.world
        done = self.made()
        self.assertRegex(done.stdout, rf"(?m)^ok    sequence 6 .* {COMPILED}  sha256 [0-9a-f]{{64}}$")
        self.assertIn("the loader accepts it (profile strict)", done.stderr)
        w.edit_config(lambda c: c["trust"]["source"]["jp"].update(origin="publisher", map=os.path.join(EXAMPLE, "profile.json")))
        w.start_all()
        answer = self.allowed()  # our seal and the time stamp rest on the built list
        self.assertEqual(1, self.record_of(answer, "decision=permit")["seal"]["assurance"]["r"])
        # A stranger whose certificate rests on it reads nothing of that (policy.md 13); the regulator does.
        w.facts["personas"]["agency"] = w.facts["personas"]["regulator"]
        refused = self.refused("agency", 403, "denied")
        self.assertNotIn("list", refused.problem)
        leaf = self.record_of(refused, "decision=deny")
        self.assertEqual((True, 6), (leaf["peer"]["tl"]["compiled"], leaf["peer"]["tl"]["seq"]))
        self.stays_clean()
        show = w.run("trust", "show", "-c", w.path("config.json"), "--json")
        self.assertEqual([COMPILED], [x["origin"] for x in json.loads(show.stdout) if x["source"] == "jp"], show.stdout)
        self.assertIn(COMPILED, w.run("trust", "show", "-c", w.path("config.json")).stdout)
        seal = w.path(w.facts["gateway"]["seal"]["certificate"])
        explained = w.run("trust", "explain", seal, "-c", w.path("config.json"), "--purpose", "seal", "--json")
        listed = [one["listed"]["origin"] for one in json.loads(explained.stdout)["path"] if "listed" in one]
        self.assertEqual([COMPILED], listed, explained.stdout + explained.stderr)
        self.assertIn(f"origin {COMPILED}", w.run("trust", "explain", seal, "-c", w.path("config.json"), "--purpose", "seal").stdout)

    def test_a_policy_that_asks_for_more_refuses_what_an_operator_compiled(self):
        """The same caller through a list of the operator instead of the publisher's: floors decide, and can be lowered."""
        w = self.world

        def add(rows):
            rows.append(dict(rows[0], service_id="rhein", service_name_en="Rhein Trust", service_name_ja="", cert="de-granted.pem"))
        self.edit(add)
        self.made()
        w.edit_config(lambda c: c["trust"]["source"].pop("eu"))
        w.start_all()
        answer = self.refused("granted", 403, "trust.assurance_below_floor")
        self.assertEqual({"scheme": "JP", "territory": "JP", "origin": COMPILED, "sequence": 6}, answer.problem["list"])
        leaf = self.record_of(answer, "decision=deny")
        self.assertEqual((True, 1), (leaf["peer"]["tl"]["compiled"], leaf["peer"]["assurance"]["r"]))
        self.floors(lambda f: f["peer"]["assurance"].update(r=1))
        self.refused("granted", 403, "trust.list_origin")
        self.floors(lambda f: f["trust"].update(origin_min=COMPILED))
        # The agreement's own condition asks for more, too; what it says of German lists and QcStatements cannot hold here.
        self.permit(lambda p: p["when"].update(all=[c for c in p["when"]["all"] if c["attr"] not in ("peer.tl.territory", "peer.qc.type")]))
        self.refused("granted", 403, "permit.condition_false")
        self.permit(lambda p: p["when"]["all"][0]["value"].update(r=1))
        answer = self.allowed()
        self.assertTrue(self.record_of(answer, "decision=permit")["peer"]["tl"]["compiled"])
        self.permit(lambda p: p["oblige"]["seal"]["min"].update(r=2))  # and our own seal, which rests on the same list
        refused = w.ask("granted", self.path, flow.PERMITTED)
        self.assertEqual((403, "obligation.unconfigured"), (refused.status, refused.slug), refused.body)
        self.edit(lambda rows: rows.append(dict(dict.fromkeys(rows[0], ""), tsp_id=rows[0]["tsp_id"], service_id="rhein", type="eseal",
                                                status="suspended", since="2026-11-02")))
        self.made()
        w.running["gateway"].send_signal(signal.SIGHUP)
        self.until("the next list is in force", lambda: self.metric('sekisho_trust_list_sequence{source="jp",territory="JP"}') == 7)
        refused = self.until("the service is no longer granted", lambda: (a := w.ask("granted", self.path, flow.PERMITTED)).slug == "service-not-granted" and a)
        self.assertIn("operator-compiled list, Rhein Trust", refused.problem["detail"])
        self.stays_clean()

    def floors(self, change):
        self.reload("partnerships/jp-eu-battery.json", lambda d: change(d["floors"]))

    def permit(self, change):
        self.reload("agreements/granted.json", lambda d: change(d["permit"][0]))

    def reload(self, name, change):
        name = self.world.path("policy", *name.split("/"))
        with open(name, encoding="utf-8") as f:
            document = json.load(f)
        change(document)
        with open(name, "w", encoding="utf-8") as f:
            json.dump(document, f)
        shutil.rmtree(self.world.path("policy", "tests"), ignore_errors=True)
        known = len(self.world.events("config.reloaded"))
        self.world.running["gateway"].send_signal(signal.SIGHUP)
        event = self.until("the policy is in force", lambda: self.world.events("config.reloaded")[known:])[0]
        self.assertTrue(event["published"], self.world.tail("gateway"))

    def test_the_next_list_is_compared_with_the_last_one(self):
        self.made()
        before = self.world.read(self.list)
        done = self.made("--if-changed", "--diff")
        self.assertRegex(done.stdout, "^ok    unchanged: sequence 6 stays, ")
        self.assertEqual(before, self.world.read(self.list))
        self.edit(lambda rows: rows.append(dict(dict.fromkeys(rows[0], ""), tsp_id=rows[1]["tsp_id"], service_id="hakone-tsa", type="tsa",
                                                status="revoked", since="2026-11-02")))
        only = self.build("--previous", self.list, "--diff")
        line = '+ provider NTRJP-4010001000003, service "Accredited time-stamping service": since 2026-11-01T15:00:00Z: revoked (TSA/accredited)'
        self.assertEqual((0, line + "\n"), (only.returncode, only.stdout), only.stderr)
        self.assertEqual(before, self.world.read(self.list))
        told = json.loads(self.made("--if-changed", "--json").stdout)
        self.assertEqual(("7", True, [line]), (told["sequence"], told["written"], told["differences"]))
        self.assertIn(b"<TSLSequenceNumber>7<", self.world.read(self.list))

    def test_mistakes_are_told_together_and_nothing_is_written(self):
        before = self.world.read(self.list)

        def spoil(rows):
            rows[0].update(tsp_id="5010001000003", since="2023-02-30")
            rows[4].update(cert="jp-tsa.crt", tsp_mail="gpki")
        self.edit(spoil)
        done = self.signed()
        self.assertEqual(1, done.returncode, done.stderr)
        for said in (r"services\.csv:2:1: error: row 1, tsp_id: ", r"services\.csv:2:\d+: error: row 1, since: ",
                     r"services\.csv:6:\d+: error: row 5, cert: jp-tsa\.crt: there is no such file", r"services\.csv:6:\d+: error: row 5, tsp_mail: "):
            self.assertRegex(done.stderr, said)
        told = json.loads(self.signed("--json").stdout)
        self.assertEqual((4, False), (told["errors"], told["written"]))
        self.assertEqual({2, 6}, {f["line"] for f in told["findings"] if f["severity"] == "error"})
        self.assertEqual(before, self.world.read(self.list))

    def test_wrong_use_is_told(self):
        w, signer = self.world, self.world.facts["lists"]["jp"]["signer"]
        other = w.path(w.facts["lists"]["de"]["signer"])
        self.assertEqual(2, self.build().returncode)
        self.assertEqual(2, self.signed("--sequence", "9").returncode)  # two numbers
        self.assertEqual(2, self.signed("--next-update-days", "0").returncode)
        done = self.signed("--next-update-days", "200")
        self.assertEqual(2, done.returncode)
        self.assertIn("5.3.15", done.stderr)
        done = self.build("--signer", other.removesuffix(".pem") + ".key", "--signer-cert", w.path(signer), "--sequence", "9", "--out", self.list)
        self.assertEqual(2, done.returncode)
        self.assertIn("is not that of the key", done.stderr)
        # A signer of another territory does not pass the loader, so no file appears.
        out = w.path("refused.xml")
        done = self.build("--signer", other.removesuffix(".pem") + ".key", "--signer-cert", other, "--sequence", "9", "--out", out)
        self.assertEqual(1, done.returncode)
        self.assertIn("[TL-506", done.stderr)
        self.assertEqual([], [x for x in os.listdir(w.dir) if x.startswith("refused")])

    def test_the_json_form_is_the_same_list(self):
        """With a fixed time; the signature of a P-256 key differs each time, all else may not."""
        with open(self.table, encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        services = []
        for row in rows:
            row = {k: v for k, v in row.items() if v}
            same = next((s for s in services if s["service_id"] == row["service_id"]), None)
            if same:
                same.setdefault("history", []).append({"status": row["status"], "since": row["since"]})
            else:
                services.append(row)
        with open(self.world.path("services.json"), "w", encoding="utf-8") as f:
            json.dump({"services": services}, f, ensure_ascii=False)
        made = []
        for name in ("services.csv", "services.json"):
            out = self.world.path(name + ".xml")
            self.made("--signing-time", self.world.facts["made"], table=self.world.path(name), out=out)
            made.append(re.sub(rb"(<ds:SignatureValue>)[^<]*", rb"\1", self.world.read(out)))
        self.assertEqual(*made)
        verified = subprocess.run(["xmlsec1", "--verify", "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "--pubkey-cert-pem",
                                   self.world.path(self.world.facts["lists"]["jp"]["signer"]), out], capture_output=True, text=True, timeout=20)
        self.assertEqual(0, verified.returncode, verified.stderr)


if __name__ == "__main__":
    flow.main()
