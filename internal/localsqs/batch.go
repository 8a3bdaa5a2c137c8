package localsqs

import "errors"

const maxBatch = 10

// validBatch checks the entries of a batch: 1 to 10, with ids that are all
// different. idOf gives the i-th entry's.
func validBatch(entry string, n int, idOf func(i int) string) error {
	if n == 0 {
		return emptyBatchRequest.because("There should be at least one %s in the request.", entry)
	}
	if n > maxBatch {
		return tooManyEntriesInBatchRequest.because("Maximum number of entries per request are %d. You have sent %d.", maxBatch, n)
	}
	for i := range n {
		if id := idOf(i); id == "" || len(id) > 80 || !onlyChars(id, "-_") {
			return invalidBatchEntryID.because("A batch entry id can only contain alphanumeric characters, " +
				"hyphens and underscores. It can be at most 80 letters long.")
		}
	}
	for i := range n {
		for j := range i {
			if idOf(i) == idOf(j) {
				return batchEntryIDsNotDistinct.because("Id %s repeated.", idOf(i))
			}
		}
	}
	return nil
}

// batch builds the answer to a batch: the list of what succeeded, then the list
// of what failed; an empty list is left out, as SQS does.
type batch struct {
	out       []byte
	successes int
	failures  []failedEntry
}

type failedEntry struct {
	id string
	*failure
}

// succeeded begins the result of an entry; the caller closes its brace.
func (b *batch) succeeded(id string) {
	if b.successes == 0 {
		b.out = append(b.out, `{"Successful":[`...)
	} else {
		b.out = append(b.out, ',')
	}
	b.successes++
	b.out = append(b.out, `{"Id":`...)
	b.out = appendString(b.out, id)
}

func (b *batch) failed(id string, err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{kind: kind{query: "InternalError", status: 500}, message: err.Error()}
	}
	b.failures = append(b.failures, failedEntry{id, f})
}

func (b *batch) end() []byte {
	switch {
	case b.successes > 0:
		b.out = append(b.out, ']')
	default:
		b.out = append(b.out, '{')
	}
	for i, f := range b.failures {
		switch {
		case i > 0:
			b.out = append(b.out, ',')
		case b.successes > 0:
			b.out = append(b.out, `,"Failed":[`...)
		default:
			b.out = append(b.out, `"Failed":[`...)
		}
		b.out = append(b.out, `{"Id":`...)
		b.out = appendString(b.out, f.id)
		b.out = append(b.out, `,"Code":`...)
		b.out = appendString(b.out, f.entryCode())
		b.out = append(b.out, `,"Message":`...)
		b.out = appendString(b.out, f.message)
		if f.sender() {
			b.out = append(b.out, `,"SenderFault":true}`...)
		} else {
			b.out = append(b.out, `,"SenderFault":false}`...)
		}
	}
	if len(b.failures) > 0 {
		b.out = append(b.out, ']')
	}
	return append(b.out, '}')
}
