//go:build race

package consumer

// raceDetector reports whether the tests run under it.
const raceDetector = true
