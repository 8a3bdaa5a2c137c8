#!/usr/bin/env python3
"""Draws docs/dashboard.svg from what Prometheus held of a run. Needs matplotlib.

    COMPOSE_DATA=/tmp/run.json test/compose/run.sh test_stack && test/compose/draw.py /tmp/run.json docs/dashboard.svg
"""

import json
import math
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams.update({"svg.hashsalt": "poller", "font.size": 8, "font.family": "sans-serif", "svg.fonttype": "none"})
import matplotlib.pyplot as plt

OUTCOMES = {"delivered": "#3a9a4b", "rejected": "#f08c2e", "connection": "#8a5cc2", "failed": "#d33f49", "unavailable": "#8f1d27", "throttled": "#e0b400"}
STATES = {"visible": "#4c78a8", "in_flight": "#9ecae9", "delayed": "#bab0ac"}
PACE = 28


def lines(series: list, label: str, began: float) -> dict[str, tuple[list, list]]:
    """By the label's value; None where nothing was measured for more than two scrapes."""
    found = {}
    for one in series:
        times, values, last = [], [], None
        for at, value in one["values"]:
            if last is not None and at - last > 11:
                times.append(at - began)
                values.append(math.nan)
            times.append(at - began)
            values.append(float(value))
            last = at
        found[one["metric"].get(label, "")] = (times, values)
    return found


def main() -> None:
    source, target = sys.argv[1:]
    run = json.loads(Path(source).read_text())
    began = run["began"]
    # The part up to the stop: what follows is breaks in the lines.
    end = next((at for at, text in run["marks"] if text == "stopped"), run["ended"]) - began
    panels, marks = run["panels"], [(at, text) for at, text in run["marks"] if at - began < end]
    figure, axes = plt.subplots(4, 1, figsize=(10, 7.6), sharex=True, gridspec_kw={"hspace": 0.38, "top": 0.90, "bottom": 0.06, "left": 0.06, "right": 0.985})

    for at, values in lines(panels["on-call: Lag"], "queue", began).values():
        axes[0].plot(at, values, color="#4c78a8", lw=1.5)
    axes[0].axhline(30, color="#d33f49", lw=1, ls="--")
    axes[0].set_title("How far behind: age of the oldest message, seconds (dashed: the objective)", loc="left")

    stack(axes[1], lines(panels["on-call: Messages in SQS"], "state", began), STATES)
    axes[1].set_title("Is it the queue? Messages in SQS", loc="left")

    for at, values in lines(panels["on-call: Deliveries started, against the rate"], "target", began).values():
        axes[2].plot(at, values, color="#4c78a8", lw=1.5)
    axes[2].axhline(PACE, color="#d33f49", lw=1, ls="--")
    axes[2].set_title("Is it the worker? Deliveries started a second (dashed: its rate)", loc="left")

    stack(axes[3], lines(panels["on-call: Outcomes"], "outcome", began), OUTCOMES)
    axes[3].set_title("Is it the downstream? Outcomes, deliveries a second", loc="left")
    axes[3].set_xlabel("seconds")

    for axis in axes:
        axis.set_xlim(0, end)
        axis.set_ylim(bottom=0)
        axis.grid(axis="y", color="#e5e5e5", lw=0.6)
        axis.spines[["top", "right"]].set_visible(False)
        for at, _ in marks:
            axis.axvline(at - began, color="#777777", lw=0.7, ls=":")
    for at, text in marks:
        axes[0].annotate(text, (at - began, 1), xycoords=("data", "axes fraction"), xytext=(2, 15), textcoords="offset points", rotation=12, fontsize=7.5, color="#333333")
    figure.savefig(target, metadata={"Date": None})


def stack(axis, found: dict, colours: dict) -> None:
    """Lines that are filled, the larger ones behind."""
    for name in sorted(found, key=lambda n: -max((v for v in found[n][1] if not math.isnan(v)), default=0)):
        at, values = found[name]
        if not any(v > 0 for v in values):
            continue
        axis.fill_between(at, values, color=colours.get(name, "#999999"), alpha=0.35, lw=0)
        axis.plot(at, values, color=colours.get(name, "#999999"), lw=1, label=name.replace("_", " "))
    axis.legend(loc="upper left", ncols=4, frameon=False, fontsize=7)


if __name__ == "__main__":
    main()
