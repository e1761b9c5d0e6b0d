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

// TestPerson: what looks the same is one name.
func TestPerson(t *testing.T) {
	for _, name := range []string{
		"Zoë Ann", " Zoë Ann\t", "Zoe\u0308 Ann", "Ｚｏë Ann", "Zoë  Ann", "Zoë\u00a0Ann", "Zoë\u2003Ann", "\ufeffZoë Ann", "Zo\u200bë Ann", "Zoë An\u00adn",
		"\u202eZoë Ann\u202c", "Zoë\u2060 Ann", "Zoë Ann\ufe0f", "Zo\u034fe\u200d\u0308 Ann", "Zoë \u3164Ann", "Zoë \U000e0041Ann",
	} {
		if got := Person(name); got != "Zoë Ann" {
			t.Errorf("%q is %q", name, got)
		}
	}
	if Person("\u200b \ufeff") != "" || Person("Zoe") == Person("Zoë") {
		t.Error("another name")
	}
}
