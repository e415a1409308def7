#!/usr/bin/python3
"""A data API that is slow, breaks off or says too much; authorities that stamp wrongly: a clear problem, and nothing leaves unproven.

    tests/flow/test_bad_upstream.py --sekisho BINARY
"""
import json
import subprocess
import time

import flow
from flow import PERMITTED


class BadUpstream(flow.Flow):
    def start(self, behave=None, **upstream):
        """The world with `behave` in place of nginx, and options of the section `upstream`."""
        w = self.world
        w.edit_config(lambda c: c["upstream"].update(upstream))
        w.start_authority()
        if behave is None:
            w.start_data_api()
        else:
            self.api = flow.BadApi(w.facts["data_api"]["address"], behave)
            self.addCleanup(self.api.close)
        w.start_gateway()

    def test_a_slow_data_api_is_504(self):
        self.start(lambda c: time.sleep(3), first_byte_ms=500)
        before = time.monotonic()
        answer = self.refused("granted", 504, "upstream-timeout")
        self.assertLess(time.monotonic() - before, 2.5)
        self.assertTrue(answer.problem["instance"].startswith("urn:uuid:"), "the exchange id is in the problem")
        self.stays_clean()

    def test_silence_inside_an_answer_is_504(self):
        def behave(c):
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
            time.sleep(3)
        self.start(behave, idle_read_ms=500)
        self.refused("granted", 504, "upstream-timeout")
        self.stays_clean()

    def test_an_answer_that_breaks_off_is_502_and_its_part_does_not_leave(self):
        self.start(lambda c: c.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"secret":'))
        answer = self.refused("granted", 502, "upstream-incomplete")
        self.assertNotIn(b"secret", answer.body)
        self.stays_clean()

    def test_what_is_no_http_is_502(self):
        for bytes_ in (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"):
            with self.subTest(bytes_):
                if not self.world.running:
                    self.start(lambda c: c.sendall(self.bytes_))
                self.bytes_ = bytes_
                self.refused("granted", 502, "upstream-invalid")
        self.stays_clean()

    def test_an_answer_too_large_for_its_seal_is_refused_whole(self):
        body = b"[" + b"1," * 40000 + b"1]"
        self.start(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body), body_max_bytes=65536)
        answer = self.refused("granted", 413, "body-too-large")
        self.assertNotIn(b"1,1", answer.body)
        self.stays_clean()

    def test_content_over_the_limit_is_413_in_both_versions(self):
        """Content on GET is refused anyway (DP-126): the policy of this world lets a partner post."""
        for file, change in (("agreements/granted.json", lambda d: d["permit"][0].update(methods=["GET", "HEAD", "POST"])),
                             ("datasets/footprint.json", lambda d: d["route"]["methods"].update(POST="export"))):
            with open(self.world.path("policy", file), encoding="utf-8") as f:
                document = json.load(f)
            change(document)
            with open(self.world.path("policy", file), "w", encoding="utf-8") as f:
                json.dump(document, f)
        self.start(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"), body_max_bytes=4096)
        big, small = self.world.path("big.json"), self.world.path("small.json")
        for file, count in ((big, 4000), (small, 40)):
            with open(file, "wb") as f:
                f.write(b"[" + b"0," * count + b"0]")
        for more in ((), ("-H", "Transfer-Encoding: chunked")):
            with self.subTest(more=more):
                answer = self.refused("granted", 413, "limit-body", http="--http1.1", more=("--data-binary", "@" + big, *more))
                self.assertTrue(answer.problem.get("title") and answer.problem.get("clause"), answer.body)
        for more in ((), ("--no-content-length",)):
            with self.subTest(more=more):
                said = self.nghttp(big, *more)
                self.assertIn(":status: 413", said)
                self.assertIn("urn:dfft:problem:limit-body", said)
        self.assertEqual(0, self.api.asked, "the data API was asked")
        self.allowed(http="--http2", more=("--data-binary", "@" + small))
        self.stays_clean()

    def nghttp(self, file, *more):
        """A POST over HTTP/2. Not by curl: 7.88 at times gives up a complete answer when RST_STREAM(NO_ERROR) ends its upload (RFC 9113 8.1)."""
        w = self.world
        who, door = w.facts["personas"]["granted"], w.facts["gateway"]
        command = ["nghttp", "-v", "--no-verify-peer", "--cert=" + w.path(who["certificate"]), "--key=" + w.path(who["key"]), "-t", "20s", "-d", file,
                   "-H:authority: " + door["host"], *(f"-H{name.lower()}: {value}" for name, value in PERMITTED.items()), *more]
        done = subprocess.run([*command, f"https://{door['address']}{self.path}"], capture_output=True, text=True, timeout=40)
        return done.stdout + done.stderr


class BadStamps(flow.Flow):
    def never_passed_on(self, fault, wanted):
        self.world.start_all()
        self.world.set_fault(f"/jp {fault}", f"/eu {fault}")
        answer = self.refused("granted", 502, "timestamp-invalid")
        self.assertNotIn(b"carbon", answer.body)
        self.assertEqual(wanted, answer.problem.get("id"), answer.body)
        self.assertEqual({"jp-1", "eu-1"}, {e["tsa"] for e in self.world.events("stamp.invalid")})
        self.world.set_fault()
        self.refused("granted", 503, "timestamp-unavailable")  # both are benched until good probes have come back
        self.stays_clean()

    def test_a_stamp_of_another_imprint_is_never_passed_on(self):
        self.never_passed_on("imprint", "STAMP-03")

    def test_a_stamp_with_another_nonce_is_never_passed_on(self):
        self.never_passed_on("nonce", "STAMP-04")

    def test_the_second_authority_stamps_when_the_first_is_down_or_wrong(self):
        self.world.start_all()
        for fault in ("refuse", "status 500", "html", "imprint"):
            with self.subTest(fault):
                self.world.set_fault("/jp " + fault)
                self.allowed()
        self.assertEqual({"jp-1"}, {e["tsa"] for e in self.world.events("stamp.invalid")})
        self.stays_clean()

    def test_nothing_leaves_while_no_authority_is_there(self):
        self.world.start_all()
        self.world.set_fault("/jp refuse", "/eu refuse")
        answer = self.refused("granted", 503, "timestamp-unavailable")
        self.assertIn("retry-after", answer.fields)
        self.world.set_fault()
        self.until("stamps come again", lambda: self.world.ask("granted", self.path, PERMITTED).status == 200)
        self.stays_clean()


if __name__ == "__main__":
    flow.main()
