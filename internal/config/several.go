package config

import "fmt"

// refuseSeveral is there until the engine can run several queues: it goes then, and
// so does its call in Load.
func (d *draft) refuseSeveral() error {
	if len(d.queues) > 1 {
		return fmt.Errorf("queues: %s has %d queues, and this version runs one: start one poller for each of them, with a file of its own",
			d.file, len(d.queues))
	}
	return nil
}
