// Package e2e tests the whole daemon: the built binary in a process of its own, with
// real signals, between a real SQS server and an HTTP target in the test. The same
// tests run against each server named in POLLER_E2E_SERVERS; what one of them
// cannot do stands in a table, with the reason.
//
//	POLLER_E2E_SERVERS='localsqs elasticmq=http://127.0.0.1:9324' go test -tags e2e ./test/e2e
//
// A name without an endpoint is possible for localsqs alone: the tests start
// `poller localsqs` themselves. With the tag and without the variable the tests fail.
package e2e
