// Package admin is the port that people and machines look at: metrics, health,
// readiness, the status as JSON and as a page.
//
// It promises:
//   - it only shows: GET and HEAD, nothing here changes the daemon;
//   - message bodies, receipt handles, header values and user info never come
//     this way: the Status it is given has no room for them;
//   - the same Status makes the page, /status.json and the verdict, and the
//     verdict is in words, so that whoever is woken at night reads one line;
//   - the page needs no other host, and without JavaScript it still shows all.
//
// It knows no other room: app gives it functions that say how things stand, and
// it calls them at each request and, for the history of the last minutes, every
// five seconds. Serve owns the goroutines of the server and the one that takes
// these samples; Close ends them.
package admin
