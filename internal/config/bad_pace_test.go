package config

// badPace gets wrong how much a target takes: rates, quotas, bursts, concurrency, batches.
var badPace = []badInput{
	{
		"a rate that is none",
		input{args: enough + "--rate 28/x"},
		`--rate: invalid rate "28/x": use 28/s, 1000/m or 50000/h`,
	},
	{
		"a rate below 0",
		input{args: enough + "--rate=-1/s"},
		`--rate: invalid rate "-1/s": use 28/s, 1000/m or 50000/h`,
	},
	{
		"a rate that is no number",
		input{args: enough + "--rate NaN"},
		`--rate: invalid rate "NaN": use 28/s, 1000/m or 50000/h`,
	},
	{
		"a rate that is too high",
		input{args: enough + "--rate 2000000"},
		`--rate: rate "2000000" is over 1,000,000 per second: use a lower rate, or none for no limit`,
	},
	{
		"a rate in words",
		input{args: enough + "--rate 28_per_second"},
		`--rate: invalid rate: use 28/s, 1000/m or 50000/h`,
	},
	{
		"a rate in a variable",
		input{args: enough, env: []string{"POLLER_RATE=28/x"}},
		`POLLER_RATE: invalid rate "28/x": use 28/s, 1000/m or 50000/h`,
	},
	{
		"a rate in the file",
		input{file: ok + "    rate: 28/x\n"},
		`targets.orders.rate at line 6 of poller.yaml: invalid rate "28/x": use 28/s, 1000/m or 50000/h`,
	},
	{
		"concurrency 0",
		input{args: enough + "--concurrency 0"},
		"--concurrency: 0 is not between 1 and 10,000: use the number of concurrent deliveries, such as 10",
	},
	{
		"concurrency 10,001",
		input{args: enough, env: []string{"POLLER_CONCURRENCY=10001"}},
		"POLLER_CONCURRENCY: 10001 is not between 1 and 10,000: use the number of concurrent deliveries, such as 10",
	},
	{
		"concurrency in words",
		input{args: enough, env: []string{"POLLER_CONCURRENCY=ten"}},
		`POLLER_CONCURRENCY: invalid number "ten": use a whole number, such as 10`,
	},
	{
		"a batch of 0",
		input{args: enough + "--format lambda --batch 0"},
		"--batch: 0 is not between 1 and 100: use how many messages a request carries, such as 10",
	},
	{
		"a batch of one message each",
		input{args: enough + "--batch 10"},
		"--batch: format raw sends one message a request: set --format to lambda or cloudevents, or omit it",
	},
	{
		"a wait that is too long",
		input{args: enough + "--format lambda --batch-wait 6s"},
		"--batch-wait: 6s is not between 0s and 5s: use a value such as 200ms",
	},
	{
		"a wait for nothing",
		input{args: enough + "--format cloudevents --batch-wait 1s"},
		"--batch-wait: there is nothing to wait for while a request carries one message: set --batch too, or omit it",
	},
	{
		"burst 0",
		input{args: enough + "--rate 1/s --burst 0"},
		"--burst: 0 is not between 1 and 1,000,000: use how many deliveries may start together after a pause, such as 1",
	},
	{
		"a burst without a rate",
		input{args: enough + "--burst 5"},
		"--burst: a burst needs a rate: set --rate too, or omit it",
	},
	{
		"a burst without a rate, in the file",
		input{file: ok + "    burst: 5\n"},
		"targets.orders.burst at line 6 of poller.yaml: a burst needs a rate: set targets.orders.rate too, or omit it",
	},
	{
		"a burst in a variable without the rate of the file",
		input{file: ok, env: []string{"POLLER_BURST=5"}},
		"POLLER_BURST: a burst needs a rate: set targets.orders.rate too, or omit it",
	},
	{
		"a quota of an unknown unit",
		input{args: enough + "--quota 1000/x"},
		`--quota: invalid quota "1000/x": use a whole number and a unit, such as 1000/m or 50000/d (s, m, h or d)`,
	},
	{
		"a quota without a unit",
		input{env: []string{"POLLER_QUOTA=1000"}, args: enough},
		`POLLER_QUOTA: invalid quota "1000": use a whole number and a unit, such as 1000/m or 50000/d (s, m, h or d)`,
	},
	{
		"a quota of a half",
		input{file: ok + "    quotas: [100/s, 0.5/m]\n"},
		`targets.orders.quotas at line 6 of poller.yaml: invalid quota "0.5/m": use a whole number and a unit, such as 1000/m or 50000/d (s, m, h or d)`,
	},
	{
		"a quota of 0",
		input{args: enough + "--quota 0/m"},
		`--quota: quota "0/m" is not between 1 and 1,000,000: use a rate of 0 to pause, or omit the quota for no limit`,
	},
	{
		"a quota too great to be remembered",
		input{args: enough + "--quota 1000001/d"},
		`--quota: quota "1000001/d" is not between 1 and 1,000,000: use a rate of 0 to pause, or omit the quota for no limit`,
	},
	{
		"five quotas",
		input{args: enough + "--quota 1/s --quota 2/m --quota 3/h --quota 4/d --quota 5/d"},
		"--quota: 5 quotas: a target has at most 4: keep those that are reached",
	},
	{
		"two quotas of one window",
		input{file: ok + "    quotas:\n    - 100/m\n    - 1000/m\n"},
		"targets.orders.quotas at line 8 of poller.yaml: 1000/m is a second quota with the window 1m: keep the lower one",
	},
	{
		"a quota below the burst",
		input{args: enough + "--rate 1000/s --burst 50 --quota 20/s"},
		"--quota: 20/s is less than the burst of 50, which may start together: use 50 or more, or lower --burst",
	},
	{
		"more replicas than a quota",
		input{args: enough + "--quota 3/d --fleet-replicas 4"},
		"--quota: 3/d is less than one for each of the 4 replicas in --fleet-replicas: run fewer replicas",
	},
	{
		"an adaptive that is no boolean",
		input{env: []string{"POLLER_ADAPTIVE=maybe"}, args: enough},
		`POLLER_ADAPTIVE: invalid value "maybe": use true or false`,
	},
}
