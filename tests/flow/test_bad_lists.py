#!/usr/bin/python3
"""Trusted lists that go wrong while the gateway runs: each is refused under its own id, and what was in force stays in force.

    tests/flow/test_bad_lists.py --sekisho BINARY
"""
import signal

import flow


class BadLists(flow.Flow):
    BAD_LISTS = True

    def fetch_now(self):
        self.world.running["gateway"].send_signal(signal.SIGHUP)

    def publish(self, file, name):
        self.world.publish(self.world.path("bad-lists", file), name)
        self.fetch_now()

    def sequence(self, source, territory):
        return self.metric(f'sekisho_trust_list_sequence{{source="{source}",territory="{territory}"}}')

    def test_each_bad_list_is_refused_by_its_own_id_and_the_old_one_serves_on(self):
        w = self.world
        w.start_all()
        before = self.sequence("jp", "JP")
        with open(w.path("bad-lists", "j-tsl-oversized.xml"), "wb") as f:
            f.write(b" " * (16 * 1024 * 1024 + 1))
        for file, wanted in (("j-tsl-oversized.xml", "TL-104"), ("j-tsl-rolled-back.xml", "TL-701"), ("j-tsl-wrong-signer.xml", "TL-501"),
                             ("j-tsl-altered.xml", "TL-502"), ("j-tsl-truncated.xml", "TL-201"), ("j-tsl-doctype.xml", "TL-202"), ("j-tsl-empty.xml", "TL-107")):
            with self.subTest(file):
                known = len(w.events("tlist.rejected"))
                self.publish(file, "j-tsl.xml")
                event = self.until(f"{file} is refused", lambda known=known: w.events("tlist.rejected")[known:])[0]
                self.assertEqual((wanted, "jp"), (event.get("id"), event.get("source")), event)
                self.assertTrue(event.get("clause"), event)
                self.assertEqual(before, self.sequence("jp", "JP"))
                self.allowed()
        self.publish("j-tsl-next.xml", "j-tsl.xml")  # the way back is not closed
        self.until("the next good list is in force", lambda: self.sequence("jp", "JP") == before + 1)
        self.allowed()
        self.stays_clean()

    def test_a_list_that_is_expired_stops_what_leans_on_it(self):
        w = self.world
        w.start_all()
        self.allowed()
        self.publish("j-tsl-expired.xml", "j-tsl.xml")
        self.until("the seal service's list has ended", lambda: any(e.get("event") == "key.rejected" for e in w.events()))
        answer = self.until("no answer leaves unsealed", lambda: (a := w.ask("granted", self.path, flow.PERMITTED)).status != 200 and a)
        self.assertEqual((503, "obligation.unavailable"), (answer.status, answer.slug), answer.body)
        self.assertNotIn(b"carbon", answer.body)

    def test_a_withdrawn_service_cuts_a_live_connection(self):
        w = self.world
        w.start_all()
        client = flow.Client(w, "granted")
        self.assertEqual(200, client.get(self.path)[0])
        self.publish("de-tl-granted-withdrawn.xml", "de-tl.xml")
        self.until("the German list is in force", lambda: any(e.get("territory") == "DE" and e.get("sequence") == 35 for e in w.events("tlist.accepted")))
        self.until("the view has it", lambda: self.sequence("eu", "DE") == 35)
        self.until("the idle connection is cut", lambda: w.events("peer.cut"), 6)
        with self.assertRaises(OSError):  # closed, and nothing is served on it any more
            client.get(self.path)
        client.close()
        self.refused("granted", 403, "service-not-granted")


if __name__ == "__main__":
    flow.main()
