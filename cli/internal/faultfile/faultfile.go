// Package faultfile makes calls on files fail, so that tests see what becomes of
// data when a disk does.
package faultfile

import "sync"

// Plan says which calls fail: the At-th, counted from 1 over all files of the
// plan, and then each Every-th. It may be used from several goroutines.
type Plan struct {
	At    int   // 0: none fails
	Every int   // 0: only the At-th fails
	Err   error // what they return
	Short bool  // a write that fails writes half

	mu    sync.Mutex
	calls int
	fails int
}

// Calls returns how many calls there were, and how many of these failed.
func (p *Plan) Calls() (calls, failed int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls, p.fails
}

// fail counts a call and reports whether it is to fail.
func (p *Plan) fail() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	after := p.calls - p.At
	fails := p.At > 0 && (after == 0 || p.Every > 0 && after > 0 && after%p.Every == 0)
	if fails {
		p.fails++
	}
	return fails
}

// Disk is what changes a file.
type Disk interface {
	Write(b []byte) (int, error)
	Truncate(size int64) error
	Sync() error
}

// File passes calls on to a disk, unless they are to fail.
type File struct {
	Plan *Plan
	Disk Disk
}

var _ Disk = File{}

// Write writes b, half of it or nothing.
func (f File) Write(b []byte) (int, error) {
	if !f.Plan.fail() {
		return f.Disk.Write(b)
	}
	if !f.Plan.Short {
		return 0, f.Plan.Err
	}
	n, err := f.Disk.Write(b[:len(b)/2])
	if err == nil {
		err = f.Plan.Err
	}
	return n, err
}

// Truncate changes the size, or fails and does not.
func (f File) Truncate(size int64) error {
	if f.Plan.fail() {
		return f.Plan.Err
	}
	return f.Disk.Truncate(size)
}

// Sync syncs, or fails and does not.
func (f File) Sync() error {
	if f.Plan.fail() {
		return f.Plan.Err
	}
	return f.Disk.Sync()
}
