package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/tree"
)

// plannedFile is a file that would be stored, or could not be read.
type plannedFile struct {
	DryRun  bool                `json:"dry_run"`
	Path    string              `json:"path"`
	PathB64 string              `json:"path_b64,omitempty"`
	Size    int64               `json:"size_bytes"`
	Remove  bool                `json:"remove,omitempty"`
	Error   *output.FailureView `json:"error,omitempty"`

	err error
}

// storeForecast is what a dry run has found so far.
type storeForecast struct {
	files, failed int
	size          int64 // of the files that would be stored
	failure       error // the first
}

// dryRun says what would be stored. Each file is opened and none is read; the
// archive is not asked.
func (p *storePlan) dryRun(ctx context.Context) error {
	var f storeForecast
	for e, err := range p.walk.Entries(ctx) {
		switch {
		case err != nil && e.Path == "":
			return wrongPath(err)
		case err == nil && e.Special():
			continue
		}
		file := p.planned(&e, err)
		if f.files++; file.err != nil {
			if f.failed++; f.failure == nil {
				f.failure = fmt.Errorf("%s: %w", e.Path, file.err)
			}
		}
		f.size += file.Size
		if err := p.printPlanned(file); err != nil {
			return err
		}
	}
	return p.endDryRun(f)
}

// planned looks whether an entry can be stored. err is why it was not listed.
func (p *storePlan) planned(e *tree.Entry, err error) plannedFile {
	file := plannedFile{DryRun: true, Remove: p.remove}
	file.Path, file.PathB64 = output.PathText(filepath.ToSlash(e.Path))
	if err == nil {
		file.Size, err = readable(e)
	}
	if err != nil {
		file.err = durable.Cause(err)
		view := output.ViewFailure(output.FailureOf(file.err))
		file.Error, file.Remove = &view, false
	}
	return file
}

// readable returns the size of a file that can be opened, or of a link's text.
func readable(e *tree.Entry) (size int64, err error) {
	if e.Symlink() {
		text, err := e.Readlink()
		return int64(len(text)), err
	}
	f, err := e.Open()
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("is %s", durable.FileType(info.Mode()))
	}
	return info.Size(), nil
}

func (p *storePlan) printPlanned(file plannedFile) error {
	out := p.command.Env.Stdout
	if p.command.JSON {
		return output.WriteJSONLine(out, file)
	}
	path := escape.Text(file.Path)
	var err error
	switch {
	case file.err != nil:
		_, err = fmt.Fprintf(out, "Would fail %s: %s\n", path, escape.Text(file.err.Error()))
	case file.Remove:
		_, err = fmt.Fprintf(out, "Would store and remove %s\n", path)
	default:
		_, err = fmt.Fprintf(out, "Would store %s\n", path)
	}
	return err
}

// endDryRun prints the sums, and ends as the store would if the files are all that
// fails.
func (p *storePlan) endDryRun(f storeForecast) error {
	if !p.command.JSON {
		_, err := fmt.Fprintf(p.command.Env.Stdout, "%s, %s; nothing was stored, and the archive was not asked\n",
			output.Count(f.files-f.failed, "file"), output.Count(f.size, "byte"))
		if err != nil {
			return err
		}
	}
	end := f.failure
	if end != nil && f.files > 1 {
		end = output.Errorf(output.Batch, "%d of %s would fail", f.failed, output.Count(f.files, "file")).WithHint("nothing was stored")
	}
	if end != nil && p.command.JSON {
		end = output.Shown{Err: end}
	}
	return end
}
