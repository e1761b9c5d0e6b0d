package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// pipesGrace is how long the pipes of an exited program may stay open, which
// they do when it left a process behind, before what they hold is given up.
const pipesGrace = time.Second

// child is the process of a backend, in the form go-plugin wants. Unlike
// go-plugin's own it starts the process with an exact environment, a standard input
// that ends with this host, a process group, and reads its output with care.
type child struct {
	cmd      *exec.Cmd
	lines    *loglines
	host     protocols // that this side speaks
	stdout   io.Writer // receives a copy of what follows the greeting; may be nil
	stderr   io.Writer // receives a copy; may be nil
	lifeline *os.File  // its standard input; its end tells it to go
	onExit   func()    // called once, when it is gone

	greetOut *io.PipeReader // the checked greeting, for go-plugin
	greetIn  *io.PipeWriter
	errOut   *io.PipeReader // nothing, for go-plugin: lines has read it
	errIn    *io.PipeWriter

	pumps    sync.WaitGroup // readers of stdout and stderr
	greeted  chan struct{}  // closed when the greeting was read, good or bad
	greeting greeting       // valid after greeted
	greetErr error          // valid after greeted

	mu      sync.Mutex
	begun   bool // Start was called
	started bool // the process is, or was, there
	stopped bool // it must not start any more, or end as soon as it is there
	killed  bool // by this host

	exited  chan struct{} // closed when it is gone and its last words are read
	exitErr error         // valid after exited
}

var _ runner.Runner = (*child)(nil)

func newChild(c *Command, lines *loglines, onExit func()) *child {
	p := &child{
		// Not exec.Command, which would look a bare name up in PATH.
		cmd:   &exec.Cmd{Path: c.Path, Args: append([]string{c.Path}, c.Args...)},
		lines: lines, host: newProtocols(c.Protocols), stdout: c.Stdout, stderr: c.Stderr, onExit: onExit,
		greeted: make(chan struct{}), exited: make(chan struct{}),
	}
	p.cmd.Env = append([]string(nil), c.Env...)
	p.cmd.Env = append(p.cmd.Env,
		envHostPid+"="+strconv.Itoa(os.Getpid()),
		envLogLevel+"="+c.Logger.GetLevel().String())
	ownGroup(p.cmd)
	p.greetOut, p.greetIn = io.Pipe()
	p.errOut, p.errIn = io.Pipe()
	return p
}

// Start starts the process and the goroutines that read its output; all of
// them end with the process. The lock is free meanwhile: making a process takes as
// long as the file system of its program.
func (p *child) Start(context.Context) error {
	if !p.begin() {
		return errors.New("a backend's process is started once")
	}
	var ends [6]*os.File // stdin, stdout, stderr: the process's end, then ours
	for i := 0; i < len(ends); i += 2 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(ends[:])
			return err
		}
		ends[i], ends[i+1] = r, w
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = ends[0], ends[3], ends[5]
	if err := p.cmd.Start(); err != nil {
		closeAll(ends[:])
		return err
	}
	closeAll([]*os.File{ends[0], ends[3], ends[5]})
	p.follow(ends[1], ends[2], ends[4])
	return nil
}

// begin reports whether the process may start: once, and not after kill or stop.
func (p *child) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun || p.stopped {
		return false
	}
	p.begun = true
	return true
}

// follow reads what the process that is there now says. One that was to stop
// before it was there is killed.
func (p *child) follow(lifeline, stdout, stderr *os.File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started, p.lifeline = true, lifeline
	if p.stopped {
		p.killed = true
		_ = killGroup(p.cmd.Process) // it may have ended
	}
	p.pumps.Go(func() { p.pumpStdout(stdout) })
	p.pumps.Go(func() { p.lines.copyFrom(teed(stderr, p.stderr)) })
	go p.reap(stdout, stderr)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close() // nothing is written to it any more
		}
	}
}

// pumpStdout passes the greeting on and logs whatever follows.
func (p *child) pumpStdout(out io.Reader) {
	in := bufio.NewReaderSize(out, maxGreeting)
	p.greeting, p.greetErr = readGreeting(in, p.host)
	close(p.greeted)
	if p.greetErr == nil {
		_, _ = io.WriteString(p.greetIn, p.greeting.String()) // the other end reads it from a pipe in this process
	}
	_ = p.greetIn.Close()             // a pipe in this process
	_, _ = io.Copy(p.stdoutLog(), in) // the log is not worth the program's end
}

// greetedWith reports whether the first line was read, and what was wrong with
// it. io.EOF: there was none.
func (p *child) greetedWith() (bool, error) {
	select {
	case <-p.greeted:
		return true, p.greetErr
	default:
		return false, nil
	}
}

// stdoutLog is where what the program prints goes.
func (p *child) stdoutLog() io.Writer {
	return copied(&lineWriter{lines: p.lines, stream: "stdout"}, p.stdout)
}

// copied returns a writer that also writes to also, where that is not nil. An
// error there changes nothing.
func copied(w, also io.Writer) io.Writer {
	if also == nil {
		return w
	}
	return io.MultiWriter(w, discardErrors{also})
}

// teed returns a reader of what r reads, which is also written to also, where
// that is not nil.
func teed(r io.Reader, also io.Writer) io.Reader {
	if also == nil {
		return r
	}
	return io.TeeReader(r, discardErrors{also})
}

// discardErrors ignores write errors.
type discardErrors struct{ io.Writer }

func (c discardErrors) Write(p []byte) (int, error) {
	_, _ = c.Writer.Write(p) // the log is not worth the program's end
	return len(p), nil
}

// reap waits for the process and ends what belongs to it.
func (p *child) reap(stdout, stderr *os.File) {
	p.exitErr = p.cmd.Wait()
	// What it started in its group goes with it. The number cannot have been
	// given to others yet: process numbers are used again only after all others.
	_ = killGroup(p.cmd.Process) // it may have ended
	timer := time.AfterFunc(pipesGrace, func() { closeAll([]*os.File{stdout, stderr}) })
	p.pumps.Wait()
	timer.Stop()
	closeAll([]*os.File{stdout, stderr})
	_ = p.lifeline.Close() // it may be closed already
	_ = p.errIn.Close()    // a pipe in this process
	p.onExit()
	close(p.exited)
}

// stop closes the lifeline, and kills the process if it is there d later.
// It does not wait.
func (p *child) stop(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if p.started {
		_ = p.lifeline.Close() // it may be closed already
		time.AfterFunc(d, p.kill)
	}
}

// cutLifeline closes the process's standard input.
func (p *child) cutLifeline() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.started {
		_ = p.lifeline.Close() // it may be closed already
	}
}

// kill ends the process at once, or as soon as it is there.
func (p *child) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if !p.started {
		return
	}
	select {
	case <-p.exited:
	default:
		p.killed = true
		_ = killGroup(p.cmd.Process) // it may have ended
	}
}

// await waits until there is no process (any more), at most d: one that hangs
// in the kernel cannot even be killed.
func (p *child) await(d time.Duration) {
	if p.pid() == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
	}
}

// ending says how the process ended, after exited: "exit status 3".
func (p *child) ending() string {
	if p.exitErr == nil {
		return "exit status 0"
	}
	return p.exitErr.Error()
}

// Wait waits for the process.
func (p *child) Wait(context.Context) error {
	<-p.exited
	return p.exitErr
}

// Kill does nothing. go-plugin calls it when a start fails; Launch then first
// looks at how the process is doing, to explain it, and kills it itself.
func (p *child) Kill(context.Context) error { return nil }

// Stdout is what go-plugin reads the greeting from.
func (p *child) Stdout() io.ReadCloser { return p.greetOut }

// Stderr is empty for go-plugin.
func (p *child) Stderr() io.ReadCloser { return p.errOut }

// Name is the path of the program.
func (p *child) Name() string { return p.cmd.Path }

// ID is the process id, "" before the start.
func (p *child) ID() string {
	if pid := p.pid(); pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

// pid returns 0 before the start.
func (p *child) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		return 0
	}
	return p.cmd.Process.Pid
}

// Diagnose adds nothing to go-plugin's errors, which are not shown.
func (p *child) Diagnose(context.Context) string { return "" }

// PluginToHost changes nothing: both sides see the same files.
func (p *child) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin changes nothing.
func (p *child) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// explainStart puts why a program could not be executed into words with a
// remedy.
func (c *Command) explainStart(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v, and it could not even be started: does the file system of the program, or of its interpreter, answer?", c.StartTimeout)
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("it is not a program for %s/%s; install the build for this machine", runtime.GOOS, runtime.GOARCH)
	case errors.Is(err, fs.ErrPermission):
		return errors.New("it may not be executed; chmod +x it, or look whether its file system is mounted noexec")
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("it is not there, or the interpreter named in its first line is not")
	}
	return err
}
