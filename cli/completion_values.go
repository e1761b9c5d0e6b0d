package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
)

// flagValues returns the values of flags that take one of a few.
func flagValues(name string) []string {
	switch name {
	case "log-level":
		return []string{"debug", "info", "warn", "error"}
	case "log-format":
		return []string{"json", "text"}
	case "kind":
		return contentKinds()
	case "format":
		return []string{"json", "csv", "table", "manifest"}
	}
	return nil
}

// valuesOf returns what the flag called name may be given, nothing if that is
// any text, or a file.
func valuesOf(ctx context.Context, env *app.Env, name, word string) []candidate {
	switch name {
	case "action":
		var all []candidate
		for _, a := range evidence.Actions() {
			all = append(all, candidate{word: string(a)})
		}
		return all
	case "reason":
		if c := configuration(ctx, env); c != nil {
			return plain(c.Archive.Reasons)
		}
	case "tombstone":
		return tombstones(ctx, env)
	case "backend":
		return backendNames(ctx, env)
	case "set":
		return settingsOf(word)
	}
	return plain(flagValues(name))
}

// valuesOfFlag is valuesOf for a flag that is written with "=", which flags
// without a value may be as well.
func valuesOfFlag(ctx context.Context, env *app.Env, flags []cli.Flag, name, word string) []candidate {
	for _, f := range flags {
		if _, ok := f.(*cli.BoolFlag); ok && slices.Contains(f.Names(), name) {
			return plain([]string{"true", "false"})
		}
	}
	return valuesOf(ctx, env, name, word)
}

// settingsOf returns the settings, or the values of the one that word has begun
// to set, if they are few.
func settingsOf(word string) []candidate {
	var all []candidate
	for _, k := range config.Keys() {
		if !strings.HasPrefix(word, k.Name+"=") {
			all = append(all, candidate{k.Name + "=", ""})
			continue
		}
		var values []candidate
		if few := strings.Fields(k.Allowed); slices.Contains(few, k.Default) && !strings.Contains(k.Allowed, " or ") {
			for _, value := range few {
				values = append(values, candidate{k.Name + "=" + value, ""})
			}
		}
		return values
	}
	return all
}

// configuration reads it, nil if it is wrong. Nothing that it names is opened.
func configuration(ctx context.Context, env *app.Env) *config.Loaded {
	c, err := config.Load(ctx, config.Options{Dir: env.Dir, Environ: env.Vars})
	if err != nil {
		return nil
	}
	return c
}

// maxOffered is how many tombstones are offered.
const maxOffered = 200

// tombstones returns those that were stored last, newest first, as the evidence
// log names them: no archive is opened for a completion.
func tombstones(ctx context.Context, env *app.Env) []candidate {
	c := configuration(ctx, env)
	if c == nil {
		return nil
	}
	var all []candidate
	for line, err := range evidence.Read(filepath.Join(c.Evidence.Dir, evidence.FileName)) {
		if err != nil {
			break
		}
		if r, err := line.Record(); err == nil && r.Action == evidence.Archive && r.Status == evidence.Success {
			all = append(all, candidate{r.Tombstone, r.Path})
		}
	}
	slices.Reverse(all)
	return all[:min(len(all), maxOffered)]
}

// argumentsOf returns what a command may be given after so many arguments.
func argumentsOf(ctx context.Context, env *app.Env, command string, before int) []candidate {
	switch command {
	case "archive restore", "archive show":
		if before == 0 {
			return tombstones(ctx, env)
		}
	case "archive hold", "archive release", "archive retain", "archive prune-request", "archive purge":
		return tombstones(ctx, env)
	case "explain":
		var all []candidate
		for _, c := range output.Codes() {
			all = append(all, candidate{fmt.Sprint(c.Code), c.Meaning})
		}
		for _, k := range output.Kinds() {
			all = append(all, candidate{string(k.Kind), k.Meaning})
		}
		return all
	case "completion":
		return plain([]string{"bash", "zsh", "fish"})
	case "plugin inspect", "plugin lock":
		return backendNames(ctx, env)
	case "plugin remove":
		return installedNames(ctx, env)
	}
	return nil
}

// installedNames are the backends whose programs plugin remove would take.
func installedNames(ctx context.Context, env *app.Env) []candidate {
	search := promptly(env.Search(nil))
	programs, _ := search.List(ctx)
	var names []candidate
	for _, program := range programs {
		if path, err := search.CanRemove(ctx, program.Name); err == nil {
			names = append(names, candidate{program.Name, path})
		}
	}
	return names
}

// promptly is a search that a person at a prompt can wait for.
func promptly(search pluginhost.Search) pluginhost.Search {
	search.Wait = time.Second
	return search
}

func backendNames(ctx context.Context, env *app.Env) []candidate {
	var names []candidate
	programs, _ := promptly(env.Search(nil)).List(ctx)
	for _, program := range programs {
		names = append(names, candidate{program.Name, program.Path})
	}
	return names
}

func plain(words []string) []candidate {
	var all []candidate
	for _, word := range words {
		all = append(all, candidate{word: word})
	}
	return all
}
