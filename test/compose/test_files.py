"""What can be said of the files alone."""

import os
import re
import subprocess
import unittest
from pathlib import Path

import yaml

import dashboards
from compose import ROOT, docker

RULES = ["objective.yml", "records.yml", "alerts.yml"]
PROMETHEUS = ROOT / "deploy/prometheus"


def rules(kind: str) -> list[dict]:
    """kind: alert or record."""
    return [rule for file in RULES for group in yaml.safe_load((PROMETHEUS / file).read_text())["groups"]
            for rule in group["rules"] if kind in rule]


def promtool(*args: str) -> str:
    return docker("run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", "-v", f"{ROOT}:/src:ro", "-w", "/src/test/compose",
                  "--entrypoint", "promtool", "prom/prometheus:v3.5.3", *args).stdout


class Dockerfile(unittest.TestCase):
    def test_hadolint_finds_nothing(self):
        done = subprocess.run(["hadolint", "Dockerfile"], check=False, cwd=ROOT, capture_output=True, text=True)
        self.assertEqual("", done.stdout + done.stderr)


class Rules(unittest.TestCase):
    def test_promtool_takes_the_configuration_and_the_rules(self):
        promtool("check", "config", "../../deploy/prometheus/prometheus.yml")
        promtool("check", "rules", "--lint=all", "--lint-fatal", *[f"../../deploy/prometheus/{file}" for file in RULES])

    def test_each_fires_in_its_case_and_not_in_others(self):
        promtool("test", "rules", "rules_test.yml")

    def test_each_alert_has_a_case_that_fires_and_one_that_must_not(self):
        fires, silent = set(), set()
        for test in yaml.safe_load((Path(__file__).parent / "rules_test.yml").read_text())["tests"]:
            for case in test.get("alert_rule_test", []):
                (fires if case.get("exp_alerts") else silent).add(case["alertname"])
        names = {rule["alert"] for rule in rules("alert")}
        self.assertEqual(names, fires)
        self.assertEqual(names, silent)

    def test_each_alert_has_a_section_in_the_runbook_and_each_section_an_alert(self):
        sections = re.findall(r"^## (Poller\w+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)
        self.assertEqual([rule["alert"] for rule in rules("alert")], sections)
        for rule in rules("alert"):
            self.assertEqual(f"docs/runbook.md#{rule['alert'].lower()}", rule["annotations"]["runbook_url"])


class Dashboards(unittest.TestCase):
    def test_they_are_what_grafana_s_types_say(self):
        folder = Path(os.environ["COMPOSE_SCHEMA"])
        files = []
        for name in dashboards.boards():
            files.append(folder / f"{name}.ts")
            files[-1].write_text(dashboards.typescript(name))
        self.assertEqual("", self.tsc(folder, files))
        # The check itself: a wrong value and a wrong type are found.
        bad, text = folder / "bad.ts", "".join(file.read_text() for file in files[:1])
        for right, wrong in [('"lastNotNull"], "fields": ""', '"lastNotNull"], "fields": 0'), ('"schemaVersion": 41', '"schemaVersion": "41"'),
                             ('"editable": true', '"editableByAll": true')]:
            self.assertIn(right, text.replace(wrong, ""), "the check's own example is gone")
            bad.write_text(text.replace(right, wrong, 1))
            self.assertIn("bad.ts", self.tsc(folder, [bad]), f"not found: {wrong}")

    @staticmethod
    def tsc(folder: Path, files: list[Path]) -> str:
        options = "--noEmit --skipLibCheck --strict --module esnext --moduleResolution bundler --target es2022".split()
        return subprocess.run(["tsc", *options, *[f.name for f in files]], check=False, cwd=folder, capture_output=True, text=True).stdout

    def test_panels_do_not_overlap_and_have_a_number_of_their_own(self):
        for name, board in dashboards.boards().items():
            taken, numbers = set(), [panel["id"] for panel in board["panels"]]
            self.assertEqual(len(numbers), len(set(numbers)), name)
            for panel in board["panels"]:
                at = panel["gridPos"]
                self.assertLessEqual(at["x"] + at["w"], 24, f"{name}: {panel['title']}")
                cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
                self.assertFalse(cells & taken, f"{name}: {panel['title']}")
                taken |= cells

    def test_they_read_only_metrics_that_there_are(self):
        known = set(re.findall(r"`(poller_\w+)`", (ROOT / "docs/metrics.md").read_text()))
        recorded = {rule["record"] for rule in rules("record")}
        queries = [expr for _, expr in dashboards.queries()] + [rule["expr"] for rule in rules("alert") + rules("record")]
        for expr in queries:
            for name in re.findall(r"[a-z0-9_:]*poller_[a-z0-9_:]*[a-z0-9]", expr):
                stem = re.sub(r"_(bucket|sum|count)$", "", name)
                self.assertTrue(name in recorded or name in known or stem in known, f"{name} in {expr}")


class Compose(unittest.TestCase):
    def services(self, **variables: str) -> dict:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("POLLER_")}
        text = docker("compose", "-f", str(ROOT / "docker-compose.yml"), "--profile", "load", "--profile", "fleet", "config", env=clean | variables).stdout
        return yaml.safe_load(text)["services"]

    def test_the_pace_and_the_format_are_the_shell_s_and_empty_without(self):
        """What is empty is not set, for poller: settings.md."""
        given = {"POLLER_RATE": "none", "POLLER_QUOTA": "100/m,2000/d", "POLLER_CONCURRENCY": "50", "POLLER_FORMAT": "cloudevents", "POLLER_BATCH": "20",
                 "POLLER_BATCH_WAIT": "500ms", "POLLER_UNWRAP": "sns", "POLLER_TARGET": "http://host.docker.internal:8000/"}
        default = dict.fromkeys(given, "") | {"POLLER_RATE": "28/s", "POLLER_CONCURRENCY": "8", "POLLER_TARGET": "http://sink:8080/orders"}
        for variables, want, adaptive, sink in (({}, default, "", "raw"), (given | {"POLLER_ADAPTIVE": "true"}, given, "true", "cloudevents")):
            services = self.services(**variables)
            for name in ("poller", "worker"):
                self.assertEqual(want, {key: services[name]["environment"][key] for key in given}, name)
            self.assertEqual(adaptive, services["poller"]["environment"]["POLLER_ADAPTIVE"])
            self.assertNotIn("POLLER_ADAPTIVE", services["worker"]["environment"], "it is for one replica")
            self.assertIn(f"--format={sink}", services["sink"]["command"])

    def test_every_service_is_hardened_and_published_on_this_machine_alone(self):
        services = self.services()
        self.assertEqual({"localstack", "poller", "sink", "prometheus", "grafana", "load", "valkey", "worker"}, set(services))
        for name, service in services.items():
            with self.subTest(name):
                self.assertTrue(service["read_only"])
                self.assertEqual(["ALL"], service["cap_drop"])
                self.assertEqual(["no-new-privileges:true"], service["security_opt"])
                self.assertEqual("30s", service["stop_grace_period"])
                self.assertNotIn("privileged", service)
                self.assertNotIn("@", service["image"])
                self.assertRegex(service["image"], r":[\w.]+$")
                self.assertTrue(all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", [])))
                self.assertIn("healthcheck", service | ({"healthcheck": "in the image"} if "build" in service else {}))
                self.assertFalse([v for v in service.get("volumes", []) if v["type"] == "bind" and not v.get("read_only")])

    def test_nothing_depends_on_grafana(self):
        for name, service in self.services().items():
            self.assertNotIn("grafana", service.get("depends_on", {}), name)

    def test_what_grafana_is_given_is_there(self):
        source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"][0]
        self.assertEqual("http://prometheus:9090", source["url"])
        path = yaml.safe_load((ROOT / "deploy/grafana/provisioning/dashboards/poller.yaml").read_text())["providers"][0]["options"]["path"]
        service = self.services()["grafana"]
        mounts = {v["target"]: Path(v["source"]) for v in service["volumes"] if v["type"] == "bind"}
        self.assertEqual(dashboards.FOLDER, mounts[path])
        home = Path(service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
        self.assertTrue((mounts[str(home.parent)] / home.name).exists())
