package message

// Letter is a message that the worker itself sends to the dead-letter queue.
type Letter struct {
	*Message
	// Status and Reason are from the answer that rejected it.
	Status int
	Reason string
}
