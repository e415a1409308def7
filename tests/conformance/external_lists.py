"""external_lists -- the real lists of DATA, list by list and certificate by certificate: EU DSS and this gateway asked the same.

Both read the newest list of lists with the national lists beside it. Each list: is it believed, and what does it hold. Each certificate in
eecerts: what was it when it was issued, and what is it at a time. Where the two differ, EXPLAINED says why; a difference without its line
is a failure, and so is a line whose difference is gone.
"""
import glob
import json
import os
import shutil
import subprocess

AT = "2026-08-21T12:00:00Z"
NEWEST = "eu-lotl-390-v6-2026-08.xml"  # the list of lists that national/2026 hangs below
LOTL_URL = "https://ec.europa.eu/tools/lotl/eu-lotl.xml"
COUNTS = ("providers", "services", "history", "ca_qc_granted", "tsa_qtst_granted", "certificates")

EXPLAINED = {
    ("AT", "certificates"): "two roots hold keys that are not DER: we keep the certificates and remark TL-801, DSS drops them",
}


def dss_word(level):
    """DSS's words for a certificate, as ours."""
    known = {"QCERT_FOR_ESEAL_QSCD": "q-eseal-qscd", "QCERT_FOR_ESEAL": "q-eseal", "QCERT_FOR_ESIG_QSCD": "q-esig-qscd", "QCERT_FOR_ESIG": "q-esig",
             "QCERT_FOR_WSA": "q-wac", "NA": "unlisted"}
    return known.get(level, "listed")


class Ours:
    """This gateway's command line over a state folder of its own, fed from files."""

    def __init__(self, world, data, folder):
        self.sekisho, self.config, self.folder = world.sekisho, world.path("lists.json"), os.path.join(folder, "documents")
        self.data = data
        os.makedirs(self.folder)

        def real_lists(c):
            c["state_dir"] = os.path.join(folder, "state")
            c["trust"]["home"] = "EU"
            c["trust"]["source"] = {"eu": {"kind": "lotl", "scheme": "EU", "territory": "EU", "url": LOTL_URL, "oj_uri": anchors["source"],
                                           "anchors": [anchor_file]}}
            c["timestamp"] = {"mode": "none"}
        anchor_file = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "certs", "anchors",
                                   "eu-lotl-C-2026-1944.json")
        with open(anchor_file, encoding="utf-8") as f:
            anchors = json.load(f)
        world.edit_config(real_lists, "lists.json")

    def fill(self, urls):
        """manifest.json: each address that a list announces, and the file that stands for it."""
        manifest = {LOTL_URL: "lotl.xml"}
        shutil.copyfile(os.path.join(self.data, "lotl", NEWEST), os.path.join(self.folder, "lotl.xml"))
        for territory, url in urls.items():
            manifest[url] = territory + ".xml"
            shutil.copyfile(os.path.join(self.data, "national", "2026", territory + ".xml"), os.path.join(self.folder, territory + ".xml"))
        with open(os.path.join(self.folder, "manifest.json"), "w", encoding="utf-8") as f:
            json.dump(manifest, f)

    def ask(self, *words):
        done = subprocess.run([self.sekisho, "trust", *words, "-c", self.config, "--json"], capture_output=True, text=True, timeout=300)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise OSError(f"sekisho trust {' '.join(words)}: {done.stderr[-300:]}") from None

    def content(self, territory):
        services = [s for one in self.ask("show", territory) if one["territory"] == territory for s in one.get("services", [])]

        def now(kind, status):
            return sum(1 for s in services if s["intervals"][0]["type"].endswith("/" + kind) and s["intervals"][0]["status"].endswith("/" + status))
        return {"providers": len({s["provider"] for s in services}), "services": len(services),
                "history": sum(len(s["intervals"]) - 1 for s in services), "ca_qc_granted": now("CA/QC", "granted"),
                "tsa_qtst_granted": now("TSA/QTST", "granted"), "certificates": len({c for s in services for c in s["certificates"]})}


def compare_lists(v, ours, dss, territories):
    accepted = {line["territory"]: line for line in ours.ask("update", "--from", ours.folder)}
    theirs = {one["territory"]: one for one in dss["lists_of_lists"] + dss["lists"]}
    for territory in ["EU"] + territories:
        one, line = theirs.get(territory, {}), accepted.get(territory, {"accepted": False, "id": "-"})
        believed = one.get("indication") == "TOTAL_PASSED"
        v.line(believed == line["accepted"], "lists signature", territory,
               f"DSS {one.get('indication')}, ours {'accepted' if line['accepted'] else 'refused ' + line['id']}")
        if not line["accepted"] or territory == "EU":
            continue
        counted = ours.content(territory)
        for what in COUNTS:
            same, why = counted[what] == one["content"][what], EXPLAINED.get((territory, what))
            if not same or why:
                v.line(not same and why is not None, "lists content", f"{territory} {what}",
                       f"DSS {one['content'][what]}, ours {counted[what]}: {why or 'nobody said why'}")
        if all(counted[what] == one["content"][what] for what in COUNTS):
            v.line(True, "lists content", territory, ", ".join(f"{counted[what]} {what}" for what in COUNTS))


def compare_certificates(v, ours, dss):
    for one in dss["certificates"]:
        said = ours.ask("explain", os.path.join(ours.data, "eecerts", one["file"]), "--at", AT, "--purpose", "seal")
        for key, theirs in (("level_issued", one["qualification_at_issuance"]), ("level", one["qualification_at_validation"])):
            # Of a chain that no list holds nothing is said but that.
            wanted, got = dss_word(theirs), "unlisted" if said.get("id") == "ID-301" else said.get(key)
            v.line(wanted == got, "lists qualification", f"{one['file']} {key}", f"DSS {theirs}, ours {got}")


def run(v, world, scratch, data):
    """`v.ready("dss", ...)` held before."""
    folder, tool = os.path.join(scratch, "real-lists"), os.path.join(v.tools, "dss", "dss-check")
    if not os.path.isdir(os.path.join(data, "national", "2026")):
        return v.skip("lists", "real lists against EU DSS", f"{data} is not there")
    os.makedirs(folder)
    signers = os.path.join(folder, "signers.pem")
    with open(signers, "w", encoding="ascii") as out:
        for file in sorted(glob.glob(os.path.join(data, "oj-certs", "oj-C-2026-1944-*.pem"))):
            with open(file, encoding="ascii") as f:
                out.write(f.read())
    common = ["--lotl", os.path.join(data, "lotl", NEWEST), "--lotl-certs", signers, "--lists", os.path.join(data, "national", "2026"), "--at", AT]

    def dss(*words):
        return json.loads(subprocess.run([tool, *words, *common], capture_output=True, text=True, timeout=300).stdout)
    judged = dss("lists")
    ours = Ours(world, data, folder)
    urls = {one["territory"]: one["url"] for one in judged["lists"]}
    ours.fill(urls)
    compare_lists(v, ours, judged, sorted(urls))
    compare_certificates(v, ours, dss("qualify", *sorted(glob.glob(os.path.join(data, "eecerts", "*.pem")))))
    return None
