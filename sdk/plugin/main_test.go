package plugin

import (
	"os"
	"testing"
)

// roleVar says which program the test binary is when it is started as one: it
// is its own backend, so that there is no build step and no stale binary.
const roleVar = "CODEX_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		play, ok := roles[role]
		if !ok {
			os.Stderr.WriteString("no such role: " + role + "\n")
			os.Exit(3)
		}
		play()
		return
	}
	os.Exit(m.Run())
}
