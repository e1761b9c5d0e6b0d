package databases

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// SetClock restarts the server with a clock that is ahead of the machine's, or
// behind it.
func (s *Server) SetClock(t testing.TB, ahead time.Duration) {
	t.Helper()
	library, err := fakeTime()
	require(t, err)
	s.Stop(t)
	s.clock = []string{
		"env", "LD_PRELOAD=" + library, fmt.Sprintf("FAKETIME=%+d", int64(ahead/time.Second)),
		"FAKETIME_DONT_FAKE_MONOTONIC=1", // or the server would wait by the changed clock, too
	}
	s.Start(t)
}

// fakeTime finds libfaketime, for programs with threads.
func fakeTime() (string, error) {
	for _, pattern := range []string{"/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1", "/usr/lib64/faketime/libfaketimeMT.so.1"} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("libfaketime: %w", errMissing)
}
