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

// TLS names the files for connections to an https target. Each is read at startup, and
// again for new connections when it has changed.
type TLS struct {
	// CA is a PEM file of CA certificates to use instead of the system's. If empty, the
	// system's are used.
	CA string
	// Cert and Key are PEM files with the client certificate, with its chain, and its
	// key, for a target that requests one. Set both or neither.
	Cert, Key string
}

// certificates are the current contents of TLS's files.
type certificates struct {
	files  TLS
	host   string // of the target, for which its certificate must be valid
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
		return nil, errors.New("--tls-cert and --tls-key belong together: set both or neither")
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

// apply sets config to use the files. They are consulted at every handshake, including
// those that net/http makes behind a proxy.
func (c *certificates) apply(config *tls.Config) {
	if c.files.Cert != "" {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			_, own := c.current()
			return own, nil
		}
	}
	if c.files.CA != "" {
		// The roots of a tls.Config cannot change, so verify makes the same check.
		config.InsecureSkipVerify = true
		config.VerifyConnection = c.verify
	}
}

// verify does what crypto/tls does by default, with the current roots of the CA file.
func (c *certificates) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the target sent no certificate")
	}
	pool, _ := c.current()
	options := x509.VerifyOptions{Roots: pool, DNSName: c.host, Intermediates: x509.NewCertPool()}
	for _, chain := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(chain)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}

// current checks the files, at most once a second, and returns their contents. If a file
// cannot be used, its last contents are kept and one warning is logged.
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

// again logs the result of reading a file again.
func (c *certificates) again(err error, file *watched) {
	if err == nil {
		c.logger.Info("TLS file reloaded", slog.String("file", file.path))
	} else if !file.failed {
		c.logger.Warn("cannot use changed TLS file: keeping its previous contents", slog.Any("error", err))
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
		return fmt.Errorf("%s contains no PEM certificate", c.files.CA)
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
	if err != nil { // it shows no part of the key
		return fmt.Errorf("%s and %s do not match: %w", c.files.Cert, c.files.Key, err)
	}
	c.own, c.cert.seen, c.key.seen = &own, certInfo, keyInfo
	return nil
}

// readPEM reads a file named in the settings, and its FileInfo. It calls Stat first, so
// that a file that changes meanwhile is read again.
func readPEM(path string) ([]byte, os.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(path) //nolint:gosec // the path is the operator's own setting
	return text, info, err
}
