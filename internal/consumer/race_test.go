//go:build race

package consumer

// raceDetector reports whether the tests run under it. It makes those with many messages
// twenty times slower: they play fewer rows, or shorter ones.
const raceDetector = true
