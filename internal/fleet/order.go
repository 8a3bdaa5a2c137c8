package fleet

// Order is what an operator has set for the whole fleet. The newest holds.
type Order struct {
	// Version is the coordinator's time when it was given, in microseconds; 0: none ever was.
	Version int64
	Text    string
}

// obey takes in an order that is newer.
func (m *member) obey(o Order) {
	if o.Version > m.order.Version {
		m.order = o
	}
}
