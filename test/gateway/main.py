"""Runs the parts named on the command line, or all, and closes with one line: N passed, N failed."""

import sys
import time
import unittest
from pathlib import Path

PARTS = ["test_template", "test_velocity", "test_stack", "test_fuzz", "test_script"]


def main() -> int:
    sys.path.insert(0, str(Path(__file__).parent))
    parts = sys.argv[1:] or PARTS
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        print(f"no such part: {unknown[0]}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    suite = unittest.defaultTestLoader.loadTestsFromNames(parts)
    began = time.monotonic()
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{time.monotonic() - began:.0f} s")
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
