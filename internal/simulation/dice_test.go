package simulation

import "time"

// dice draws from the seed and the purpose of the draw: the same question has the same
// answer, whoever asks it and whenever.
type dice uint64

// of returns the dice for one thing: a name, and numbers that distinguish it from others.
func (d dice) of(name string, keys ...int) dice {
	h := uint64(d) ^ 0xcbf29ce484222325
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	h = shuffle(h)
	for _, k := range keys {
		h = shuffle(h ^ uint64(k)*0x9e3779b97f4a7c15)
	}
	return dice(h)
}

// shuffle is the finalizer of splitmix64.
func shuffle(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

// part is uniform in [0, 1).
func (d dice) part() float64 { return float64(shuffle(uint64(d))>>11) / (1 << 53) }

func (d dice) chance(p float64) bool { return d.part() < p }

// upTo is one of 0 to n-1.
func (d dice) upTo(n int) int { return int(d.part() * float64(n)) }

// from is one of a to b.
func (d dice) from(a, b int) int { return a + d.upTo(b-a+1) }

// between returns a time from a to b with a resolution of a nanosecond, so that no two
// events happen at the same instant.
func (d dice) between(a, b time.Duration) time.Duration {
	return a + time.Duration(d.part()*float64(b-a)) + time.Duration(shuffle(uint64(d)+1)%1000)
}

func pick[T any](d dice, from ...T) T { return from[d.upTo(len(from))] }
