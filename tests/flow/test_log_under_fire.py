#!/usr/bin/python3
"""The log under fire: killed under load, its disk full, clients that leave: what was acknowledged is there, what is not there never left.

    tests/flow/test_log_under_fire.py --sekisho BINARY
"""
import glob
import http.client
import os
import signal
import ssl
import subprocess
import threading
import time

import flow
from flow import PERMITTED

# In a mount namespace of its own: the log on a small disk that the test fills and empties by dropping files into the world.
SMALL_DISK = """
mkdir -p "$1/state/provenance" && mount -t tmpfs -o size=8m none "$1/state/provenance" || exit 77
( for turn in $(seq 600); do
    if [ -e "$1/fill" ]; then dd if=/dev/zero of="$1/state/provenance/filler" bs=4k 2>/dev/null; rm "$1/fill"; fi
    if [ -e "$1/empty" ]; then rm -f "$1/state/provenance/filler" "$1/empty"; fi
    if [ -e "$1/copy" ]; then cp -a "$1/state/provenance/." "$1/copied/"; rm "$1/copy"; fi
    [ -d "/proc/$$" ] || exit; sleep 0.1
  done ) &
exec "$2" run -c "$1/config.json"
"""


class Load:
    """Clients that ask as fast as they can, each on a connection of its own; what they were told."""

    def __init__(self, world, path, clients=4):
        self.acknowledged, self.others, self.bodies, self.over = [], [], [], False
        self.threads = [threading.Thread(target=self.ask, args=(world, path), daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask(self, world, path):
        client = flow.Client(world, "granted")
        while not self.over:
            try:
                status, message, body = client.get(path)
            except (OSError, http.client.HTTPException, ssl.SSLError):
                client.close()
                if self.over:
                    return
                time.sleep(0.05)
                continue
            if status == 200:
                self.acknowledged.append(message)
            else:
                self.others.append((status, body))
        client.close()

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join(30)


class LogUnderFire(flow.Flow):
    def test_what_was_acknowledged_survives_kill_9_under_load(self):
        w = self.world
        w.start_all()
        acknowledged = []
        for _ in range(2):
            load = Load(w, self.path)
            time.sleep(1.5)
            w.stop("gateway", signal.SIGKILL)
            load.stop()
            self.assertGreater(len(load.acknowledged), 10)
            acknowledged += load.acknowledged
            w.start_gateway()
        self.assertEqual(len(acknowledged), len(set(acknowledged)))
        self.until("every acknowledged exchange is found again", lambda: self.recorded_ids().issuperset(acknowledged))
        self.stays_clean()

    def test_clients_that_leave_in_the_middle_cost_nobody_else(self):
        """Each asks with a new connection and goes at once: before its certificate is judged, before its answer is recorded."""
        w = self.world
        w.start_all()
        w.set_fault("/ocsp slow 400")
        for persona in ("granted", "no-agreement", "no-party", "withdrawn"):  # the only connection of each, gone before its judgement is there
            self.ask_and_leave(persona, 0.15)
            time.sleep(0.5)
        w.set_fault()
        for turn in range(40):
            self.ask_and_leave("granted", 0.002 * turn)
        self.allowed()
        self.until("nothing is in flight", lambda: self.metric("sekisho_exchanges_in_flight") == 0)
        self.stays_clean()

    def ask_and_leave(self, persona, after_s):
        client = flow.Client(self.world, persona)
        client.request("GET", self.path, headers=PERMITTED)
        time.sleep(after_s)
        client.close()

    def test_nothing_leaves_while_the_disk_is_full(self):
        w = self.world
        probe = subprocess.run(["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"], capture_output=True, text=True, timeout=20)
        if probe.returncode != 0:
            self.skipTest("no mount namespace here: " + probe.stderr.strip())
        w.edit_config(lambda c: c["provenance"].update(segment_mib=1, spares=1))
        w.start_authority()
        w.start_data_api()
        w.start("gateway", ["unshare", "-rm", "sh", "-c", SMALL_DISK, "small-disk", w.dir, w.sekisho])
        w.wait_ready()
        self.allowed()
        self.touch("fill")
        load = Load(w, self.path)
        self.until("the log has no room", lambda: any(b"provenance-unavailable" in body for _, body in load.others), 60)
        self.until("the gateway says that it is not ready", lambda: not self.is_ready())
        load.stop()
        told = {status for status, _ in load.others}
        self.assertEqual({503}, told)
        self.assertFalse([body for _, body in load.others if b"carbon" in body])
        refused = self.refused("granted", 503, "provenance-unavailable")
        self.assertIn("retry-after", refused.fields)
        self.touch("empty")
        self.until("the log goes on when there is room", lambda: w.ask("granted", self.path, PERMITTED).status == 200)
        self.until("every acknowledged exchange is found", lambda: self.recorded_ids().issuperset(load.acknowledged))
        os.mkdir(w.path("copied"))
        self.assertEqual(0, w.run("provenance", "keys", "-c", w.path("config.json")).returncode)
        self.touch("copy")
        self.verify_copy()
        self.assertEqual(0, w.stop("gateway"), w.tail("gateway", 30))

    def touch(self, name):
        with open(self.world.path(name), "w", encoding="ascii"):
            pass
        self.until(f"the small disk takes {name}", lambda: not os.path.exists(self.world.path(name)))

    def is_ready(self):
        try:
            self.world.wait_ready(0.2)
        except flow.running.Trouble:
            return False
        return True

    def verify_copy(self):
        w = self.world
        with open(w.path("log", "vkeys"), "w", encoding="ascii") as f:
            f.write(w.run("provenance", "keys", "-c", w.path("config.json")).stdout)
        shard = os.path.dirname(glob.glob(w.path("copied", "*", "seg"))[0])
        done = w.run("provenance", "verify", shard, "--vkey", "@" + w.path("log", "vkeys"))
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    flow.main()
