#!/usr/bin/python3
"""What is believed of a peer stays true while its connections live: a revocation, a new list and a block each cut those whom they concern
and nobody else; a thousand connections ask once; a responder that says nothing makes nobody wait for long.

    tests/flow/test_trust_epoch.py --sekisho BINARY
"""
import concurrent.futures
import os
import select
import signal
import ssl
import threading
import time

import flow
from flow import PERMITTED

CLOSED_S = 6  # identity.md 11: all cut connections are closed within so many seconds
EACH = 5      # connections of each peer and protocol


def is_closed(client):
    """Whether the gateway ended this idle connection. What it said before its end is thrown away."""
    if client.sock is None:
        return True  # by Connection: close
    try:
        while select.select([client.sock], [], [], 0)[0] or client.sock.pending():
            if not client.sock.recv(65536):
                return True
    except ssl.SSLWantReadError:
        return False
    except (OSError, ValueError):
        return True
    return client.sock.fileno() < 0


class Steady(threading.Thread):
    """Asks on the connections of peers that nothing happens to, until it is stopped; everything but 200 is a failure."""

    def __init__(self, clients, path):
        super().__init__(daemon=True)
        self.clients, self.path, self.failures, self.served, self.over = clients, path, [], 0, threading.Event()

    def run(self):
        while not self.over.is_set():
            for client in self.clients:
                try:
                    status = client.get(self.path)[0]
                    self.served += 1
                    if status != 200:
                        self.failures.append(status)
                except OSError as e:
                    self.failures.append(repr(e))
                if self.over.wait(0.02):
                    return


class LivePeers(flow.Flow):
    BAD_LISTS, PEERS = True, 10

    def connect(self):
        """A hundred connections, half HTTP/1.1, half HTTP/2; each was served once."""
        self.live = {}
        for number in range(self.PEERS):
            persona = f"peer-{number}"
            self.live[persona] = [kind(self.world, persona) for kind in (flow.Client, flow.Client2) for _ in range(EACH)]
            for client in self.live[persona]:
                self.addCleanup(client.close)
                self.assertEqual(200, client.get(self.path)[0], self.world.tail("gateway"))

    def epochs(self, cause):
        return sum(e.get("cause") == cause for e in self.world.events("trust.swapped"))

    def cut(self, personas, cause, check_id, epoch, before=0, wait_s=20):
        """All connections of these personas end, idle ones by themselves; no request of theirs is served any more. The time counts from the
        message to the workers: what a SIGHUP or a list takes before it is the disk's and the publisher's."""
        self.until(f"the {epoch} counts", lambda: self.epochs(epoch) > before, wait_s)

        def known():
            hit = [e for e in self.world.events("peer.cut") if e["cause"] == cause]
            return sum(e["connections"] for e in hit) >= len(personas) * 2 * EACH and hit
        events = self.until(f"{personas} are cut", known, CLOSED_S)
        self.assertEqual({check_id}, {e["id"] for e in events})
        end = time.monotonic() + CLOSED_S
        for persona in personas:
            for client in self.live[persona]:
                while not is_closed(client) and time.monotonic() < end:
                    time.sleep(0.02)
                self.assertTrue(is_closed(client), f"{persona} is still connected")
            self.refused(persona, 403, {"revoked": "peer-revoked", "blocked": "peer-not-trusted", "not-listed": "service-not-granted"}[cause])
        self.assertEqual(len(personas) * 2 * EACH, self.metric(f'sekisho_peer_cut_total{{cause="{cause}"}}'))

    def test_whoever_is_revoked_blocked_or_withdrawn_is_cut_and_nobody_else(self):
        w = self.world
        w.edit_config(lambda c: (c.update(revocation={"live_recheck_s": 30}), c["trust"].update(block="block.txt")))
        open(w.path("block.txt"), "w", encoding="utf-8").close()
        w.start_all()
        self.connect()
        steady = Steady(self.live["peer-7"] + self.live["peer-9"], self.path)
        steady.start()
        w.set_standing("peer-1", f"revoked {int(time.time()) - 60} keyCompromise")
        revoked_at = time.monotonic()
        who = w.facts["personas"]
        with open(w.path("block.txt"), "w", encoding="utf-8") as f:
            f.write(f"# for a test\norganisation {who['peer-3']['organisation']} unpaid invoices\ncertificate {who['peer-5']['sha256']} stolen laptop\n")
        w.running["gateway"].send_signal(signal.SIGHUP)
        self.cut(["peer-3", "peer-5"], "blocked", "ID-309", "reload")
        answer = w.ask("peer-3", self.path, PERMITTED)
        self.assertNotIn(b"unpaid", answer.body)
        self.assertEqual("this peer is not accepted here", answer.problem.get("detail"))
        before = self.epochs("lists")
        w.publish(w.path("bad-lists", "de-tl-granted-withdrawn.xml"), "de-tl.xml")
        w.running["gateway"].send_signal(signal.SIGHUP)
        self.cut([f"peer-{n}" for n in range(0, 10, 2)], "not-listed", "ID-304", "lists", before)
        self.cut(["peer-1"], "revoked", "ID-401", "revocation", wait_s=40)
        self.assertLess(time.monotonic() - revoked_at, 60)
        self.assertTrue(w.events("peer.revoked"))
        steady.over.set()
        steady.join(20)
        self.assertEqual([], steady.failures)
        self.assertGreater(steady.served, 100)
        self.stays_clean()


class OneQuestion(flow.Flow):
    PEERS = 2

    def many(self, count):
        """Connections of peer-1, each with its request under way; none is read yet."""
        context = flow.context_of(self.world, "peer-1")

        def one(_):
            client = flow.Client(self.world, "peer-1", context)
            client.connect()
            return client
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            clients = list(pool.map(one, range(count)))
        for client in clients:
            self.addCleanup(client.close)
        for client in clients:
            client.request("GET", self.path, headers=PERMITTED)
        return clients

    def test_a_thousand_connections_of_one_peer_ask_once(self):
        w = self.world
        w.edit_config(lambda c: (c.update(limit={"connections_per_ip": 2000, "connections_per_peer": 2000}), c["upstream"].update(connections_max=200), c["timestamp"].update(total_ms=60000),
                                 c["trust"].update(judge_wait_ms=20000)))
        w.start_all()
        w.set_fault("/ocsp/de-second slow 2000")
        statuses = [client.getresponse().status for client in self.many(1000)]
        self.assertEqual([200] * 1000, statuses)
        self.assertEqual(1, w.asked("/ocsp/de-second"))
        judged = [e for e in w.events("trust.verdict") if e.get("org") == w.facts["personas"]["peer-1"]["organisation"]]
        self.assertEqual(1, len(judged), judged)
        self.assertEqual(1, self.metric('sekisho_revocation_fetch_total{kind="ocsp",result="answered"}'))

    def test_a_responder_that_hangs_makes_nobody_wait_for_long(self):
        w = self.world
        w.edit_config(lambda c: c["trust"].update(judge_wait_ms=1500))
        w.start_all()
        w.set_fault("/ocsp/de-second hang")
        clients, began = self.many(40), time.monotonic()
        answers = [client.getresponse() for client in clients]
        self.assertLess(time.monotonic() - began, 1.5 + 1.5)  # and the rest of the exchange, on a busy machine
        self.assertEqual({503}, {a.status for a in answers})
        self.assertTrue(all(b"revocation-unknown" in a.read() for a in answers))
        self.assertEqual(1, w.asked("/ocsp/de-second"))
        self.assertEqual([503, 503], [clients[0].get(self.path)[0] for _ in range(2)])
        self.until("three refusals close a connection of somebody who was never believed", lambda: is_closed(clients[0]), 3)
        self.assertFalse(is_closed(clients[1]))
        w.set_fault()
        self.until("the peer is served again", lambda: w.ask("peer-1", self.path, PERMITTED).status == 200, 30)

    def test_a_crl_answers_where_the_responder_does_not(self):
        w = self.world
        w.set_fault("/ocsp/de-second html")
        w.start_all()
        self.allowed("peer-1")
        self.assertEqual((2, 1), (w.asked("/ocsp/de-second"), w.asked("/de-second.crl", "GET")))  # two tries, then the CRL
        w.set_fault("/ocsp/de-granted html")  # whose certificates name no CRL
        answer = self.refused("peer-0", 503, "revocation-unknown")
        self.assertEqual("ID-405", answer.problem.get("id"))

    def test_nobody_is_asked_about_a_chain_that_is_not_listed(self):
        w = self.world
        w.start_all()
        self.refused("unlisted", 403, "issuer-not-listed")
        self.assertEqual((0, 0), (w.asked("/ocsp/unlisted"), w.asked("/unlisted.crl", "GET")))

    def test_what_a_responder_said_outlives_a_restart(self):
        w = self.world
        w.start_all()
        self.allowed("peer-1")
        w.set_standing("peer-0", f"revoked {int(time.time()) - 60} keyCompromise")
        self.refused("peer-0", 403, "peer-revoked")
        asked = [w.asked("/ocsp/de-second"), w.asked("/ocsp/de-granted")]
        self.assertEqual(0, w.stop("gateway"))
        w.set_fault("/ocsp/de-second hang", "/ocsp/de-granted hang")
        w.start_gateway()
        self.allowed("peer-1")
        self.refused("peer-0", 403, "peer-revoked")
        self.assertEqual(asked, [w.asked("/ocsp/de-second"), w.asked("/ocsp/de-granted")])
        w.set_fault()
        w.set_standing("peer-0", "good")  # too late: only the operator takes a revocation for good back
        self.refused("peer-0", 403, "peer-revoked")
        folder = w.path("state", "revocation", "revoked")
        self.assertEqual(1, len(os.listdir(folder)))
        os.unlink(os.path.join(folder, os.listdir(folder)[0]))
        w.running["gateway"].send_signal(signal.SIGHUP)
        self.until("the operator's word counts", lambda: w.events("revocation.withdrawn"))
        self.until("the peer is served again", lambda: w.ask("peer-0", self.path, PERMITTED).status == 200)


if __name__ == "__main__":
    flow.main()
