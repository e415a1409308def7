"""verdicts -- how a conformance script reports: a line for what matters, totals at the end; and the foreign tools it asks."""
import os
import subprocess

TOOL_S = 900  # a first use may build the tool


class Verdicts:
    def __init__(self, name, tools, verbose):
        self.name, self.tools, self.verbose, self.passed, self.failed, self.skipped = name, tools, verbose, 0, 0, 0
        self.broken = {}  # tool: why it cannot be used here

    def line(self, ok, who, what, said):
        self.passed += bool(ok)
        self.failed += not ok
        print(f"{'ok  ' if ok else 'FAIL'} {who:<22} {what}: {' '.join(said.split())[:240]}", flush=True)
        return ok

    def skip(self, who, what, why, count=1):
        self.skipped += count
        print(f"skip {who:<22} {what}: {why}", flush=True)

    def end(self):
        """Prints the totals; the exit code."""
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0

    def ready(self, tool, *probe):
        """Whether a tool runs on this machine; the first use may build it."""
        path = os.path.join(self.tools, tool, *probe[:1])
        if not os.access(path, os.X_OK):
            self.broken[tool] = f"{path} is not there"
        else:
            done = subprocess.run([path, *probe[1:]], capture_output=True, text=True, timeout=TOOL_S)
            if done.returncode not in (0, 2) or "needed" in done.stderr or "failed" in done.stderr:
                self.broken[tool] = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        return tool not in self.broken

    def ask(self, expected, what, tool, program, *arguments, said=None):
        """One question; the tool's exit code is its verdict. `said` turns its output into the line."""
        done = subprocess.run([os.path.join(self.tools, tool, program), *arguments], capture_output=True, text=True, timeout=TOOL_S)
        text = said(done) if said else (done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or [""])[-1]
        if self.verbose:
            print(done.stdout + done.stderr)
        word = {0: "yes", 1: "no", 3: "cannot tell"}.get(done.returncode, f"exit {done.returncode}")
        return self.line(done.returncode == expected, f"{tool} {program}" if program != tool else tool, what, f"{word}; {text}")
