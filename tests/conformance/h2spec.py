"""h2spec -- the HTTP/2 test program that nobody here wrote, against the listener of a demo world."""
import json
import os
import shutil
import subprocess
import xml.etree.ElementTree

import running
from verdicts import TOOL_S


def permit_plain_requests(world, methods, host=None):
    """Programs declare no purpose: for them alone the policy asks for none, and takes these methods. `host`: the name they use."""
    def edit(name, change):
        with open(world.path("policy", name), encoding="utf-8") as f:
            document = json.load(f)
        change(document)
        with open(world.path("policy", name), "w", encoding="utf-8") as f:
            json.dump(document, f)

    def agreement(d):
        rule = d["permit"][0]
        rule["methods"] = methods
        rule["when"]["all"] = [c for c in rule["when"]["all"] if not c["attr"].startswith("req.")]
        d["prohibit"] = []

    def partnership(d):
        d["never"] = []
        d["floors"].pop("purposes")

    def dataset(d):
        d["route"].update(methods={m: "export" for m in methods}, **({"host": host} if host else {}))
    edit("agreements/granted.json", agreement)
    edit("partnerships/jp-eu-battery.json", partnership)
    edit("datasets/footprint.json", dataset)
    shutil.rmtree(world.path("policy", "tests"))
    if host:
        world.edit_config(lambda c: c["listen"][0].update(hosts=[host]))


def run(v, preset, scratch):
    """h2spec calls its server localhost and wants POST to answer like GET."""
    if not v.tools or not v.ready("http", "h2spec", "-dryrun"):
        return v.skip("h2spec", "HTTP/2 of the listener", v.broken.get("http", "no tools folder"))
    with running.make(os.path.join(scratch, "world-h2")) as world:
        world.sekisho, world.authority = running.binaries(preset)
        permit_plain_requests(world, ["GET", "HEAD", "POST"], "localhost")
        nginx = world.path(world.facts["data_api"]["config"])
        with open(nginx, encoding="utf-8") as f:
            text = f.read()
        with open(nginx, "w", encoding="utf-8") as f:
            f.write(text.replace("try_files $uri =404;", "try_files $uri =404; error_page 405 =200 $uri;"))
        world.start_all()
        who, report = world.facts["personas"]["granted"], os.path.join(scratch, "h2spec.xml")
        command = [os.path.join(v.tools, "http", "h2spec"), "-t", "-k", "-h", "localhost", "-p", world.facts["gateway"]["address"].split(":")[1],
                   "--cert", world.path(who["certificate"]), "--key", world.path(who["key"]), "-P", world.facts["data_api"]["paths"][1], "-j", report]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_S)
        if not os.path.exists(report):
            v.line(False, "h2spec", "ended early", f"{done.stdout[-300:]} {done.stderr[-300:]}")
        else:
            judge(v, report, done.stdout)
        code = world.stop("gateway")
        return v.line(code == 0, "sekisho", "the gateway after h2spec", f"ended with {code}" + ("" if code == 0 else ": " + world.tail("gateway")))


def judge(v, report, said):
    sections = {}
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        bad = case.find("failure") is not None or case.find("error") is not None
        if bad or case.find("skipped") is None:
            sections.setdefault(case.get("package"), []).append(case.get("classname") if bad else None)
    for section, cases in sections.items():
        for name in (c for c in cases if c):
            v.line(False, "h2spec", section, name)
        v.passed += cases.count(None)
    print(f"     {'h2spec':<22} {len(sections)} sections: {(said.strip().splitlines() or [''])[-1]}")
