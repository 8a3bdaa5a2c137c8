package simulation

import "time"

// window is a time in which something does not work, and in which way.
type window struct {
	from, to time.Duration
	way      int
}

func at(windows []window, now time.Duration) (window, bool) {
	for _, w := range windows {
		if w.from <= now && now < w.to {
			return w, true
		}
	}
	return window{}, false
}

// windows draws up to n separate windows.
func (s *scenario) windows(d dice, n int, shortest, longest time.Duration, ways int) []window {
	var all []window
	from := time.Duration(0)
	for i := range d.of("n").from(1, n) {
		from += d.of("gap", i).between(time.Second, s.trouble/2)
		to := min(from+d.of("length", i).between(shortest, longest), s.trouble)
		if from >= s.trouble {
			break
		}
		all = append(all, window{from, to, d.of("way", i).upTo(ways)})
		from = to
	}
	return all
}

// drawAway draws when SQS is away. Where the network is gone, it is whenever the target is.
func (s *scenario) drawAway(d dice) {
	if d.of("away").chance(0.3) {
		s.away = s.windows(d.of("away windows"), 3, time.Second, 3*time.Minute, awayWays)
	}
	outages, network := s.targets[0].outages, d.of("network")
	if len(outages) == 0 || !network.chance(0.3) {
		return
	}
	s.away = nil
	for i, w := range outages {
		s.away = append(s.away, window{w.from, w.to, network.of("way", i).upTo(awayWays)})
	}
}
