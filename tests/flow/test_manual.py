#!/usr/bin/python3
"""The manual pages say what the program says, name every option and command, and render without a warning.

    tests/flow/test_manual.py --sekisho BINARY
"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import flow

PAGES = ("sekisho.1", "sekisho.conf.5")


class Manual(unittest.TestCase):
    def setUp(self):
        self.build = os.path.dirname(flow.BINARIES["sekisho"])

    def page(self, name):
        with open(os.path.join(self.build, "man", name), encoding="utf-8") as f:
            return f.read()

    def manual(self, *flags):
        return subprocess.run([flow.BINARIES["sekisho"], "manual", *flags], check=True, capture_output=True, text=True, timeout=20).stdout

    def test_every_option_and_command_of_the_tables_is_in_the_pages(self):
        for page, flag, table, row in (("sekisho.conf.5", "--options", "gateway/config/config_table.h", r'(?m)^O\(\w+, "?(\w+)'),
                                       ("sekisho.1", "--commands", "gateway/cli/command_table.h", r'(?m)^C\(\w+, "([\w ]+)"')):
            text = self.page(page)
            self.assertIn(self.manual(flag, "--roff").strip(), text)
            self.assertNotRegex(text, r"@[A-Z]+@")
            with open(os.path.join(flow.ROOT, table), encoding="utf-8") as f:
                names = re.findall(row, f.read())
            self.assertGreater(len(names), 10)
            for name in names:
                self.assertRegex(text, rf"(?m)^\.B (sekisho )?{name}\b")
                self.assertIn(name, self.manual(flag))

    def test_the_pages_render_without_a_warning(self):
        renderers = [["man", "--warnings", "-l"], ["mandoc", "-T", "lint", "-W", "warning"], ["groff", "-man", "-Tutf8", "-ww", "-z"]]
        renderers = [r for r in renderers if shutil.which(r[0])]
        if not renderers:
            self.skipTest("neither man, mandoc nor groff is installed")
        for page in PAGES:
            for command in renderers:
                with self.subTest(page, by=command[0]):
                    done = subprocess.run([*command, os.path.join(self.build, "man", page)], capture_output=True, text=True, timeout=30,
                                          env=dict(os.environ, MANWIDTH="100", LC_ALL="C.UTF-8", MANPAGER="cat"))
                    self.assertEqual("", done.stderr)
                    self.assertEqual(0, done.returncode, done.stdout)
                    if command[0] == "man":
                        self.assertIn("SEE ALSO", done.stdout)

    def test_they_are_installed(self):
        with tempfile.TemporaryDirectory(prefix="sekisho-install-") as prefix:
            subprocess.run(["cmake", "--install", self.build, "--prefix", prefix], check=True, capture_output=True, timeout=60)
            for page in PAGES:
                self.assertTrue(os.path.isfile(os.path.join(prefix, "share", "man", "man" + page[-1], page)), page)


if __name__ == "__main__":
    flow.main()
