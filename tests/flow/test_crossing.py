#!/usr/bin/python3
"""The whole binary with real clients: the story of the quickstart must hold, and what goes wrong must be refused with its reason.

    tests/flow/test_crossing.py --sekisho BINARY
"""
import signal

import flow
import story
from flow import PERMITTED


class Crossing(flow.Flow):
    def test_the_story_holds_and_the_gateway_ends_cleanly(self):
        self.world.start_all()
        self.assertTrue(story.Story(self.world).run())
        self.assertEqual(0, self.world.stop("gateway"), self.world.tail("gateway", 30))

    def test_certificates_that_do_not_hold_are_refused(self):
        self.world.start_all()
        for persona, slug in (("expired", "peer-expired"), ("wrong-usage", "peer-not-trusted"), ("not-yet-valid", "peer-not-trusted")):
            with self.subTest(persona):
                self.assertTrue(self.refused(persona, 403, slug).problem.get("clause"))

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
        self.until("every acknowledged exchange is in the log", lambda: self.recorded_ids().issuperset(ids))
        self.stays_clean()

    def test_a_request_that_came_this_way_before_is_a_loop(self):
        self.world.start_all()
        for http in ("--http1.1", "--http2"):
            for via in (("1.1 other",), ("1.1 sekisho.example",), ("HTTP/1.1 a (sekisho)", "2 b")):
                with self.subTest(http=http, via=via):
                    self.allowed(http=http, more=[word for value in via for word in ("-H", "Via: " + value)])
            for via in (("1.1 sekisho",), ("1.1 other", "1.1 sekisho"), ("1.1 a,\tHTTP/1.1  Sekisho (again), 2 b",)):
                with self.subTest(http=http, via=via):
                    self.refused("granted", 508, "loop", http=http, more=[word for value in via for word in ("-H", "Via: " + value)])

    def test_a_refusal_by_policy_asks_for_no_content(self):
        """RFC 9110 10.1.1: 100 goes out when the content is wanted, and here it never is."""
        self.world.start_all()
        with flow.Client(self.world, "granted") as client:
            client.connect()
            client.sock.sendall(f"POST {self.path} HTTP/1.1\r\nHost: {client.host}\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.sock.recv(65536)
            self.assertRegex(head, rb"^HTTP/1\.1 4\d\d ")
            self.assertIn(b"\r\nconnection: close\r\n", head)

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
    flow.main()
