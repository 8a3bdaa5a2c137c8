"""The kustomize base: the chart's rendering, which builds, alone, with its components and as the example uses it."""

import shutil
import tempfile
import unittest
from pathlib import Path

import yaml

import update
from manifests import KUBERNETES, objects, pod, succeed, worker


def build(folder: Path) -> str:
    return succeed("kustomize", "build", str(folder))


class TheBase(unittest.TestCase):
    def test_it_is_the_chart_s_rendering(self):
        for name, text in update.kustomize().items():
            self.assertEqual(text, (KUBERNETES / name).read_text(), f"{name}: write it anew with test/manifests/run.sh update")

    def test_each_object_decodes_strictly(self):
        text = build(KUBERNETES / "base")
        self.assertEqual(5, len(succeed("decode", stdin=text).splitlines()))

    def test_a_change_of_the_settings_is_a_change_of_the_pods(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "kubernetes"
            shutil.copytree(KUBERNETES, copy)
            before = objects(build(copy / "example"))
            file = copy / "example/poller.yaml"
            file.write_text(file.read_text().replace("28/s", "27/s"))
            after = objects(build(copy / "example"))
        for parts in (before, after):
            (volume,) = pod(parts)["volumes"]
            self.assertEqual(parts["ConfigMap"]["metadata"]["name"], volume["configMap"]["name"])
        self.assertNotEqual(before["ConfigMap"]["metadata"]["name"], after["ConfigMap"]["metadata"]["name"])


class TheExample(unittest.TestCase):
    def test_it_changes_what_a_user_changes_and_decodes_strictly(self):
        text = build(KUBERNETES / "example")
        succeed("decode", stdin=text)
        parts = objects(text)
        self.assertEqual("registry.example.com/poller:0.1.0", worker(parts)["image"])
        self.assertEqual({"orders"}, {part["metadata"].get("namespace") for part in parts.values()})
        self.assertIn("eks.amazonaws.com/role-arn", parts["ServiceAccount"]["metadata"]["annotations"])
        self.assertEqual((KUBERNETES / "example/poller.yaml").read_text(), parts["ConfigMap"]["data"]["poller.yaml"])

    def test_its_settings_are_those_of_the_base_to_begin_with(self):
        base, example = (yaml.safe_load((KUBERNETES / f / "poller.yaml").read_text()) for f in ("base", "example"))
        self.assertEqual(base, example)

    def test_two_replicas_share_the_budget_by_the_two_lines_that_say_so(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "kubernetes"
            shutil.copytree(KUBERNETES, copy)
            for name, line, changed in [("kustomization.yaml", "# replicas: [", "replicas: ["), ("poller.yaml", "  replicas: 1\n", "  replicas: 2\n")]:
                file = copy / "example" / name
                self.assertIn(line, file.read_text())
                file.write_text(file.read_text().replace(line, changed))
            parts = objects(build(copy / "example"))
        self.assertEqual(2, parts["Deployment"]["spec"]["replicas"])
        self.assertEqual({"replicas": 2}, yaml.safe_load(parts["ConfigMap"]["data"]["poller.yaml"])["fleet"])

    def test_with_both_components_it_decodes_strictly_and_keda_owns_the_replicas(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "kubernetes"
            shutil.copytree(KUBERNETES, copy)
            file = copy / "example/kustomization.yaml"
            line = "# components: "
            self.assertIn(line, file.read_text())
            file.write_text(file.read_text().replace(line, "components: "))
            text = build(copy / "example")
        succeed("decode", stdin=text)
        parts = objects(text)
        self.assertLessEqual({"PodMonitor", "PrometheusRule", "ScaledObject", "TriggerAuthentication"}, set(parts))
        self.assertNotIn("replicas", parts["Deployment"]["spec"])
