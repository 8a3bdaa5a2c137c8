package queue

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
)

// writeKey puts an access key in the shared credentials file.
func writeKey(t *testing.T, key string) {
	t.Helper()
	text := fmt.Sprintf("[default]\naws_access_key_id=%s\naws_secret_access_key=s\naws_session_token=t\n", key)
	if err := os.WriteFile(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// onlyKey accepts only requests signed with the key.
func onlyKey(key *atomic.Value, next http.Handler) http.Handler {
	expired := canned(403, nil, errorBody("x#ExpiredTokenException", "expired"))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "Credential="+key.Load().(string)+"/") {
			next.ServeHTTP(w, r)
			return
		}
		expired.ServeHTTP(w, r)
	})
}

func TestARotatedCredentialsFileIsReadAgain(t *testing.T) {
	settings(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	writeKey(t, "AKIAOLD")
	synctest.Test(t, func(t *testing.T) {
		s := localsqs.New()
		defer s.Close()
		if _, err := s.CreateQueue("orders", nil); err != nil {
			t.Fatal(err)
		}
		var good atomic.Value
		good.Store("AKIAOLD")
		c := newTestClient(t, onlyKey(&good, s), nil)
		q, err := c.Open(t.Context(), "orders")
		if err != nil {
			t.Fatal(err)
		}
		good.Store("AKIANEW") // the old one expires before the new one is written
		_, err = q.Look(t.Context())
		wantFault(t, err, message.Refused, "expired")
		if err := os.WriteFile(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), []byte("[default\nhalf"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = q.Look(t.Context())
		wantFault(t, err, message.Refused, "no AWS credentials")
		writeKey(t, "AKIANEW")
		if _, err = q.Look(t.Context()); err != nil {
			t.Fatalf("after the file was rotated: %v", err)
		}

		good.Store("AKIATHIRD")
		time.Sleep(renewEvery)
		writeKey(t, "AKIATHIRD")
		_, err = q.Look(t.Context())
		wantFault(t, err, message.Refused, "expired")
		if _, err = q.Look(t.Context()); err != nil {
			t.Fatalf("after the file was rotated again: %v", err)
		}
	})
}

func TestACredentialsEndpointThatIsAwayAtTheStartIsAskedAgain(t *testing.T) {
	settings(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	var away atomic.Bool
	away.Store(true)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintf(w, `{"AccessKeyId":"AKIA","SecretAccessKey":"s","Token":"t","Expiration":%q}`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer endpoint.Close()
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.URL)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	s := localsqs.New()
	defer s.Close()
	if _, err := s.CreateQueue("orders", nil); err != nil {
		t.Fatal(err)
	}
	c := newTestClient(t, s, nil)
	_, err := c.Open(t.Context(), "orders")
	wantFault(t, err, message.Network, "cannot fetch AWS credentials at the moment", "AWS_CONTAINER_CREDENTIALS_FULL_URI (set)")
	away.Store(false)
	if _, err := c.Open(t.Context(), "orders"); err != nil {
		t.Errorf("after the endpoint came back: %v", err)
	}
	if err := c.Credentials(t.Context()); err != nil {
		t.Errorf("after the endpoint came back: %v", err)
	}
}

func TestACredentialsEndpointThatRefusesNeedsAPerson(t *testing.T) {
	settings(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	endpoint := httptest.NewServer(canned(404, nil, `{"code":"NotFound","message":"no association"}`))
	defer endpoint.Close()
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.URL)
	if c, err := NewClient(t.Context(), Options{Logger: quiet()}); err == nil {
		c.Close()
		t.Error("NewClient succeeded without credentials")
	} else if !strings.Contains(err.Error(), "no AWS credentials: tried") {
		t.Error(err)
	}
}

func TestSilenceOfTheMetadataServiceMeansNothingOffEC2(t *testing.T) {
	settings(t)
	refused := &smithy.OperationError{ServiceID: metadataService, Err: &timeoutError{}}
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "")
	if passes(refused, false) || !passes(refused, true) {
		t.Error("a timeout off EC2 counts as transient, or one on EC2 does not")
	}
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
	if !passes(refused, false) {
		t.Error("a timeout of a configured endpoint does not count as transient")
	}
	if passes(errors.New("no such profile"), true) {
		t.Error("a wrong profile counts as transient")
	}
}

type timeoutError struct{}

func (*timeoutError) Error() string   { return "timed out" }
func (*timeoutError) Timeout() bool   { return true }
func (*timeoutError) Temporary() bool { return true }
