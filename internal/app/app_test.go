package app

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/config"
)

func TestWhatIsSentIsDeliveredAndTheLastLineSaysHowMany(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := begin(t, "orders", settings(), nil)
		d.send(t, 100)
		pass(30 * time.Second)
		if code, body := d.get(t, "/-/ready"); code != http.StatusOK {
			t.Errorf("ready says %d %s", code, body)
		}
		if _, metrics := d.get(t, "/metrics"); !strings.Contains(metrics, `poller_messages_settled_total{outcome="delivered",queue="orders",target="default"} 100`) {
			t.Errorf("the metrics do not show 100 delivered messages")
		}
		d.stop()
		if err := <-d.ended; err != nil {
			t.Fatal(err)
		}
		if d.sum.Delivered != 100 || d.taken.Load() != 100 {
			t.Errorf("summary %+v, %d taken", d.sum, d.taken.Load())
		}
		lines := strings.Split(strings.TrimSpace(d.logs.String()), "\n")
		if first, last := lines[0], lines[len(lines)-1]; !strings.Contains(first, "poller starts") || !strings.Contains(last, "delivered=100") {
			t.Errorf("the log:\n%s", d.logs)
		}
	})
}

func TestAQueueThatDoesNotExistEndsTheStartWithOneSentence(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := begin(t, "", settings(), nil)
		err := <-d.ended
		if err == nil || !strings.Contains(err.Error(), "orders") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got error %v", err)
		}
	})
}

func TestAnEndpointThatIsAwayAtTheStartIsTriedAgain(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		d := begin(t, "orders", settings(), func(string) error {
			if time.Since(begun) < 10*time.Minute {
				return &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
			}
			return nil
		})
		d.send(t, 1)
		pass(5 * time.Minute)
		if code, body := d.get(t, "/-/ready"); code != http.StatusServiceUnavailable || !strings.Contains(body, "127.0.0.1:9324") {
			t.Errorf("ready says %d %s", code, body)
		}
		if code, _ := d.get(t, "/-/healthy"); code != http.StatusOK {
			t.Errorf("healthy says %d", code)
		}
		pass(6 * time.Minute)
		if n := d.taken.Load(); n != 1 {
			t.Errorf("%d delivered", n)
		}
		if n := strings.Count(d.logs.String(), "cannot be reached"); n > 11 {
			t.Errorf("%d lines in ten minutes:\n%s", n, d.logs)
		}
		d.stop()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAFIFOQueueIsOneThoughItsAttributesMayNotBeRead(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		for name, fifo := range map[string]bool{"orders": false, "orders.fifo": true} {
			c := settings()
			c.Queues[0].Queue = name
			d := prepare(t, "", c, nil)
			d.sqs.denied = "GetQueueAttributes"
			attributes := map[string]string{}
			if fifo {
				attributes["FifoQueue"] = "true"
			}
			if _, err := d.sqs.server.CreateQueue(name, attributes); err != nil {
				t.Fatal(err)
			}
			_, got, err := d.queues[0].tryOpen(t.Context())
			if err != nil || got.FIFO != fifo || got.VisibilityTimeout != 30*time.Second {
				t.Errorf("%s is opened with %+v (%v)", name, got, err)
			}
			d.close(t.Context())
		}
	})
}

func TestDeadLettersToAQueueThatIsNotToldAreRefusedAtTheStart(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		c := settingsWith(func(target *config.Target) { target.OnRejected = "dead-letter" })
		d := prepare(t, "orders", c, nil)
		d.sqs.denied = "GetQueueAttributes"
		_, err := d.Run(t.Context(), t.Context())
		if err == nil || !strings.Contains(err.Error(), "--on-rejected") || !strings.Contains(err.Error(), "sqs:GetQueueAttributes") {
			t.Errorf("got error %v", err)
		}
	})
}

func TestAStopBeforeTheQueueWasReachedEndsTheProcess(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := begin(t, "orders", settings(), func(string) error { return io.ErrUnexpectedEOF })
		pass(time.Minute)
		d.stop()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
	})
}
