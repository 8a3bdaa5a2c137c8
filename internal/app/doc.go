// Package app builds the daemon from a configuration, runs it and tears it down in
// order. It is the only package that imports all the others.
//
// New reports every error in the settings, before anything is received. Run returns an
// error if SQS refuses a queue before it has been reached once; whatever SQS refuses
// later does not end the process. The admin server answers from the return of New until
// the last message is settled.
//
// Stopping takes two contexts: when the first is done, the daemon finishes what has
// begun; when the second is done, it ends immediately. Signals are handled elsewhere.
package app
