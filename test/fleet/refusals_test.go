//go:build fleet

package fleet

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// secret is in no output.
const secret = "hunter2-s3cret"

// contains reports whether a replica's page has a text.
func contains(r *replica, path, text string) bool {
	page, err := r.get(path)
	return err == nil && strings.Contains(page, text)
}

// checks runs poller check, which has to end so and to say a text.
func (s *stage) checks(code int, text, url string) {
	s.t.Helper()
	check := s.command("check", "--queue", "orders", "--target", s.http.URL, "--timeout", "5s", "--rate", "28/s", "--concurrency", "16", "--fleet-name", "orders")
	check.Env = append(check.Env, "POLLER_FLEET_REDIS="+url)
	out, err := check.CombinedOutput()
	got := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		got = exit.ExitCode()
	}
	if text == "OK" {
		text = "is reached, and allows every command that the script of budget orders calls"
	}
	if got != code || !strings.Contains(string(out), text) || strings.Contains(string(out), secret) {
		s.t.Errorf("exit %d, want %d and %q:\n%s", got, code, text, out)
	}
}

// refuses starts a replica that has to exit with 1 and say a text.
func (s *stage) refuses(text, url string, args ...string) {
	s.t.Helper()
	r := s.join(url, args...)
	late := time.AfterFunc(time.Minute, func() { signal(r.Cmd, syscall.SIGKILL) })
	err := r.Wait()
	late.Stop()
	said, _ := os.ReadFile(r.log)
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(said), text) || strings.Contains(string(said), secret) {
		s.t.Errorf("%s: %v, want exit 1 and %q:\n%s", regexp.MustCompile(secret).ReplaceAllString(url, "…"), err, text, said)
	}
	s.replicas = s.replicas[:len(s.replicas)-1]
}

// documentedACL is the user of docs/fleet.md, with a password.
func documentedACL(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^    ACL SETUSER .*\n(?:^ {8}.*\n)*`).Find(text)
	if found == nil {
		t.Fatal("docs/fleet.md has no ACL")
	}
	return strings.Fields(strings.ReplaceAll(string(found), "PASSWORD", secret))
}

func TestWhatACoordinatorRefusesIsSaidAndEndsTheStart(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		s.server.tells(documentedACL(t)...)
		at := s.server.address
		s.refuses("invalid scheme: use redis://HOST:6379", "http://"+at)
		s.refuses("the URL has no host", "redis://")
		s.refuses("invalid URL", "redis://:"+secret+"@"+at+"?nonsense=1")
		s.refuses("Redis refuses the user or the password", "redis://poller:not-"+secret+"@"+at)
		s.refuses("Redis refuses the user or the password", "redis://nobody:"+secret+"@"+at)
		s.refuses("the password is a secret, and other users can read the command line", "", "--fleet-redis", "redis://poller:"+secret+"@"+at)
		s.refuses("burst", s.url(), "--burst", "1")
		s.server.tells("SET", "{poller:taken}:state", "mine")
		s.refuses("are there and are somebody else's: delete them, or use another --fleet-name", s.url(), "--fleet-name", "taken")
		s.server.tells("ACL", "SETUSER", "reader", "on", ">"+secret, "~*", "+@read", "+eval", "+evalsha")
		s.refuses("the Redis user lacks a permission", "redis://reader:"+secret+"@"+at)

		// The user of the documentation may do what is needed; without INFO, check says what is lost.
		url := "redis://poller:" + secret + "@" + at
		s.checks(0, "OK", url)
		s.checks(1, "Redis refuses the user or the password", "redis://poller:not-"+secret+"@"+at)
		s.joins(2, url)
		file := filepath.Join(s.folder, "url")
		if err := os.WriteFile(file, []byte(url+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.join("", "--fleet-redis", "@"+file)
		s.says(3, "fleet live")
		s.delivers(50)
		s.server.tells("ACL", "SETUSER", "poller", "-info")
		s.checks(0, "INFO is refused", url)
		s.server.tells("ACL", "SETUSER", "poller", ">other", "<"+secret)
		s.server.tells("CLIENT", "KILL", "USER", "poller")
		s.says(3, "fleet coordinator refuses")
		for _, r := range s.replicas {
			for _, path := range []string{"/-/ready", "/metrics", "/status.json", "/"} {
				if contains(r, path, secret) {
					t.Errorf("%s shows the secret", path)
				}
			}
			if log, _ := os.ReadFile(r.log); strings.Contains(string(log), secret) {
				t.Errorf("the log shows the secret")
			}
		}
		s.judge(0, 0)
	})
}

func TestOfTwoBudgetsOfOneNameTheSmallerHolds(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		s.join(s.url())
		s.join(s.url())
		s.delivers(50)
		s.join(s.url(), "--rate", "14/s")
		s.join(s.url(), "--rate", "14/s")
		s.says(4, "replicas of this fleet have different budgets: the smaller holds")
		pass(time.Second)
		s.checks(0, "replicas of this budget have other limits: the smaller hold", s.url())
		from := s.count()
		pass(10 * time.Second)
		if got := s.count() - from; got > 10*14+s.budget.burst+2 || got < 120 {
			t.Errorf("%d starts in 10 s, 140 expected", got)
		}
		s.judge(0, 0)
	})
}
