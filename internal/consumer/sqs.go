package consumer

import (
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// sqsCalls knows for each kind of call to SQS whether it works: since when it fails, why,
// and when it may be tried again. The log and the status page are fed from here.
type sqsCalls struct {
	log     *slog.Logger
	recent  *failures
	trouble [callKinds]trouble // lookCall has none: depthWatch looks after it
	flaps   [callKinds]flapping
}

func newSQSCalls(log *slog.Logger, recent *failures, seed uint64) sqsCalls {
	s := sqsCalls{log: log, recent: recent}
	for kind, name := range map[callKind]string{
		receiveCall: "receive", deleteCall: "delete", releaseCall: "release", letterCall: "dead-letter", extendCall: "extend",
	} {
		s.trouble[kind].jitter = jitter(seed, name)
	}
	return s
}

// failed notes a call that failed, though SQS should have answered at due, and returns the
// trouble of its kind. The next call waits, for about longest at most; where SQS refused, for
// half a minute.
func (s *sqsCalls) failed(now, due time.Time, kind callKind, err error, longest time.Duration) *trouble {
	t := &s.trouble[kind]
	t.failed(now, due, err, longest)
	s.flaps[kind].failed(now, t.fault == message.Refused)
	s.recent.add(Failure{At: now, Reason: t.fault.String(), Detail: t.err.Error()})
	return t
}

// worked ends the trouble of a kind of calls, if there is any. It reports whether SQS had
// refused them: then everything else that it refused is tried again immediately, since the
// queue is there again, or the credentials are good.
func (s *sqsCalls) worked(now time.Time, kind callKind) (permitted bool) {
	t := &s.trouble[kind]
	if t.failures == 0 {
		return false
	}
	s.flaps[kind].worked(now)
	permitted = t.fault == message.Refused
	t.worked()
	if permitted {
		s.permit(now)
	}
	return permitted
}

// permit ends the pauses after refusals. Extensions keep theirs: one call finds out anyway.
func (s *sqsCalls) permit(now time.Time) {
	for _, kind := range []callKind{receiveCall, deleteCall, releaseCall, letterCall} {
		s.trouble[kind].permitted(now)
	}
}

// settlesFail reports whether the last call that was to settle something failed.
func (s *sqsCalls) settlesFail() bool {
	return s.trouble[deleteCall].failures+s.trouble[releaseCall].failures+s.trouble[letterCall].failures > 0
}

// callsInWords names the calls to SQS in the log.
var callsInWords = [...]string{
	receiveCall: "receives", deleteCall: "deletes", releaseCall: "releases",
	letterCall: "sends to the dead-letter queue", extendCall: "extensions",
}

// say logs whether the calls to SQS work.
func (s *sqsCalls) say(now time.Time) {
	for _, kind := range []callKind{receiveCall, deleteCall, releaseCall, letterCall, extendCall} {
		t, calls := &s.trouble[kind], slog.String("calls", callsInWords[kind])
		flaps := s.flaps[kind].recoveries > 0
		which, with := s.flaps[kind].due(now)
		if kind == receiveCall && flaps && t.fault == message.Network {
			with = append(with, slog.String("hint", "if these are receives that wait for messages, a proxy may end them: set --wait-time below its time-out"))
		}
		switch which {
		case itFails:
			s.log.With(with...).Warn("calls to SQS fail", calls,
				slog.String("reason", t.fault.String()), slog.Any("error", t.err),
				slog.Duration("next_try_in", max(t.until.Sub(now), 0).Round(time.Millisecond)))
		case itWorksAgain:
			s.log.With(with...).Info("calls to SQS work again", calls)
		case itFailsNowAndThen:
			s.log.With(with...).Warn("calls to SQS fail now and then", calls)
		case noLine:
		}
	}
}
