"""saved -- a saved exchange for those who judge it: its parts, copies with one changed byte, and answers about revocation.

Used by tests/flow and tests/conformance/external.py. It shares no code with the gateway.
"""
import base64
import datetime
import os
import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

ESEAL_TEXT, ESEAL_BYTES = rb'(?im)^dfft-seal: eseal="([^"]*)"', rb"(?im)^dfft-seal-time: eseal=:([^:]*):"


class Saved:
    """Head and body of an answer, and the head of the request, as curl saved them."""

    def __init__(self, head, body, request):
        self.head, self.body, self.request = head, body, request

    @classmethod
    def of(cls, world, name):
        return cls(*(world.read(world.path("exchanges", f"{name}.{kind}")) for kind in ("response.txt", "body.bin", "request.txt")))

    def write(self, folder):
        """Puts the three files into a new folder; returns the options that name them, for `sekisho verify` and tools alike."""
        os.makedirs(folder)
        options = []
        for option, file, content in (("--head", "response.txt", self.head), ("--body", "body.bin", self.body), ("--request", "request.txt", self.request)):
            with open(os.path.join(folder, file), "wb") as f:
                f.write(content)
            options += [option, os.path.join(folder, file)]
        return options

    # ---- parts ----

    def sealed(self):
        return re.search(ESEAL_TEXT, self.head) is not None

    def seal(self):
        return re.search(ESEAL_TEXT, self.head)[1]

    def time_evidence(self):
        return base64.b64decode(re.search(ESEAL_BYTES, self.head)[1])

    def base(self):
        """The RFC 9421 signature base, from the message alone."""
        answer, question = self.fields(self.head), self.fields(self.request)
        method, target = self.request.decode().split(" ")[:2]
        parameters = re.fullmatch(r"eseal=(\(.*\).*)", answer["signature-input"])[1]
        derived = {"@status": self.head.decode().split(" ")[1], "@method": method, "@target-uri": "https://" + question["host"] + target}
        lines = []
        for name, of_request in re.findall(r'"([^"]+)"(;req)?', parameters[1:parameters.index(")")]):
            lines.append(f'"{name}"{of_request}: {derived[name] if name in derived else (question if of_request else answer)[name]}')
        return "\n".join([*lines, f'"@signature-params": {parameters}']).encode("ascii")

    @staticmethod
    def fields(head):
        lines = [line.split(":", 1) for line in head.decode().replace("\r\n", "\n").split("\n")[1:] if ":" in line]
        return {name.lower(): value.strip() for name, value in lines}

    # ---- one changed byte ----

    def faults(self):
        """(what, copy): each with exactly one byte changed in a thing that the seal or its time evidence vouches for."""
        yield "body", Saved(self.head, flip(self.body, len(self.body) // 2), self.request)
        yield "covered header content-type", self.with_head(rb"(?im)^content-type: \S+?(\w)\r?$")
        yield "covered header dfft-audience", self.with_head(rb'(?im)^dfft-audience: "\S+?(\w)"\r?$')
        yield "request target", Saved(self.head, self.body, self.request.replace(b"/v1/", b"/v2/", 1))
        yield "RFC 9421 signature", self.with_head(rb"(?im)^signature: eseal=:.{40,60}?(\w)")
        yield "JAdES signature", self.with_head(rb'(?im)^dfft-seal: eseal="[^"]*\.\.[\w-]{20,40}?(\w)')
        evidence = self.time_evidence()
        yield "time evidence, end of the token's signature", self.with_evidence(flip(evidence, len(evidence) - 4))
        yield "time evidence, hash of the seal", self.with_evidence(flip(evidence, 44))

    def with_head(self, pattern):
        """Another letter where the group of `pattern` stands."""
        at = re.search(pattern, self.head).start(1)
        letter = b"B" if self.head[at:at + 1] != b"B" else b"C"
        return Saved(self.head[:at] + letter + self.head[at + 1:], self.body, self.request)

    def with_evidence(self, der):
        return Saved(re.sub(ESEAL_BYTES, lambda m: m[0].replace(m[1], base64.b64encode(der)), self.head), self.body, self.request)


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def crl(world, authority, folder, revoked=(), form="DER"):
    """A fresh CRL of one of the world's authorities; `revoked`: (certificate file, when). Returns its file."""
    who = world.facts["authorities"][authority]
    certificate = x509.load_pem_x509_certificate(world.read(world.path(who["certificate"])))
    key = serialization.load_pem_private_key(world.read(world.path(who["key"])), None)
    now = datetime.datetime.utcnow().replace(microsecond=0)
    made = (x509.CertificateRevocationListBuilder().issuer_name(certificate.subject).last_update(now - datetime.timedelta(minutes=1))
            .next_update(now + datetime.timedelta(hours=6)).add_extension(x509.CRLNumber(1), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(certificate.public_key()), False))
    for file, when in revoked:
        serial = x509.load_pem_x509_certificate(world.read(file)).serial_number
        made = made.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build())
    path = os.path.join(folder, f"{authority}.crl" + (".pem" if form == "PEM" else ""))
    with open(path, "wb") as f:
        f.write(made.sign(key, hashes.SHA256()).public_bytes(getattr(serialization.Encoding, form)))
    return path
