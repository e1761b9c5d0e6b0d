package logging_test

import (
	"bufio"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/codex-archive/codex/cli/internal/logging"
)

// openTerminal returns the two ends of a new pseudo-terminal.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return screen, terminal
}

func TestTerminal(t *testing.T) {
	screen, terminal := openTerminal(t)
	lines := bufio.NewReader(screen)
	file := t.TempDir() + "/x.log"
	const plain = "[2025-10-17T13:22:36.123Z] WARN hello"
	for _, c := range []struct {
		o    logging.Options
		want string
	}{
		{logging.Options{Format: "auto"}, "[2025-10-17T13:22:36.123Z] \x1b[33mWARN\x1b[0m hello"},
		{logging.Options{Format: "text", NoColor: true}, plain},
		{logging.Options{Format: "json"}, `{"ts":"2025-10-17T13:22:36.123Z","level":"warn","msg":"hello"}`},
	} {
		c.o.Stderr, c.o.File = terminal, file
		l, _ := newLogger(t, c.o)
		l.Warn("hello")
		got, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if got != c.want+"\r\n" {
			t.Errorf("%q, no colour %v: got %q, want %q", c.o.Format, c.o.NoColor, got, c.want)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := plain + "\n" + plain + "\n" + `{"ts":"2025-10-17T13:22:36.123Z","level":"warn","msg":"hello"}` + "\n"; string(data) != want {
		t.Errorf("file has %q, want %q", data, want)
	}
}
