#!/usr/bin/env python3
"""A second, naive reading of policy.md 5 to 7: makes random bundles and exchanges and says what must come out.

usage: oracle.py OUT SEED CASES   writes OUT/b<N>/ (bundles) and OUT/b<N>.jsonl, one {"facts","want"} a line.
Nothing here shares code or tables with the engine; it knows fewer attributes, and works on the documents directly.
"""
import json, os, random, sys, datetime

EEA = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()
ATTRS = {  # name: (type, phase)
    "peer.tl.territory": ("terr", "C"), "peer.qc.type": ("set", "C"), "peer.tl.level": ("text", "C"), "peer.assurance": ("level", "C"),
    "peer.revocation.age_s": ("int", "C"), "req.purpose": ("set", "Q"), "req.destination": ("terrs", "Q"), "req.sig.valid": ("bool", "Q"),
    "req.case": ("text", "Q"), "req.bytes": ("int", "Q"), "data.personal": ("bool", "Q"), "data.labels": ("set", "Q"), "data.category": ("set", "Q"),
    "res.status": ("int", "R"), "res.bytes": ("int", "R"), "body.records": ("int", "B"), "body.pointers": ("set", "B"), "time.now": ("time", "C"),
    "agreement.id": ("text", "Q"), "agreement.basis": ("text", "Q"), "partnership.id": ("text", "Q"), "req.flow": ("text", "Q"), "peer.kind": ("text", "C"),
}
POOL = {"peer.tl.territory": ["DE", "FR", "JP", "US"], "peer.qc.type": ["web", "eseal", "esign"], "peer.tl.level": ["q-wac", "q-eseal", "pinned"],
        "req.purpose": ["dpv:A", "dpv:B", "DUO:1"], "req.destination": ["DE", "AT", "US", "JP", "EL"], "req.case": ["c1", "c2"], "data.labels": ["x", "y", "z"],
        "data.category": ["h", "f"], "body.pointers": ["/a", "/b"], "agreement.id": ["urn:dfft:agr:a0", "urn:dfft:agr:a1"], "agreement.basis": ["dfft:APPI-27", "dfft:nonpersonal"],
        "partnership.id": ["urn:dfft:iap:p"], "req.flow": ["export", "import"], "peer.kind": ["organisation"]}
NOWS = ["2026-11-22T23:30:00Z", "2026-11-24T03:00:00Z", "2026-11-25T14:59:59Z", "2028-05-01T00:00:00Z"]
R = random.Random()

def fold(t): return {"EL": "GR", "UK": "GB"}.get(t, t)

# ---------------------------------------------------------------- generation
def gen_leaf():
    a = R.choice(list(ATTRS)); t, _ = ATTRS[a]
    if R.random() < .12: return {"attr": a, "op": "exists", "value": R.random() < .5}
    if t in ("set", "terrs"):
        op = R.choice(["contains_any", "contains_all", "contains_none", "subset_of"])
        v = R.sample(POOL[a], R.randint(0, len(POOL[a])))
        if t == "terrs" and R.random() < .3: v = v + ["EEA"]
        return {"attr": a, "op": op, "value": v}
    if t in ("text", "terr"):
        if R.random() < .5: return {"attr": a, "op": R.choice(["eq", "ne"]), "value": R.choice(POOL[a])}
        v = R.sample(POOL[a], R.randint(0, len(POOL[a])))
        if t == "terr" and R.random() < .3: v = v + ["EU"]
        return {"attr": a, "op": R.choice(["in", "not_in"]), "value": v}
    if t == "bool": return {"attr": a, "op": R.choice(["eq", "ne"]), "value": R.random() < .5}
    if t == "int":
        if R.random() < .2: return {"attr": a, "op": R.choice(["in", "not_in"]), "value": R.sample([0, 10, 200, 404], R.randint(0, 3))}
        if R.random() < .2: return {"attr": a, "op": R.choice(["lte", "gte", "eq"]), "value": {"attr": R.choice(["req.bytes", "res.bytes", "body.records", "res.status"])}}
        return {"attr": a, "op": R.choice(["eq", "ne", "lt", "lte", "gt", "gte"]), "value": R.choice([0, 10, 200, 404])}
    if t == "level": return {"attr": a, "op": R.choice(["eq", "ne", "lte", "gte"]), "value": {k: R.randint(0, 3) for k in "lstr"}}
    if R.random() < .5: return {"attr": a, "op": R.choice(["lt", "lte", "gt", "gte", "eq", "ne"]), "value": R.choice(NOWS)}
    v = {"tz": R.choice(["UTC", "+09:00", "-03:30"])}
    if R.random() < .7: v["daily"] = R.choice([["06:00", "23:00"], ["22:00", "06:00"], ["00:00", "24:00"], ["12:00", "12:01"]])
    if R.random() < .6 or "daily" not in v: v["days"] = R.sample("mon tue wed thu fri sat sun".split(), R.randint(1, 5))
    return {"attr": "time.now", "op": "within", "value": v}

def gen_cond(depth=0):
    if depth == 3 or R.random() < .45: return gen_leaf()
    return {R.choice(["all", "all", "any", "none"]): [gen_cond(depth + 1) for _ in range(R.randint(0, 3))]}

def easy(cond, p=.6):  # many rules should hold, else every exchange dies at the first step
    return {"any": [cond, {"attr": "req.method", "op": "exists", "value": True}]} if R.random() < p else cond

def never(cond, p=.85):
    return {"all": [cond, {"attr": "req.method", "op": "exists", "value": False}]} if R.random() < p else cond

def gen_oblige(floor=False):
    o = {}
    if R.random() < .4:
        s = {}
        if R.random() < .5: s["min"] = {k: R.randint(0, 3) for k in "lstr"}
        if R.random() < .4: s["formats"] = R.sample(["httpsig", "jades"], R.randint(1, 2))
        if R.random() < .5: s["level"] = R.choice(["B-B", "B-T", "B-LT"])
        if R.random() < .2: s["on_failure"] = "deny"
        o["seal"] = s
    if R.random() < .4:
        t = {}
        if R.random() < .8: t["mode"] = R.choice(["none", "deferred", "batch", "token"])
        if R.random() < .5: t["accept"] = R.sample(["EU-QTSA", "JP-MIC", "listed"], R.randint(1, 3))
        if R.random() < .4: t["min"] = R.randint(1, 2)
        if R.random() < .4: t["max_delay"] = R.choice(["PT60S", "PT1M", "PT5M"])
        if R.random() < .3: t["on_failure"] = R.choice(["deny", "defer"])
        o["timestamp"] = t
    if R.random() < .4: o["retention_log"] = {"min": R.choice(["P3Y", "P10Y"])}
    if R.random() < .2: o["durability"] = R.choice(["before-response", "replicated"])
    if R.random() < .2: o["min_records"] = R.choice([1, 5, 20])
    if R.random() < .2: o["limit"] = {"bytes": R.choice([100, 1000])}
    if R.random() < .2: o["response_headers"] = {R.choice(["a", "b"]): R.choice(["1", "2"])}
    if R.random() < .2: o["confidential"] = {"pointers": R.sample(["/a", "/b", "/c"], R.randint(0, 3))}
    if R.random() < .2: o["redact"] = {"keep_only": "dataset"} if R.random() < .5 else {"drop": ["/a"], "keep_only": R.sample(["/x", "/y", "/z"], 2)}
    if R.random() < .2: o["proofs"] = R.sample(["inclusion", "consistency"], R.randint(1, 2))
    if R.random() < .2: o["notify"] = [{"to": R.choice(["operator", "assigner.dpo"]), "on": R.sample(["first_use", "quota80", "deny"], R.randint(1, 3))}]
    return o

def rules(n, prefix, wrap, shadow=True):
    out = []
    for i in range(n):
        r = {"id": f"{prefix}{i}", "when": wrap(gen_cond())}
        if shadow and R.random() < .2: r["mode"] = "shadow"
        if R.random() < .1: r["phase"] = "body"
        out.append(r)
    return out

def head(kind, id_): return {"dfft": "1", "kind": kind, "id": id_, "version": R.randint(1, 9)}

def gen_bundle():
    b = {"guards.json": {**head("guards", "urn:dfft:guards:g"), "builtin": {"jp.individual_number": "deny"}, "prohibit": rules(R.randint(0, 2), "g", never)},
         "levels.json": {**head("levels", "urn:dfft:levels:l"), "rows": []}}
    if R.random() < .4:
        b["levels.json"]["rows"] = [{"id": "r", "match": {"level": R.sample(["q-wac", "q-eseal", "pinned"], 2)}, "assurance": {"l": R.randint(0, 3), "t": R.randint(0, 3)}}]
    b["parties/us.json"] = {**head("party", "urn:dfft:party:us"), "org": "GOVJP-US", "name": {"en": "us"}, "territory": "JP", "groups": ["jp"]}
    b["parties/them.json"] = {**head("party", "urn:dfft:party:them"), "org": "VATDE-1", "name": {"en": "them"}, "territory": "DE", "groups": ["eu"]}
    floors = gen_oblige() if R.random() < .5 else {}
    if R.random() < .2: floors["peer"] = {"assurance": {k: R.randint(0, 2) for k in "lstr"}}
    if R.random() < .2: floors["trust"] = {"revocation_age_s": {"max": 100}}
    if R.random() < .2: floors["purposes"] = ["dpv:A", "dpv:B"]
    b["partnerships/p.json"] = {**head("partnership", "urn:dfft:iap:p"), "state": "active" if R.random() < .95 else "suspended",
        "between": [{"group": "jp", "territories": ["JP"]}, {"group": "eu", "territories": ["EEA"]}], "valid": {"from": "2026-01-01T00:00:00Z", "to": "2029-01-01T00:00:00Z"},
        "instruments": [{"id": "out", "basis": "dfft:nonpersonal", "direction": "JP>EEA", "status": R.choice(["enacted"] * 9 + ["repealed"]), "since": "2020-01-01T00:00:00Z"},
                        {"id": "in", "basis": "dfft:nonpersonal", "direction": "EEA>JP", "status": "enacted", "since": "2020-01-01T00:00:00Z"}],
        "floors": floors, "never": rules(R.randint(0, 2), "n", never, False)}
    b["datasets/d.json"] = {**head("dataset", "urn:dfft:ds:d"), "route": {"host": "h", "prefix": "/d", "methods": {"GET": "export"}}, "media_types": ["application/json"],
        "labels": {"personal": R.random() < .2, "labels": R.sample(["x", "y"], R.randint(0, 2)), "category": ["h"]}, "items": ["i"], "record_count": {"pointer": "/n"},
        "body_inspect": R.choice(["required", "best-effort"]), "fields": {"allow": ["/x", "/y"]}}
    b["datasets/i.json"] = {**head("dataset", "urn:dfft:ds:i"), "route": {"host": "h", "prefix": "/i/", "methods": {"POST": "import"}}, "media_types": ["application/json"],
        "labels": {"personal": False}, "items": ["i"], "record_count": {"pointer": "/n"}, "body_inspect": R.choice(["required", "best-effort"]), "fields": {"allow": ["/x", "/y"]}}
    for i in range(R.choice([1, 2, 2, 2, 2])):
        out = i == 0 if R.random() < .9 else R.random() < .7
        permits = []
        for k in range(R.randint(1, 3)):
            p = {"id": f"p{k}", "datasets": ["urn:dfft:ds:d" if out else "urn:dfft:ds:i"], "methods": ["GET" if out else "POST"], "when": easy(gen_cond())}
            if k and R.random() < .15: p["mode"] = "shadow"
            if R.random() < .1: p["phase"] = "body"
            if R.random() < .6: p["oblige"] = gen_oblige()
            if R.random() < .3: p["quota"] = [{"of": R.choice(["requests", "bytes", "records"]), "per": R.choice(["agreement", "permit", "peer"]), "window": "day", "max": R.choice([0, 5, 5000000])}]
            permits.append(p)
        b[f"agreements/a{i}.json"] = {**head("agreement", f"urn:dfft:agr:a{i}"), "under": "urn:dfft:iap:p", "parties": {"assigner": "GOVJP-US", "assignee": "VATDE-1"},
            "state": "active" if R.random() < .95 else "suspended", "valid": {"from": "2026-01-01T00:00:00Z", "to": "2028-01-01T00:00:00Z"},
            "basis": {"instrument": "out" if out else "in", "code": R.choice(["dfft:APPI-27"] * 5 + ["dfft:nonpersonal"])}, "permit": permits,
            "prohibit": rules(R.randint(0, 2), "x", never), "terms": []}
    return b

def gen_facts():
    out = R.random() < .7
    g = {"req.method": "GET" if out else "POST", "req.host": "h", "req.path": "/d/1" if out else "/i/1"}
    if R.random() < .98: g["peer.org.id"] = R.choice(["VATDE-1"] * 29 + ["VATDE-2"])
    for a, (t, _) in ATTRS.items():
        if a in ("time.now", "agreement.id", "agreement.basis", "partnership.id", "req.flow", "peer.kind") or R.random() < .2: continue
        if t in ("set", "terrs"): g[a] = R.sample(POOL[a], R.randint(0, len(POOL[a])))
        elif t in ("text", "terr"): g[a] = R.choice(POOL[a])
        elif t == "bool": g[a] = R.random() < .5
        elif t == "int": g[a] = R.choice([0, 10, 200, 404])
        else: g[a] = {k: R.randint(0, 3) for k in "lstr"}
    g["res.status"] = R.choice([200, 404]); g["res.media_type"] = "application/json"; g["req.media_type"] = "application/json"
    if R.random() < .02: g.pop("res.status")
    if R.random() < .05: g["res.media_type"] = "text/html"
    if R.random() < .1: g["req.agreement"] = R.choice(["urn:dfft:agr:a0"] * 2 + ["urn:dfft:agr:a1"] * 2 + ["urn:dfft:agr:zz"])
    if R.random() < .05: g["body.found"] = ["jp.individual_number"]
    if R.random() < .05: g["body.coded"] = True
    if R.random() < .01: g["req.malformed"] = ["DFFT-Purpose"]
    if R.random() < .05: g["exchange.failed"] = ["seal"]
    if R.random() < .2: g["usage.requests.day"] = R.choice([0, 5, 6])
    if R.random() < .3:
        can = {}
        if R.random() < .8: can["seal"] = {"healthy": R.random() < .8, "level": {k: R.randint(1, 3) for k in "lstr"}}
        if R.random() < .8: can["timestamp"] = {"classes": {c: R.random() < .8 for c in R.sample(["EU-QTSA", "JP-MIC", "listed"], R.randint(0, 3))}}
        for c in ("durability", "redact", "proofs", "confidential", "notify", "meter"):
            if R.random() < .8: can[c] = {"healthy": R.random() < .8}
        g["can"] = can
    return {"dfft": "1", "kind": "facts", "now": R.choice(NOWS[:3] * 4 + NOWS[3:]), "given": g, "phase": R.choice(["request", "response", "body", "body", "stream"])}

# ---------------------------------------------------------------- judgement
F, T, U, P = "false", "true", "unknown", "pending"

class Deny(Exception):
    def __init__(self, code, clause=None): self.code, self.clause = code, clause or "urn:dfft:problem:" + code

def expand(vals):
    out = []
    for v in vals:
        out += EEA if v == "EEA" else [t for t in EEA if t not in ("IS", "LI", "NO")] if v == "EU" else [fold(v)]
    return set(out)

def secs(s): return int(datetime.datetime.strptime(s, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp())

class Judge:
    def __init__(self, b, doc, phase):
        self.b, self.g, self.phase, self.now = b, doc["given"], phase, secs(doc["now"])
        self.import_ = False; self.last = False; self.derived = {}; self.pendings = []

    def due(self, a):
        ph = ATTRS.get(a, ("", "Q"))[1]
        if self.phase == "stream" or ph in "CQ": return True
        if ph == "R": return self.phase == "response" or (self.phase == "body" and not self.import_)
        return self.phase == "body" or (self.phase == "response" and self.import_)

    def fact(self, a):
        if not self.due(a): return None
        if a == "time.now": return self.now
        if a in self.derived: return self.derived[a]
        if a in ("agreement.id", "agreement.basis", "partnership.id"): return None
        v = self.g.get(a)
        t = ATTRS.get(a, ("text", ""))[0]
        if v is None: return None
        if t in ("set", "terrs"):
            if not v and a in ("req.purpose", "req.destination"): return None
            return {fold(x) for x in v} if t == "terrs" else set(v)
        return fold(v) if t == "terr" else v

    def leaf(self, c):
        a, op, v = c["attr"], c["op"], c["value"]
        t = ATTRS.get(a, ("text", "Q"))[0]
        other = v.get("attr") if isinstance(v, dict) and op != "within" and t != "level" else None
        if not self.last and (not self.due(a) or (other and not self.due(other))): return P
        x = self.fact(a)
        if op == "exists": return T if (x is not None) == v else F
        if x is None: return U
        if other:
            v = self.fact(other)
            if v is None: return U
        elif t == "terrs" or (t == "terr" and op in ("in", "not_in")): v = expand(v)
        elif t == "terr": v = fold(v)
        elif t == "set": v = set(v)
        elif t == "time" and op != "within": v = secs(v)
        if op == "within":
            off = 0
            if v["tz"] != "UTC": off = (1 if v["tz"][0] == "+" else -1) * (int(v["tz"][1:3]) * 3600 + int(v["tz"][4:6]) * 60)
            l = datetime.datetime.fromtimestamp(x + off, datetime.timezone.utc)
            ok = True
            if "days" in v: ok = l.strftime("%a").lower() in v["days"]
            if ok and "daily" in v:
                m = l.hour * 60 + l.minute
                f, to = [int(s[:2]) * 60 + int(s[3:]) for s in v["daily"]]
                ok = f <= m < to if f < to else m >= f or m < to
            return T if ok else F
        if op == "subset_of" and not x: return U
        if t == "level":
            ge = all(x[k] >= v[k] for k in "lstr"); le = all(x[k] <= v[k] for k in "lstr")
            r = {"eq": ge and le, "ne": not (ge and le), "gte": ge, "lte": le}[op]
        else:
            r = {"eq": lambda: x == v, "ne": lambda: x != v, "in": lambda: x in v, "not_in": lambda: x not in v, "lt": lambda: x < v, "lte": lambda: x <= v,
                 "gt": lambda: x > v, "gte": lambda: x >= v, "contains_any": lambda: bool(x & v), "contains_all": lambda: v <= x,
                 "contains_none": lambda: not x & v, "subset_of": lambda: x <= v}[op]()
        return T if r else F

    def cond(self, c, permit):
        if "attr" in c: return self.leaf(c)
        k = next(k for k in ("all", "any", "none") if k in c)
        col = permit if k != "none" else not permit
        ts = [self.cond(m, col) for m in c[k]]
        if k == "all": order, dflt = ([F, U, P] if col else [F, P, U]), T
        else: order, dflt = ([T, P, U] if col else [T, U, P]), F
        r = next((o for o in order if o in ts), dflt)
        return {T: F, F: T}.get(r, r) if k == "none" else r

    def rule(self, r, permit):
        ph = r.get("phase")
        if ph in ("body", "response") and not self.last and not self.due({"body": "body.records", "response": "res.status"}[ph]): return P
        return self.cond(r["when"], permit)

    def blame(self, c, truth, permit, at):
        if "attr" in c: return at
        k = next(k for k in ("all", "any", "none") if k in c)
        col = permit if k != "none" else not permit
        want = {T: F, F: T}.get(truth, truth) if k == "none" else truth
        for i, m in enumerate(c[k]):
            if self.cond(m, col) == want: return self.blame(m, want, col, f"{at}/{k}/{i}")
        return at

LV = {"B-B": 1, "B-T": 2, "B-LT": 3}; MODE = ["none", "deferred", "batch", "token"]
TABLE = "seal timestamp retention_log durability redact min_records limit response_headers notify confidential proofs".split()
LEN = {"PT60S": 60, "PT1M": 60, "PT5M": 300, "P3Y": 3 * 365 * 86400, "P10Y": (3652) * 86400}

def merge(n, a, b):
    if a is None: a, first = ({} if not isinstance(b, (str, int, list)) else None), True
    if n == "durability": return b if a is None or b == "replicated" else a
    if n == "min_records": return b if a is None else max(a, b)
    if n == "proofs": return sorted(set(a or []) | set(b))
    if n == "notify":
        d = {}
        for e in (a or []) + b: d.setdefault(e["to"], set()).update(e["on"])
        return [{"to": k, "on": sorted(v)} for k, v in sorted(d.items())]
    a = dict(a)
    for k, v in b.items():
        o = a.get(k)
        if n == "response_headers": a[k] = set(o or ()) | ({v} if isinstance(v, str) else set(v)); continue
        if n == "confidential" or k == "drop": a[k] = sorted(set(o or []) | set(v)); continue
        if k in ("formats", "accept", "keep_only"): a[k] = sorted(set(v) if o is None else set(o) & set(v)); continue
        if o is None: a[k] = v
        elif n == "seal" and k == "min": a[k] = {p: max(o[p], v[p]) for p in "lstr"}
        elif k == "level": a[k] = max(o, v, key=LV.get)
        elif k == "mode": a[k] = max(o, v, key=MODE.index)
        elif k == "on_failure": a[k] = "deny" if "deny" in (o, v) else o
        elif n == "timestamp" and k == "min": a[k] = max(o, v)
        elif k == "max_delay": a[k] = min(o, v, key=lambda s: (LEN[s], s))
        elif n == "retention_log": a[k] = sorted([o, v], key=lambda s: (-LEN[s], s))[0]
        elif n == "limit": a[k] = min(o, v)
    return a

def conflict(n, o):
    if n == "seal": return o.get("formats") == []
    if n == "timestamp": return o.get("accept") == []
    if n == "redact": return o.get("keep_only") == []
    if n == "response_headers": return any(len(v) > 1 for v in o.values())
    return False

def can_do(n, o, can):
    if can is None: return None
    if n == "seal":
        c = can.get("seal")
        if c is None or ("min" in o and any(c["level"][k] < o["min"][k] for k in "lstr")): return "obligation.unconfigured"
        return None if c["healthy"] else "obligation.unavailable"
    if n == "timestamp":
        if o.get("mode") == "none": return None
        cl = {k: v for k, v in can.get("timestamp", {}).get("classes", {}).items() if "accept" not in o or k in o["accept"]}
        m = o.get("min", 1)
        if len(cl) < m: return "obligation.unconfigured"
        return None if sum(cl.values()) >= m or o.get("on_failure") == "defer" else "obligation.unavailable"
    if n in ("durability", "redact", "proofs", "confidential", "notify"):
        c = can.get(n)
        return "obligation.unconfigured" if c is None else None if c["healthy"] else "obligation.unavailable"
    return None

def ref(d): return f'{d["id"]}@{d["version"]}'

def names_body(c):
    if "attr" in c: return any(a in ATTRS and ATTRS[a][1] == "B" for a in (c["attr"], c["value"].get("attr") if isinstance(c["value"], dict) else None))
    return any(names_body(m) for k in ("all", "any", "none") for m in c.get(k, []))

def phase(b, doc, ph):
    j = Judge(b, doc, ph); g = doc["given"]
    def prohibitions(d, rs, key, hit, unk):
        for i, r in enumerate(rs):
            t = j.rule(r, False)
            at = f"{ref(d)}#/{key}/{i}"
            if t == P and r.get("mode") != "shadow": j.pendings.append(at)
            if t in (T, U) and r.get("mode") != "shadow": raise Deny(hit if t == T else unk, at)
    if ph in ("response", "stream") and "res.status" not in g: raise Deny("engine.facts")
    if g.get("req.malformed"): raise Deny("declared.malformed")
    ds = b["datasets/d.json"] if g["req.method"] == "GET" else b["datasets/i.json"]
    j.import_ = g["req.method"] == "POST"
    if (ph in ("response", "stream") or (ph == "body" and not j.import_)) and g["res.media_type"] not in ds["media_types"]: raise Deny("dataset.media_type", f"{ref(ds)}#/media_types")
    if ph == "body" and g.get("body.coded") and ds["body_inspect"] == "required": raise Deny("body.uninspectable", f"{ref(ds)}#/body_inspect")
    # the choice
    agrs = sorted([d for k, d in b.items() if k.startswith("agreements/")], key=lambda d: d["id"])
    them = g.get("peer.org.id") == "VATDE-1"
    refusal, agr = None, None
    intime = lambda d: secs(d["valid"]["from"]) <= j.now < secs(d["valid"]["to"])
    if not them: refusal = Deny("peer.no_party")
    elif "req.agreement" in g:
        agr = next((d for d in agrs if d["id"] == g["req.agreement"]), None)
        if agr is None: refusal = Deny("agreement.unknown")
    else:
        c = [d for d in agrs if d["state"] == "active" and intime(d) and any(p.get("mode") != "shadow" and ds["id"] in p["datasets"] for p in d["permit"])]
        if len(c) != 1: refusal = Deny("agreement.none" if not c else "agreement.ambiguous")
        else: agr = c[0]
    iap = b["partnerships/p.json"]
    L = ds["labels"]
    j.derived = {"req.flow": "import" if j.import_ else "export", "peer.kind": "organisation", "data.personal": L["personal"] or g.get("data.personal", False),
                 "data.labels": set(L.get("labels", [])) | set(g.get("data.labels", [])), "data.category": set(L.get("category", [])) | set(g.get("data.category", []))}
    if agr: j.derived.update({"agreement.id": agr["id"], "agreement.basis": agr["basis"]["code"], "partnership.id": iap["id"]})
    x = g.get("peer.assurance")
    for row in b["levels.json"]["rows"] if x else []:
        lv = g.get("peer.tl.level")
        if lv is None: x = None; break
        if lv in row["match"]["level"]: x = {**x, **row["assurance"]}; break
    j.derived["peer.assurance"] = x
    offered = [(i, p) for i, p in enumerate(agr["permit"]) if ds["id"] in p["datasets"] and g["req.method"] in p["methods"] and p.get("mode") != "shadow"] if agr else []
    live = [r for r in b["guards.json"]["prohibit"] if r.get("mode") != "shadow"]
    if agr: live += iap["never"] + [r for r in agr["prohibit"] if r.get("mode") != "shadow"] + [p for _, p in offered]
    body = ds["body_inspect"] == "required" or any(r.get("phase") == "body" or names_body(r["when"]) for r in live)
    body = body or (agr is not None and any(k in iap["floors"] for k in ("redact", "min_records")))
    for _, p in offered:
        body = body or any(k in p.get("oblige", {}) for k in ("redact", "min_records")) or any(q["of"] == "records" for q in p.get("quota", []))
    j.last = ph == "stream" or (ph == "body" and not j.import_) or (ph == "response" and (j.import_ or not body))
    # 3 guards
    G = b["guards.json"]
    if j.due("body.records") and "jp.individual_number" in g.get("body.found", []) and j.derived["data.personal"]: raise Deny("guard.individual_number", f"{ref(G)}#/builtin/jp.individual_number")
    if j.due("body.records") and "jp.individual_number" in g.get("body.found", []): j.derived["data.labels"] = j.derived["data.labels"] | {"jp.individual_number?"}
    prohibitions(G, G["prohibit"], "prohibit", "guard.matched", "guard.unknown")
    if refusal: raise refusal
    A = ref(agr)
    if agr["state"] != "active": raise Deny("agreement.not_active", A + "#/state")
    if j.now >= secs(agr["valid"]["to"]): raise Deny("agreement.expired", A + "#/valid")
    if agr["basis"]["code"] == "dfft:nonpersonal" and j.derived["data.personal"]: raise Deny("basis.check_failed", A + "#/basis")
    I = ref(iap)
    if iap["state"] != "active": raise Deny("partnership.not_active", I + "#/state")
    n = 0 if agr["basis"]["instrument"] == "out" else 1
    if iap["instruments"][n]["status"] == "repealed": raise Deny("partnership.instrument_repealed", f"{I}#/instruments/{n}")
    if (n == 1) != j.import_: raise Deny("partnership.direction", f"{I}#/instruments/{n}/direction")
    fl = iap["floors"]
    if "peer" in fl and (x is None or any(x[k] < fl["peer"]["assurance"][k] for k in "lstr")): raise Deny("trust.assurance_below_floor", I + "#/floors/peer/assurance")
    if "trust" in fl and not g.get("peer.revocation.age_s", 10 ** 9) <= 100: raise Deny("trust.revocation_stale", I + "#/floors/trust/revocation_age_s")
    if "purposes" in fl and not (g.get("req.purpose") and set(g["req.purpose"]) <= set(fl["purposes"])): raise Deny("partnership.purpose", I + "#/floors/purposes")
    prohibitions(iap, iap["never"], "never", "partnership.never", "partnership.never")
    prohibitions(agr, agr["prohibit"], "prohibit", "prohibit.matched", "prohibit.unknown")
    # 8 permits
    holds = []
    for i, p in offered:
        t = j.rule(p, True)
        if t == P: j.pendings.append(f"{A}#/permit/{i}")
        if t in (T, P): holds.append((i, p, t))
    if not holds:
        if not offered: raise Deny("permit.none", A + "#/permit")
        i, p = offered[0]; t = j.rule(p, True)
        raise Deny("permit.condition_false" if t == F else "permit.condition_unknown", f"{A}#" + j.blame(p["when"], t, True, f"/permit/{i}/when"))
    # 9 obligations
    def resolve(o):
        o = json.loads(json.dumps(o))
        if o.get("redact", {}).get("keep_only") == "dataset": o["redact"]["keep_only"] = ds["fields"]["allow"]
        return o
    sources = [(f"{I}#/floors/", resolve(fl))] + [(f"{A}#/permit/{i}/oblige/", resolve(p.get("oblige", {}))) for i, p, _ in holds]
    can = g.get("can")
    def ask(q):
        for n in TABLE:
            acc = None
            for at, o in sources:
                if n in o: acc = merge(n, acc, o[n])
            if acc is None or not q(n, acc): continue  # the whole decides
            acc = None
            for at, o in sources:
                if n not in o: continue
                acc = merge(n, acc, o[n]); r = q(n, acc)
                if r: raise Deny(r, at + n)
    ask(lambda n, o: "obligation.conflict" if conflict(n, o) else None)
    ask(lambda n, o: can_do(n, o, can))
    rec = j.fact("body.records")
    ask(lambda n, o: "body.too_few_records" if n == "min_records" and ph == "body" and (rec is None or rec < o) else None)
    ask(lambda n, o: "obligation.failed" if n in g.get("exchange.failed", []) else None)
    if g.get("exchange.failed"): raise Deny("obligation.failed")
    total = {}
    for at, o in sources:
        for n in TABLE:
            if n in o: total[n] = merge(n, total.get(n), o[n])
    if "response_headers" in total: total["response_headers"] = {k: next(iter(v)) for k, v in total["response_headers"].items()}
    # 10 quota
    quota, order = {}, []
    for i, p, _ in holds:
        for k, q in enumerate(p.get("quota", [])):
            who = {"agreement": agr["id"], "permit": agr["id"] + "#" + p["id"], "peer": "VATDE-1"}[q["per"]]
            key = f'{q["of"]}/{q["per"]}/day/UTC/{who}'
            size = j.fact("req.bytes" if j.import_ else "res.bytes")
            amount = {"requests": 0 if ph == "stream" else 1, "bytes": size if size is not None and ph != "stream" else 1 << 20, "records": rec or 0}[q["of"]]
            if key not in quota: order.append(key)
            if key not in quota or q["max"] < quota[key][0]: quota[key] = (q["max"], amount, q["of"], f"{A}#/permit/{i}/quota/{k}")
    if quota and can is not None and not can.get("meter", {}).get("healthy"):
        raise Deny("quota.store_unavailable", quota[order[0]][3])
    for key in order:
        mx, am, of, at = quota[key]
        if (g.get("usage.requests.day", 0) if of == "requests" else 0) + am > mx: raise Deny("quota." + of, at)
    h = next((h for h in holds if h[2] == T), holds[0])
    return body, {"decision": "permit", "code": "permit.granted", "clause": f"{A}#/permit/{h[0]}", "phase": ph, "obligations": total,
                  "pending": sorted(j.pendings), "quota": [{"key": k, "max": quota[k][0], "amount": quota[k][1]} for k in sorted(quota)]}

def judge(b, doc):
    upto, imp = doc["phase"], doc["given"]["req.method"] == "POST"
    todo = ["stream"] if upto == "stream" else ["request"]
    while True:
        ph = todo[-1]
        try: body, r = phase(b, doc, ph)
        except Deny as d: return {"decision": "deny", "code": d.code, "clause": d.clause, "phase": ph, "obligations": {}, "pending": [], "quota": []}
        if ph == upto: return r
        order = (["request"] + (["body"] if body else []) + ["response"]) if imp else (["request", "response"] + (["body"] if body else []))
        rest = order[order.index(ph) + 1:]
        if not rest: return r
        if (imp and upto == "body" and rest[0] == "response") or (not imp and upto == "response" and rest[0] == "body"): return r
        todo.append(rest[0])

def main():
    out, seed, cases = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    R.seed(seed)
    per = 50
    for n in range((cases + per - 1) // per):
        b = gen_bundle()
        for k, d in b.items():
            os.makedirs(os.path.join(out, f"b{n}", os.path.dirname(k)), exist_ok=True)
            json.dump(d, open(os.path.join(out, f"b{n}", k), "w"))
        with open(os.path.join(out, f"b{n}.jsonl"), "w") as f:
            for _ in range(min(per, cases - n * per)):
                doc = gen_facts()
                f.write(json.dumps({"facts": doc, "want": judge(b, doc)}) + "\n")

main()
