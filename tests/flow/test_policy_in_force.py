#!/usr/bin/python3
"""What a permit obliges the gateway to, it does or refuses; and what a peer, a data API or an operator gets wrong never passes unrecorded.

    tests/flow/test_policy_in_force.py --sekisho BINARY
"""
import glob
import json
import os
import signal

import flow
from flow import PERMITTED
import story


class PolicyInForce(flow.Flow):
    def edit(self, pattern, change):
        """`change(document)` alters each policy document whose path matches."""
        files = glob.glob(self.world.path("policy", pattern))
        self.assertTrue(files, pattern)
        for file in files:
            with open(file, encoding="utf-8") as f:
                document = json.load(f)
            change(document)
            with open(file, "w", encoding="utf-8") as f:
                json.dump(document, f, ensure_ascii=False)

    def oblige(self, name, value):
        self.edit("agreements/granted.json", lambda d: d["permit"][0]["oblige"].update({name: value}))

    def inspect(self):
        self.edit("datasets/*.json", lambda d: d.update(body_inspect="required"))

    def serve(self, body, *lines):
        """A data API of our own in place of nginx."""
        head = "".join(line + "\r\n" for line in ("HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *lines))
        api = flow.BadApi(self.world.facts["data_api"]["address"], lambda c: c.sendall(head.encode() + b"\r\n" + body))
        self.addCleanup(api.door.close)
        self.world.start_authority()
        self.world.start_gateway()
        return api

    def newest(self):
        """The newest exchange record that the regulator sees."""
        page = self.until("a page", lambda: (p := self.world.ask("regulator", "/provenance/v1/records?limit=1000", story.CASE, regulator=True)).status == 200
                          and p.json()["records"] and p)
        return story.leaf_of(page.json()["records"][-1])

    # ---- obligations ----

    def test_an_answer_over_the_limit_of_bytes_does_not_leave(self):
        self.oblige("limit", {"bytes": 100})
        self.world.start_all()
        answer = self.refused("granted", 503, "obligation.failed")
        self.assertIn("/oblige/limit", answer.problem["clause"])

    def test_response_headers_replace_those_of_the_data_api(self):
        self.oblige("response_headers", {"x-terms": "no onward transfer"})
        self.serve(b"{}", "X-Terms: whatever")
        self.assertEqual("no onward transfer", self.allowed().fields["x-terms"])

    def test_what_nobody_here_can_do_is_no_bundle_for_this_gateway(self):
        for name, value in (("proofs", ["inclusion"]), ("confidential", {"pointers": ["/a"]}), ("notify", [{"to": "operator", "on": ["deny"]}]),
                            ("seal", {"require_device": "qscd"})):
            with self.subTest(name):
                self.setUp()
                self.assertEqual(0, self.world.run("check", "-c", self.world.path("config.json")).returncode)
                self.oblige(name, value)
                done = self.world.run("check", "-c", self.world.path("config.json"))
                self.assertEqual(2, done.returncode, done.stdout)
                self.assertIn("PL-501", done.stdout)

    def test_retention_is_the_longest_that_was_obliged(self):
        self.world.start_all()
        self.allowed()
        made = int(self.world.facts["made"][:4])
        self.assertEqual(made + 5, int(self.newest()["retention"]["delete_after"][:4]))

    def test_a_quota_of_a_day_outlives_a_restart(self):
        self.edit("agreements/granted.json", lambda d: d["permit"][0].update(quota=[{"of": "requests", "per": "agreement", "window": "day", "max": 2}]))
        self.world.start_all()
        self.allowed()
        self.assertEqual(0, self.world.stop("gateway"))
        self.world.start_gateway()
        self.allowed()
        self.refused("granted", 429, "quota.requests")

    # ---- bodies ----

    def test_an_individual_number_does_not_leave(self):
        self.inspect()
        self.serve(b'{"individualNumber":"123456789018"}')
        self.assertIn(self.world.ask("granted", self.path, PERMITTED).status, (403, 502, 503))

    def test_a_clean_body_leaves(self):
        self.inspect()
        self.serve(b'{"value":1}')
        self.allowed()

    def test_a_coded_body_that_must_be_inspected_does_not_leave(self):
        self.inspect()
        self.serve(b"\x1f\x8b", "Content-Encoding: identity", "Content-Encoding: gzip")
        self.assertEqual("body.uninspectable", self.world.ask("granted", self.path, PERMITTED).slug)

    def test_labels_that_cannot_be_read_are_no_labels_to_ignore(self):
        self.serve(b"{}", 'DFFT-Data-Label: "unclosed')
        self.refused("granted", 502, "upstream-invalid")

    def test_a_label_raises_what_policy_sees(self):
        self.serve(b"{}", "DFFT-Data-Label: fefa.listed")
        answer = self.world.ask("granted", self.path, PERMITTED)
        self.assertEqual(403, answer.status, answer.body)
        self.assertEqual("urn:dfft:guards:demo@1#/prohibit/0", answer.problem["clause"])  # export control
        self.assertNotIn("dfft-data-label", answer.fields)

    # ---- what a peer declares ----

    def test_a_declaration_that_no_record_can_hold_is_malformed_and_recorded(self):
        self.world.start_all()
        for headers in ({"DFFT-Message-Id": '"x"'}, {"DFFT-Case": '"a@b.cd"'}, {"DFFT-Destination": "de"},
                        {"DFFT-Purpose": ", ".join(f"dpv:P{n}" for n in range(9))}):
            with self.subTest(headers):
                self.refused("granted", 400, "declared.malformed", dict(PERMITTED, **headers))
        self.assertEqual("declared.malformed", self.newest()["decision"]["code"])
        self.stays_clean()

    def test_a_field_with_one_value_comes_once(self):
        self.world.start_all()
        for http in ("--http1.1", "--http2"):
            answer = self.world.ask("granted", self.path, PERMITTED, http=http, more=("-H", "Content-Type: text/plain", "-H", "Content-Type: application/json"))
            self.assertEqual((400, "malformed-request"), (answer.status, answer.slug))

    # ---- what an operator does ----

    def test_documents_that_nobody_verified_need_the_operator_s_word(self):
        for change in ({"working_copy": False}, {"agreement_seals": "both"}):
            self.world.edit_config(lambda c: c["policy"].update(change), "strict.json")
            done = self.world.run("check", "-c", self.world.path("strict.json"))
            self.assertEqual(2, done.returncode, done.stdout)
            self.assertIn(next(iter(change)), done.stdout)

    def test_a_reload_takes_the_new_configuration_and_says_what_needs_a_restart(self):
        self.world.start_all()
        self.world.edit_config(lambda c: (c["seal"].update(formats=["httpsig"]), c["worker"].update(count=3)))
        self.world.running["gateway"].send_signal(signal.SIGHUP)
        self.until("reloaded", lambda: self.world.events("config.reloaded"))
        answer = self.world.ask("granted", self.path, PERMITTED)
        self.assertNotIn("dfft-seal", answer.fields)
        self.assertIn("signature", answer.fields)
        self.assertEqual([("worker", "count")], [(e["section"], e["option"]) for e in self.world.events("config.needs_restart")])

    def test_a_faulty_configuration_changes_nothing(self):
        self.world.start_all()
        with open(self.world.path("config.json"), "w", encoding="utf-8") as f:
            f.write("{")
        self.world.running["gateway"].send_signal(signal.SIGHUP)
        self.until("said so", lambda: self.world.events("config.reload_failed"))
        self.allowed()


if __name__ == "__main__":
    flow.main()
