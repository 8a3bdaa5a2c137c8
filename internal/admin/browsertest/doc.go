// Package browsertest looks at the status page with a real browser. It needs
// Chromium, so it is built only with the tag browser:
//
//	go test -tags browser ./internal/admin/browsertest
package browsertest
