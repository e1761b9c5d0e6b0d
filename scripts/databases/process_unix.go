//go:build unix

package databases

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed watch.sh
var watchScript string

// endTimeout bounds the end of a server that was asked to stop.
const endTimeout = time.Minute

// pingInterval is the time between two questions whether a server is up.
const pingInterval = 10 * time.Millisecond

// identity is a user to run programs as.
type identity struct{ uid, gid uint32 }

// unprivileged returns an unprivileged user for root, as whom neither server runs,
// and nil for everybody else.
func unprivileged() (*identity, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	return &identity{uint32(uid), uint32(gid)}, err
}

// own makes i the owner of directory and the files in it.
func (i *identity) own(directory string) error {
	if i == nil {
		return nil
	}
	return filepath.Walk(directory, func(path string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(i.uid), int(i.gid))
	})
}

// temporary returns a directory for temporary ones that i can enter, and whose
// name is short: the path of a socket ends at 103 bytes on some systems.
func temporary(i *identity) string {
	base := os.TempDir()
	if len(base) > 40 {
		return "/tmp"
	}
	for d := base; i != nil && d != "/"; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm()&0o001 == 0 {
			return "/tmp"
		}
	}
	return base
}

// command returns a command that knows nothing of our environment, whose
// PGPORT and the like would reach the server.
func command(args []string, i *identity, directory string) *exec.Cmd {
	c := exec.Command(args[0], args[1:]...)
	c.Dir = directory
	c.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=" + directory, "TMPDIR=" + directory, "LC_ALL=C", "TZ=UTC"}
	// A group of its own keeps a terminal's Ctrl-C from it.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if i != nil {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: i.uid, Gid: i.gid}
	}
	return c
}

// run runs a command to its end and returns what it wrote.
func run(args []string, i *identity, directory string) ([]byte, error) {
	return command(args, i, directory).CombinedOutput()
}

// find returns the path of a program in directories, or else on PATH.
func find(name string, directories []string) (string, error) {
	for _, d := range directories {
		if path, err := exec.LookPath(filepath.Join(d, name)); err == nil {
			return path, nil
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return filepath.EvalSymlinks(path)
	}
	return "", fmt.Errorf("%s: %w", name, errMissing)
}

// process is a server under the eyes of watch.sh.
type process struct {
	server   int           // process id
	lifeline io.Closer     // its end is the server's end
	gone     chan struct{} // closed when watch.sh has ended
}

// watch runs a server that ends, with its directory, when this process does.
func watch(args []string, kill string, i *identity, directory string) (*process, error) {
	c := command(append([]string{"/bin/sh", "-c", watchScript, "watch.sh", kill, directory}, args...), i, directory)
	lifeline, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	line, readErr := bufio.NewReader(out).ReadString('\n')
	p := &process{lifeline: lifeline, gone: make(chan struct{})}
	go func() {
		_ = c.Wait() // its log says how a server ended
		close(p.gone)
	}()
	p.server, err = strconv.Atoi(strings.TrimSpace(line))
	if err = errors.Join(readErr, err); err != nil {
		return nil, errors.Join(err, lifeline.Close())
	}
	return p, nil
}

// until asks ping again and again until it succeeds, the server ends or ctx does.
func (p *process) until(ctx context.Context, ping func(context.Context) error) error {
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	for {
		err := ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.gone:
			return errors.New("it ended")
		case <-ctx.Done():
			return err
		}
	}
}

// signals by the names that watch.sh gives to kill.
var signals = map[string]syscall.Signal{"INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}

// end signals the server and returns when it is gone.
func (p *process) end(signal string) error {
	defer func() { _ = p.lifeline.Close() }() // the watcher may be gone
	// watch.sh has not reaped the server while it runs, so the id is its own.
	if err := syscall.Kill(p.server, signals[signal]); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	select {
	case <-p.gone:
		return nil
	case <-time.After(endTimeout):
		return fmt.Errorf("server %d did not end", p.server)
	}
}
