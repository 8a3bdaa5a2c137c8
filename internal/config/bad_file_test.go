package config

import "strings"

// badFile has a mistake in the file, or flags and variables that do not go with it.
var badFile = []badInput{
	{
		"a file that is not there",
		input{args: enough + "--config nowhere.yaml"},
		"--config: nowhere.yaml cannot be read (no such file or directory): give the path of a YAML file",
	},
	{
		"a file that is not there, in a variable",
		input{args: enough, env: []string{"POLLER_CONFIG=/nowhere.yaml"}},
		"POLLER_CONFIG: /nowhere.yaml cannot be read (no such file or directory): give the path of a YAML file",
	},
	{
		"an unknown key of a target",
		input{file: ok + "    rat: 28/s\n"},
		"targets.orders.rat at line 6 of poller.yaml: unknown key: did you mean rate?",
	},
	{
		"an unknown key of a queue",
		input{file: strings.Replace(ok, "targets:", "  visibility-timeout: 60s\ntargets:", 1)},
		"queues[0].visibility-timeout at line 3 of poller.yaml: unknown key: did you mean visibility_timeout?",
	},
	{
		"an unknown key at the top",
		input{file: ok + "drain-timeout: 3s\n"},
		"drain-timeout at line 6 of poller.yaml: unknown key: did you mean drain_timeout?",
	},
	{
		"keys with the names of flags that have another place",
		input{file: "queue: orders\ntarget: http://localhost/\nfleet_replicas: 4\nfleet-redis: a\nlog_level: info\nquota: 1/m\nheader: a\nsign_aws: lambda\nurl: a\nconfig: a\n"},
		"fleet_replicas at line 3 of poller.yaml: unknown key: did you mean fleet.replicas?; " +
			"fleet-redis at line 4 of poller.yaml: unknown key: did you mean fleet.redis?; " +
			"log_level at line 5 of poller.yaml: unknown key: did you mean log.level?; " +
			"quota at line 6 of poller.yaml: unknown key: did you mean quotas?; " +
			"header at line 7 of poller.yaml: unknown key: did you mean headers?; " +
			"sign_aws at line 8 of poller.yaml: unknown key: did you mean auth.aws.service?; " +
			"url at line 9 of poller.yaml: unknown key: the keys are in docs/settings.md; " +
			"config at line 10 of poller.yaml: unknown key: the keys are in docs/settings.md",
	},
	{
		"flags' names within a target, a queue and the log",
		input{file: strings.Replace(ok, "targets:", "  timeout: 3s\ntargets:", 1) +
			"    webhook_secret: a\n    target: b\n    fleet_name: c\n    auth: {aws: {sign_aws_region: d, oauth2_style: basic}}\nlog: {log_level: info}\n"},
		"queues[0].timeout at line 3 of poller.yaml: unknown key: did you mean targets.NAME.timeout?; " +
			"targets.orders.webhook_secret at line 7 of poller.yaml: unknown key: did you mean auth.webhook.secrets?; " +
			"targets.orders.target at line 8 of poller.yaml: unknown key: did you mean url?; " +
			"targets.orders.fleet_name at line 9 of poller.yaml: unknown key: did you mean fleet.name at the top level?; " +
			"targets.orders.auth.aws.sign_aws_region at line 10 of poller.yaml: unknown key: did you mean region?; " +
			"targets.orders.auth.aws.oauth2_style at line 10 of poller.yaml: unknown key: did you mean targets.orders.auth.oauth2.style?; " +
			"log.log_level at line 11 of poller.yaml: unknown key: did you mean level?",
	},
	{
		"an unknown key that is like no other",
		input{file: ok + "log:\n  colour: red\n"},
		"log.colour at line 7 of poller.yaml: unknown key: use level or format",
	},
	{
		"a key twice",
		input{file: ok + "    url: http://localhost/\n"},
		"poller.yaml at line 6: duplicate key: remove one",
	},
	{
		"a key without its value",
		input{file: ok + "    rate:\n"},
		"targets.orders.rate at line 6 of poller.yaml: no value: set one, or remove the key",
	},
	{
		"a list for a value",
		input{file: ok + "    rate: [1, 2]\n"},
		"targets.orders.rate at line 6 of poller.yaml: a list or a map where a single value belongs",
	},
	{
		"a map for the queues",
		input{file: "queues:\n  queue: orders\n"},
		"queues at line 2 of poller.yaml: not a list: begin each queue with '- queue: NAME'",
	},
	{
		"a list for the targets",
		input{file: "targets:\n- url: http://localhost/\n"},
		"targets at line 2 of poller.yaml: not a map: use 'name: value' lines under it",
	},
	{
		"no YAML",
		input{file: ok + "\t- {\n"},
		"poller.yaml at line 6: not valid YAML from here on (found character '\t' that cannot start any token)",
	},
	{
		"text",
		input{file: "hello\n"},
		"poller.yaml at line 1: not a map: use 'name: value' lines",
	},
	{
		"two documents",
		input{file: ok + "---\n" + ok},
		"poller.yaml at line 7: a second YAML document starts: put all settings in one",
	},
	{
		"an empty file",
		input{file: "# nothing\n"},
		"no queue given: set --queue or POLLER_QUEUE to its URL, ARN or name, or write queues in poller.yaml",
	},
	{
		"a target's name with spaces",
		input{file: "targets:\n  my orders:\n    url: http://localhost/\n"},
		"targets at line 2 of poller.yaml: invalid target name: use at most 40 letters, digits, '-', '_' and '.'",
	},
	{
		"a file's target without a URL",
		input{file: "queues:\n- queue: orders\ntargets:\n  orders:\n    rate: 1/s\n"},
		"targets.orders at line 4 of poller.yaml: url is missing: add it there, or set --target or POLLER_TARGET to the URL to deliver to",
	},
	{
		"a file's queue without its queue",
		input{file: "queues:\n- gather: 1s\ntargets:\n  orders:\n    url: http://localhost/\n"},
		"queues[0] at line 2 of poller.yaml: queue is missing: add it there, or set --queue or POLLER_QUEUE to its URL, ARN or name",
	},
	{
		"a target that is not there",
		input{file: strings.Replace(ok, "targets:", "  target: order\ntargets:", 1)},
		"queues[0].target at line 3 of poller.yaml: unknown target: use orders",
	},
	{
		"two targets and no word which",
		input{file: ok + "  other:\n    url: http://localhost/\n"},
		"queues[0] at line 2 of poller.yaml: it names no target: add target: orders or other",
	},
	{
		"a target that nobody needs",
		input{file: strings.Replace(ok, "targets:", "  target: orders\ntargets:", 1) + "  other:\n    url: http://localhost/\n"},
		"targets.other at line 7 of poller.yaml: no queue uses this target: name it as a queue's target, or remove it",
	},
	{
		"a flag beside two targets",
		input{args: "--rate 1/s", file: ok + "  other:\n    url: http://localhost/\n"},
		"--rate: poller.yaml has 2 targets, so it is ambiguous: set targets.NAME.rate in the file",
	},
	{
		"a variable beside two queues",
		input{env: []string{"POLLER_GATHER=1s"}, file: strings.Replace(ok, "targets:", "- queue: other\ntargets:", 1)},
		"POLLER_GATHER: poller.yaml has 2 queues, so it is ambiguous: set queues[].gather in the file",
	},
}
