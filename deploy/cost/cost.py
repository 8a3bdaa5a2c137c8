#!/usr/bin/env python3
"""The monthly cost of queue, gateway and worker, as in README's table.

    python3 deploy/cost/cost.py            prints the table
    python3 deploy/cost/cost.py --check    exits 1 if README has another one

Prices are in prices.json, with their date. Tiers are [up to so many million a month,
price a million]. Messages are at most 64 KiB; data transfer, logs and KMS are left out.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
README = HERE.parent.parent / "README.md"
PRICES = json.loads((HERE / "prices.json").read_text())

HOURS = 730  # a month
VCPU, GIB = 0.25, 0.5  # Fargate's smallest task: the worker needs far less
IDLE_REQUESTS_AN_HOUR = 181  # long polls and GetQueueAttributes

# Messages a second, and the worker's requests to SQS for each: 0.20 is what bench
# measures under load; 1.12 on a trickle, where most receives bring one message.
LOADS = [(0, 0.0), (10, 1.12), (1000, 0.20)]


def tiered(millions: float, tiers: list) -> float:
    cost, below = 0.0, 0.0
    for upto, price in tiers:
        top = millions if upto is None else min(millions, upto)
        if top > below:
            cost += (top - below) * price
            below = top
    return cost


def row(rate: int, requests: float) -> list[float]:
    messages = rate * HOURS * 3600 / 1e6
    idle = IDLE_REQUESTS_AN_HOUR * HOURS / 1e6 if rate == 0 else 0.0
    queue = tiered(messages + messages * requests + idle, PRICES["sqs_standard_per_million"])
    gateway = tiered(messages, PRICES["api_gateway_rest_per_million"])
    worker = HOURS * (VCPU * PRICES["fargate_vcpu_hour"] + GIB * PRICES["fargate_gb_hour"])
    return [queue, gateway, worker, queue + gateway + worker]


def table() -> str:
    lines = [
        "| messages a second | queue | gateway | worker | in all |",
        "|---|---|---|---|---|",
    ]
    for rate, requests in LOADS:
        cells = " | ".join(f"${cost:,.2f}" for cost in row(rate, requests))
        lines.append(f"| {rate:,} | {cells} |")
    return "\n".join(lines)


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        if table() not in README.read_text():
            print("README has another cost table than deploy/cost/cost.py prints:\n" + table())
            return 1
        return 0
    print(f"Prices of {PRICES['region']}, {PRICES['as_of']}, in {PRICES['currency']} a month.\n")
    print(table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
