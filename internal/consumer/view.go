package consumer

// view knows the queue as a whole: how much waits in it, how old that is, how fast it empties,
// and what SQS does not do. It is told what happens, and reads what is in hand and out; to ask
// it changes nothing.
type view struct {
	depth   depthWatch
	backlog backlog
	speed   speed
	lag     lagWatch
	clock   clock

	// The Consumer's, which are only read here.
	options *Options
	hand    *hand
	demand  *demand
	sqs     *sqsCalls
}

func newView(c *Consumer) view {
	return view{
		depth:   depthWatch{log: c.log},
		backlog: backlog{again: make(map[int64]int)},
		clock:   clock{source: c.options.Source, log: c.log},
		options: &c.options, hand: &c.hand, demand: &c.demand, sqs: &c.sqs,
	}
}
