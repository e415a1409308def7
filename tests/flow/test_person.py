#!/usr/bin/python3
"""A natural person's certificate is refused as an organisation's, and nothing of the person is written anywhere.

    tests/flow/test_person.py --sekisho BINARY
"""
import base64
import hashlib
import os
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import serialization

import flow


class Person(flow.Flow):
    def spellings(self):
        """Every way in which the person could stand in a file: words of two lengths and more in the usual encodings."""
        with open(self.world.path(self.world.facts["personas"]["person"]["certificate"]), "rb") as f:
            certificate = x509.load_pem_x509_certificate(f.read())
        der = certificate.public_bytes(serialization.Encoding.DER)
        serial = certificate.serial_number
        octets = serial.to_bytes((serial.bit_length() + 8) // 8, "big").lstrip(b"\0")
        digest = hashlib.sha256(der).digest()
        found = {}
        for what, text in (("given name", "Erika"), ("name", "Erika Beispiel")):
            found[what] = [text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"), text.encode().hex().encode()]
            found[what] += [base64.b64encode(b"\0" * i + text.encode())[i + (i > 0):-4] for i in range(3)]
        found["serial"] = [octets, octets.hex().encode(), octets.hex().upper().encode(), str(serial).encode(), base64.b64encode(octets)]
        found["certificate"] = [digest, digest.hex().encode(), base64.b64encode(digest).rstrip(b"="), base64.urlsafe_b64encode(digest).rstrip(b"="),
                                der[-48:], base64.b64encode(der[:60])]
        return {what: [s for s in spellings if len(s) >= 5] for what, spellings in found.items()}

    def test_nothing_of_a_person_is_written(self):
        self.world.start_all()
        self.allowed()
        for _ in range(3):
            answer = self.refused("person", 403, "peer-not-organisation")
            self.assertIn(b"ID-506", answer.body)
        with urllib.request.urlopen(self.world.facts["gateway"]["observe"] + "/metrics", timeout=5) as r:
            metrics = r.read()
        self.stays_clean()
        read = {"metrics": metrics, "gateway.log": self.world.read(self.world.path("gateway.log")), "ocsp.log": self.world.read(self.world.path("ocsp.log"))}
        for top in ("state", "log"):
            for folder, _, files in os.walk(self.world.path(top)):
                for name in files:
                    read[os.path.join(folder, name)] = self.world.read(os.path.join(folder, name))
        self.assertGreater(len(read), 6)
        self.assertIn(b"Rheinland", b"".join(read.values()), "the search would find an organisation")
        for place, content in read.items():
            for what, spellings in self.spellings().items():
                for spelling in spellings:
                    self.assertFalse(spelling in content, f"{what} of a person in {place}: {spelling}")


if __name__ == "__main__":
    flow.main()
