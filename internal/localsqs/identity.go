package localsqs

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
)

// identity makes ids and receipt handles out of counters and a secret: unique,
// not to be guessed by accident, and the same for the same secret.
type identity struct {
	secret [4]uint64
}

func seededIdentity(seed uint64) identity {
	var id identity
	for i := range id.secret {
		seed += 0x9e3779b97f4a7c15
		id.secret[i] = mix(seed)
	}
	return id
}

func randomIdentity() identity {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	var id identity
	for i := range id.secret {
		id.secret[i] = binary.LittleEndian.Uint64(raw[8*i:])
	}
	return id
}

// mix is the finalizer of splitmix64: one to one, so that counters stay distinct.
func mix(x uint64) uint64 {
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

// The kinds of ids, so that equal counters of different things differ.
const (
	idOfMessage uint64 = iota + 1
	idOfRequest
	idOfTask
)

type uuid [16]byte

// uuid is the n-th id of its kind, in the form of a random UUID.
func (id *identity) uuid(kind, n uint64) uuid {
	var u uuid
	binary.BigEndian.PutUint64(u[:8], mix(n^id.secret[0]+kind*0x9e3779b97f4a7c15))
	binary.BigEndian.PutUint64(u[8:], mix(n^id.secret[1]+kind*0xd1342543de82ef95))
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

func (u uuid) append(to []byte) []byte {
	for i, part := range [...][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			to = append(to, '-')
		}
		to = hex.AppendEncode(to, part)
	}
	return to
}

func (u uuid) String() string { return string(u.append(make([]byte, 0, 36))) }

// receipt is what a receipt handle says: the n-th message of the server, in the
// queue of that tag, by that receive.
type receipt struct {
	queue   uint64
	message uint64
	receive uint64
}

// receiptBytes is one byte of version, then four words.
const receiptBytes = 33

func (id *identity) check(r receipt) uint64 {
	return mix(r.queue+mix(r.message+mix(r.receive^id.secret[2]))) ^ id.secret[3]
}

// appendReceipt appends the handle. Its words are masked by the check word, so
// that no client reads meaning into them.
func (id *identity) appendReceipt(to []byte, r receipt) []byte {
	check := id.check(r)
	raw := make([]byte, 1, receiptBytes)
	raw[0] = 1
	raw = binary.BigEndian.AppendUint64(raw, check)
	raw = binary.BigEndian.AppendUint64(raw, r.queue^mix(check+1))
	raw = binary.BigEndian.AppendUint64(raw, r.message^mix(check+2))
	raw = binary.BigEndian.AppendUint64(raw, r.receive^mix(check+3))
	return base64.StdEncoding.AppendEncode(to, raw)
}

// readReceipt reads a handle; ok is false when this server has not made it.
func (id *identity) readReceipt(handle string) (r receipt, ok bool) {
	if len(handle) != base64.StdEncoding.EncodedLen(receiptBytes) {
		return r, false
	}
	raw, err := base64.StdEncoding.DecodeString(handle)
	if err != nil || len(raw) != receiptBytes || raw[0] != 1 {
		return r, false
	}
	check := binary.BigEndian.Uint64(raw[1:])
	r.queue = binary.BigEndian.Uint64(raw[9:]) ^ mix(check+1)
	r.message = binary.BigEndian.Uint64(raw[17:]) ^ mix(check+2)
	r.receive = binary.BigEndian.Uint64(raw[25:]) ^ mix(check+3)
	return r, id.check(r) == check
}

// tagOf stands for a queue's name in receipt handles (FNV-1a).
func tagOf(name string) uint64 {
	tag := uint64(14695981039346656037)
	for i := range len(name) {
		tag = (tag ^ uint64(name[i])) * 1099511628211
	}
	return tag
}
