#!/usr/bin/python3
"""`sekisho trust explain`: the whole story of a certificate, in text and JSON, against golden files.

    tests/flow/test_trust_explain.py --sekisho BINARY

BLESS=1 writes tests/golden/explain/ anew; the diff is the review. Digests, times and costs differ in each world and are written as
words. No story of a Japanese service may hold the word "qualified", and no story of a person its name or number.
"""
import json
import os
import re

import flow

GOLDEN = os.path.join(flow.ROOT, "tests", "golden", "explain")


def settled(text):
    text = re.sub(r"\b[0-9a-f]{64}\b", "SHA256", text)
    text = re.sub(r"\b[0-9a-f]{12}\.\.", "DIGEST..", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
    text = re.sub(r"\d+\.\d+ ms", "COST", text)
    return re.sub(r'"us": \d+', '"us": 0', text)


class Explain(flow.Flow):
    def setUp(self):
        super().setUp()
        self.world.start_all()
        self.world.stop_all()

    def explain(self, file, expected, *options):
        """Text and JSON of one certificate, settled; both answers are the same."""
        told = []
        for json_too in ((), ("--json",)):
            done = self.world.run("trust", "explain", self.world.path(file), "-c", self.world.path("config.json"), *options, *json_too)
            self.assertEqual(expected, done.returncode, done.stdout + done.stderr)
            told.append(done.stdout)
        self.assertEqual(re.match(r"answer\s+(\w+)", told[0]).group(1).lower(), json.loads(told[1])["answer"])
        return settled(told[0]), settled(json.dumps(json.loads(told[1]), indent=1, sort_keys=True, ensure_ascii=False) + "\n")

    def golden(self, name, told):
        for kind, text in zip(("txt", "json"), told):
            path = os.path.join(GOLDEN, f"{name}.{kind}")
            if os.environ.get("BLESS"):
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
            with open(path, encoding="utf-8") as f:
                self.assertEqual(f.read(), text, f"{name}.{kind}")

    def test_stories(self):
        for name, file, expected, options in (
            ("granted", "personas/granted.pem", 3, ()),
            ("withdrawn", "personas/withdrawn.pem", 1, ()),
            ("unlisted", "personas/unlisted.pem", 1, ()),
            ("expired", "personas/expired.pem", 1, ()),
            ("wrong-usage", "personas/wrong-usage.pem", 1, ()),
            ("person", "personas/person.pem", 1, ()),
            ("jp-seal", "seal/seal.pem", 3, ("--purpose", "seal")),
        ):
            with self.subTest(name):
                told = self.explain(file, expected, *options)
                self.golden(name, told)
                if name == "jp-seal":
                    self.assertNotIn("qualified", "".join(told).lower())
                if name == "person":
                    self.assertNotRegex("".join(told), r"(?i)erika|beispiel")

    def test_answers_about_revocation_are_judged(self):
        self.world.start_all()
        online = self.explain("personas/granted.pem", 0, "--online")
        self.assertIn("revocation   0 good by OCSP", online[0])
        revoked = self.explain("personas/revoked.pem", 1, "--online")
        self.assertIn("NO  ID-401", revoked[0])


if __name__ == "__main__":
    flow.main()
