// Package app builds the daemon's rooms from a configuration, runs them, and
// tears them down in order. It is the only room that knows every other.
//
// It promises: whatever is wrong with the settings is an error of New, before
// anything is received; what SQS refuses before the queue was reached once is an
// error of Run, and what it refuses later never ends the process; the admin
// server answers from New's end until the last message is settled.
//
// A stop has two steps, two contexts: drain means finish what is begun, now
// means end at once. Signals are not handled here.
package app
