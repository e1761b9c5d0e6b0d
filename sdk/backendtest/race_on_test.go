//go:build race

package backendtest_test

// raceEnabled: the race detector makes everything some times slower.
const raceEnabled = true
