package localsqs

import (
	"crypto/md5" //nolint:gosec // SQS's protocol asks for MD5
	"encoding/binary"
	"io"
)

// md5Of is the digest of a body.
func md5Of(body string) digest {
	return md5.Sum([]byte(body)) //nolint:gosec // SQS's protocol asks for MD5
}

// md5OfAttributes is SQS's digest of attributes that are in the order of their
// names: of each name, type and value its length in four bytes and its bytes,
// and before the value one byte that says whether it is text or binary.
func md5OfAttributes(attributes []attribute) digest {
	h := md5.New() //nolint:gosec // SQS's protocol asks for MD5
	part := func(s string) {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(s))) //nolint:gosec // at most 1 MiB
		_, _ = h.Write(length[:])
		_, _ = io.WriteString(h, s)
	}
	for i := range attributes {
		a := &attributes[i]
		part(a.name)
		part(a.dataType)
		if a.binary {
			_, _ = h.Write([]byte{2})
		} else {
			_, _ = h.Write([]byte{1})
		}
		part(a.value)
	}
	return digest(h.Sum(nil))
}
