package app

import (
	"testing"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/target"
)

func TestEachFormatThatCanBeConfiguredIsKnownToTheTarget(t *testing.T) {
	for _, name := range append(target.Formats(), "raw") {
		c := settingsWith(func(t *config.Target) { t.Format = name })
		if err := TryTarget("default", c.Targets["default"]); err != nil {
			t.Error(err)
		}
	}
	if err := TryTarget("default", settingsWith(func(t *config.Target) { t.Format = "xml" }).Targets["default"]); err == nil {
		t.Error("an unknown format is taken")
	}
}
