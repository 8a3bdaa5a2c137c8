package config

import "testing"

func TestAFunctionGetsTenMessagesARequestUnlessSaidOtherwise(t *testing.T) {
	for args, want := range map[string]int{
		"": 1, "--format sqsd": 1, "--format cloudevents": 1, "--format lambda": 10, "--format lambda --batch 1": 1, "--format cloudevents --batch 100": 100,
	} {
		if got := mustLoad(t, input{args: "--queue orders --target http://h/ " + args}).Targets["default"].BatchSize(); got != want {
			t.Errorf("%s: %d messages a request, want %d", args, got, want)
		}
	}
}
