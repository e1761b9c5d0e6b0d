// Package soak says how long tests repeat what they do: a few rounds in make
// test, and as long as asked in make soak.
package soak

import (
	"iter"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Variable holds how long each test repeats its rounds: a Go duration, or a
// number of rounds such as 500x.
const Variable = "CODEX_TEST_SOAK"

// Rounds yields the numbers of the rounds from 0: short of them, or under make
// soak as many as begin within its time or as it counts, and at least short. It
// ends when the test has failed. A test that uses it is in package cli and has a
// name that ends in Soak, by which make soak finds it.
func Rounds(t testing.TB, short int) iter.Seq[int] {
	t.Helper()
	least, length := short, time.Duration(0)
	var err error
	switch text := os.Getenv(Variable); {
	case strings.HasSuffix(text, "x"):
		least, err = strconv.Atoi(strings.TrimSuffix(text, "x"))
		least = max(least, short)
	case text != "":
		length, err = time.ParseDuration(text)
	}
	if err != nil {
		t.Fatalf("%s: %v", Variable, err)
	}
	last := time.Now().Add(length)
	return func(yield func(int) bool) {
		round := 0
		for ; round < least || time.Now().Before(last); round++ {
			if t.Failed() || !yield(round) {
				break
			}
		}
		t.Logf("%d rounds", round)
	}
}
