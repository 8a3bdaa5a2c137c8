"""What the template says: all that LocalStack cannot update, enforce or tell apart."""

import copy
import re
import subprocess
import unittest

import template

PARAMETERS = ["StageName", "Path", "Authorizer", "QueueName", "Fifo", "MessageRetention", "VisibilityTimeout", "MaxReceiveCount", "MaximumMessageSize",
              "QueueDeletion", "RefuseEmptyBody", "KmsKeyId", "ThrottleRate", "ThrottleBurst", "AccessLogs"]
OUTPUTS = ["Endpoint", "EndpointArn", "QueueUrl", "QueueArn", "DeadLetterQueueUrl", "DeadLetterQueueArn"]
LINE = "Action=SendMessage&Version=2012-11-05&MessageBody=$util.urlEncode($input.body)"


class TheTemplate(unittest.TestCase):
    def setUp(self):
        self.template = template.load()
        self.resources = self.template["Resources"]
        self.integration = template.integration(self.template)

    def properties(self, name: str) -> dict:
        return self.resources[name]["Properties"]

    def test_cfn_lint_finds_nothing(self):
        found = subprocess.run(["cfn-lint", str(template.GATEWAY), str(template.LOGGING)],
                               capture_output=True, text=True)
        self.assertEqual((found.returncode, found.stdout), (0, ""))

    def test_has_the_parameters_and_outputs_that_people_depend_on(self):
        self.assertEqual(list(self.template["Parameters"]), PARAMETERS)
        self.assertEqual(list(self.template["Outputs"]), OUTPUTS)

    def test_every_parameter_has_a_default_and_the_options_are_off(self):
        for name, parameter in self.template["Parameters"].items():
            self.assertIn("Default", parameter, name)
        defaults = {name: self.template["Parameters"][name]["Default"] for name in ("StageName", "Fifo", "RefuseEmptyBody", "KmsKeyId", "AccessLogs")}
        self.assertEqual(defaults, {"StageName": "prod", "Fifo": "false", "RefuseEmptyBody": "false", "KmsKeyId": "", "AccessLogs": "false"})

    def test_parameter_patterns_take_what_is_valid_and_nothing_else(self):
        key = "1234abcd-12ab-34cd-56ef-1234567890ab"
        for name, good, bad in [
            ("StageName", ["prod", "v1_2-x"], ["", "a/b", "a b"]),
            ("Path", ["example", "v1.orders_x-y"], ["", "/example", "a/b", "a b", "{proxy+}"]),
            ("QueueName", ["", "orders", "a" * 71], ["orders.fifo", "a" * 72, "a b", "a/b"]),
            ("KmsKeyId", ["", key, f"arn:aws:kms:eu-west-1:123456789012:key/{key}", f"arn:aws-cn:kms:cn-north-1:123456789012:key/{key}",
                          "mrk-" + "0123456789abcdef" * 2], ["alias/a", "arn:aws:kms:eu-west-1:123456789012:alias/a", "*", "arn:aws:sqs:a:1:b"]),
        ]:
            pattern = self.template["Parameters"][name]["AllowedPattern"]
            for value in good:
                self.assertIsNotNone(re.fullmatch(pattern, value), (name, value))
            for value in bad:
                self.assertIsNone(re.fullmatch(pattern, value), (name, value))

    def test_a_request_template_is_one_line_without_white_space_at_its_ends(self):
        for fifo in (False, True):
            text = template.request_template(self.template, fifo)
            self.assertNotRegex(text, r"[\r\n]|^\s|\s$")
            self.assertIn(LINE, text)
            self.assertNotIn("$input.json", text)
            self.assertEqual(text.count("&MessageBody="), 1)
            self.assertNotIn("$context.requestId", text)
            # Without trace headers nothing follows but ids.
            after = text[text.index(LINE) + len(LINE):]
            self.assertEqual(re.sub(r"#if.*#end$", "", after), "&MessageGroupId=$util.urlEncode($group)&MessageDeduplicationId=$util.urlEncode($deduplication)" if fifo else "")

    def test_only_json_is_taken_and_nothing_passes_through(self):
        self.assertEqual(list(self.integration["RequestTemplates"]), ["application/json"])
        self.assertEqual(self.integration["PassthroughBehavior"], "NEVER")
        self.assertNotIn("BinaryMediaTypes", self.properties("Api"))
        self.assertNotIn("ContentHandling", self.integration)

    def test_sqs_is_called_by_the_path_of_partition_region_account_and_queue(self):
        self.assertEqual(self.integration["Type"], "AWS")
        self.assertEqual(self.integration["IntegrationHttpMethod"], "POST")
        separator, (start, queue) = self.integration["Uri"]["Fn::Join"]
        self.assertEqual(separator + start["Fn::Sub"] + queue,
                         "arn:${AWS::Partition}:apigateway:${AWS::Region}:sqs:path/${AWS::AccountId}/${stageVariables.queue}")
        # A change of the stage needs no new deployment.
        self.assertEqual(self.properties("Stage")["Variables"],
                         {"queue": {"Fn::GetAtt": ["Queue", "QueueName"]}, "refuseEmptyBody": {"Ref": "RefuseEmptyBody"}})

    def test_no_header_and_no_parameter_of_the_client_is_passed_on(self):
        self.assertEqual(self.integration["RequestParameters"], {
            "integration.request.header.Content-Type": "'application/x-www-form-urlencoded'",
            "integration.request.header.Accept": "'application/json'",
        })
        self.assertNotIn("RequestParameters", self.properties("ExamplePost"))

    def test_answers_202_for_200_413_for_413_and_502_for_the_rest(self):
        self.assertEqual([(r["StatusCode"], r.get("SelectionPattern")) for r in self.integration["IntegrationResponses"]],
                         [("202", "200"), ("413", "413"), ("502", None)])
        declared = {r["StatusCode"] for r in self.properties("ExamplePost")["MethodResponses"]}
        overridden = set(re.findall(r"responseOverride\.status = (\d+)", template.response_template(self.template, "502")))
        self.assertEqual(declared, {"202", "413", "502"} | overridden)

    def test_no_answer_passes_on_what_sqs_said(self):
        for response in self.integration["IntegrationResponses"]:
            self.assertEqual(list(response["ResponseTemplates"]), ["application/json"])
            shown = re.sub(r"#(set|if|elseif)\(.*\)", "", response["ResponseTemplates"]["application/json"])
            shown = shown.replace("$input.path('$.SendMessageResponse.SendMessageResult.MessageId')", "")
            self.assertNotIn("$", shown)
            self.assertNotIn("ResponseParameters", response)

    def test_the_role_may_send_to_that_queue_and_nothing_else(self):
        role = self.properties("SendRole")
        self.assertEqual(role["AssumeRolePolicyDocument"]["Statement"],
                         [{"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}])
        self.assertNotIn("ManagedPolicyArns", role)
        (policy,) = role["Policies"]
        send, kms = policy["PolicyDocument"]["Statement"]
        self.assertEqual(send, {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}})
        condition, with_key, without = kms["Fn::If"]
        self.assertEqual((condition, without), ("HasKey", {"Ref": "AWS::NoValue"}))
        self.assertEqual(with_key["Action"], ["kms:GenerateDataKey", "kms:Decrypt"])
        self.assertNotIn("*", str(with_key["Resource"]))

    def test_the_stage_throttles_every_method(self):
        (settings,) = self.properties("Stage")["MethodSettings"]
        self.assertEqual((settings["ResourcePath"], settings["HttpMethod"]), ("/*", "*"))
        self.assertEqual(settings["ThrottlingRateLimit"], {"Ref": "ThrottleRate"})
        self.assertEqual(settings["ThrottlingBurstLimit"], {"Ref": "ThrottleBurst"})

    def test_access_logs_are_off_by_default_and_never_hold_a_body_or_header(self):
        condition, on, off = self.properties("Stage")["AccessLogSetting"]["Fn::If"]
        self.assertEqual((condition, off), ("HasAccessLogs", {"Ref": "AWS::NoValue"}))
        self.assertEqual(self.resources["AccessLogGroup"]["Condition"], "HasAccessLogs")
        self.assertNotRegex(on["Format"], r"\$input|header|body|authorizer|apiKey")
        (settings,) = self.properties("Stage")["MethodSettings"]
        self.assertEqual((settings["LoggingLevel"], settings["DataTraceEnabled"]), ("OFF", False))

    def test_a_changed_api_gets_a_new_deployment(self):
        deployments = {name: r for name, r in self.resources.items() if r["Type"] == "AWS::ApiGateway::Deployment"}
        digest = template.digest(self.template)
        conditions = {"Standard": "IsOpenStandard", "Fifo": "IsOpenFifo", "SignedStandard": "IsSignedStandard", "SignedFifo": "IsSignedFifo"}
        self.assertEqual(set(deployments), {f"{kind}Deployment{digest}" for kind in conditions},
                         "Api, Example or ExamplePost was edited: rename the deployments, or clients get the old API")
        for kind, condition in conditions.items():
            deployment = deployments[f"{kind}Deployment{digest}"]
            self.assertEqual((deployment["Condition"], deployment["DependsOn"]), (condition, "ExamplePost"))
            self.assertEqual(deployment["Properties"], {"RestApiId": {"Ref": "Api"}})

        def either(prefix: str) -> dict:
            return {"Fn::If": ["IsFifo", {"Ref": f"{prefix}FifoDeployment{digest}"}, {"Ref": f"{prefix}StandardDeployment{digest}"}]}

        self.assertEqual(self.properties("Stage")["DeploymentId"], {"Fn::If": ["IsOpen", either(""), either("Signed")]})
        self.assertNotIn("StageName", str(list(deployments.values())))

    def test_every_edit_of_the_api_changes_the_digest(self):
        digest = template.digest(self.template)
        for edit in [
            lambda t: t["Resources"]["Api"]["Properties"].update(Description="another"),
            lambda t: t["Resources"]["Example"]["Properties"].update(PathPart="another"),
            lambda t: template.integration(t).update(PassthroughBehavior="WHEN_NO_MATCH"),
            lambda t: template.integration(t)["IntegrationResponses"][2]["ResponseTemplates"].update({"application/json": "{}"}),
        ]:
            edited = copy.deepcopy(self.template)
            edit(edited)
            self.assertNotEqual(template.digest(edited), digest)

    def test_only_fifo_authorizer_and_path_among_the_parameters_change_what_is_deployed(self):
        # Another one would change the method without a new deployment, and the change would never reach a client. The
        # first two have deployments of their own; the docs and deploy/aws.sh say that Path is for new stacks.
        deployed = str([self.resources[name] for name in template.DEPLOYED])
        self.assertEqual(set(re.findall(r"'Fn::If': \['(\w+)'", deployed)), {"IsFifo"})
        self.assertEqual(self.properties("ExamplePost")["AuthorizationType"], {"Ref": "Authorizer"})
        self.assertEqual(self.properties("Example")["PathPart"], {"Ref": "Path"})
        for parameter in PARAMETERS:
            if parameter not in ("Authorizer", "Path"):
                self.assertNotIn(f"'Ref': '{parameter}'", deployed)
            self.assertNotIn(f"${{{parameter}}}", deployed)
        self.assertNotIn("'Queue'", deployed)

    def test_a_queue_outlives_the_stack_by_default_and_its_policy_with_it(self):
        self.assertEqual(self.template["Parameters"]["QueueDeletion"]["Default"], "Retain")
        for name in ("Queue", "DeadLetterQueue", "QueueOverTls", "DeadLetterQueueOverTls"):
            self.assertEqual(self.resources[name]["DeletionPolicy"], {"Ref": "QueueDeletion"})
        for name in ("Queue", "DeadLetterQueue"):
            self.assertIn({"Ref": "QueueDeletion"}, [tag["Value"] for tag in self.properties(name)["Tags"]])
        self.assertEqual(self.template["Transform"], "AWS::LanguageExtensions")

    def test_the_queues_are_reached_over_tls_alone(self):
        for queue in ("Queue", "DeadLetterQueue"):
            policy = self.properties(f"{queue}OverTls")
            self.assertEqual(policy["Queues"], [{"Ref": queue}])
            (statement,) = policy["PolicyDocument"]["Statement"]
            self.assertEqual([statement[k] for k in ("Effect", "Principal", "Action", "Resource", "Condition")],
                             ["Deny", "*", "sqs:*", {"Fn::GetAtt": [queue, "Arn"]}, {"Bool": {"aws:SecureTransport": "false"}}])

    def test_no_partition_is_written_out(self):
        for path in (template.GATEWAY, template.LOGGING):
            text = path.read_text()
            self.assertNotRegex(text, r"arn:aws")
            # Principals are called so in every partition.
            self.assertEqual(set(re.findall(r"[\w.]*amazonaws[\w.]*", text)), {"apigateway.amazonaws.com"})

    def test_a_replaced_queue_stays_with_its_messages(self):
        for name in ("Queue", "DeadLetterQueue"):
            self.assertEqual(self.resources[name]["UpdateReplacePolicy"], "Retain")

    def test_the_dead_letter_queue_keeps_14_days(self):
        self.assertEqual(self.properties("DeadLetterQueue")["MessageRetentionPeriod"], 14 * 24 * 3600)

    def test_no_policy_asks_for_a_source_account(self):
        for path in (template.GATEWAY, template.LOGGING):
            resources = str(template.load(path)["Resources"])
            self.assertNotIn("SourceAccount", resources)
            self.assertNotIn("SourceArn", resources)

    def test_the_logging_role_is_the_accounts(self):
        resources = template.load(template.LOGGING)["Resources"]
        self.assertEqual({r["Type"] for r in resources.values()}, {"AWS::IAM::Role", "AWS::ApiGateway::Account"})
        self.assertEqual(resources["Account"]["Properties"]["CloudWatchRoleArn"], {"Fn::GetAtt": ["LogRole", "Arn"]})


class TheDocs(unittest.TestCase):
    def setUp(self):
        self.template = template.load()
        self.docs = template.DOCS.read_text()

    def rows(self, heading: str) -> list[list[str]]:
        section = self.docs.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
        return rows[2:]

    def test_list_each_parameter_with_its_default(self):
        told = {row[0].strip("`"): row[1].strip("`") for row in self.rows("Parameters")}
        self.assertEqual(told, {name: str(p["Default"]) for name, p in self.template["Parameters"].items()})

    def test_list_each_output(self):
        self.assertEqual([row[0].strip("`") for row in self.rows("Outputs")], OUTPUTS)

    def test_show_each_answer_of_the_template(self):
        told = " ".join(" ".join(row) for row in self.rows("Answers"))
        for text in re.findall(r'"message":"([^"]*)"', template.response_template(self.template, "502")):
            self.assertIn(text, told)

    def test_show_the_mapping_template_as_it_is(self):
        self.assertIn("\n    " + template.request_template(self.template, False) + "\n", self.docs)
