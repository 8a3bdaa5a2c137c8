package config

// badFleet asks for what replicas cannot share.
var badFleet = []badInput{
	{
		"no replicas",
		input{args: enough + "--fleet-replicas 0"},
		"--fleet-replicas: 0 is not between 1 and 10,000: use the most replicas that ever run, such as 4",
	},
	{
		"more replicas than deliveries at once",
		input{args: enough + "--concurrency 3 --fleet-replicas 4"},
		"--concurrency: 3 is less than one concurrent delivery for each of the 4 replicas in --fleet-replicas: use 4 or more, or fewer replicas",
	},
	{
		"more replicas than the default of deliveries at once, by a variable",
		input{args: enough, env: []string{"POLLER_FLEET_REPLICAS=11"}},
		"--concurrency: 10 is less than one concurrent delivery for each of the 11 replicas in POLLER_FLEET_REPLICAS: use 11 or more, or fewer replicas",
	},
	{
		"more replicas than deliveries at once, in the file",
		input{file: ok + "    concurrency: 3\nfleet:\n  replicas: 4\n"},
		"targets.orders.concurrency at line 6 of poller.yaml: 3 is less than one concurrent delivery for each of the 4 replicas in " +
			"fleet.replicas at line 8 of poller.yaml: use 4 or more, or fewer replicas",
	},
	{
		"more replicas than the burst",
		input{args: enough + "--rate 28/s --burst 2 --fleet-replicas 4"},
		"--burst: 2 is less than one for each of the 4 replicas in --fleet-replicas: use 4 or more, or omit it, which gives each at least 1",
	},
	{
		"a coordinator of another kind",
		input{args: enough + "--fleet-redis http://h --fleet-name budget"},
		"--fleet-redis: invalid scheme: use redis://HOST:6379",
	},
	{
		"a budget without a name",
		input{args: enough + "--fleet-redis redis://h"},
		"--fleet-name: the budget on --fleet-redis needs a name, which all replicas of this worker give and no other: set one, such as orders",
	},
	{
		"a name of a budget that is none",
		input{args: enough + "--fleet-redis redis://h --fleet-name a/b"},
		"--fleet-name: invalid name: use at most 128 letters, digits, '-', '_' and '.'",
	},
	{
		"a name of a budget without a coordinator",
		input{args: enough + "--fleet-name budget"},
		"--fleet-name: a budget's name needs a coordinator: set --fleet-redis too, or omit it",
	},
	{
		"a coordinator's password on the command line",
		input{args: enough + "--fleet-redis redis://:hunter2@h --fleet-name budget"},
		"--fleet-redis: the password is a secret, and other users can read the command line: " +
			"write @FILE with the URL, add ?password_file=FILE to it, set POLLER_FLEET_REDIS, or write it in a --config file",
	},
	{
		"a coordinator's password behind Sentinel on the command line",
		input{args: enough + "--fleet-redis redis+sentinel://h?master_name=m&password=hunter2 --fleet-name budget"},
		"--fleet-redis: the password is a secret, and other users can read the command line: " +
			"write @FILE with the URL, add ?password_file=FILE to it, set POLLER_FLEET_REDIS, or write it in a --config file",
	},
	{
		"a rate that a fleet cannot share",
		input{args: enough + "--fleet-redis redis://h --fleet-name budget --rate 30/h"},
		"--rate: 0.5/m is less than the 1/m that --fleet-redis can share: use a higher rate, omit it, or pause with poller pause",
	},
	{
		"too small a burst of a fleet",
		input{args: enough + "--fleet-redis redis://h --fleet-name budget --rate 200/s --burst 4"},
		"--burst: 4 is too few for 200/s between replicas, whose clocks and calls take time: use 5 or more, or omit it for 11",
	},
	{
		"too large a burst of a fleet",
		input{args: enough + "--fleet-redis redis://h --fleet-name budget --rate 2/s --burst 122"},
		"--burst: 122 is more than a minute of 2/s, which --fleet-redis does not share: use 121 or less",
	},
	{
		"a concurrency to be found by each of several replicas",
		input{args: enough + "--adaptive --concurrency 50 --fleet-replicas 3"},
		"--adaptive: each of the 3 replicas in --fleet-replicas would adapt alone, until one had everything: run one replica, or set --concurrency to what the target takes and omit this",
	},
	{
		"a concurrency to be found by a fleet",
		input{file: ok + "    adaptive: true\nfleet:\n  redis: redis://h\n  name: budget\n"},
		"targets.orders.adaptive at line 6 of poller.yaml: the concurrency is found by one worker alone, and fleet.redis at line 8 of poller.yaml is for several: set targets.orders.concurrency to what the target takes and omit this, or omit fleet.redis at line 8 of poller.yaml and run one replica",
	},
	{
		"a key of fleet that there is not",
		input{file: ok + "fleet:\n  replica: 4\n"},
		"fleet.replica at line 7 of poller.yaml: unknown key: did you mean replicas?",
	},
}
