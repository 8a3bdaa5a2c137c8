"""gateway.yaml as data, and the digest that its deployments carry in their names.

    python3 template.py    prints the digest to write
"""

import hashlib
import json
from pathlib import Path

import cfnlint.decode.cfn_yaml

ROOT = Path(__file__).resolve().parents[2]
GATEWAY = ROOT / "deploy/cloudformation/gateway.yaml"
LOGGING = ROOT / "deploy/cloudformation/gateway-logging.yaml"
DOCS = ROOT / "docs/gateway.md"

# What a deployment is a snapshot of.
DEPLOYED = ["Api", "Example", "ExamplePost"]


def load(path: Path = GATEWAY) -> dict:
    """Short forms such as !Ref come out in their long form."""
    return json.loads(json.dumps(cfnlint.decode.cfn_yaml.load(str(path))))


def digest(template: dict) -> str:
    deployed = {name: template["Resources"][name] for name in DEPLOYED}
    return hashlib.sha256(json.dumps(deployed, sort_keys=True).encode()).hexdigest()[:8]


def integration(template: dict) -> dict:
    return template["Resources"]["ExamplePost"]["Properties"]["Integration"]


def request_template(template: dict, fifo: bool) -> str:
    _, if_fifo, if_standard = integration(template)["RequestTemplates"]["application/json"]["Fn::If"]
    return if_fifo if fifo else if_standard


def response_template(template: dict, status: str) -> str:
    for response in integration(template)["IntegrationResponses"]:
        if response["StatusCode"] == status:
            return response["ResponseTemplates"]["application/json"]
    raise KeyError(status)


if __name__ == "__main__":
    print(digest(load()))
