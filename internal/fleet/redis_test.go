package fleet

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func TestURLsOfCoordinators(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	secret := filepath.Join(folder, "password")
	whole := filepath.Join(folder, "url")
	if os.WriteFile(secret, []byte("s3cret\n"), 0o600) != nil || os.WriteFile(whole, []byte("redis://:s3cret@h:1\n"), 0o600) != nil {
		t.Fatal("cannot write files")
	}
	for raw, place := range map[string]string{
		"redis://h:6379":                                     "redis://h:6379",
		"redis://u:s3cret@h:6379/2":                          "redis://h:6379",
		"rediss://h:6380":                                    "rediss://h:6380",
		"unix:///run/redis.sock?db=1":                        "unix:///run/redis.sock",
		"redis+sentinel://h:26379/0?master_name=m&addr=i:26": "redis+sentinel://h:26379",
		"rediss+cluster://h:6379?addr=i:6379":                "rediss+cluster://h:6379",
		"redis://u@h:6379?password_file=" + secret:           "redis://h:6379",
		"redis+sentinel://:its-s3cret@h:26379?master_name=m&username=u&password_file=" + secret: "redis+sentinel://h:26379",
		"@" + whole: "redis://h:1",
	} {
		r, err := ParseURL(raw)
		if err != nil || r.Place() != place {
			t.Errorf("%s: %v, %v", raw, r, err)
		}
	}
	for raw, want := range map[string]string{
		"http://h":                                  "invalid scheme",
		"redis+proxy://h":                           "redis+sentinel:// or redis+cluster://",
		"redis://":                                  "no host",
		"h:6379":                                    "invalid",
		"redis+sentinel://h:1":                      "master_name",
		"redis://:s3cret@h:notaport":                "invalid URL",
		"redis://:s3cret@h?nonsense=1":              "invalid URL",
		"redis://:s3cret@h/words":                   "invalid URL",
		"redis://h?password_file=/no/it":            "the file /no/it cannot be read",
		"redis://:s3cret@h?password_file=" + secret: "keep one of them",
		"redis+sentinel://h?master_name=m&password=s3cret&password_file=" + secret: "keep one of them",
		"@/no/it": "the file /no/it cannot be read",
	} {
		if _, err := ParseURL(raw); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
}

// onMiniredis returns a coordinator on a server of its own.
func onMiniredis(t *testing.T, url func(address string) string) (*redisCoordinator, *miniredis.Miniredis) {
	t.Helper()
	m := miniredis.RunT(t)
	r, err := ParseURL(url(m.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	c := newRedisCoordinator(r, "test")
	t.Cleanup(c.close)
	return c, m
}

func plain(address string) string { return "redis://" + address }

func TestTheScriptOnMiniredis(t *testing.T) {
	t.Parallel()
	c, m := onMiniredis(t, plain)
	now := time.Unix(1_700_000_000, 0)
	m.SetTime(now)
	deadline := func() time.Duration { return time.Duration(now.UnixNano()) + callLimit }
	call := func(r *request) reply {
		t.Helper()
		a, err := c.call(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := call(&request{id: "a", budget: partner}); a.kind != late || a.now != time.Duration(now.UnixNano()) {
		t.Errorf("%+v", a)
	}
	if a := call(&request{id: "a", call: 1, deadline: deadline(), budget: partner, about: `{"host":"h"}`}); a.kind != quiet || a.quietFor != 5571428*time.Microsecond {
		t.Errorf("%+v", a)
	}
	now = now.Add(5 * time.Second)
	m.SetTime(now)
	call(&request{id: "a", call: 2, deadline: deadline(), budget: partner})
	now = now.Add(time.Second)
	m.SetTime(now)
	a := call(&request{id: "a", call: 3, deadline: deadline(), budget: partner, want: 9, busy: true, grown: true})
	if a.kind != granted || a.tokens.n != 9 || a.slots != 8 || a.share != 28_000_000 || a.lease != lease || a.live != 1 {
		t.Errorf("%+v", a)
	}
	all, err := c.list(t.Context())
	if members := parseMembers(all, time.Duration(now.UnixNano()), "a"); err != nil || len(members) != 1 || members[0].Host != "h" || members[0].Slots != 8 || !members[0].Self {
		t.Errorf("%+v, %v", members, err)
	}
	if a := call(&request{id: "a", call: 4, deadline: deadline(), budget: partner, leave: true}); a.kind != left {
		t.Errorf("%+v", a)
	}
}

func TestWhatACoordinatorRefusesIsSaidWithWhatToDo(t *testing.T) {
	t.Parallel()
	real := &request{id: "a", call: 1, deadline: 1 << 62, budget: partner}
	refused := func(t *testing.T, c *redisCoordinator, want string) {
		t.Helper()
		_, err := c.call(t.Context(), real)
		if e := new(RefusedError); !errors.As(err, &e) || !strings.Contains(e.What, want) || strings.Contains(e.What, "s3cret") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	t.Run("a key of another kind", func(t *testing.T) {
		t.Parallel()
		c, m := onMiniredis(t, plain)
		if err := m.Set("{poller:test}:state", "mine"); err != nil {
			t.Fatal(err)
		}
		refused(t, c, "the keys {poller:test}:state, {poller:test}:members, {poller:test}:about, {poller:test}:quotas, {poller:test}:override, or some of them, are there and are somebody else's")
	})
	t.Run("no password", func(t *testing.T) {
		t.Parallel()
		c, m := onMiniredis(t, plain)
		m.RequireAuth("s3cret")
		refused(t, c, "Redis asks for a password")
	})
	t.Run("a wrong password", func(t *testing.T) {
		t.Parallel()
		c, m := onMiniredis(t, func(a string) string { return "redis://:not-s3cret@" + a })
		m.RequireAuth("other")
		refused(t, c, "Redis refuses the user or the password")
	})
}

func TestAServerThatIsAwayIsNoRefusal(t *testing.T) {
	t.Parallel()
	c, m := onMiniredis(t, plain)
	m.Close()
	_, err := c.call(t.Context(), &request{id: "a", budget: partner})
	if e := new(RefusedError); err == nil || errors.As(err, &e) || !strings.Contains(err.Error(), "Redis cannot be reached: ") {
		t.Errorf("%v", err)
	}
	ended, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if _, err := c.call(ended, &request{id: "a", budget: partner}); err == nil || err.Error() != "Redis does not answer within 0.5 s" {
		t.Errorf("%v", err)
	}
}

func TestThePasswordsFileIsReadAtEachConnection(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old\n")
	c, m := onMiniredis(t, func(a string) string { return "redis://" + a + "?password_file=" + file })
	m.RequireAuth("new")
	ask := &request{id: "a", budget: partner}
	if _, err := c.call(t.Context(), ask); err == nil {
		t.Error("an old password is taken")
	}
	write("new\n")
	if a, err := c.call(t.Context(), ask); err != nil || a.kind != late {
		t.Errorf("%+v, %v", a, err)
	}
}
