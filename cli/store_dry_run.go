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

// plannedFile is a file that would be stored.
type plannedFile struct {
	DryRun  bool   `json:"dry_run"`
	Path    string `json:"path"`
	PathB64 string `json:"path_b64,omitempty"`
	Size    int64  `json:"size_bytes"`
	Remove  bool   `json:"remove,omitempty"`
}

// dryRun says what would be stored. Neither the archive nor a file is opened.
func (p *storePlan) dryRun(ctx context.Context) error {
	files, size := 0, int64(0)
	for e, err := range p.walk.Entries(ctx) {
		if err != nil {
			return wrongPath(err)
		}
		if e.Special() {
			continue
		}
		file, err := p.planned(&e)
		if err != nil {
			return err
		}
		files, size = files+1, size+file.Size
		if err := p.printPlanned(file); err != nil {
			return err
		}
	}
	if p.command.JSON {
		return nil
	}
	_, err := fmt.Fprintf(p.command.Env.Stdout, "%s, %s; nothing was stored\n", output.Count(files, "file"), output.Count(size, "byte"))
	return err
}

func (p *storePlan) planned(e *tree.Entry) (plannedFile, error) {
	info, err := e.Lstat()
	if err != nil {
		return plannedFile{}, fmt.Errorf("%s: %w", e.Path, durable.Cause(err))
	}
	file := plannedFile{DryRun: true, Size: info.Size(), Remove: p.remove}
	file.Path, file.PathB64 = output.PathText(filepath.ToSlash(e.Path))
	return file, nil
}

func (p *storePlan) printPlanned(file plannedFile) error {
	if p.command.JSON {
		return output.WriteJSONLine(p.command.Env.Stdout, file)
	}
	verb := "Would store"
	if file.Remove {
		verb = "Would store and remove"
	}
	_, err := fmt.Fprintf(p.command.Env.Stdout, "%s %s\n", verb, escape.Text(file.Path))
	return err
}
