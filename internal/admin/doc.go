// Package admin serves the admin port: metrics, health, readiness, and the status as
// JSON and as a page.
//
//   - It is read-only: it answers GET and HEAD. Only with a control token does it also
//     take POST to /-/pause, /-/resume and /-/pace, from whoever has the token.
//   - It never shows message bodies, receipt handles, header values or user info: the
//     Status that it is given has no fields for them.
//   - The page, /status.json and the verdict are made from the same Status. The verdict
//     is one sentence, so that whoever is paged at night reads one line.
//   - The page loads nothing from other hosts and works without JavaScript.
//
// The package imports no other package of this module. Package app gives it functions
// that return the status. It calls them at every request and, for the history of the last
// minutes, every five seconds. Serve starts the server's goroutines and the one that
// takes these samples; Close ends them.
package admin
