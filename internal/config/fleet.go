package config

// Fleet is the replicas that share each target's budget: its concurrency, rate, burst and
// quotas.
type Fleet struct {
	// Replicas is the most that ever run; 1: this process has the whole of each budget.
	Replicas int `yaml:"replicas" name:"replicas" default:"1" placeholder:"N" help:"Most replicas that ever run, 1 to 10,000. Concurrency, rate and quotas are the budget of all of them; each takes its share."`
}

// Share is a target with one replica's share of its budget, which all of them may use
// at once. The rate is divided exactly; concurrency, burst and quotas are whole
// numbers, and rounded down. The burst is at least 1, without which nothing could start.
func (f Fleet) Share(t Target) Target {
	if f.Replicas <= 1 {
		return t
	}
	t.Concurrency /= f.Replicas
	t.Rate.PerSecond /= float64(f.Replicas)
	t.Burst = max(1, t.Burst/f.Replicas)
	t.Quotas = shareOf(t.Quotas, f.Replicas)
	return t
}

func (f Fleet) validate(n names) error {
	if f.Replicas < 1 || f.Replicas > maxReplicas {
		return n.problem("fleet.replicas", "%d is not between 1 and 10,000: write the most replicas that ever run, such as 4", f.Replicas)
	}
	return nil
}

// validateShare refuses a budget of which some replica would have nothing, or of which
// all together would have more than was written.
func (f Fleet) validateShare(n names, t part[Target]) error {
	switch {
	case t.value.Concurrency < f.Replicas:
		return t.names.problem("concurrency", "%d is less than one delivery at once for each of the %d replicas that %s says: write %d or more, or fewer replicas",
			t.value.Concurrency, f.Replicas, n.of("fleet.replicas"), f.Replicas)
	case t.names.has("burst") && t.value.Burst < f.Replicas:
		return t.names.problem("burst", "%d is less than one for each of the %d replicas that %s says: write %d or more, or omit it, which gives each at least 1",
			t.value.Burst, f.Replicas, n.of("fleet.replicas"), f.Replicas)
	}
	for i, q := range t.value.Quotas {
		key := element("quotas", i)
		if !t.names.has(key) {
			key = "quotas"
		}
		if q.N < f.Replicas {
			return t.names.problem(key, "%s is less than one for each of the %d replicas that %s says: run fewer replicas",
				q, f.Replicas, n.of("fleet.replicas"))
		}
	}
	return nil
}
