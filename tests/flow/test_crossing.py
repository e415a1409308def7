#!/usr/bin/python3
"""The whole binary with real clients: the story of the quickstart must hold, and what goes wrong must be refused with its reason.

    tests/flow/test_crossing.py --sekisho BINARY
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy", "world"))
import running  # noqa: E402
import story  # noqa: E402
from running import PERMITTED  # noqa: E402

SEKISHO = AUTHORITY = None


class Flow(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="sekisho-flow-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.world = running.make(os.path.join(self.dir, "world"))
        self.world.sekisho, self.world.authority = SEKISHO, AUTHORITY
        self.addCleanup(self.world.stop_all)
        self.path = self.world.facts["data_api"]["paths"][1]

    def refused(self, persona, status, slug, headers=PERMITTED):
        answer = self.world.ask(persona, self.path, headers)
        self.assertEqual((status, slug), (answer.status, answer.slug), answer.words)
        return answer

    def log_verifies(self):
        w = self.world
        told = story.Story(w)
        told.vkeys()
        done = w.run("provenance", "verify", told.shard(), "--vkey", "@" + w.path("log", "vkeys"))
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_the_story_holds_and_the_gateway_ends_cleanly(self):
        self.world.start_all()
        self.assertTrue(story.Story(self.world).run())
        self.assertEqual(0, self.world.stop("gateway"), self.world.tail("gateway", 30))

    def test_certificates_that_do_not_hold_are_refused(self):
        self.world.start_all()
        for persona, slug in (("expired", "peer-expired"), ("wrong-usage", "peer-not-trusted"), ("not-yet-valid", "peer-not-trusted")):
            if persona in self.world.facts["personas"]:
                answer = self.world.ask(persona, self.path, PERMITTED)
                self.assertNotEqual(200, answer.status)
                if answer.status:  # the handshake itself may refuse them
                    self.assertEqual(403, answer.status, answer.slug)
                    self.assertTrue(answer.problem.get("clause"), answer.body)

    def test_both_http_versions_answer_the_same(self):
        self.world.start_all()
        one, two = (self.world.ask("granted", self.path, PERMITTED, http=h) for h in ("--http1.1", "--http2"))
        self.assertEqual((200, 200), (one.status, two.status))
        self.assertEqual(one.body, two.body)
        self.assertIn("dfft-seal", one.fields)

    def test_nothing_leaves_when_no_authority_stamps(self):
        self.world.start_all()
        self.world.set_fault("/jp html", "/eu html")
        answer = self.refused("granted", 503, "timestamp-unavailable")
        self.assertNotIn(b"batter", answer.body)
        self.world.set_fault()

    def test_an_upstream_that_is_down_is_502(self):
        self.world.start_all()
        self.world.stop("nginx")
        self.refused("granted", 502, "upstream-unreachable")

    def test_acknowledged_records_survive_kill_9(self):
        self.world.start_all()
        ids = [self.world.ask("granted", self.path, PERMITTED).fields["dfft-message-id"].strip('"') for _ in range(5)]
        self.world.stop("gateway", signal.SIGKILL)
        self.world.start_gateway()
        seen = set()
        for _ in range(40):
            page = self.world.ask("regulator", "/provenance/v1/records?decision=permit", story.CASE, regulator=True)
            if page.status == 200:
                seen = {"urn:uuid:" + r["rec"]["id"] for r in page.json()["records"]}
                if seen.issuperset(ids):
                    break
            time.sleep(0.25)
        self.assertTrue(seen.issuperset(ids), page.body[:300])
        self.world.stop("gateway")
        self.log_verifies()

    def test_a_partner_is_no_regulator(self):
        self.world.start_all()
        page = self.world.ask("granted", "/provenance/v1/records", story.CASE, regulator=True)
        self.assertEqual(403, page.status)

    def test_every_mistake_of_a_configuration_is_named_at_once(self):
        self.world.edit_config(lambda c: (c["worker"].update(cuont=3), c["gateway"].pop("host"), c["seal"].update(formats="jades")), "bad.json")
        done = self.world.run("check", "-c", self.world.path("bad.json"))
        self.assertEqual(2, done.returncode)
        for word in ("cuont", "host", "formats"):
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sekisho", required=True)
    args, rest = parser.parse_known_args()
    SEKISHO = os.path.abspath(args.sekisho)
    AUTHORITY = os.path.join(os.path.dirname(SEKISHO), "authority")
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
