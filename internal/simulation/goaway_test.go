package simulation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

var (
	certificate     tls.Certificate
	certificateFile string // of the same, for the worker
)

// makeCertificate makes the targets' certificate, in a folder. A bubble's time begins in 2000.
func makeCertificate(folder string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	from := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "targets"}, DNSNames: []string{"target-0", "target-1"},
		NotBefore: from, NotAfter: from.AddDate(100, 0, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	certificateFile = filepath.Join(folder, "targets.pem")
	return os.WriteFile(certificateFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

// http2Pipes terminates TLS for a target's server, and ends each connection with a GOAWAY.
type http2Pipes struct {
	*pipes
	world *world
}

func (l *http2Pipes) Accept() (net.Conn, error) {
	c, err := l.pipes.Accept()
	if err != nil {
		return nil, err
	}
	secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS13})
	return &goingAway{Conn: secure, door: c.(*door), world: l.world, left: l.world.plan.goAway(), writes: make(chan struct{}, 1)}, nil
}

// goingAway is the server's end of an HTTP/2 connection that takes only so many requests.
// It answers any later ones, after a moment as over a network, with a GOAWAY that says which
// was the last: those after it were never processed.
type goingAway struct {
	net.Conn
	door  *door
	world *world

	// Used only by the reading goroutine.
	begun   bool
	pending []byte // of a frame that has been read
	left    int    // requests that it still takes
	last    uint32 // the last stream that it takes, once left is 0

	writes chan struct{} // held by who writes; what follows is theirs
	inside int           // bytes until the end of the frame that the server writes
	header []byte        // of the next frame, while it is not whole
	leave  atomic.Bool   // the GOAWAY is due
	gone   bool          // it was sent
}

const (
	preface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameHeader = 9
	headers     = 1
)

func (g *goingAway) owner() *process { return g.door.by }

// Read gives the server one frame after another, except those of streams it does not accept.
func (g *goingAway) Read(b []byte) (int, error) {
	for len(g.pending) == 0 {
		if !g.begun {
			g.begun = true
			g.pending = make([]byte, len(preface))
			if _, err := io.ReadFull(g.Conn, g.pending); err != nil {
				g.pending = nil
				return 0, err
			}
			break
		}
		frame := make([]byte, frameHeader)
		if _, err := io.ReadFull(g.Conn, frame); err != nil {
			return 0, err
		}
		frame = append(frame, make([]byte, lengthOf(frame))...)
		if _, err := io.ReadFull(g.Conn, frame[frameHeader:]); err != nil {
			return 0, err
		}
		stream := binary.BigEndian.Uint32(frame[5:]) & 0x7fffffff
		if g.left == 0 && stream > g.last {
			if frame[3] == headers {
				g.world.evidence.unprocessed(g.door.by, g.door.target, g.world.now())
			}
			continue
		}
		if frame[3] == headers && stream > g.last {
			g.last = stream
			if g.left--; g.left == 0 {
				g.goAwaySoon()
			}
		}
		g.pending = frame
	}
	n := copy(b, g.pending)
	g.pending = g.pending[n:]
	return n, nil
}

func lengthOf(frame []byte) int { return int(frame[0])<<16 | int(frame[1])<<8 | int(frame[2]) }

func (g *goingAway) goAwaySoon() {
	d := g.world.plan.dice.of("go away", g.door.by.number, int(g.world.now()))
	g.world.work.Go(func() {
		time.Sleep(d.between(time.Millisecond, 30*time.Millisecond))
		g.leave.Store(true)
		g.writes <- struct{}{}
		g.sayGoAway()
		<-g.writes
	})
}

// Write is the server's.
func (g *goingAway) Write(b []byte) (int, error) {
	g.writes <- struct{}{}
	defer func() { <-g.writes }()
	n, err := g.Conn.Write(b)
	g.follow(b[:n])
	g.sayGoAway()
	return n, err
}

// follow finds out where the server's frames end.
func (g *goingAway) follow(b []byte) {
	for len(b) > 0 {
		if g.inside > 0 {
			n := min(g.inside, len(b))
			g.inside -= n
			b = b[n:]
			continue
		}
		n := min(frameHeader-len(g.header), len(b))
		g.header = append(g.header, b[:n]...)
		b = b[n:]
		if len(g.header) == frameHeader {
			g.inside = lengthOf(g.header)
			g.header = g.header[:0]
		}
	}
}

// sayGoAway writes it between two of the server's frames.
func (g *goingAway) sayGoAway() {
	if !g.leave.Load() || g.gone || g.inside > 0 || len(g.header) > 0 {
		return
	}
	g.gone = true
	frame := []byte{0, 0, 8, 7, 0, 0, 0, 0, 0}
	frame = binary.BigEndian.AppendUint32(frame, g.last)
	frame = binary.BigEndian.AppendUint32(frame, 0) // NO_ERROR
	_, _ = g.Conn.Write(frame)
}
