#!/usr/bin/python3
"""check_seal HEAD BODY REQUEST CERTIFICATE -- what a partner's own program does to check a sealed answer.

RFC 9421 signature base rebuilt from the saved message, ECDSA P-256 verified, RFC 9530 digest compared. It shares no code with the
gateway: only the RFCs and python3-cryptography. The certificate comes from the trusted list, not from the message.
"""
import base64
import hashlib
import re
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils


def message(path):
    with open(path, encoding="ascii", newline="") as f:
        start, *lines = f.read().replace("\r\n", "\n").rstrip("\n").split("\n")
    fields = {}
    for line in lines:
        name, value = line.split(":", 1)
        fields.setdefault(name.lower(), []).append(value.strip())
    return start.split(" "), {k: ", ".join(v) for k, v in fields.items()}


def main(head, body, request, certificate):
    (_, status, *_), answer = message(head)
    (method, target, *_), question = message(request)
    with open(body, "rb") as f:
        content = f.read()
    with open(certificate, "rb") as f:
        signer = x509.load_pem_x509_certificate(f.read())

    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    if answer["content-digest"] != f"sha-256=:{digest}:":
        sys.exit("the body is not what was sealed")

    parameters = re.fullmatch(r"eseal=(\(.*\).*)", answer["signature-input"])[1]
    lines = []
    for name, of_request in re.findall(r'"([^"]+)"(;req)?', parameters[1:parameters.index(")")]):
        fields = question if of_request else answer
        derived = {"@status": status, "@method": method, "@target-uri": "https://" + question["host"] + target}
        lines.append(f'"{name}"{of_request}: {derived[name] if name in derived else fields[name]}')
    base = "\n".join(lines + [f'"@signature-params": {parameters}']).encode("ascii")

    keyid = base64.urlsafe_b64encode(hashlib.sha256(signer.public_bytes(serialization.Encoding.DER)).digest()).rstrip(b"=").decode()
    if f'keyid="{keyid}"' not in parameters:
        sys.exit("the seal was made with another certificate")
    raw = base64.b64decode(re.fullmatch(r"eseal=:(.*):", answer["signature"])[1])
    value = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    signer.public_key().verify(value, base, ec.ECDSA(hashes.SHA256()))  # raises when it does not hold
    name = signer.subject.get_attributes_for_oid(x509.ObjectIdentifier("2.5.4.10"))[0].value
    print(f"RFC 9421 signature and body digest hold; sealed by {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
