package main

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// functionPath is where a Lambda function is invoked. With -batch the worker sends its messages
// there, several in a request.
const functionPath = "/2015-03-31/functions/bench/invocations"

// functionParts are the parts that -batch is for.
var functionParts = []string{"throughput", "outage", "brownout", "poison"}

// parcel is one of the messages of a request.
type parcel struct {
	id   string
	said body
}

// parcelsOf reads a request: an event of several messages, or one message.
func parcelsOf(r *http.Request) []parcel {
	defer func() { _, _ = io.Copy(io.Discard, r.Body) }()
	if !isFunction(r) {
		one := parcel{id: r.Header.Get("X-Poller-Message-Id")}
		_ = json.NewDecoder(r.Body).Decode(&one.said)
		return []parcel{one}
	}
	var event struct {
		Records []struct{ MessageID, Body string }
	}
	_ = json.NewDecoder(r.Body).Decode(&event)
	all := make([]parcel, len(event.Records))
	for i, record := range event.Records {
		all[i].id = record.MessageID
		_ = json.Unmarshal([]byte(record.Body), &all[i].said)
	}
	return all
}

func isFunction(r *http.Request) bool { return r.URL.Path == functionPath }

// batchItemFailures is a function's answer.
func batchItemFailures(ids []string) string {
	items := make([]string, len(ids))
	for i, id := range ids {
		items[i] = `{"itemIdentifier":` + strconv.Quote(id) + `}`
	}
	return `{"batchItemFailures":[` + strings.Join(items, ",") + `]}`
}

// invoked has the worker send so many messages in a request, if there are to be several.
func (o *options) invoked(path string, flags []string) (string, []string) {
	if o.batch == 0 || path != "/" {
		return path, flags
	}
	return functionPath, append(slices.Clone(flags), "--format", "lambda", "--batch", strconv.Itoa(o.batch))
}

// requestsPerMessage is the row of how many requests to the target messages took.
func (o *options) requestsPerMessage(figure string, requests, messages int) row {
	goal := math.Round(1100/float64(o.batch)) / 1000
	return below(figure, float64(requests)/float64(messages), goal, "%.3f")
}
