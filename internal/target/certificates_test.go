package target

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// authority signs certificates, and has its own certificate in a file.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key, a.pem = sign(t, "authority", nil)
	return a
}

// sign returns a certificate for name, self-signed if there is no authority.
func sign(t *testing.T, name string, by *authority) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: by == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// pair returns a certificate for name and its key, as files and as a server needs them.
func pair(t *testing.T, name string, by *authority) (certPEM, keyPEM []byte, both tls.Certificate) {
	t.Helper()
	_, key, certPEM := sign(t, name, by)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	if both, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	return certPEM, keyPEM, both
}

// eager accepts writes immediately, as a socket does. Over a pipe, a client that sends an
// alert would wait for the server to read everything.
type eager struct {
	net.Conn
	out chan []byte
}

func newEager(c net.Conn) *eager {
	e := &eager{Conn: c, out: make(chan []byte, 100)}
	go func() {
		for b := range e.out {
			c.Write(b)
		}
		c.Close()
	}()
	return e
}

func (e *eager) Write(b []byte) (int, error) {
	e.out <- slices.Clone(b)
	return len(b), nil
}

func (e *eager) Close() error {
	close(e.out)
	return nil
}

// put replaces a file atomically, as secrets are.
func put(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func TestATargetIsTrustedByTheFileOfItsAuthorityWhichIsReadAgainWhenItChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	synctest.Test(t, func(t *testing.T) {
		first, second := newAuthority(t), newAuthority(t)
		put(t, file, first.pem)
		_, _, served := pair(t, "orders.test", second)
		w := &wire{answer: always(ok200), wrap: func(c net.Conn) net.Conn {
			return tls.Server(newEager(c), &tls.Config{Certificates: []tls.Certificate{served}})
		}}
		var log strings.Builder
		target := over(t, w, func(o *Options) {
			o.URL = "https://orders.test/hook"
			o.TLS.CA = file
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		got := target.Deliver(t.Context(), "orders", msg("x"))
		expect(t, got, message.Connection, 0, "tls")
		if got.Err == nil || !strings.Contains(got.Err.Error(), "unknown authority") {
			t.Errorf("got error %v", got.Err)
		}
		put(t, file, []byte("no certificate"))
		<-time.After(lookAgain)
		expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Connection, 0, "tls")
		put(t, file, second.pem)
		<-time.After(lookAgain)
		expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
		if n := strings.Count(log.String(), "level=WARN"); n != 1 {
			t.Errorf("%d warnings:\n%s", n, log.String())
		}
	})
}

func TestACertificateForAnotherNameIsNotTrusted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t)
		put(t, file, ca.pem)
		_, _, served := pair(t, "other.test", ca)
		w := &wire{answer: always(ok200), wrap: func(c net.Conn) net.Conn {
			return tls.Server(newEager(c), &tls.Config{Certificates: []tls.Certificate{served}})
		}}
		target := over(t, w, func(o *Options) { o.URL, o.TLS.CA = "https://orders.test/", file })
		got := target.Deliver(t.Context(), "orders", msg("x"))
		expect(t, got, message.Connection, 0, "tls")
		if got.Err == nil || !strings.Contains(got.Err.Error(), "for a different name") {
			t.Errorf("got error %v", got.Err)
		}
	})
}

func TestOurCertificateIsShownAndReadAgainWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	caFile, certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t)
		put(t, caFile, ca.pem)
		clients := x509.NewCertPool()
		clients.AddCert(ca.cert)
		_, _, served := pair(t, "orders.test", ca)
		shown := make(chan string, 10)
		w := &wire{answer: always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), wrap: func(c net.Conn) net.Conn {
			return tls.Server(c, &tls.Config{
				Certificates: []tls.Certificate{served}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
				VerifyConnection: func(s tls.ConnectionState) error {
					shown <- s.PeerCertificates[0].Subject.CommonName
					return nil
				},
			})
		}}
		write := func(name string) {
			cert, key, _ := pair(t, name, ca)
			put(t, certFile, cert)
			put(t, keyFile, key)
		}
		write("first")
		target := over(t, w, func(o *Options) {
			o.URL, o.TLS = "https://orders.test/", TLS{CA: caFile, Cert: certFile, Key: keyFile}
		})
		for _, name := range []string{"first", "second"} {
			write(name)
			<-time.After(lookAgain)
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
			if got := <-shown; got != name {
				t.Errorf("%s was shown, want %s", got, name)
			}
		}
		<-time.After(10 * time.Second) // both sides send close_notify into a pipe that nobody reads
	})
}

func TestTLSFilesThatCannotBeUsedAreRefusedByTheirSetting(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t)
	cert, key, _ := pair(t, "first", ca)
	_, other, _ := pair(t, "second", ca)
	at := func(name string, content []byte) string {
		put(t, filepath.Join(dir, name), content)
		return filepath.Join(dir, name)
	}
	certFile, keyFile, otherKey := at("cert", cert), at("key", key), at("other", other)
	for says, o := range map[string]Options{
		"--tls-ca: stat " + filepath.Join(dir, "missing"): {URL: "https://h/", TLS: TLS{CA: filepath.Join(dir, "missing")}},
		"contains no PEM certificate":                     {URL: "https://h/", TLS: TLS{CA: keyFile}},
		"--tls-cert and --tls-key belong together":        {URL: "https://h/", TLS: TLS{Cert: certFile}},
		"do not match": {URL: "https://h/", TLS: TLS{Cert: certFile, Key: otherKey}},
		"--tls-ca, --tls-cert and --tls-key are for https targets": {URL: "http://h/", TLS: TLS{CA: certFile}},
	} {
		o.Timeout, o.Slots = time.Second, 1
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got error %v, want %q", err, says)
		} else if strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("the key is in %q", err)
		}
	}
}
