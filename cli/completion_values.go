package main

import (
	"fmt"

	"github.com/codex-archive/codex/cli/internal/config"
)

// flagValues are the values of flags that take one of a few.
var flagValues = map[string][]string{
	"log-level":  {"debug", "info", "warn", "error"},
	"log-format": {"json", "text"},
	"kind":       kinds,
	"format":     {"json", "csv"},
	"action":     {"ARCHIVE", "RESTORE", "BATCH_RESTORE_COMPLETE", "RECOVER"},
}

// valuesOf returns what the flag called name may be given, nothing where that
// is free, or a file.
func (p *program) valuesOf(name string) []candidate {
	switch name {
	case "backend":
		return p.backendNames()
	case "set":
		var keys []candidate
		for _, k := range config.Keys() {
			keys = append(keys, candidate{k.Name + "=", ""})
		}
		return keys
	}
	return plain(flagValues[name])
}

// argumentsOf returns what a command may be given.
func (p *program) argumentsOf(command string) []candidate {
	switch command {
	case "explain":
		var all []candidate
		for _, c := range exitCodes {
			all = append(all, candidate{fmt.Sprint(c.code), c.meaning})
		}
		for _, k := range errorKinds {
			all = append(all, candidate{k.word, k.meaning})
		}
		return all
	case "completion":
		return plain([]string{"bash", "zsh", "fish"})
	case "plugin inspect", "plugin lock":
		return p.backendNames()
	}
	return nil
}

func (p *program) backendNames() []candidate {
	var names []candidate
	programs, _ := p.search(nil).List()
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
