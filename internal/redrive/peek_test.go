package redrive

import (
	"testing"
	"testing/synctest"
)

func TestAPeekPutsEverythingBack(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 33)
		for _, most := range []int{7, 20, 1000} {
			found, hidden, err := Peek(t.Context(), t.Context(), r.from, most)
			if err != nil || hidden != 0 || len(found) != min(most, 33) {
				t.Errorf("at most %d: %d found, %d hidden, %v", most, len(found), hidden, err)
			}
			now, err := r.from.Look(t.Context())
			if err != nil || now.Depth.Visible != 33 || now.Depth.InFlight != 0 {
				t.Errorf("%+v, %v", now.Depth, err)
			}
		}
	})
}
