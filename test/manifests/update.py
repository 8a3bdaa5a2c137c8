"""Writes what is made from something else, so that the tests find it as it must be."""

import json
import re

import yaml

import manifests
from manifests import CHART, KUBERNETES, ROOT, objects

RULES = ["records.yml", "alerts.yml"]
# Which file of the kustomize base and its components has which objects.
FILES = {
    "base/deployment.yaml": ["Deployment"],
    "base/networkpolicy.yaml": ["NetworkPolicy"],
    "base/poddisruptionbudget.yaml": ["PodDisruptionBudget"],
    "base/serviceaccount.yaml": ["ServiceAccount"],
    "components/monitoring/podmonitor.yaml": ["PodMonitor"],
    "components/monitoring/prometheusrule.yaml": ["PrometheusRule"],
    "components/keda/scaledobject.yaml": ["ScaledObject", "TriggerAuthentication"],
}
ALL = {"podMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}, "autoscaling": {"enabled": True}}


def render(values: dict) -> str:
    return manifests.rendered(values, KUBERNETES / "values.yaml")


def documents(text: str) -> dict[str, str]:
    """Each object's own text, with the comments in it, by kind; without what is Helm's."""
    text = re.sub(r"^ *(app\.kubernetes\.io/(managed-by|version)|helm\.sh/chart|namespace): \S+\n", "", text, flags=re.MULTILINE)
    found = {}
    for document in re.split(r"^---\n# Source: \S+\n", text, flags=re.MULTILINE):
        if kinds := re.findall(r"^kind: (\w+)$", document, re.MULTILINE):
            # Two objects of one template are split by a line alone.
            for kind, part in zip(kinds, re.split(r"^---\n", document, flags=re.MULTILINE), strict=True):
                found[kind] = part
    return found


def kustomize() -> dict[str, str]:
    """The files of deploy/kubernetes that are the chart's rendering."""
    # kustomize makes the ConfigMap from the file, and a name with a digest.
    fixed = {"existingConfigMap": "poller"}
    ports = {"networkPolicy": {"egress": [{"ports": [{"port": 8080, "protocol": "TCP"}]}]}}
    parts = documents(render(ALL | fixed | ports))
    parts["Deployment"] = documents(render(fixed))["Deployment"]
    files = {name: "---\n".join(parts[kind] for kind in kinds) for name, kinds in FILES.items()}
    files["base/poller.yaml"] = objects(render({}))["ConfigMap"]["data"]["poller.yaml"].rstrip() + "\n"
    return files


def schema() -> str:
    """The chart's schema, its queue and target as docs/poller.schema.json has them."""
    own = json.loads((CHART / "values.schema.json").read_text())
    poller = json.loads((ROOT / "docs/poller.schema.json").read_text())["properties"]
    own["$defs"] = {"queue": poller["queues"]["items"], "target": poller["targets"]["additionalProperties"]}
    return json.dumps(own, indent=2, ensure_ascii=False) + "\n"


def rules() -> dict[str, str]:
    return {name: (ROOT / "deploy/prometheus" / name).read_text() for name in RULES}


def main() -> None:
    (CHART / "values.schema.json").write_text(schema())
    for name, text in rules().items():
        (CHART / "rules" / name).write_text(text)
    for name, text in kustomize().items():
        (KUBERNETES / name).write_text(text)
    assert yaml.safe_load((KUBERNETES / "base/poller.yaml").read_text())


if __name__ == "__main__":
    main()
