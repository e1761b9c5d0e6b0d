package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

func (p *program) explainCommand() *cli.Command {
	return p.plainCommand(&cli.Command{
		Name:      "explain",
		Usage:     "say what an exit code or a kind of error means, and what to do",
		UsageText: "codex explain [CODE|KIND]",
		Description: "CODE is what a shell shows as $?; KIND is the word that --json and logs in JSON print with\n" +
			"an error. Without either, all of them are listed.\n\n" +
			"EXAMPLES:\n" +
			"   codex explain 6\n" +
			"   codex explain busy",
	}, p.explain)
}

// exitCodeView and errorKindView are what --json shows.
type exitCodeView struct {
	Code    int      `json:"code"`
	Meaning string   `json:"meaning"`
	Causes  []string `json:"causes,omitempty"`
	Remedy  []string `json:"remedy,omitempty"`
	Kinds   []string `json:"kinds,omitempty"`
}

type errorKindView struct {
	Kind    string `json:"kind"`
	Code    int    `json:"code"`
	Meaning string `json:"meaning"`
	Causes  string `json:"causes"`
	Hint    string `json:"hint,omitempty"`
}

func (p *program) explain(c *cli.Context) error {
	if err := arguments(c, 0, 1); err != nil {
		return err
	}
	word := strings.ToLower(c.Args().First())
	if word == "" {
		return p.explainAll()
	}
	if code, err := strconv.Atoi(word); err == nil {
		return p.explainCode(code)
	}
	i := slices.IndexFunc(errorKinds, func(k errorKind) bool { return k.word == strings.ReplaceAll(word, "-", "_") })
	if i < 0 {
		err := usageError("%q is neither an exit code nor a kind of error", word)
		err.hint = "codex explain lists them"
		if near := nearest(word, kindWords(nil)); near != "" {
			err.hint = fmt.Sprintf("did you mean %q?", near)
		}
		return err
	}
	return p.explainKind(errorKinds[i])
}

func (p *program) explainCode(code int) error {
	i := slices.IndexFunc(exitCodes, func(c exitCode) bool { return c.code == code })
	if i < 0 {
		err := usageError("codex ends with no exit code %d of its own", code)
		err.hint = "codex explain lists them; 128 and a number mean that a signal of that number ended the program"
		return err
	}
	v := viewExitCode(exitCodes[i])
	if p.json {
		return writeJSON(p.stdout, v)
	}
	fmt.Fprintf(p.stdout, "Exit code %d: %s\n", v.Code, v.Meaning)
	writePoints(p.stdout, "Usual causes", v.Causes)
	writePoints(p.stdout, "What to do", v.Remedy)
	if len(v.Kinds) > 0 {
		fmt.Fprintf(p.stdout, "\nKinds of error that end so: %s\n", strings.Join(v.Kinds, ", "))
	}
	return nil
}

func writePoints(w io.Writer, title string, points []string) {
	if len(points) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	for _, point := range points {
		fmt.Fprintf(w, "  - %s\n", point)
	}
}

func (p *program) explainKind(k errorKind) error {
	if p.json {
		return writeJSON(p.stdout, errorKindView{k.word, k.code, k.meaning, k.causes, k.hint})
	}
	fmt.Fprintf(p.stdout, "%s (exit code %d): %s\n", k.word, k.code, k.meaning)
	writePoints(p.stdout, "Usual causes", []string{k.causes})
	remedy := k.hint
	if remedy == "" {
		remedy = "the message of the error says more"
	}
	writePoints(p.stdout, "What to do", []string{remedy})
	return nil
}

func (p *program) explainAll() error {
	if p.json {
		var all struct {
			Codes []exitCodeView  `json:"codes"`
			Kinds []errorKindView `json:"kinds"`
		}
		for _, c := range exitCodes {
			all.Codes = append(all.Codes, viewExitCode(c))
		}
		for _, k := range errorKinds {
			all.Kinds = append(all.Kinds, errorKindView{k.word, k.code, k.meaning, k.causes, k.hint})
		}
		return writeJSON(p.stdout, all)
	}
	fmt.Fprintln(p.stdout, exitHelp()+"\nKINDS OF ERROR:")
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, k := range errorKinds {
		fmt.Fprintf(w, "   %s\t%3d  %s\n", k.word, k.code, k.meaning)
	}
	return w.Flush()
}

func viewExitCode(c exitCode) exitCodeView {
	return exitCodeView{c.code, strings.ReplaceAll(c.meaning, "\n", " "), c.causes, c.remedy, kindWords(&c.code)}
}

// kindWords returns the words of all kinds, or of those that end with code.
func kindWords(code *int) []string {
	var words []string
	for _, k := range errorKinds {
		if code == nil || k.code == *code {
			words = append(words, k.word)
		}
	}
	return words
}
