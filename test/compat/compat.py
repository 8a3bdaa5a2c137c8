"""Runs every check of this directory against an SQS server; see run.sh.

A check is a function marked with @check in one of the modules below; its first
argument is a Bench. Arguments of the command line choose checks by a part of
their names.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import traceback

import harness
import cli
import fifo
import messages
import queues
import redrive
import settle

MODULES = [queues, messages, settle, fifo, redrive, cli]


def start():
    """Starts `poller localsqs` on a free port; gives it and the variables it prints."""
    server = subprocess.Popen(
        [os.environ["POLLER_BINARY"], "localsqs", "--listen", "127.0.0.1:0", "--queue", "compat"],
        stdout=subprocess.PIPE,
        text=True,
    )
    variables = {}
    for line in server.stdout:
        if found := re.fullmatch(r"\s*export (\w+)=(\S+)\s*", line):
            variables[found.group(1)] = found.group(2)
        elif variables:
            return server, variables
    sys.exit("poller localsqs ended without printing its variables")


def run(check, variables):
    try:
        check(harness.Bench(variables))
        return None
    except Exception:  # a check may fail in any way
        return traceback.format_exc()


def main():
    if endpoint := os.environ.get("SQS_ENDPOINT"):
        server, variables = None, dict(harness.DEFAULTS, AWS_ENDPOINT_URL_SQS=endpoint)
    else:
        server, variables = start()
    chosen = [c for c in harness.CHECKS if all(part in c.__name__ for part in sys.argv[1:])]
    passed = failed = 0
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for check, trouble in zip(chosen, pool.map(lambda c: run(c, variables), chosen)):
                name = f"{check.__module__}: {check.__name__.replace('_', ' ')}"
                if trouble is None:
                    passed += 1
                    print("ok  ", name)
                else:
                    failed += 1
                    print("FAIL", name)
                    print("    " + trouble.strip().replace("\n", "\n    "))
    finally:
        if server:
            server.terminate()
            if server.wait(10) != 0:
                failed += 1
                print("FAIL poller localsqs ended with", server.returncode)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
