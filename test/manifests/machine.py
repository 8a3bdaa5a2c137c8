"""Amazon's States Language, as far as the schedule's machine uses it; its expressions are worked out by a JSONata engine."""

import json
from collections.abc import Generator
from dataclasses import dataclass

import jsonata


@dataclass
class Failed(Exception):
    """What a task's integration reports."""

    error: str
    cause: str


def expression(text: str, states: dict):
    engine = jsonata.Jsonata(text)
    engine.assign("states", states)
    engine.register_lambda("parse", lambda document: json.loads(document))
    value = engine.evaluate(None)
    assert value is not None, f"undefined, which ends an execution: {text}"
    return value


def worked_out(node, states: dict):
    if isinstance(node, dict):
        return {key: worked_out(value, states) for key, value in node.items()}
    if isinstance(node, list):
        return [worked_out(value, states) for value in node]
    if isinstance(node, str) and node.startswith("{%") and node.endswith("%}"):
        return expression(node[2:-2].strip(), states)
    return node


def execution(machine: dict, context: dict) -> Generator[tuple, object, tuple[str, str]]:
    """Yields ("wait", seconds) and (resource, arguments), is sent the result or thrown Failed, and gives how it ended and why."""
    assert machine["QueryLanguage"] == "JSONata"
    name, data = machine["StartAt"], {}
    while True:
        state = machine["States"][name]
        states = {"context": context, "input": data}
        match state["Type"]:
            case "Wait":
                yield "wait", state["Seconds"]
                name = state["Next"]
            case "Task":
                try:
                    result = yield state["Resource"], worked_out(state["Arguments"], states)
                except Failed as failed:
                    catches = [c for c in state.get("Catch", []) if failed.error in c["ErrorEquals"]]
                    if not catches:
                        return "FAILED", f"{failed.error}: {failed.cause}"
                    data = worked_out(catches[0]["Output"], states | {"errorOutput": {"Error": failed.error, "Cause": failed.cause}})
                    name = catches[0]["Next"]
                else:
                    data = worked_out(state["Output"], states | {"result": result}) if "Output" in state else result
                    name = state["Next"]
            case "Choice":
                name = next((c["Next"] for c in state["Choices"] if worked_out(c["Condition"], states) is True), state["Default"])
            case "Succeed":
                return "SUCCEEDED", name
            case "Fail":
                return "FAILED", worked_out(state["Cause"], states)
            case other:
                raise AssertionError(other)
