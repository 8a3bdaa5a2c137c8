// Package config reads the daemon's settings from flags, variables and a YAML
// file, fills in the defaults and checks the result. A Config that Load has
// returned is complete, and nobody changes it.
//
// Every setting is defined once, by a field of Config, Queue or Target and its
// tags: its flag, its variable (POLLER_ and the flag in capitals), its key in the
// file, its default and its help come from there. A flag goes before a variable,
// that before the file, that before the default.
//
// It promises that an error is one sentence that names the setting as it was given
// (--rate, POLLER_RATE, targets.orders.rate at line 12 of poller.yaml) and says what
// to write instead, and that no error or warning repeats a line of the file, a
// header's value or a URL.
//
// It knows no other room: what a target's URL or a header may be is asked through
// Checks.
package config
