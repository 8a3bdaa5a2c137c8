package localsqs

import "maps"

// recent remembers values by key for a while, oldest first. The zero value is
// empty; it is as large as what it remembers.
type recent[V any] struct {
	byKey shrinking[string, remembered[V]]
	order []rememberedKey
}

type remembered[V any] struct {
	value V
	at    instant
}

type rememberedKey struct {
	key string
	at  instant
}

func (r *recent[V]) get(key string) (V, bool) {
	e, ok := r.byKey.get(key)
	return e.value, ok
}

func (r *recent[V]) put(key string, value V, now instant) {
	r.byKey.put(key, remembered[V]{value, now})
	r.order = append(r.order, rememberedKey{key, now})
}

// forget drops what was put at or before then.
func (r *recent[V]) forget(then instant) {
	n := 0
	for n < len(r.order) && r.order[n].at <= then {
		k := r.order[n]
		if e, ok := r.byKey.get(k.key); ok && e.at == k.at {
			r.byKey.remove(k.key)
		}
		r.order[n] = rememberedKey{}
		n++
	}
	r.order = r.order[n:] // append moves to a new array in time, and the old one goes
	if len(r.order) == 0 {
		r.order = nil
	}
}

// shrinking is a map that gives its memory back when it has become much emptier
// than it was: Go's own maps never do. The zero value is empty.
type shrinking[K comparable, V any] struct {
	m    map[K]V
	peak int
}

func (s *shrinking[K, V]) get(key K) (V, bool) {
	v, ok := s.m[key]
	return v, ok
}

func (s *shrinking[K, V]) put(key K, value V) {
	if s.m == nil {
		s.m = make(map[K]V)
	}
	s.m[key] = value
	s.peak = max(s.peak, len(s.m))
}

func (s *shrinking[K, V]) remove(key K) {
	delete(s.m, key)
	if s.peak < 1024 || len(s.m) > s.peak/4 {
		return
	}
	smaller := make(map[K]V, len(s.m))
	maps.Copy(smaller, s.m)
	s.m, s.peak = smaller, len(s.m)
}
