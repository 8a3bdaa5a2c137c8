// Package fleet runs replicas of the built binary on a real Redis or Valkey, breaks one
// thing after another, and counts what arrives at the target. Its tests have the build tag
// fleet: test/fleet/run.sh runs them.
package fleet
