package config

import (
	"cmp"
	"fmt"
)

// warnOverruled warns of each variable that a file overrules with another
// value: that files win over the environment surprises many.
func (l *loader) warnOverruled() {
	for _, o := range l.loaded.origins {
		if o.Source.Layer != ProjectFile && o.Source.Layer != ExplicitFile {
			continue
		}
		k, _ := l.key(o.Key)
		for _, loser := range o.Overruled {
			if loser.Source.Layer != Environment || loser.Value == o.Value {
				continue
			}
			l.loaded.Warnings = append(l.loaded.Warnings, Warning{
				Message: fmt.Sprintf("%s is overruled by %s; %s would win", loser.Source.Name, o.Source, k.option()),
				Pairs: []any{"variable", loser.Source.Name, "key", k.Name,
					"file", o.Source.Name, "line", o.Source.Line, "flag", cmp.Or(k.Flag, "--set")},
			})
		}
	}
}
