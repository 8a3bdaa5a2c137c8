package target

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// TLS names the files that connections to an https target are made with. Each is
// read at the start, and again, for new connections, when it has changed.
type TLS struct {
	// CA has the certificates, in PEM, that the target's must be signed by, instead of
	// the system's. Empty: the system's.
	CA string
	// Cert and Key are our own certificate, with its chain, and its key, in PEM, for a
	// target that asks for one. Both or neither.
	Cert, Key string
}

// certificates are what TLS's files hold now.
type certificates struct {
	files  TLS
	host   string // of the target: what its certificate must be for
	logger *slog.Logger

	mu     sync.Mutex // guards all below
	looked time.Time
	ca     watched
	cert   watched
	key    watched
	pool   *x509.CertPool
	own    *tls.Certificate
}

// newCertificates reads the files. Its errors name the setting.
func newCertificates(files TLS, host string, logger *slog.Logger) (*certificates, error) {
	c := &certificates{
		files: files, host: host, logger: logger, looked: time.Now(),
		ca: watched{path: files.CA}, cert: watched{path: files.Cert}, key: watched{path: files.Key},
	}
	if (files.Cert == "") != (files.Key == "") {
		return nil, errors.New("--tls-cert and --tls-key belong together: give both or neither")
	}
	if files.CA != "" {
		if err := c.readCA(); err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
	}
	if files.Cert != "" {
		if err := c.readOwn(); err != nil {
			return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
	}
	return c, nil
}

// apply puts the files into the configuration of every connection. They are asked
// for at each handshake, behind a proxy too, where net/http makes it.
func (c *certificates) apply(config *tls.Config) {
	if c.files.Cert != "" {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			_, own := c.current()
			return own, nil
		}
	}
	if c.files.CA != "" {
		// A tls.Config's own roots cannot change: the same check is made in verify.
		config.InsecureSkipVerify = true
		config.VerifyConnection = c.verify
	}
}

// verify is what crypto/tls does by itself, with the roots of the CA file as it is
// now.
func (c *certificates) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the target shows no certificate")
	}
	pool, _ := c.current()
	options := x509.VerifyOptions{Roots: pool, DNSName: c.host, Intermediates: x509.NewCertPool()}
	for _, chain := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(chain)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}

// current looks at the files, at most once a second, and gives what they hold. A
// file that cannot be used keeps its last content, and one warning is logged.
func (c *certificates) current() (*x509.CertPool, *tls.Certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= lookAgain {
		c.looked = now
		if c.files.CA != "" && c.ca.changed() {
			c.again(c.readCA(), &c.ca)
		}
		if c.files.Cert != "" && (c.cert.changed() || c.key.changed()) {
			c.again(c.readOwn(), &c.cert)
		}
	}
	return c.pool, c.own
}

// again says what came of reading a file again.
func (c *certificates) again(err error, file *watched) {
	if err == nil {
		c.logger.Info("TLS file read again", slog.String("file", file.path))
	} else if !file.failed {
		c.logger.Warn("TLS file cannot be used, what it held before is kept", slog.Any("error", err))
	}
	file.failed = err != nil
}

func (c *certificates) readCA() error {
	text, info, err := readPEM(c.files.CA)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s has no certificate in PEM", c.files.CA)
	}
	c.pool, c.ca.seen = pool, info
	return nil
}

func (c *certificates) readOwn() error {
	cert, certInfo, err := readPEM(c.files.Cert)
	if err != nil {
		return err
	}
	key, keyInfo, err := readPEM(c.files.Key)
	if err != nil {
		return err
	}
	own, err := tls.X509KeyPair(cert, key)
	if err != nil { // its text has no part of the key
		return fmt.Errorf("%s and %s are no pair: %w", c.files.Cert, c.files.Key, err)
	}
	c.own, c.cert.seen, c.key.seen = &own, certInfo, keyInfo
	return nil
}

// readPEM reads a file that the settings name, and what it is known by. It is looked
// at first: if it changes meanwhile, it is read once more.
func readPEM(path string) ([]byte, os.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(path) //nolint:gosec // the path is the operator's own setting
	return text, info, err
}
