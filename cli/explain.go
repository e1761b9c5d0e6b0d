package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/output"
)

func explainCommand(a *app.App) *cli.Command {
	return a.Plain(&cli.Command{
		Name:      "explain",
		Usage:     "say what an exit code or a kind of error means, and what to do",
		UsageText: "codex explain [CODE|KIND]",
		Description: "CODE is what a shell shows as $?; KIND is the word that --json and logs in JSON print with\n" +
			"an error. Without either, all of them are listed.\n\n" +
			"EXAMPLES:\n" +
			"   codex explain 6\n" +
			"   codex explain busy",
	}, runExplain)
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

func runExplain(_ context.Context, c *app.Command) error {
	if c.Flags.NArg() > 1 {
		return c.Arguments("CODE or KIND")
	}
	word := strings.ToLower(c.Flags.Args().First())
	if word == "" {
		return explainAll(c)
	}
	if code, err := strconv.Atoi(word); err == nil {
		return explainCode(c, code)
	}
	for _, k := range output.Kinds() {
		if string(k.Kind) == strings.ReplaceAll(word, "-", "_") {
			return explainKind(c, k)
		}
	}
	failure := output.Usagef("%q is neither an exit code nor a kind of error", word)
	if near := output.Nearest(word, kindWords(nil)); near != "" {
		return failure.WithHint("did you mean %q?", near)
	}
	return failure.WithHint("codex explain lists them")
}

func explainCode(c *app.Command, code int) error {
	all := output.Codes()
	i := slices.IndexFunc(all, func(c output.CodeInfo) bool { return int(c.Code) == code })
	if i < 0 {
		return output.Usagef("codex ends with no exit code %d of its own", code).
			WithHint("codex explain lists them; 128 and a number mean that a signal of that number ended the program")
	}
	v := viewExitCode(all[i])
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	fmt.Fprintf(c.Env.Stdout, "Exit code %d: %s\n", v.Code, v.Meaning)
	writePoints(c.Env.Stdout, "Usual causes", v.Causes)
	writePoints(c.Env.Stdout, "What to do", v.Remedy)
	if len(v.Kinds) > 0 {
		fmt.Fprint(c.Env.Stdout, "\n"+app.Wrap("Kinds of error that end so: "+strings.Join(v.Kinds, ", "), 0))
	}
	return nil
}

func writePoints(w *output.Stdout, title string, points []string) {
	if len(points) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	for _, point := range points {
		fmt.Fprint(w, "  - "+strings.TrimLeft(app.Wrap(point, 4), " "))
	}
}

func explainKind(c *app.Command, k output.KindInfo) error {
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, viewErrorKind(k))
	}
	fmt.Fprintf(c.Env.Stdout, "%s (exit code %d): %s\n", k.Kind, k.Code, k.Meaning)
	writePoints(c.Env.Stdout, "Usual causes", []string{k.Causes})
	remedy := k.Hint
	if remedy == "" {
		remedy = "the message of the error says more"
	}
	writePoints(c.Env.Stdout, "What to do", []string{remedy})
	return nil
}

func explainAll(c *app.Command) error {
	if c.JSON {
		var all struct {
			Codes []exitCodeView  `json:"codes"`
			Kinds []errorKindView `json:"kinds"`
		}
		for _, c := range output.Codes() {
			all.Codes = append(all.Codes, viewExitCode(c))
		}
		for _, k := range output.Kinds() {
			all.Kinds = append(all.Kinds, viewErrorKind(k))
		}
		return output.WriteJSON(c.Env.Stdout, all)
	}
	fmt.Fprintln(c.Env.Stdout, output.ExitHelp()+"\nKINDS OF ERROR:")
	const column = 27
	for _, k := range output.Kinds() {
		fmt.Fprintf(c.Env.Stdout, "   %-17s  %3d  %s", k.Kind, k.Code, strings.TrimLeft(app.Wrap(k.Meaning, column), " "))
	}
	return nil
}

func viewExitCode(c output.CodeInfo) exitCodeView {
	return exitCodeView{int(c.Code), strings.ReplaceAll(c.Meaning, "\n", " "), c.Causes, c.Remedy, kindWords(&c.Code)}
}

func viewErrorKind(k output.KindInfo) errorKindView {
	return errorKindView{string(k.Kind), int(k.Code), k.Meaning, k.Causes, k.Hint}
}

// kindWords returns the words of all kinds, or of those that end with code.
func kindWords(code *output.Code) []string {
	var words []string
	for _, k := range output.Kinds() {
		if code == nil || k.Code == *code {
			words = append(words, string(k.Kind))
		}
	}
	return words
}
