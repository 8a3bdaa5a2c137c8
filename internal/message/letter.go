package message

// Letter is a message that goes to the dead-letter queue by our own hand.
type Letter struct {
	*Message
	// Status and Reason are those of the answer that rejected it.
	Status int
	Reason string
}
