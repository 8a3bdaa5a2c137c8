#!/usr/bin/env python3
"""Posts orders to the stack's gateway, in bursts far beyond what the downstream accepts.

Finds the gateway through the stack's outputs and waits for it. Needs only Python. With --requests, it posts that many,
waits for each answer, prints one line of JSON, and exits with 1 unless all were accepted; without it, it does not stop.
"""

import argparse
import collections
import http.client
import itertools
import json
import os
import re
import sys
import threading
import time
import urllib.parse
import urllib.request

EMULATOR = os.environ.get("LOAD_EMULATOR", "http://localstack:4566")
STACK = os.environ.get("GATEWAY_STACK", "orders")
CALLERS = 8


def look_up() -> str:
    """The endpoint's path at the emulator; an exception while the stack is not there."""
    query = urllib.parse.urlencode({"Action": "DescribeStacks", "Version": "2010-05-15", "StackName": STACK})
    request = urllib.request.Request(EMULATOR, query.encode(), {
        "Content-Type": "application/x-www-form-urlencoded",
        # The emulator reads the service from it and checks nothing.
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cloudformation/aws4_request, "
                         "SignedHeaders=host, Signature=none"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read().decode()
    found = re.search(r"<OutputValue>https://(\w+)\.execute-api\.[^/]+(/[^<]*)</OutputValue>", text)
    if not found or "<StackStatus>CREATE_COMPLETE<" not in text and "<StackStatus>UPDATE_COMPLETE<" not in text:
        raise LookupError(f"the stack {STACK} is not complete")
    return f"/_aws/execute-api/{found[1]}{found[2]}"


def gateway(patience: float) -> str:
    deadline = time.monotonic() + patience
    for attempt in itertools.count():
        try:
            return look_up()
        except (OSError, LookupError, http.client.HTTPException) as error:
            if attempt == 0:
                print(f"waiting for the gateway: {error}", file=sys.stderr, flush=True)
            if time.monotonic() > deadline:
                sys.exit(f"load: no gateway after {patience:.0f} s: {error}; is the service localstack up?")
            time.sleep(1)


class Burst:
    """COUNT requests, each as soon as the one before it on its connection was answered."""

    def __init__(self, path: str, numbers: range):
        self.path, self.numbers, self.lock = path, iter(numbers), threading.Lock()
        self.answers: collections.Counter = collections.Counter()

    def run(self) -> collections.Counter:
        threads = [threading.Thread(target=self.call) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.answers

    def call(self) -> None:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(EMULATOR).netloc, timeout=30)
        while True:
            with self.lock:
                number = next(self.numbers, None)
            if number is None:
                connection.close()
                return
            body = json.dumps({"order": number, "item": f"A-{number % 17}", "quantity": 1 + number % 3})
            try:
                connection.request("POST", self.path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                what = str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                what = type(error).__name__
            with self.lock:
                self.answers[what] += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, help="post as many, then end (default: burst after burst, for ever)")
    parser.add_argument("--burst", type=int, default=300, help="requests at once (300)")
    parser.add_argument("--every", type=float, default=20, metavar="SECONDS", help="a burst each (20)")
    parser.add_argument("--patience", type=float, default=120, metavar="SECONDS", help="how long to wait for the gateway (120)")
    options = parser.parse_args()

    path = gateway(options.patience)
    if options.requests is not None:
        began = time.monotonic()
        answers = Burst(path, range(1, options.requests + 1)).run()
        print(json.dumps({"seconds": round(time.monotonic() - began, 1), "answers": answers}))
        return 0 if answers == {"202": options.requests} else 1
    for first in itertools.count(1, options.burst):
        began = time.monotonic()
        answers = Burst(path, range(first, first + options.burst)).run()
        took = time.monotonic() - began
        print(f"posted {options.burst} in {took:.1f} s: " + ", ".join(f"{n} x {what}" for what, n in sorted(answers.items())), flush=True)
        if not answers["202"]:
            path = gateway(options.patience)  # the emulator was started anew, and so was the API
        time.sleep(max(0.0, options.every - took))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
