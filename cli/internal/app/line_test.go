package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func tree() *cli.App {
	return &cli.App{Name: "codex", Flags: []cli.Flag{JSONFlag()}, Commands: []*cli.Command{{
		Name: "archive", Subcommands: []*cli.Command{{
			Name: "store", Flags: []cli.Flag{ByFlag(), JSONFlag(), &cli.BoolFlag{Name: "force"}, &cli.IntFlag{Name: "limit"}},
		}},
	}}}
}

// TestLine: flags may be anywhere; what is wrong is said in one sentence, and
// --json counts on a wrong line too.
func TestLine(t *testing.T) {
	for _, c := range []struct {
		typed, want string // the words for the library, or the error
		json        bool
	}{
		{"archive store a b --by me", "codex archive store --by me -- a b", false},
		{"--by me archive --force store a - b --json", "codex archive store --by me --force --json -- a - b", true},
		{"archive store --by=me -- --json -x", "codex archive store --by=me -- --json -x", false},
		{"archive help store", "codex archive store --help", false},
		{"archive store --by --force", "flag --by needs a value: found the flag --force", false},
		{"archive store --by", "flag --by needs a value", false},
		{"archive stor --json", `unknown command "codex archive stor"`, true},
		{"store x --json", `unknown command "codex store"`, true},
		{"archive store --bye x", "codex archive store has no flag --bye", false},
		{"archive store --force=maybe", `--force: found "maybe", allowed true or false`, false},
		{"archive store --limit few", `--limit: found "few", allowed a whole number`, false},
		{"archive store --json=false", "codex archive store --json=false", false},
	} {
		line := Parse(tree(), strings.Fields(c.typed))
		args, err := line.Args()
		got := strings.Join(args, " ")
		if err != nil {
			got = err.Error()
		}
		if got != c.want || line.asked("json") != c.json {
			t.Errorf("%s\n got %s, json %v\nwant %s, json %v", c.typed, got, line.asked("json"), c.want, c.json)
		}
	}
}

// TestLineOpen: where completion goes on.
func TestLineOpen(t *testing.T) {
	line := Parse(tree(), []string{"archive", "store", "x", "--by"})
	if line.Open == nil || line.Open.Names()[0] != "by" || !slices.Equal(line.Words, []string{"codex", "archive", "store"}) {
		t.Errorf("%+v", line)
	}
}
