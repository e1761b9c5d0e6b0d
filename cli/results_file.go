package main

import (
	"errors"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
)

// checkResultsFlag checks --results.
func checkResultsFlag(c *app.Command) error {
	if c.Flags.IsSet("results") && c.Flags.String("results") == "" {
		return output.Usagef("--results is empty")
	}
	return nil
}

// resultsToResume reads the results that --resume goes on with: those in the file
// that --results names, or else the newest of their form in the current directory.
// parse returns nil for text that is something else, or about other items. The
// results are nil where there are none. A clone can bring such a file.
func resultsToResume[R any](c *app.Command, form batch.Form, parse func(text []byte) *R) (earlier *R, name string, err error) {
	names, err := batch.Names(c.Env.Dir, form)
	if err != nil {
		return nil, "", output.Usagef("%w", err)
	}
	by, named := "--resume", c.Flags.String("results")
	if named != "" {
		by, names = "--results", []string{named}
	}
	for _, name := range names {
		text, err := durable.ReadRegular(name, batch.MaxResults)
		if special := new(durable.NotRegularError); err != nil && (named != "" || !errors.As(err, &special)) {
			return nil, "", durable.NamedFile(by, name, err, "without --results the newest results file in the current directory counts")
		}
		switch earlier := parse(text); {
		case earlier != nil:
			return earlier, name, nil
		case named != "":
			return nil, "", output.Usagef("--results %s: it holds no results of this run", name).
				WithHint("without --results the newest results file in the current directory counts")
		}
	}
	return nil, "", nil
}

// makeResults makes the results file of a run and saves results in it. It is the
// file that --results names, the one that resumed names, or a new one. undone says
// what an error leaves undone.
func makeResults(c *app.Command, form batch.Form, resumed string, results batch.Writer, undone string) (*batch.File, error) {
	var file *batch.File
	var err error
	switch {
	case c.Flags.IsSet("results"):
		file, err = batch.NamedFile(c.Flags.String("results"))
	case resumed != "":
		file, err = batch.NamedFile(resumed)
	default:
		file, err = batch.CreateFile(c.Env.Dir, form, c.Started)
	}
	if err != nil {
		return nil, err
	}
	if err := file.Save(results); err != nil {
		file.Discard()
		return nil, output.Errorf(output.Failed, "%w", err).WithHint("%s: --results names a file elsewhere", undone)
	}
	return file, nil
}
