"""Reads the dashboards: their queries, and TypeScript that makes the compiler check them against Grafana's own types."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/grafana/dashboards"
# What Grafana puts in the place of its variables; the test's Prometheus scrapes every 5 s.
VARIABLES = {"$queue": ".*", "$target": ".*", "$__rate_interval": "20s"}
# What the Prometheus data source reads of an annotation, and the dashboard's own types do not know.
OF_PROMETHEUS = ("titleFormat", "textFormat")
# The panels' options are typed by each panel's own part of the schema.
OPTIONS = {"stat": "stat/panelcfg/x/StatPanelCfg", "timeseries": "timeseries/panelcfg/x/TimeSeriesPanelCfg",
           "heatmap": "heatmap/panelcfg/x/HeatmapPanelCfg", "table": "table/panelcfg/x/TablePanelCfg",
           "text": "text/panelcfg/x/TextPanelCfg"}
HEAD = """import type { Dashboard, DataQuery, Panel } from "@grafana/schema";
// The schema leaves the Prometheus data source's queries out.
interface Query extends DataQuery {
  expr: string; legendFormat: string; editorMode: "code"; range: boolean; instant: boolean; format?: "table" | "heatmap";
}
// JSON has an enum's value where the types want its name.
type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
"""


def boards() -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels() -> list[tuple[str, dict]]:
    """Each panel that shows something of Prometheus, by a name that a person finds it by."""
    return [(f"{name}: {panel['title']}", panel) for name, board in boards().items()
            for panel in board["panels"] if panel.get("targets")]


def queries() -> list[tuple[str, str]]:
    found = [(f"{name} ({target['legendFormat'] or target['refId']})", target["expr"])
             for name, panel in panels() for target in panel["targets"]]
    return [(name, filled(expr)) for name, expr in found]


def filled(expr: str) -> str:
    for variable, value in VARIABLES.items():
        expr = expr.replace(variable, value)
    if "$" in expr:
        raise ValueError(f"a variable of Grafana that the test does not know: {expr}")
    return expr


def typescript(name: str) -> str:
    board = json.loads((FOLDER / f"{name}.json").read_text())
    lines = [HEAD]
    for kind, path in OPTIONS.items():
        lines.append(f'import type {{ Options as {kind} }} from "@grafana/schema/dist/esm/raw/composable/{path}_types.gen";')
    for number, panel in enumerate(board["panels"]):
        if panel["type"] in OPTIONS:
            lines.append(f"export const options{number}: Plain<{panel['type']}> = {json.dumps(panel.get('options', {}))};")
        for target in panel.get("targets", []):
            lines.append(f"export const query{number}{target['refId']}: Plain<Query> = {json.dumps(target)};")
        # Without what was checked just now, and what is open in the type of a panel.
        lines.append(f"export const panel{number}: Plain<Panel> = {json.dumps({**panel, 'targets': []})};"
                     if panel["type"] != "row" else "")
    for annotation in board["annotations"]["list"]:
        for key in OF_PROMETHEUS:
            annotation.pop(key, None)
        annotation["target"] = {"refId": annotation["target"]["refId"]}
    for panel in board["panels"]:
        panel.pop("targets", None)
    lines.append(f"export const board: Plain<Dashboard> = {json.dumps(board, indent=1)};")
    return re.sub(r"\n{2,}", "\n", "\n".join(lines)) + "\n"
