"""The chart's renderings and the workers' templates, as data."""

import json
import re
import subprocess
from pathlib import Path

import botocore
import cfnlint.decode.cfn_yaml
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/helm/poller"
KUBERNETES = ROOT / "deploy/kubernetes"
CLOUDFORMATION = ROOT / "deploy/cloudformation"
ECS, SCHEDULE, GATEWAY = [CLOUDFORMATION / f"{name}.yaml" for name in ("worker-ecs", "worker-schedule", "gateway")]
MINIMAL, FULL = CHART / "ci/minimal-values.yaml", CHART / "ci/full-values.yaml"
HELM = ROOT / "deploy/helm"
LAMBDA_SIDECAR, LAMBDA_FUNCTION, LAMBDA_POLICY = [HELM / name for name in ("lambda-sidecar.yaml", "lambda-function.yaml", "lambda-function-policy.json")]


def run(*args: str, stdin: str | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(args, cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=120)


def succeed(*args: str, stdin: str | None = None) -> str:
    done = run(*args, stdin=stdin)
    if done.returncode:
        raise AssertionError(f"{' '.join(args)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def helm(values: dict | None = None, base: Path | None = MINIMAL, release: str = "poller") -> subprocess.CompletedProcess:
    """helm template with values over those of a file."""
    files = ["-f", str(base)] if base else []
    return run("helm", "template", release, str(CHART), "--namespace", "work", *files, "-f", "-", stdin=json.dumps(values or {}))


def rendered(values: dict | None = None, base: Path | None = MINIMAL) -> str:
    done = helm(values, base)
    if done.returncode:
        raise AssertionError(f"helm template with {values}: {done.stderr[-4000:]}")
    return done.stdout


def objects(text: str) -> dict[str, dict]:
    """By kind: there is one of each."""
    found: dict[str, dict] = {}
    for document in yaml.safe_load_all(text):
        if document:
            assert document["kind"] not in found, f"two {document['kind']}"
            found[document["kind"]] = document
    return found


def chart(values: dict | None = None, base: Path | None = MINIMAL) -> dict[str, dict]:
    return objects(rendered(values, base))


def settings(parts: dict[str, dict]) -> dict:
    return yaml.safe_load(parts["ConfigMap"]["data"]["poller.yaml"])


def pod(parts: dict[str, dict]) -> dict:
    return parts["Deployment"]["spec"]["template"]["spec"]


def worker(parts: dict[str, dict]) -> dict:
    (container,) = pod(parts)["containers"]
    return container


def seconds(duration: str) -> float:
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"([0-9.]+)(ms|s|m|h)", duration))


def partitions() -> dict[str, dict]:
    """AWS's partitions by name, as the SDK's own endpoint rules have them."""
    return {p["id"]: p for p in json.loads((Path(botocore.__file__).parent / "data/partitions.json").read_text())["partitions"]}


def regions() -> list[tuple[str, str]]:
    """One region of each partition, and what AWS::URLSuffix is there."""
    return [(p["outputs"]["implicitGlobalRegion"], p["outputs"]["dnsSuffix"]) for p in partitions().values()]


def template(path: Path) -> dict:
    """A CloudFormation template; short forms such as !Ref come out in their long form."""
    return json.loads(json.dumps(cfnlint.decode.cfn_yaml.load(str(path))))


class Stack:
    """A template with values for its parameters, its intrinsic functions worked out. What only AWS knows is ${…}."""

    def __init__(self, path: Path, **parameters: str):
        self.template = template(path)
        declared = self.template["Parameters"]
        assert not set(parameters) - set(declared), parameters
        self.parameters = {name: parameters.get(name, p.get("Default", f"${{{name}}}")) for name, p in declared.items()}
        self.resources = {name: self.value(r) for name, r in self.template["Resources"].items()
                          if "Condition" not in r or self.holds(r["Condition"])}

    def properties(self, name: str) -> dict:
        return self.resources[name]["Properties"]

    def container(self, name: str) -> dict:
        (found,) = [c for c in self.properties("TaskDefinition")["ContainerDefinitions"] if c["Name"] == name]
        return found

    def environment(self, name: str) -> dict[str, str]:
        return {e["Name"]: str(e["Value"]) for e in self.container(name).get("Environment", [])}

    def machine(self) -> dict:
        """The schedule's state machine, as Step Functions gets it in the partition aws."""
        runner = self.properties("Runner")
        text = re.sub(r"\$\{(\w+)\}", lambda m: runner["DefinitionSubstitutions"][m[1]], runner["DefinitionString"])
        return json.loads(text.replace("${AWS::Partition}", "aws"))

    def refused(self) -> list[str]:
        """What CloudFormation says before it creates anything."""
        return [a["AssertDescription"] for rule in self.template.get("Rules", {}).values()
                if "RuleCondition" not in rule or self.truth(rule["RuleCondition"])
                for a in rule["Assertions"] if not self.truth(a["Assert"])]

    def holds(self, name: str) -> bool:
        return self.truth(self.template["Conditions"][name])

    def truth(self, node: dict) -> bool:
        ((function, arguments),) = node.items()
        match function:
            case "Fn::Not":
                return not self.truth(arguments[0])
            case "Fn::Equals":
                left, right = map(self.value, arguments)
                return str(left) == str(right)
            case "Fn::Or":
                return any(map(self.truth, arguments))
            case "Fn::And":
                return all(map(self.truth, arguments))
            case "Condition":
                return self.holds(arguments)
        raise AssertionError(function)

    def value(self, node):
        if isinstance(node, list):
            values = [self.value(n) for n in node]
            return [v for v in values if v is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, arguments),) = node.items()
            match function:
                case "Ref":
                    return None if arguments == "AWS::NoValue" else self.parameters.get(arguments, f"${{{arguments}}}")
                case "Fn::If":
                    condition, yes, no = arguments
                    return self.value(yes if self.holds(condition) else no)
                case "Fn::FindInMap":
                    name, first, second = map(self.value, arguments)
                    return self.template["Mappings"][name][str(first)][second]
                case "Fn::GetAtt":
                    return "${" + ".".join(arguments) + "}"
                case "Fn::Select":
                    index, values = map(self.value, arguments)
                    return values[int(index)]
                case "Fn::Split":
                    separator, text = map(self.value, arguments)
                    return text.split(separator)
                case "Fn::Join":
                    separator, values = map(self.value, arguments)
                    return separator.join(values) if isinstance(values, list) else values
                case "Fn::Sub":
                    text, names = arguments if isinstance(arguments, list) else (arguments, {})
                    known = self.parameters | {name: self.value(v) for name, v in names.items()}
                    return re.sub(r"\$\{([^}]+)\}", lambda m: str(known.get(m[1], m[0])), text)
        values = {key: self.value(v) for key, v in node.items()}
        return {key: v for key, v in values.items() if v is not None}


QUEUE = {
    "QueueUrl": "https://sqs.eu-central-1.amazonaws.com/123456789012/orders",
    "QueueArn": "arn:aws:sqs:eu-central-1:123456789012:orders",
    "DeadLetterQueueArn": "arn:aws:sqs:eu-central-1:123456789012:orders-dlq",
    "TargetUrl": "http://127.0.0.1:8080/orders",
    "Image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/poller:1.2.3",
}
