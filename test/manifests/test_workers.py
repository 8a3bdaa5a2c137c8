"""The two CloudFormation workers: nothing here can be tried on LocalStack, which has no ECS, autoscaling or Scheduler."""

import itertools
import re
import unittest
from pathlib import Path

import yaml

from manifests import ECS, GATEWAY, QUEUE, ROOT, SCHEDULE, Stack, partitions, run, seconds, succeed, template

WORKERS = {"worker-ecs": ECS, "worker-schedule": SCHEDULE}
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:partner-AbCdEf"


def statements(stack: Stack, role: str) -> list[dict]:
    return [s for policy in stack.properties(role).get("Policies", []) for s in policy["PolicyDocument"]["Statement"]]


def actions(statement: dict) -> set[str]:
    value = statement["Action"]
    return set(value if isinstance(value, list) else [value])


class TheDocs(unittest.TestCase):
    def test_list_each_parameter_of_the_service_with_its_default(self):
        section = (ROOT / "docs/ecs.md").read_text().split("\n## The service\n", 1)[1].split("\n### ", 1)[0]
        told = {}
        for line in section.splitlines():
            if line.startswith("| `"):
                names, defaults = ([cell.strip().strip("`") for cell in part.split(",")] for part in line.split("|")[1:3])
                told |= dict(zip(names, defaults if len(defaults) == len(names) else [""] * len(names), strict=True))
        self.assertEqual({name: str(p.get("Default", "")) for name, p in template(ECS)["Parameters"].items()}, told)


class BothWorkers(unittest.TestCase):
    def each(self, **parameters: str):
        return [Stack(path, **(QUEUE | parameters)) for path in WORKERS.values()]

    def test_cfn_lint_finds_nothing(self):
        done = run("cfn-lint", *map(str, WORKERS.values()))
        self.assertEqual((0, ""), (done.returncode, done.stdout + done.stderr))

    def test_they_have_no_yaml_aliases_which_cloudformation_does_not_read(self):
        for name, path in WORKERS.items():
            self.assertNotRegex(path.read_text(), r"(?m)[:-] [&*]\w+", name)

    def test_the_gateway_s_outputs_are_what_they_take(self):
        outputs = set(template(GATEWAY)["Outputs"])
        for path in WORKERS.values():
            parameters = template(path)["Parameters"]
            self.assertLessEqual({"QueueUrl", "QueueArn", "DeadLetterQueueArn"}, outputs & set(parameters))

    def test_patterns_take_what_is_valid_and_nothing_else(self):
        for path in WORKERS.values():
            parameters = template(path)["Parameters"]
            for name, good, bad in [
                ("QueueUrl", ["", QUEUE["QueueUrl"], QUEUE["QueueUrl"] + ".fifo", "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/a"],
                 ["orders", "http://localhost:4566/000000000000/orders"]),
                ("QueueArn", [QUEUE["QueueArn"], "arn:aws-cn:sqs:cn-north-1:123456789012:a.fifo"], ["", QUEUE["QueueUrl"], "arn:aws:sqs:*:123456789012:*"]),
                ("KmsKeyArn", ["", KEY], ["alias/a", "*", "arn:aws:kms:eu-central-1:123456789012:alias/a"]),
                ("TargetHeaderSecretArn", ["", SECRET], ["*", "arn:aws:ssm:eu-central-1:123456789012:parameter/a"]),
                ("FunctionArn", ["", FUNCTION, FUNCTION + ":prod", FUNCTION + ":7"], ["orders", "*", FUNCTION + ":*", FUNCTION.replace("orders", "*")]),
                ("TargetUrl", ["", "http://a", "https://a/b?c=d"], ["a.example.com", "ftp://a"]),
                ("Rate", ["28/s", "1000/m", "50000/h", "28", "0.5/s", "none"], ["", "28/x", "28/", "-1", "1e3"]),
                ("DeliveryTimeout", ["30s", "1m30s", "500ms"], ["", "30", "s"]),
                ("Quota", ["", "100/m", "3/s,100/m,2000/d,1000000/d", "100/m, 2000/d"], ["100", "0/m", "100/x", "100/m,", "1/s,1/m,1/h,1/d,2/d", "1.5/s"]),
                ("Batch", ["", "1", "10", "100"], ["0", "101", "ten"]),
                ("BatchWait", ["", "0s", "500ms", "5s"], ["5", "1m", "s"]),
            ]:
                for value in good:
                    self.assertIsNotNone(re.fullmatch(parameters[name]["AllowedPattern"], value), (name, value))
                for value in bad:
                    self.assertIsNone(re.fullmatch(parameters[name]["AllowedPattern"], value), (name, value))

    def test_ecs_kills_only_after_the_drain_has_ended(self):
        for name, path in WORKERS.items():
            allowed = template(path)["Parameters"]["DrainTimeout"]["AllowedValues"]
            self.assertEqual([25, 55, 80, 110], allowed)
            for drain in allowed:
                container = Stack(path, **QUEUE, DrainTimeout=str(drain)).container("poller")
                (timeout,) = [e["Value"] for e in container["Environment"] if e["Name"] == "POLLER_DRAIN_TIMEOUT"]
                self.assertEqual(drain, seconds(timeout), name)
                self.assertGreaterEqual(container["StopTimeout"], drain + 10, name)
                self.assertLessEqual(container["StopTimeout"], 120, "Fargate's longest")

    def test_by_default_a_drain_lets_a_long_poll_and_a_delivery_finish(self):
        for stack in self.each():
            self.assertGreaterEqual(stack.parameters["DrainTimeout"], 20 + seconds(stack.parameters["DeliveryTimeout"]))

    def test_the_task_may_do_what_the_daemon_calls_and_nothing_else(self):
        called = set(succeed("calls", str(ROOT)).split())
        self.assertIn("sqs:ReceiveMessage", called)
        for stack in self.each():
            own, dead = statements(stack, "TaskRole")
            self.assertEqual(({"sqs:GetQueueAttributes", "sqs:GetQueueUrl"}, QUEUE["DeadLetterQueueArn"]), (actions(dead), dead["Resource"]))
            self.assertEqual((called - {"sqs:SendMessage"}, QUEUE["QueueArn"]), (actions(own), own["Resource"]))
            self.assertNotIn("ManagedPolicyArns", stack.properties("TaskRole"))
        for stack in self.each(OnRejected="dead-letter"):
            own, dead = statements(stack, "TaskRole")
            self.assertEqual(called, actions(own) | actions(dead))
            self.assertEqual(({"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"}, QUEUE["DeadLetterQueueArn"]), (actions(dead), dead["Resource"]))
        for stack in self.each(KmsKeyArn=KEY):
            self.assertEqual(({"kms:Decrypt"}, KEY), (actions(statements(stack, "TaskRole")[2]), statements(stack, "TaskRole")[2]["Resource"]))
        for stack in self.each(KmsKeyArn=KEY, OnRejected="dead-letter"):
            self.assertEqual({"kms:Decrypt", "kms:GenerateDataKey"}, actions(statements(stack, "TaskRole")[2]))

    def test_no_statement_is_for_everything(self):
        for stack in self.each(KmsKeyArn=KEY, OnRejected="dead-letter", TargetHeaderSecretArn=SECRET):
            for name, resource in stack.resources.items():
                if resource["Type"] == "AWS::IAM::Role":
                    for statement in statements(stack, name):
                        self.assertNotIn("*", actions(statement))
                        self.assertNotIn(statement["Resource"], ("*", ["*"]))

    def test_the_secret_is_read_by_ecs_alone_and_only_where_there_is_one(self):
        for stack in self.each():
            self.assertEqual([], statements(stack, "ExecutionRole"))
            self.assertNotIn("Secrets", stack.container("poller"))
        for stack in self.each(TargetHeaderSecretArn=SECRET):
            (statement,) = statements(stack, "ExecutionRole")
            self.assertEqual(({"secretsmanager:GetSecretValue"}, SECRET), (actions(statement), statement["Resource"]))
            self.assertEqual([{"Name": "POLLER_HEADER", "ValueFrom": SECRET}], stack.container("poller")["Secrets"])

    def test_the_control_token_is_a_secret_of_its_own(self):
        control = SECRET.replace("partner", "control")
        for header, variables in (("", ["POLLER_CONTROL_TOKEN"]), (SECRET, ["POLLER_HEADER", "POLLER_CONTROL_TOKEN"])):
            stack = Stack(ECS, **QUEUE, ControlTokenSecretArn=control + ":token::", TargetHeaderSecretArn=header)
            secrets = stack.container("poller")["Secrets"]
            self.assertEqual(variables, [s["Name"] for s in secrets])
            self.assertEqual(control + ":token::", secrets[-1]["ValueFrom"])
            self.assertEqual([s for s in (header, control) if s], [s["Resource"] for s in statements(stack, "ExecutionRole")])
        stack = Stack(ECS, **QUEUE, ControlTokenSecretArn=control, ConfigSecretArn=SECRET)
        self.assertEqual([{"Name": "POLLER_CONTROL_TOKEN", "ValueFrom": control}], stack.container("poller")["Secrets"])
        self.assertEqual([SECRET, control], [s["Resource"] for s in statements(stack, "ExecutionRole")])

    def test_the_container_is_hardened_and_watched(self):
        for stack in self.each():
            container = stack.container("poller")
            self.assertEqual("65532:65532", container["User"])
            self.assertTrue(container["ReadonlyRootFilesystem"])
            self.assertEqual({"Drop": ["ALL"]}, container["LinuxParameters"]["Capabilities"])
            self.assertEqual(["CMD", "/poller", "health"], container["HealthCheck"]["Command"])
            self.assertEqual("non-blocking", container["LogConfiguration"]["Options"]["mode"])
            self.assertNotIn("SecurityGroupIngress", stack.properties("SecurityGroup"))

    def test_the_container_s_memory_and_poller_s_follow_the_task_s(self):
        for path in WORKERS.values():
            sizes = template(path)["Parameters"]["Memory"]["AllowedValues"]
            self.assertEqual(sizes, list(template(path)["Mappings"]["Memory"]))
            for size in map(int, sizes):
                for sidecar, share in (("", size), ("orders:1", max(256, size // 4))):
                    stack = Stack(path, **QUEUE, Memory=str(size), SidecarImage=sidecar)
                    self.assertEqual((share, f"{share}MiB"), (stack.container("poller")["Memory"], stack.environment("poller")["POLLER_MEMORY"]))

    def test_arns_and_urls_of_every_partition_are_taken(self):
        for path in WORKERS.values():
            parameters = template(path)["Parameters"]
            for name, partition in partitions().items():
                region, suffix = partition["outputs"]["implicitGlobalRegion"], partition["outputs"]["dnsSuffix"]
                for parameter, value in [
                    ("QueueArn", f"arn:{name}:sqs:{region}:123456789012:orders.fifo"),
                    ("DeadLetterQueueArn", f"arn:{name}:sqs:{region}:123456789012:orders-dlq"),
                    ("MoreQueueArns", f"arn:{name}:sqs:{region}:123456789012:refunds"),
                    ("MoreDeadLetterQueueArns", f"arn:{name}:sqs:{region}:123456789012:refunds-dlq"),
                    ("KmsKeyArn", KEY.replace(":aws:", f":{name}:")), ("SecretKeyArn", KEY.replace(":aws:", f":{name}:")),
                    ("TargetHeaderSecretArn", SECRET.replace(":aws:", f":{name}:")), ("ConfigSecretArn", SECRET.replace(":aws:", f":{name}:")),
                    ("FunctionArn", FUNCTION.replace(":aws:", f":{name}:").replace("eu-west-1", region)),
                    ("AlarmTopicArn", f"arn:{name}:sns:{region}:123456789012:ops"),
                    ("QueueUrl", f"https://sqs.{region}.{suffix}/123456789012/orders"),
                    ("QueueUrl", f"https://sqs-fips.{region}.{suffix}/123456789012/orders"),
                ]:
                    self.assertIsNotNone(re.fullmatch(parameters[parameter]["AllowedPattern"], value), value)

    def test_no_partition_is_written_out(self):
        for path in WORKERS.values():
            text = "".join(line for line in path.read_text().splitlines(True) if "Description" not in line and "such as" not in line)
            self.assertNotRegex(text, r"arn:aws")
            # Principals are called so in every partition.
            self.assertEqual(set(), set(re.findall(r"[\w.-]*amazonaws[\w.]*", text)) - {
                f"{service}.amazonaws.com" for service in ("ecs-tasks", "states", "scheduler")})

    def test_without_a_url_the_queue_is_that_of_the_arn_in_the_stack_s_partition(self):
        for path in WORKERS.values():
            stack = Stack(path, **QUEUE | {"QueueUrl": ""})
            self.assertEqual("https://sqs.${AWS::Region}.${AWS::URLSuffix}/123456789012/orders", stack.environment("poller")["POLLER_QUEUE"])

    def test_a_secret_s_key_stage_and_version_are_no_part_of_what_ecs_may_read(self):
        for stack in self.each(TargetHeaderSecretArn=SECRET + ":header::", ConfigSecretArn=SECRET + ":config:AWSCURRENT:", SecretKeyArn=KEY):
            header, config, key = statements(stack, "ExecutionRole")
            self.assertEqual([SECRET, SECRET, KEY], [s["Resource"] for s in (header, config, key)])
            self.assertEqual({"kms:Decrypt"}, actions(key))

    def test_a_file_of_several_queues_takes_the_place_of_the_variables(self):
        more = ["arn:aws:sqs:eu-central-1:123456789012:refunds", "arn:aws:sqs:eu-central-1:123456789012:bills"]
        dead = "arn:aws:sqs:eu-central-1:123456789012:refunds-dlq"
        for stack in self.each(ConfigSecretArn=SECRET, TargetHeaderSecretArn=SECRET, MoreQueueArns=",".join(more), MoreDeadLetterQueueArns=dead, KmsKeyArn=KEY):
            env, poller, config = stack.environment("poller"), stack.container("poller"), stack.container("config")
            self.assertEqual("/run/poller/poller.yaml", env["POLLER_CONFIG"])
            for name in ("QUEUE", "TARGET", "FORMAT", "BATCH", "BATCH_WAIT", "UNWRAP", "SIGN_AWS", "RATE", "QUOTA", "CONCURRENCY", "ADAPTIVE", "TIMEOUT", "ON_REJECTED"):
                self.assertNotIn(f"POLLER_{name}", env)
            self.assertNotIn("Secrets", poller)
            self.assertEqual([{"ContainerName": "config", "Condition": "SUCCESS"}], poller["DependsOn"])
            self.assertEqual([{"SourceVolume": "config", "ContainerPath": "/run/poller", "ReadOnly": True}], poller["MountPoints"])
            self.assertEqual([{"Name": "config"}], stack.properties("TaskDefinition")["Volumes"])
            self.assertEqual({"CONFIG", "HEADER"}, {s["Name"] for s in config["Secrets"]})
            self.assertEqual((False, {"Drop": ["ALL"]}), (config["Essential"], config["LinuxParameters"]["Capabilities"]))
            own, first, others, key = statements(stack, "TaskRole")
            self.assertEqual([QUEUE["QueueArn"], *more], own["Resource"])
            self.assertEqual(QUEUE["DeadLetterQueueArn"], first["Resource"])
            self.assertEqual((dead, {"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"}), (others["Resource"], actions(others)))
            self.assertEqual({"kms:Decrypt", "kms:GenerateDataKey"}, actions(key))
        for stack in self.each():
            self.assertNotIn("Volumes", stack.properties("TaskDefinition"))
            self.assertNotIn("MountPoints", stack.container("poller"))

    def refuses(self, path: Path, parameters: dict[str, str], sentence: str) -> None:
        """An empty sentence: it is taken."""
        said = Stack(path, **QUEUE | parameters).refused()
        self.assertEqual(1 if sentence else 0, len(said), (parameters, said))
        self.assertTrue("".join(said).startswith(sentence), said)

    def test_a_stack_without_a_target_or_with_two_is_refused(self):
        for path in WORKERS.values():
            for parameters, sentence in [
                ({}, ""), ({"TargetUrl": ""}, "TargetUrl and FunctionArn are empty"), ({"TargetUrl": "", "ConfigSecretArn": SECRET}, ""),
                ({"TargetUrl": "", "FunctionArn": FUNCTION}, ""), ({"FunctionArn": FUNCTION}, "FunctionArn stands beside TargetUrl"),
                ({"TargetUrl": "", "FunctionArn": FUNCTION, "ConfigSecretArn": SECRET}, ""),
            ]:
                self.refuses(path, parameters, sentence)

    def test_what_the_file_has_is_refused_beside_it(self):
        for path in WORKERS.values():
            for name, value in {"TargetUrl": "http://a", "Format": "sqsd", "Batch": "1", "Unwrap": "sns", "Rate": "28/s", "Quota": "100/m",
                                "Concurrency": "9", "Adaptive": "true", "DeliveryTimeout": "20s"}.items():
                self.refuses(path, {"TargetUrl": "", "ConfigSecretArn": SECRET, name: value}, f"{name} ")
            self.refuses(path, {"TargetUrl": "", "ConfigSecretArn": SECRET, "OnRejected": "dead-letter", "DrainTimeout": "110"}, "")

    def test_a_batch_needs_a_format_that_has_them(self):
        lambdas = {"TargetUrl": "", "FunctionArn": FUNCTION}
        for path in WORKERS.values():
            for parameters, sentence in [
                ({"Batch": "1"}, ""), ({"Batch": "10"}, "Batch is set"), ({"Batch": "10", "Format": "sqsd"}, "Batch is set"),
                ({"Batch": "10", "Format": "lambda"}, ""), ({"Batch": "100", "Format": "cloudevents", "BatchWait": "500ms"}, ""), (lambdas | {"Batch": "2"}, ""),
                ({"BatchWait": "1s"}, "BatchWait is set"), ({"BatchWait": "1s", "Format": "cloudevents"}, "BatchWait is set"),
                ({"BatchWait": "1s", "Format": "lambda"}, ""), (lambdas | {"BatchWait": "1s"}, ""), (lambdas | {"BatchWait": "1s", "Batch": "1"}, "BatchWait is set"),
            ]:
                self.refuses(path, parameters, sentence)

    def test_adaptive_is_for_one_task_without_a_coordinator(self):
        for parameters, sentence in [
            ({}, ""), ({"MaxTasks": "2"}, "Adaptive is for one task, and MaxTasks"), ({"FleetRedisUrl": "rediss://a"}, "Adaptive is for one task, and a coordinator"),
            ({"FleetRedisSecretArn": SECRET}, "Adaptive is for one task, and a coordinator"), ({"FleetCacheNodeType": "cache.t4g.micro"}, "Adaptive is for one task, and a coordinator"),
        ]:
            self.refuses(ECS, parameters | {"Adaptive": "true"}, sentence)
            self.refuses(ECS, parameters | {"Adaptive": "false"}, "")
        for parameters, sentence in [({}, ""), ({"FleetRedisUrl": "rediss://a"}, "Adaptive is for one worker"), ({"FleetRedisSecretArn": SECRET}, "Adaptive is for one worker")]:
            self.refuses(SCHEDULE, parameters | {"Adaptive": "true"}, sentence)

    def test_the_pace_and_the_batch_are_variables_which_are_empty_unless_set(self):
        for stack in self.each():
            self.assertEqual(("", "false", "", "", "none"), tuple(stack.environment("poller")[f"POLLER_{n}"] for n in ("QUOTA", "ADAPTIVE", "BATCH", "BATCH_WAIT", "UNWRAP")))
        for stack in self.each(Quota="100/m,2000/d", Adaptive="true", Format="lambda", Batch="25", BatchWait="500ms", Unwrap="sns"):
            self.assertEqual(("100/m,2000/d", "true", "25", "500ms", "sns"),
                             tuple(stack.environment("poller")[f"POLLER_{n}"] for n in ("QUOTA", "ADAPTIVE", "BATCH", "BATCH_WAIT", "UNWRAP")))

    def test_a_coordinator_s_password_is_a_secret_and_there_is_one_coordinator(self):
        for stack in self.each(FleetRedisUrl="rediss://cache:6379"):
            self.assertEqual(("rediss://cache:6379", "${AWS::StackName}"), tuple(stack.environment("poller")[f"POLLER_FLEET_{n}"] for n in ("REDIS", "NAME")))
            self.assertNotIn("Secrets", stack.container("poller"))
            self.assertEqual([], statements(stack, "ExecutionRole"))
        for stack in self.each(FleetRedisSecretArn=SECRET + ":url::"):
            self.assertEqual([{"Name": "POLLER_FLEET_REDIS", "ValueFrom": SECRET + ":url::"}], stack.container("poller")["Secrets"])
            self.assertNotIn("POLLER_FLEET_REDIS", stack.environment("poller"))
            self.assertEqual("${AWS::StackName}", stack.environment("poller")["POLLER_FLEET_NAME"])
            self.assertEqual([(SECRET, {"secretsmanager:GetSecretValue"})], [(s["Resource"], actions(s)) for s in statements(stack, "ExecutionRole")])
        for stack in self.each(FleetRedisSecretArn=SECRET, ConfigSecretArn=SECRET):
            self.assertEqual(["POLLER_FLEET_REDIS"], [s["Name"] for s in stack.container("poller")["Secrets"]], "it is no part of the file")
        for stack in self.each():
            self.assertFalse({"POLLER_FLEET_REDIS", "POLLER_FLEET_NAME"} & set(stack.environment("poller")))
        for path in WORKERS.values():
            self.refuses(path, {"FleetRedisUrl": "rediss://a", "FleetRedisSecretArn": SECRET}, "FleetRedisUrl stands beside")
            pattern = template(path)["Parameters"]["FleetRedisUrl"]["AllowedPattern"]
            self.assertIsNone(re.fullmatch(pattern, "rediss://:hunter2@cache:6379"), "a password is no parameter")

    def test_a_function_is_invoked_by_its_arn_and_by_nothing_that_may_do_more(self):
        for arn, name in ((FUNCTION, "orders"), (FUNCTION + ":prod", "orders:prod")):
            for stack in self.each(TargetUrl="", FunctionArn=arn):
                env = stack.environment("poller")
                self.assertEqual(f"https://lambda.eu-west-1.${{AWS::URLSuffix}}/2015-03-31/functions/{name}/invocations", env["POLLER_TARGET"])
                self.assertEqual(("lambda", "lambda", "eu-west-1"), tuple(env[f"POLLER_{n}"] for n in ("FORMAT", "SIGN_AWS", "SIGN_AWS_REGION")))
                self.assertEqual(({"lambda:InvokeFunction"}, arn), (actions(statements(stack, "TaskRole")[2]), statements(stack, "TaskRole")[2]["Resource"]))
        for stack in self.each(ConfigSecretArn=SECRET, FunctionArn=FUNCTION):
            self.assertEqual({"lambda:InvokeFunction"}, actions(statements(stack, "TaskRole")[2]))
            self.assertFalse({"POLLER_SIGN_AWS", "POLLER_SIGN_AWS_REGION"} & set(stack.environment("poller")))
        for stack in self.each(Format="sqsd"):
            self.assertEqual("sqsd", stack.environment("poller")["POLLER_FORMAT"])
            self.assertFalse({"POLLER_SIGN_AWS", "POLLER_SIGN_AWS_REGION"} & set(stack.environment("poller")))

    def test_a_sidecar_starts_before_and_stops_after(self):
        for stack in self.each():
            self.assertEqual(1, len(stack.properties("TaskDefinition")["ContainerDefinitions"]))
            self.assertNotIn("DependsOn", stack.container("poller"))
        for stack in self.each(SidecarImage="orders:1"):
            self.assertEqual([{"ContainerName": "target", "Condition": "START"}], stack.container("poller")["DependsOn"])
            self.assertTrue(stack.container("target")["RestartPolicy"]["Enabled"])

    def test_the_dead_letter_queue_and_old_messages_are_alarms(self):
        for stack in self.each(AlarmTopicArn="arn:aws:sns:eu-central-1:123456789012:ops"):
            self.assertEqual(("ApproximateNumberOfMessagesVisible", [{"Name": "QueueName", "Value": "orders-dlq"}], 0),
                             tuple(stack.properties("DeadLetters")[k] for k in ("MetricName", "Dimensions", "Threshold")))
            self.assertEqual(("ApproximateAgeOfOldestMessage", [{"Name": "QueueName", "Value": "orders"}]),
                             tuple(stack.properties("OldestMessage")[k] for k in ("MetricName", "Dimensions")))
            for name, resource in stack.resources.items():
                if resource["Type"] == "AWS::CloudWatch::Alarm":
                    self.assertEqual(["arn:aws:sns:eu-central-1:123456789012:ops"], resource["Properties"]["AlarmActions"], name)
        for stack in self.each():
            self.assertNotIn("AlarmActions", stack.properties("DeadLetters"))

    def test_every_parameter_stands_in_the_docs(self):
        docs = (ROOT / "docs/ecs.md").read_text()
        for path in WORKERS.values():
            for name in template(path)["Parameters"]:
                self.assertIn(f"`{name}`", docs)

    def test_the_runbook_s_sections_that_alarms_name_are_there(self):
        sections = {s.lower() for s in re.findall(r"^## (\w+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)}
        for path in WORKERS.values():
            for anchor in re.findall(r"docs/runbook\.md#(\w+)", path.read_text()):
                self.assertIn(anchor, sections)


class TheService(unittest.TestCase):
    def test_one_task_by_default_which_has_the_whole_budget(self):
        stack = Stack(ECS, **QUEUE)
        self.assertEqual((1, 1), (stack.parameters["MinTasks"], stack.parameters["MaxTasks"]))
        self.assertEqual(1, stack.properties("Service")["DesiredCount"])
        self.assertNotIn("ScalableTarget", stack.resources)

    def test_each_task_gets_the_whole_budget_and_by_how_many_it_is_shared(self):
        stack = Stack(ECS, **QUEUE, Rate="28/s", Concurrency="40", MinTasks="2", MaxTasks="4")
        env = {e["Name"]: e["Value"] for e in stack.container("poller")["Environment"]}
        self.assertEqual(("28/s", "40", "4"), tuple(env[f"POLLER_{name}"] for name in ("RATE", "CONCURRENCY", "FLEET_REPLICAS")))
        self.assertEqual("4", stack.properties("ScalableTarget")["MaxCapacity"])

    def test_the_stack_makes_a_coordinator_that_its_tasks_alone_reach(self):
        made = {"FleetCache", "FleetCacheSubnets", "FleetCacheSecurityGroup", "FleetPassword", "FleetUrl"}
        for parameters in ({}, {"FleetRedisUrl": "rediss://a"}, {"FleetRedisSecretArn": SECRET}):
            self.assertFalse(made & set(Stack(ECS, **QUEUE | parameters).resources), parameters)
        own = {"FleetCacheNodeType": "cache.t4g.micro"}
        stack = Stack(ECS, **QUEUE, **own, MaxTasks="4", VpcId="vpc-1")
        self.assertEqual([], stack.refused())
        self.assertLessEqual(made, set(stack.resources))
        cache = stack.properties("FleetCache")
        self.assertEqual(("valkey", "cache.t4g.micro", 2, True, True, True), tuple(cache[k] for k in (
            "Engine", "CacheNodeType", "NumCacheClusters", "AutomaticFailoverEnabled", "TransitEncryptionEnabled", "AtRestEncryptionEnabled")))
        self.assertEqual("{{resolve:secretsmanager:${FleetPassword}}}", cache["AuthToken"])
        # The password stands in a URL: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html allows 16 to 128 characters.
        self.assertEqual({"PasswordLength": 64, "ExcludePunctuation": True}, stack.properties("FleetPassword")["GenerateSecretString"])
        self.assertEqual("rediss://:{{resolve:secretsmanager:${FleetPassword}}}@${FleetCache.PrimaryEndPoint.Address}:${FleetCache.PrimaryEndPoint.Port}",
                         stack.properties("FleetUrl")["SecretString"])
        (rule,) = stack.properties("FleetCacheSecurityGroup")["SecurityGroupIngress"]
        self.assertEqual(("tcp", cache["Port"], cache["Port"], "${SecurityGroup}"), tuple(rule[k] for k in ("IpProtocol", "FromPort", "ToPort", "SourceSecurityGroupId")))
        self.assertEqual(["${FleetCacheSecurityGroup}"], cache["SecurityGroupIds"])
        self.assertEqual([{"Name": "POLLER_FLEET_REDIS", "ValueFrom": "${FleetUrl}"}], stack.container("poller")["Secrets"])
        self.assertEqual([("${FleetUrl}", {"secretsmanager:GetSecretValue"})], [(s["Resource"], actions(s)) for s in statements(stack, "ExecutionRole")])
        env = stack.environment("poller")
        self.assertEqual(("${AWS::StackName}", "4"), (env["POLLER_FLEET_NAME"], env["POLLER_FLEET_REPLICAS"]))
        self.assertIn("ScaleOnBacklog", stack.resources)
        for other, sentence in (({"FleetRedisUrl": "rediss://a"}, "FleetRedisUrl stands beside"), ({"FleetRedisSecretArn": SECRET}, "FleetRedisSecretArn stands beside")):
            (said,) = Stack(ECS, **QUEUE, **own, **other).refused()
            self.assertTrue(said.startswith(sentence), said)

    def test_every_combination_of_secrets_and_a_coordinator_gives_poller_what_it_needs_and_no_more(self):
        control, header = SECRET.replace("partner", "control"), SECRET.replace("partner", "header")
        for file, token, fleet in itertools.product(("", SECRET), ("", control), ({}, {"FleetRedisUrl": "rediss://a"}, {"FleetRedisSecretArn": header}, {"FleetCacheNodeType": "cache.t4g.micro"})):
            target = {} if not file else {"TargetUrl": ""}
            stack = Stack(ECS, **QUEUE | target | fleet, ConfigSecretArn=file, ControlTokenSecretArn=token, MaxTasks="3")
            self.assertEqual([], stack.refused())
            secret = {"FleetRedisSecretArn": header, "FleetCacheNodeType": "${FleetUrl}"}.get(next(iter(fleet), ""), "")
            given = {s["Name"]: s["ValueFrom"] for s in stack.container("poller").get("Secrets", [])}
            self.assertEqual(({"POLLER_CONTROL_TOKEN": token} if token else {}) | ({"POLLER_FLEET_REDIS": secret} if secret else {}), given)
            self.assertEqual([s for s in (file, token, secret) if s], [s["Resource"] for s in statements(stack, "ExecutionRole")])
            self.assertEqual(bool(fleet), "POLLER_FLEET_NAME" in stack.environment("poller"))
            self.assertEqual("3", stack.environment("poller")["POLLER_FLEET_REPLICAS"])

    def test_a_deployment_never_has_more_tasks_than_the_budget_is_for_and_is_rolled_back(self):
        configuration = Stack(ECS, **QUEUE).properties("Service")["DeploymentConfiguration"]
        self.assertEqual({"MinimumHealthyPercent": 0, "MaximumPercent": 100,
                          "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}}, configuration)

    def test_scaling_is_on_backlog_a_task_and_on_age_which_only_adds(self):
        stack = Stack(ECS, **QUEUE, MaxTasks="4")
        self.assertNotIn("DesiredCount", stack.properties("Service"))
        target = stack.properties("ScalableTarget")
        self.assertEqual((1, "4"), (target["MinCapacity"], target["MaxCapacity"]))
        tracking = stack.properties("ScaleOnBacklog")["TargetTrackingScalingPolicyConfiguration"]
        metrics = {m["Id"]: m for m in tracking["CustomizedMetricSpecification"]["Metrics"]}
        self.assertEqual(["backlog"], [m["Id"] for m in metrics.values() if m["ReturnData"]])
        self.assertEqual({"visible", "inflight", "tasks"}, set(re.findall(r"\b[a-z]+\b", metrics["backlog"]["Expression"])))
        (step,) = stack.properties("ScaleOnAge")["StepScalingPolicyConfiguration"]["StepAdjustments"]
        self.assertEqual(1, step["ScalingAdjustment"])
        self.assertEqual(["${ScaleOnAge}"], stack.properties("OldForScaling")["AlarmActions"])

    def test_no_receives_is_an_alarm_even_where_there_are_no_figures(self):
        alarm = Stack(ECS, **QUEUE).properties("NoReceives")
        self.assertEqual({"NumberOfMessagesReceived", "NumberOfEmptyReceives"},
                         {m["MetricStat"]["Metric"]["MetricName"] for m in alarm["Metrics"] if "MetricStat" in m})
        self.assertEqual(("breaching", 0, "LessThanOrEqualToThreshold"),
                         (alarm["TreatMissingData"], alarm["Threshold"], alarm["ComparisonOperator"]))


    def test_the_admin_port_is_open_to_whom_the_parameter_says(self):
        pattern = template(ECS)["Parameters"]["AdminFrom"]["AllowedPattern"]
        for value in ("", "sg-0123456789abcdef0", "10.0.0.0/16", "192.0.2.1/32"):
            self.assertIsNotNone(re.fullmatch(pattern, value), value)
        for value in ("0.0.0.0/0", "10.0.0.0", "::/0", "pl-1234", "sg-"):
            self.assertIsNone(re.fullmatch(pattern, value), value)
        for source, key in (("sg-0123456789abcdef0", "SourceSecurityGroupId"), ("10.0.0.0/16", "CidrIp")):
            (rule,) = Stack(ECS, **QUEUE, AdminFrom=source).properties("SecurityGroup")["SecurityGroupIngress"]
            self.assertEqual({"IpProtocol": "tcp", "FromPort": 9500, "ToPort": 9500, key: source, "Description": "The admin port"}, rule)

    def test_spot_is_asked_for_by_the_capacity_provider(self):
        service = Stack(ECS, **QUEUE).properties("Service")
        self.assertEqual(("FARGATE", False), (service["LaunchType"], "CapacityProviderStrategy" in service))
        spot = Stack(ECS, **QUEUE, Spot="true")
        self.assertNotIn("LaunchType", spot.properties("Service"))
        self.assertEqual([{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}], spot.properties("Service")["CapacityProviderStrategy"])
        self.assertIn("FARGATE_SPOT", spot.properties("OwnCluster")["CapacityProviders"])

    def test_the_collector_sends_metrics_that_there_are_by_labels_that_they_have(self):
        self.assertEqual(1, len(Stack(ECS, **QUEUE).properties("TaskDefinition")["ContainerDefinitions"]))
        stack = Stack(ECS, **QUEUE, Metrics="true")
        collector = stack.container("collector")
        self.assertIs(False, collector["Essential"])
        self.assertEqual(256, stack.container("poller")["Memory"], "it has room beside poller")
        config = yaml.safe_load(stack.environment("collector")["AOT_CONFIG_CONTENT"])
        (scrape,) = config["receivers"]["prometheus"]["config"]["scrape_configs"]
        (admin,) = stack.container("poller")["PortMappings"]
        self.assertEqual([f"127.0.0.1:{admin['ContainerPort']}"], scrape["static_configs"][0]["targets"])
        (keep,) = scrape["metric_relabel_configs"]
        exporter = config["exporters"]["awsemf"]
        self.assertEqual("${MetricsLogGroup}", exporter["log_group_name"])
        (write,) = [s for s in statements(stack, "TaskRole") if "logs:PutLogEvents" in actions(s)]
        self.assertEqual("${MetricsLogGroup.Arn}", write["Resource"])
        documented = (ROOT / "docs/metrics.md").read_text()
        told = (ROOT / "docs/ecs.md").read_text()
        for declaration in exporter["metric_declarations"]:
            ((first, *labels),) = declaration["dimensions"]
            self.assertIn(first, scrape["static_configs"][0]["labels"])
            for selector in declaration["metric_name_selectors"]:
                # The collector would read a $ as the start of a variable.
                metric = selector.removeprefix("^")
                self.assertIsNotNone(re.fullmatch(keep["regex"], metric), metric)
                (row,) = [line for line in documented.splitlines() if line.startswith(f"| `{metric}` |")]
                for label in labels:
                    self.assertTrue(label in ("queue", "target") or f"`{label}`" in row, (metric, label))
                self.assertIn(f"`{metric}`", told)
        declared = {s for d in exporter["metric_declarations"] for s in d["metric_name_selectors"]}
        self.assertEqual(keep["regex"].count("|") + 1, len(declared))


class TheSchedule(unittest.TestCase):
    def setUp(self):
        self.stack = Stack(SCHEDULE, **QUEUE)
        text = self.stack.properties("Runner")["DefinitionString"]
        self.names = set(re.findall(r"\$\{(\w+)\}", text))
        self.machine = self.stack.machine()

    def test_the_timer_starts_the_runner_and_nothing_else(self):
        timer = self.stack.properties("Timer")
        self.assertEqual("rate(15 minutes)", timer["ScheduleExpression"])
        self.assertEqual("${Runner}", timer["Target"]["Arn"])
        self.assertEqual(0, timer["Target"]["RetryPolicy"]["MaximumRetryAttempts"])
        (statement,) = statements(self.stack, "TimerRole")
        self.assertEqual(({"states:StartExecution"}, "${Runner}"), (actions(statement), statement["Resource"]))

    def test_a_run_waits_for_its_end_and_only_the_oldest_one_goes_on(self):
        states = self.machine["States"]
        self.assertEqual("arn:aws:states:::ecs:runTask.sync", states["Drain"]["Resource"])
        before = {name: {s.get("Next"), s.get("Default"), *(c["Next"] for c in s.get("Choices", []))} for name, s in states.items()}
        self.assertEqual(["Am I first"], [name for name, after in before.items() if "Drain" in after])
        self.assertEqual(["Who runs"], [name for name, after in before.items() if "Am I first" in after])
        self.assertEqual("RUNNING", states["Who runs"]["Arguments"]["StatusFilter"])
        self.assertIn("Executions[-1].ExecutionArn = $states.context.Execution.Id", states["Who runs"]["Output"]["first"])
        self.assertEqual("Skipped", states["Am I first"]["Default"])

    def test_the_machine_s_integrations_are_those_of_its_partition(self):
        resources = re.findall(r'"Resource": "([^"]*)"', self.stack.properties("Runner")["DefinitionString"])
        self.assertEqual(2, len(resources))
        for resource in resources:
            self.assertTrue(resource.startswith("arn:${Partition}:states:::"), resource)
        self.assertEqual("${AWS::Partition}", self.stack.properties("Runner")["DefinitionSubstitutions"]["Partition"])

    def test_spot_is_asked_for_by_the_capacity_provider(self):
        self.assertEqual("FARGATE", self.machine["States"]["Drain"]["Arguments"]["LaunchType"])
        spot = Stack(SCHEDULE, **QUEUE, Spot="true").machine()["States"]["Drain"]["Arguments"]
        self.assertNotIn("LaunchType", spot)
        self.assertEqual([{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}], spot["CapacityProviderStrategy"])

    def test_every_name_in_the_machine_is_given(self):
        self.assertEqual(self.names, set(self.stack.properties("Runner")["DefinitionSubstitutions"]))

    def test_the_runner_may_run_that_one_task_and_pass_its_two_roles(self):
        by_action = {action: s for s in statements(self.stack, "RunnerRole") for action in actions(s)}
        self.assertEqual({"states:ListExecutions", "ecs:RunTask", "ecs:StopTask", "ecs:DescribeTasks", "iam:PassRole",
                          "events:PutTargets", "events:PutRule", "events:DescribeRule"}, set(by_action))
        self.assertEqual("${TaskDefinition}", by_action["ecs:RunTask"]["Resource"])
        self.assertEqual(["${TaskRole.Arn}", "${ExecutionRole.Arn}"], by_action["iam:PassRole"]["Resource"])
        self.assertTrue(by_action["states:ListExecutions"]["Resource"].endswith(":" + self.stack.properties("Runner")["StateMachineName"]))

    def test_a_run_that_is_cut_short_is_an_alarm(self):
        self.assertEqual("ExecutionsFailed", self.stack.properties("FailedRuns")["MetricName"])
        self.assertEqual(["drain", "--idle", "20s", "--max-duration", "1h"], self.stack.container("poller")["Command"])
