package main

import (
	"fmt"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/output"
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
		return []string{"json", "csv"}
	case "action":
		return []string{"ARCHIVE", "RESTORE", "BATCH_RESTORE_COMPLETE", "RECOVER", "TRUST"}
	}
	return nil
}

// valuesOf returns what the flag called name may be given, nothing if that is
// any text, or a file.
func valuesOf(env *app.Env, name string) []candidate {
	switch name {
	case "backend":
		return backendNames(env)
	case "set":
		var keys []candidate
		for _, k := range config.Keys() {
			keys = append(keys, candidate{k.Name + "=", ""})
		}
		return keys
	}
	return plain(flagValues(name))
}

// argumentsOf returns what a command may be given.
func argumentsOf(env *app.Env, command string) []candidate {
	switch command {
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
		return backendNames(env)
	}
	return nil
}

func backendNames(env *app.Env) []candidate {
	var names []candidate
	programs, _ := env.Search(nil).List()
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
