"""The chart: what it renders with each option on and off, what it refuses, and how it says so."""

import json
import re
import unittest

import update
from manifests import (CHART, FULL, LAMBDA_FUNCTION, LAMBDA_POLICY, LAMBDA_SIDECAR, MINIMAL, ROOT, chart, helm, objects, partitions, pod, regions, rendered, run, seconds, settings, succeed,
                       worker)

TARGET = "http://orders.shop:8080/orders"
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders"
METRICS = [{"type": "External", "external": {"metric": {"name": "poller_queue_lag_seconds", "selector": {"matchLabels": {"queue": "orders"}}},
                                             "target": {"type": "Value", "value": "30"}}}]
# Each option, on and off, over the minimal values.
OPTIONS = [
    {},
    {"image": {"digest": "sha256:" + "0" * 64}},
    {"imagePullSecrets": ["registry"]},
    {"queue": "", "target": {"url": ""}, "queues": [{"queue": "a", "target": "x"}, {"queue": "b.fifo", "target": "y", "weight": 2}],
     "targets": {"x": {"url": TARGET, "rate": 28}, "y": {"url": "https://y.example.com", "concurrency": 4, "rate": "none"}}},
    {"secretFiles": {"partner": "credentials"}, "target": {"headers": {"Authorization": "@/run/secrets/partner/token"}}},
    {"existingConfigMap": "mine"},
    {"reload": {"mode": "sighup"}},
    {"region": "eu-central-1"},
    {"env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]},
    {"serviceAccount": {"create": False, "name": "mine"}},
    {"serviceAccount": {"roleArn": "arn:aws:iam::123456789012:role/poller", "annotations": {"a": "b"}}},
    {"replicas": 0},
    {"replicas": 2},
    {"autoscaling": {"enabled": True, "maxReplicas": 4}},
    {"autoscaling": {"enabled": True, "minReplicas": 0, "identityOwner": "workload"}},
    {"autoscaling": {"enabled": True, "trigger": "lag"}},
    {"autoscaling": {"enabled": True, "kind": "hpa", "maxReplicas": 4, "metrics": METRICS}},
    {"fleet": {"secret": {"name": "redis"}}, "autoscaling": {"enabled": True, "maxReplicas": 8}, "target": {"rate": "28/s", "concurrency": 40, "quotas": ["100000/d"]}},
    {"fleet": {"redis": "rediss://cache:6380"}, "autoscaling": {"enabled": True, "kind": "hpa", "maxReplicas": 8, "metrics": METRICS}, "target": {"concurrency": 2}},
    {"fleet": {"redis": "redis+sentinel://a:26379/0?master_name=main&addr=b:26380"}, "replicas": 3, "reload": {"mode": "sighup"}},
    {"target": {"format": "lambda", "batch": 25, "batch_wait": "1s", "unwrap": "sns"}},
    {"strategy": "RollingUpdate"},
    {"resources": {"limits": {"memory": "1Gi", "cpu": "1"}}},
    {"sidecars": [{"name": "app", "image": "app:1", "ports": [{"containerPort": 8080}]}, {"name": "log", "image": "log:1"}]},
    {"volumes": [{"name": "ca", "configMap": {"name": "ca"}}], "volumeMounts": [{"name": "ca", "mountPath": "/ca"}], "target": {"tls_ca": "/ca/ca.pem"}},
    {"port": 9501},
    {"podAnnotations": {"a": "b"}, "podLabels": {"c": "d"}, "nodeSelector": {"e": "f"}, "priorityClassName": "high",
     "tolerations": [{"operator": "Exists"}], "affinity": {"podAntiAffinity": {}}},
    {"topologySpread": {"whenUnsatisfiable": "DoNotSchedule"}},
    {"podDisruptionBudget": {"enabled": False}},
    {"podDisruptionBudget": {"maxUnavailable": "50%"}},
    {"networkPolicy": {"enabled": False}},
    {"networkPolicy": {"metricsFrom": [], "egress": [{"ports": [{"port": 3128}]}]}},
    {"podMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    {"prometheusRule": {"enabled": True}},
    {"prometheusRule": {"enabled": True, "objectives": {"reports": 3600}, "runbookBase": "https://example.com/"}},
    {"fullnameOverride": "orders-worker"},
]


class Rendering(unittest.TestCase):
    def test_helm_lint_finds_nothing(self):
        for values in ([], ["-f", str(MINIMAL)], ["-f", str(FULL)]):
            self.assertIn("0 chart(s) failed", succeed("helm", "lint", "--strict", str(CHART), *values))

    def test_each_option_on_and_off_decodes_strictly_and_keeps_the_promises(self):
        texts = [rendered(values) for values in OPTIONS] + [rendered(base=base) for base in (FULL, LAMBDA_SIDECAR, LAMBDA_FUNCTION)]
        decoded = succeed("decode", stdin="\n---\n".join(texts))
        self.assertGreater(len(decoded.splitlines()), 4 * len(texts))
        for values, text in zip([*OPTIONS, "all", "lambda-sidecar", "lambda-function"], texts, strict=True):
            with self.subTest(str(values)):
                self.promises(objects(text))

    def promises(self, parts: dict[str, dict]) -> None:
        spec, container = pod(parts), worker(parts)
        self.assertIs(False, spec["enableServiceLinks"])
        self.assertIs(False, spec["automountServiceAccountToken"])
        self.assertEqual("RuntimeDefault", spec["securityContext"]["seccompProfile"]["type"])
        ours = [container, *[c for c in spec.get("initContainers", []) if c["name"] == "reload"]]
        for one in ours:
            self.assertEqual({"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "allowPrivilegeEscalation": False,
                              "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}, one["securityContext"])
            self.assertIn("memory", one["resources"]["limits"])
        self.assertEqual({"path": "/-/healthy", "port": "admin"}, container["livenessProbe"]["httpGet"])
        self.assertEqual({"path": "/-/ready", "port": "admin"}, container["readinessProbe"]["httpGet"])
        # Three mistakes of 10 s are less than what /-/healthy itself waits for.
        self.assertGreaterEqual(container["livenessProbe"]["failureThreshold"], 3)
        for sidecar in spec.get("initContainers", []):
            self.assertEqual("Always", sidecar["restartPolicy"])
        if "ConfigMap" in parts:
            self.assertGreaterEqual(spec["terminationGracePeriodSeconds"], seconds(settings(parts)["drain_timeout"]) + 10)
            self.assertEqual(f":{container['ports'][0]['containerPort']}", settings(parts)["listen"])
        selector = parts["Deployment"]["spec"]["selector"]["matchLabels"]
        self.assertLessEqual(selector.items(), parts["Deployment"]["spec"]["template"]["metadata"]["labels"].items())
        for kind in ("PodDisruptionBudget", "PodMonitor"):
            if kind in parts:
                self.assertEqual(selector, parts[kind]["spec"]["selector"]["matchLabels"])
        if "NetworkPolicy" in parts:
            self.assertEqual(selector, parts["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"])

    def test_by_default_and_in_the_examples_a_drain_lets_a_long_poll_and_a_delivery_finish(self):
        for base in (MINIMAL, LAMBDA_SIDECAR, LAMBDA_FUNCTION):
            file = settings(chart(base=base))
            self.assertGreaterEqual(seconds(file["drain_timeout"]), 20 + seconds(file["targets"]["default"].get("timeout", "30s")))

    def test_the_policy_for_a_function_in_lambda_is_the_calls_and_the_invocation(self):
        own, dead, function = json.loads(LAMBDA_POLICY.read_text())["Statement"]
        called = set(succeed("calls", str(ROOT)).split())
        self.assertEqual(called - {"sqs:SendMessage"}, set(own["Action"]))
        self.assertEqual({"sqs:GetQueueAttributes", "sqs:GetQueueUrl"}, set(dead["Action"]))
        self.assertEqual("lambda:InvokeFunction", function["Action"])
        file = settings(chart(base=LAMBDA_FUNCTION))
        self.assertTrue(file["queues"][0]["queue"].endswith("/" + own["Resource"].split(":")[-1]))
        self.assertIn(f"/functions/{function['Resource'].split(':')[-1]}/invocations", file["targets"]["default"]["url"])

    def test_the_options_turn_on_what_they_say_and_nothing_else(self):
        base = {"Deployment", "ServiceAccount", "ConfigMap", "NetworkPolicy", "PodDisruptionBudget"}
        for values, more in [
            ({}, set()), ({"podMonitor": {"enabled": True}}, {"PodMonitor"}), ({"prometheusRule": {"enabled": True}}, {"PrometheusRule"}),
            ({"autoscaling": {"enabled": True}}, {"ScaledObject", "TriggerAuthentication"}),
            ({"autoscaling": {"enabled": True, "trigger": "lag"}}, {"ScaledObject"}),
            ({"autoscaling": {"enabled": True, "kind": "hpa", "metrics": METRICS}}, {"HorizontalPodAutoscaler"}),
        ]:
            self.assertEqual(base | more, set(chart(values)), values)
        for values, less in [({"networkPolicy": {"enabled": False}}, "NetworkPolicy"), ({"podDisruptionBudget": {"enabled": False}}, "PodDisruptionBudget"),
                             ({"existingConfigMap": "mine"}, "ConfigMap"), ({"serviceAccount": {"create": False, "name": "mine"}}, "ServiceAccount")]:
            self.assertEqual(base - {less}, set(chart(values)), values)

    def test_every_value_is_explained_where_it_stands(self):
        lines = (CHART / "values.yaml").read_text().splitlines()
        for before, line in zip(lines, lines[1:]):
            if re.match(r" *\w+: \S", line) or re.match(r" *\w+:$", line) and not line.startswith(("image", "log", "serviceAccount", "fleet")):
                self.assertTrue(before.lstrip().startswith("#"), f"nothing explains {line}")


class Budget(unittest.TestCase):
    def test_one_replica_by_default_which_has_all_of_it(self):
        parts = chart()
        self.assertEqual(1, parts["Deployment"]["spec"]["replicas"])
        file = settings(parts)
        self.assertEqual(("28/s", 10, 1), (file["targets"]["default"]["rate"], file["targets"]["default"]["concurrency"], file["fleet"]["replicas"]))

    def test_the_file_has_the_whole_budget_and_the_most_replicas_that_ever_run(self):
        scaled = {"autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 3}}
        for values, replicas in [({}, 1), ({"replicas": 3}, 3), (scaled, 3), (scaled | {"replicas": 5}, 3), ({"replicas": 7}, 7), ({"replicas": 0}, 1)]:
            for rate, want in [("28/s", "28/s"), (28, "28"), ("1000/m", "1000/m"), (0.7, "0.7"), (1000000, "1000000"), ("0", "0"), (0, "0")]:
                file = settings(chart(values | {"target": {"rate": rate, "concurrency": 100, "burst": 50}}))
                self.assertEqual((want, 100, 50), tuple(file["targets"]["default"][key] for key in ("rate", "concurrency", "burst")))
                self.assertEqual(replicas, file["fleet"]["replicas"])
            self.assertEqual("none", settings(chart(values | {"target": {"rate": "none"}}))["targets"]["default"]["rate"])

    def test_a_deployment_waits_for_the_old_ones_or_at_least_starts_no_more(self):
        self.assertEqual({"type": "Recreate"}, chart()["Deployment"]["spec"]["strategy"])
        rolling = chart({"strategy": "RollingUpdate"})["Deployment"]["spec"]["strategy"]["rollingUpdate"]
        self.assertEqual(0, rolling["maxSurge"])

    def test_keda_s_most_is_how_many_share_the_budget(self):
        parts = chart({"autoscaling": {"enabled": True, "maxReplicas": 4}})
        self.assertEqual((4, 4), (parts["ScaledObject"]["spec"]["maxReplicaCount"], settings(parts)["fleet"]["replicas"]))
        self.assertNotIn("replicas", parts["Deployment"]["spec"])

    def test_an_autoscaler_s_most_is_how_many_share_the_budget(self):
        scaling = {"enabled": True, "kind": "hpa", "minReplicas": 2, "maxReplicas": 8, "metrics": METRICS, "cooldownPeriod": 120}
        for fleet in ({}, {"secret": {"name": "redis"}}):
            parts = chart({"autoscaling": scaling, "fleet": fleet})
            spec = parts["HorizontalPodAutoscaler"]["spec"]
            self.assertEqual((2, 8, METRICS, 120), (spec["minReplicas"], spec["maxReplicas"], spec["metrics"], spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"]))
            self.assertEqual({"apiVersion": "apps/v1", "kind": "Deployment", "name": parts["Deployment"]["metadata"]["name"]}, spec["scaleTargetRef"])
            self.assertEqual(8, settings(parts)["fleet"]["replicas"])
            self.assertNotIn("replicas", parts["Deployment"]["spec"], "the autoscaler alone says how many there are")

    def test_the_network_policy_lets_out_to_the_coordinator_s_ports(self):
        def ports(**fleet) -> list[int]:
            rules = chart({"fleet": fleet})["NetworkPolicy"]["spec"]["egress"]
            return [port["port"] for port in rules[-1]["ports"]]

        self.assertEqual([6379], ports(secret={"name": "redis"}))
        self.assertEqual([7000], ports(secret={"name": "redis"}, port=7000))
        for url, want in [("redis://cache", [6379]), ("rediss://cache:6379/0", [6379]), ("redis://[fd00::1]:7000", [6379, 7000]),
                          ("redis+sentinel://a:26379/0?master_name=main&addr=b:26380", [6379, 26379, 26380])]:
            self.assertEqual(want, ports(redis=url), url)

    def test_with_a_coordinator_the_budget_is_whole_and_replicas_may_be_more_than_slots(self):
        scaled = {"autoscaling": {"enabled": True, "maxReplicas": 8}, "target": {"rate": "28/s", "concurrency": 2, "burst": 3}}
        parts = chart(scaled | {"fleet": {"secret": {"name": "redis"}}})
        file, env = settings(parts), {v["name"]: v for v in parts["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"]}
        self.assertEqual(8, file["fleet"]["replicas"])
        self.assertNotIn("redis", file["fleet"])
        self.assertTrue(file["fleet"]["name"])
        self.assertEqual({"name": "redis", "key": "url"}, env["POLLER_FLEET_REDIS"]["valueFrom"]["secretKeyRef"])
        file = settings(chart(scaled | {"fleet": {"redis": "rediss://cache:6380", "name": "budget"}}))
        self.assertEqual({"redis": "rediss://cache:6380", "name": "budget", "replicas": 8}, file["fleet"])
        egress = chart({"fleet": {"redis": "redis://cache:7000", "port": 7000}})["NetworkPolicy"]["spec"]["egress"]
        self.assertIn({"port": 7000, "protocol": "TCP"}, egress[-1]["ports"])
        self.assertNotIn("POLLER_FLEET_REDIS", str(chart()))


class Scaling(unittest.TestCase):
    def known(self, scaler: str) -> set[str]:
        """The metadata that one of KEDA's scalers reads: the objects' types do not say."""
        module = succeed("go", "-C", "test/manifests", "list", "-m", "-f", "{{.Dir}}", "github.com/kedacore/keda/v2").strip()
        with open(f"{module}/pkg/scalers/{scaler}.go") as source:
            return set(re.findall(r'keda:"name=(\w+)', source.read()))

    def test_the_backlog_counts_what_is_in_hand(self):
        parts = chart({"autoscaling": {"enabled": True, "messagesPerReplica": 1000000}})
        (trigger,) = parts["ScaledObject"]["spec"]["triggers"]
        self.assertLessEqual(set(trigger["metadata"]), self.known("aws_sqs_queue_scaler"))
        self.assertEqual({"queueURL": QUEUE, "queueLength": "1000000", "scaleOnInFlight": "true", "awsRegion": "eu-central-1"}, trigger["metadata"])
        self.assertEqual(trigger["authenticationRef"]["name"], parts["TriggerAuthentication"]["metadata"]["name"])

    def test_the_region_is_read_from_the_queue_s_url_in_every_partition(self):
        for region, suffix in regions():
            for host in (f"sqs.{region}.{suffix}", f"sqs-fips.{region}.{suffix}"):
                parts = chart({"queue": f"https://{host}/123456789012/orders-eu-west-9", "autoscaling": {"enabled": True}})
                self.assertEqual(region, parts["ScaledObject"]["spec"]["triggers"][0]["metadata"]["awsRegion"], host)

    def test_a_role_of_every_partition_is_taken(self):
        for partition in partitions():
            arn = f"arn:{partition}:iam::123456789012:role/poller"
            parts = chart({"serviceAccount": {"roleArn": arn}})
            self.assertEqual(arn, parts["ServiceAccount"]["metadata"]["annotations"]["eks.amazonaws.com/role-arn"])

    def test_the_lag_is_a_metric_that_there_is_of_these_pods(self):
        (trigger,) = chart({"autoscaling": {"enabled": True, "trigger": "lag"}})["ScaledObject"]["spec"]["triggers"]
        self.assertLessEqual(set(trigger["metadata"]), self.known("prometheus_scaler"))
        self.assertEqual("Value", trigger["metricType"])
        self.assertEqual('max(poller_queue_lag_seconds{namespace="work", pod=~"poller-.*"})', trigger["metadata"]["query"])
        self.assertIn("`poller_queue_lag_seconds`", (ROOT / "docs/metrics.md").read_text())


class Settings(unittest.TestCase):
    def test_a_change_restarts_the_pods(self):
        def digest(values: dict) -> str:
            return chart(values)["Deployment"]["spec"]["template"]["metadata"]["annotations"]["poller/settings"]

        for change in ({"rate": "27/s"}, {"timeout": "20s"}):
            self.assertNotEqual(digest({}), digest({"target": change}))
        # By SIGHUP only what a SIGHUP cannot put in force.
        hup = {"reload": {"mode": "sighup"}}
        for change in ({"rate": "27/s"}, {"concurrency": 9}, {"burst": 3}, {"quotas": ["100/m"]}, {"adaptive": True}):
            self.assertEqual(digest(hup), digest(hup | {"target": change}), change)
        self.assertEqual(digest(hup), digest(hup | {"log": {"level": "debug"}}))
        for change in ({"timeout": "20s"}, {"url": TARGET + "/v2"}):
            self.assertNotEqual(digest(hup), digest(hup | {"target": change}), change)
        # Those that know of fewer have to be gone before there are more.
        for change in ({"replicas": 2}, {"autoscaling": {"enabled": True, "maxReplicas": 2}}):
            self.assertNotEqual(digest(hup), digest(hup | change), change)

    def test_secrets_are_files_and_never_in_the_configmap(self):
        parts = chart(OPTIONS[4])
        self.assertIn({"name": "secret-partner", "mountPath": "/run/secrets/partner", "readOnly": True}, worker(parts)["volumeMounts"])
        for name in ("Authorization", "x-api-key", "Cookie", "X-Partner-Token", "Client-Secret"):
            for headers in ({name: "hunter2"}, [f"{name}: hunter2"]):
                done = helm(several([{"queue": "q"}], {"a": {"url": TARGET, "headers": headers}}))
                self.assertIn(f"targets.a.headers.{name}: its value is secret", done.stderr)
                self.assertNotIn("hunter2", done.stdout + done.stderr)

    def test_the_network_policy_lets_out_to_each_target(self):
        def ports(values: dict) -> set[int]:
            policy = chart(values)["NetworkPolicy"]["spec"]
            return {port["port"] for rule in policy["egress"] for port in rule["ports"]}

        always = {53, 80, 443}
        self.assertEqual(always | {8080}, ports({}))
        self.assertEqual(always, ports({"target": {"url": "https://partner.example.com/a"}}))
        self.assertEqual(always, ports({"target": {"url": "http://127.0.0.1:8080/a"}}))
        self.assertEqual(always | {8443}, ports({"target": {"url": "https://[fd00::1]:8443/a"}}))
        self.assertEqual(always | {8080}, ports(OPTIONS[3]))
        plain = chart({"target": {"url": "http://orders/a"}})["NetworkPolicy"]["spec"]["egress"]
        self.assertIn({"ports": [{"port": 80, "protocol": "TCP"}]}, plain)
        closed = chart({"networkPolicy": {"metricsFrom": []}})["NetworkPolicy"]["spec"]
        self.assertEqual([], closed["ingress"])

    def test_the_network_policy_lets_out_to_both_addresses_of_pod_identity(self):
        """https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html"""
        rules = chart()["NetworkPolicy"]["spec"]["egress"]
        (identity,) = [rule for rule in rules if "to" in rule]
        self.assertEqual(([{"port": 80, "protocol": "TCP"}], {"169.254.170.23/32", "fd00:ec2::23/128"}),
                         (identity["ports"], {peer["ipBlock"]["cidr"] for peer in identity["to"]}))

    def test_poller_stays_within_the_limit(self):
        for limit in ["64Mi", "256Mi", "1Gi"]:
            (value,) = [e["value"] for e in worker(chart({"resources": {"limits": {"memory": limit}}}))["env"] if e["name"] == "POLLER_MEMORY"]
            self.assertEqual(limit, value)


class Monitoring(unittest.TestCase):
    def test_the_rules_are_those_of_deploy_prometheus(self):
        for name, text in update.rules().items():
            self.assertEqual(text, (CHART / "rules" / name).read_text(), "write it anew with test/manifests/run.sh update")
        groups = chart({"prometheusRule": {"enabled": True}})["PrometheusRule"]["spec"]["groups"]
        self.assertEqual(["poller-objective", "poller-records", "poller-alerts"], [g["name"] for g in groups])

    def test_a_queue_s_own_objective_takes_it_out_of_the_others(self):
        parts = chart({"prometheusRule": {"enabled": True, "objectives": {"reports": 3600, "bills": 60}}})
        self.assertEqual(['30 * group by (queue) (poller_queue_lag_seconds{queue!~"bills|reports"})',
                          '60 * group by (queue) (poller_queue_lag_seconds{queue="bills"})',
                          '3600 * group by (queue) (poller_queue_lag_seconds{queue="reports"})'],
                         [rule["expr"] for rule in parts["PrometheusRule"]["spec"]["groups"][0]["rules"]])

    def test_the_job_is_the_one_that_the_alerts_look_at(self):
        parts = chart({"podMonitor": {"enabled": True}})
        label = parts["PodMonitor"]["spec"]["jobLabel"]
        self.assertEqual("poller", parts["Deployment"]["spec"]["template"]["metadata"]["labels"][label])
        self.assertIn('up{job="poller"}', (ROOT / "deploy/prometheus/alerts.yml").read_text())


def several(queues: list[dict], targets: dict[str, dict]) -> dict:
    return {"queue": "", "target": {"url": ""}, "queues": queues, "targets": targets}


class Refusals(unittest.TestCase):
    def test_the_schema_has_the_daemon_s_own_settings(self):
        self.assertEqual(update.schema(), (CHART / "values.schema.json").read_text(), "write it anew with test/manifests/run.sh update")

    def test_the_schema_knows_every_value_that_there_is(self):
        schema = json.loads((CHART / "values.schema.json").read_text())
        self.assertEqual("", helm({}).stderr)

        def closed(node: dict, at: str) -> None:
            if node.get("type") == "object" and "properties" in node and at != "resources.limits":
                self.assertIs(False, node["additionalProperties"], at)
            for name, child in node.get("properties", {}).items():
                closed(child, f"{at}.{name}".strip("."))

        closed(schema, "")

    def test_wrong_values_are_refused_with_a_sentence_that_names_them(self):
        for values, sentence in [
            ({"target": {"rate": "28/x"}}, "at '/target/rate': '28/x' does not match pattern"),
            ({"target": {"rate": "fast"}}, "at '/target/rate': 'fast' does not match pattern"),
            ({"target": {"concurrency": 0}}, "at '/target/concurrency': minimum: got 0, want 1"),
            ({"target": {"concurrency": "many"}}, "at '/target/concurrency': got string, want integer"),
            ({"target": {"timeout": 30}}, "at '/target/timeout': got number, want string"),
            ({"target": {"url": "orders:8080"}}, "at '/target/url': 'orders:8080' does not match pattern '^(https?://"),
            ({"target": {"on_rejected": "drop"}}, "at '/target/on_rejected': value must be one of 'retry', 'dead-letter', 'discard'"),
            ({"target": {"tls_cert": "/a.pem"}}, "at '/target': properties 'tls_key' required, if 'tls_cert' exists"),
            ({"target": {"retries": 3}}, "at '/target': additional properties 'retries' not allowed"),
            ({"queue": "two words"}, "at '/queue': 'two words' does not match pattern"),
            ({"queues": [{"que": "a"}]}, "at '/queues/0': additional properties 'que' not allowed"),
            ({"replicas": -1}, "at '/replicas': minimum: got -1, want 0"),
            ({"autoscaling": {"maxReplicas": 0}}, "at '/autoscaling/maxReplicas': minimum: got 0, want 1"),
            ({"autoscaling": {"trigger": "cpu"}}, "at '/autoscaling/trigger': value must be one of 'backlog', 'lag'"),
            ({"strategy": "BlueGreen"}, "at '/strategy': value must be one of 'Recreate', 'RollingUpdate'"),
            ({"drainTimeoutSeconds": "25s"}, "at '/drainTimeoutSeconds': got string, want integer"),
            ({"reload": {"mode": "never"}}, "at '/reload/mode': value must be one of 'restart', 'sighup'"),
            ({"resources": {"limits": {"memory": "256M"}}}, "at '/resources/limits/memory': '256M' does not match pattern"),
            ({"serviceAccount": {"roleArn": "poller"}}, "at '/serviceAccount/roleArn': 'poller' does not match pattern"),
            ({"replica": 2}, "at '': additional properties 'replica' not allowed"),
            # What one value alone does not show.
            ({"image": {"repository": ""}}, "image.repository: write where you pushed the image"),
            ({"queue": ""}, "queue: write the queue's URL"),
            ({"target": {"url": ""}}, "target.url: write where messages go"),
            ({"queues": [{"queue": "a"}]}, "queue, target: they stand beside queues or targets: leave one of the two out"),
            ({"queue": "", "target": {"url": ""}, "queues": [{"queue": "a"}]}, "queues, targets: one of them is empty"),
            (several([{"target": "a"}], {"a": {"url": TARGET}}), "queues[0].queue: write the queue's URL, ARN or name"),
            (several([{"queue": "q"}], {"a": {"url": TARGET}, "b": {"url": TARGET}}), "queues[0]: it does not say which target its messages go to: write target: one of a, b"),
            (several([{"queue": "q", "target": "c"}], {"a": {"url": TARGET}}), "queues[0].target: there is no target c: write one of a"),
            (several([{"queue": "q", "target": "a"}], {"a": {"url": TARGET}, "b": {"url": TARGET}}), "targets.b: no queue delivers to it"),
            (several([{"queue": "q"}], {"a": {"rate": 1}}), "targets.a.url: write where messages go"),
            ({"image": {"repository": "registry.example.com/poller:1"}}, "image.repository: registry.example.com/poller:1 has a tag: write it as image.tag"),
            ({"resources": {"limits": {"memory": "32Mi"}}}, "resources.limits.memory: 32Mi leaves too little for messages"),
            ({"target": {"rate": "none", "burst": 3}}, "target.burst: there is no rate that it could belong to: write target.rate too, or leave it out"),
            ({"replicas": 20}, "target.concurrency: 10 is less than one delivery at once for each of 20 replicas: write 20 or more, or run fewer replicas"),
            ({"replicas": 3, "target": {"quotas": ["9/s", "2/m"]}}, "target.quotas: 2/m is less than one for each of 3 replicas: run fewer replicas"),
            ({"replicas": 3, "target": {"adaptive": True}}, "target.adaptive: each of 3 replicas would adapt alone, until one had everything: run one replica, or write target.concurrency and leave it out"),
            ({"replicas": 3, "target": {"burst": 2}}, "target.burst: 2 is less than one for each of 3 replicas: write 3 or more, or leave it out"),
            ({"fleet": {"redis": "redis://cache"}, "target": {"adaptive": True}}, "target.adaptive: the concurrency is found by one worker alone, and fleet is for several"),
            ({"fleet": {"redis": "redis://cache"}, "existingConfigMap": "mine"}, "fleet.redis, fleet.name: they stand beside existingConfigMap"),
            ({"target": {"batch": 10}}, "target.batch: format raw sends one message a request: write target.format lambda or cloudevents, or leave it out"),
            ({"target": {"batch": 10, "format": "sqsd"}}, "target.batch: format sqsd sends one message a request"),
            ({"target": {"batch_wait": "1s", "format": "cloudevents"}}, "target.batch_wait: there is nothing to wait for while a request carries one message"),
            ({"target": {"batch_wait": "1s", "format": "lambda", "batch": 1}}, "target.batch_wait: there is nothing to wait for while a request carries one message"),
            ({"autoscaling": {"enabled": True, "kind": "hpa"}}, "autoscaling.metrics: with kind hpa, write what Kubernetes scales by"),
            ({"autoscaling": {"enabled": True, "kind": "hpa", "minReplicas": 0, "metrics": METRICS}}, "autoscaling.minReplicas: 0 needs kind keda"),
            ({"autoscaling": {"kind": "vpa"}}, "at '/autoscaling/kind': value must be one of 'keda', 'hpa'"),
            ({"autoscaling": {"enabled": True, "minReplicas": 2}}, "autoscaling.minReplicas: 2 is more than maxReplicas, 1: write 1 or less"),
            ({"autoscaling": {"enabled": True, "trigger": "lag", "minReplicas": 0}}, "autoscaling.minReplicas: 0 with trigger lag never starts again"),
            ({"autoscaling": {"enabled": True}, "queue": "orders"}, 'KEDA needs the queue\'s URL to scale on its backlog, and "orders" is none'),
            ({"serviceAccount": {"create": False}}, "serviceAccount.name: with create false, write the name"),
            ({"fleet": {"redis": "redis://:hunter2@cache:6379"}}, "fleet.redis: it has a password: put the whole URL into a Secret"),
            ({"fleet": {"redis": "redis://cache", "secret": {"name": "redis"}}}, "fleet.redis, fleet.secret: both say where the coordinator is"),
        ]:
            with self.subTest(str(values)):
                done = helm(values)
                self.assertEqual((1, ""), (done.returncode, done.stdout))
                self.assertIn(sentence, done.stderr)

    def test_three_commands_from_a_clone_render_a_valid_set(self):
        for name in ("README.md", "docs/kubernetes.md"):
            (command,) = re.findall(r"^    (helm template (?:.*\\\n)*.*)$", (ROOT / name).read_text(), re.MULTILINE)
            done = run("bash", "-c", command.split("|")[0].replace("\\\n", " "))
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertEqual(5, len(succeed("decode", stdin=done.stdout).splitlines()), name)
