"""Runs the parts of a suite that are named on the command line, or all: the files test_*.py of its folder, in the order
of their names. Closes with one line: N passed, N failed.

    python3 test/parts.py FOLDER [PART | PART.CLASS | PART.CLASS.TEST ...]
"""

import sys
import time
import unittest
from pathlib import Path


class Timed(unittest.TextTestResult):
    """Says how long each test took."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok ({time.monotonic() - self.began:.1f} s)")
        self.stream.flush()


def main(folder: Path, wanted: list[str]) -> int:
    sys.path[0] = str(folder)  # where the suite's own modules are
    known = sorted(path.stem for path in folder.glob("test_*.py"))
    parts = wanted or known
    unknown = [part for part in parts if part.split(".")[0] not in known]
    if unknown:
        print(f"no such part: {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    suite = unittest.defaultTestLoader.loadTestsFromNames(parts)
    began = time.monotonic()
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Timed).run(suite)
    broken = result.failures + result.errors
    # A fixture that failed took its tests with it: they count as failed, not as never there.
    failed = len(broken) + len(result.unexpectedSuccesses)
    passed = result.testsRun - len([test for test, _ in broken if isinstance(test, unittest.TestCase)])
    print(f"{time.monotonic() - began:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
