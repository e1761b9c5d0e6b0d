package app

import (
	"testing"
	"time"
)

// TestNearEnd: a warning comes when few days are left, and not before the last
// quarter.
func TestNearEnd(t *testing.T) {
	const day = 24 * time.Hour
	stored := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		whole, age time.Duration
		want       bool
	}{
		{10 * day, 0, false}, {10 * day, 7 * day, false}, {10 * day, 8 * day, true}, {10 * day, 10 * day, true}, {10 * day, 11 * day, false},
		{400 * day, 320 * day, false}, {400 * day, 371 * day, true}, {day, time.Second, false}, {day, 20 * time.Hour, true},
	} {
		if got := nearEnd(stored.Add(c.age), stored, stored.Add(c.whole), 30*day); got != c.want {
			t.Errorf("%v of %v: %v", c.age, c.whole, got)
		}
	}
}
