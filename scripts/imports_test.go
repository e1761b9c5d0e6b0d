// Package scripts holds what the Makefile calls, and the test that keeps the
// layout true.
package scripts

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/codex-archive/codex/"

// layout is who may import whom inside the module, and why. A path that ends in
// "/..." covers what lies below. No package may import what is not listed.
// Tests may import more: only what ships is judged.
var layout = []struct {
	from    string
	may     []string
	outside []string // modules; nil: the standard library only
	reason  string
}{
	{"sdk", nil, nil,
		"the contract: a backend that implements it takes in nothing else"},
	{"sdk/archivepb", nil, []string{"google.golang.org/"},
		"generated from archive.proto"},
	{"sdk/plugin", []string{"sdk", "sdk/archivepb", "internal/profile"}, []string{"google.golang.org/", "github.com/hashicorp/", "github.com/gofrs/flock", "golang.org/x/sys"},
		"the wire: it knows processes, and nothing of backends or of the host"},
	{"sdk/intake", []string{"sdk"}, nil,
		"the items of one Put, for every kind of backend"},
	{"sdk/kvbackend", []string{"sdk", "sdk/intake", "sdk/kvbackend/internal/layout"}, nil,
		"the engine knows transactions over keys and values, and no store"},
	{"sdk/kvbackend/internal/layout", []string{"sdk"}, nil,
		"a leaf: keys and rows"},
	{"sdk/kvbackend/kvtest", []string{"sdk", "sdk/kvbackend", "sdk/kvbackend/internal/layout"}, nil,
		"harm for the kit's rules; what ships does not import it"},
	{"sdk/memory", []string{"sdk", "sdk/kvbackend"}, nil,
		"the smallest store under the engine"},
	{"sdk/sqlbackend", []string{"sdk", "sdk/intake"}, nil,
		"the engine knows database/sql and no driver: differences are data in the dialect"},
	{"sdk/sqlbackend/sqltest", []string{"sdk", "sdk/sqlbackend", "sdk/backendtest", "sdk/plugin", "scripts/..."}, nil,
		"tests of backends on real servers, which scripts start"},
	{"sdk/backendtest/cutproxy", nil, nil,
		"between any client and any server"},
	{"sdk/backendtest", []string{"sdk", "sdk/plugin", "sdk/archivepb", "sdk/backendtest/cutproxy"}, []string{"google.golang.org/", "github.com/hashicorp/go-hclog"},
		"the kit kills and dials processes, and knows no backend"},
	{"plugins/sqlite", []string{"sdk", "sdk/plugin", "sdk/sqlbackend"}, []string{"modernc.org/sqlite", "golang.org/x/sys"},
		"how SQLite differs, and nothing else; never the host"},
	{"plugins/postgres", []string{"sdk", "sdk/plugin", "sdk/sqlbackend"}, []string{"github.com/jackc/pgx/v5"},
		"how PostgreSQL differs, and nothing else; never the host"},
	{"plugins/mariadb", []string{"sdk", "sdk/plugin", "sdk/sqlbackend"}, []string{"github.com/go-sql-driver/mysql"},
		"how MariaDB differs, and nothing else; never the host"},
	{"cli", []string{"sdk", "sdk/plugin", "sdk/backendtest", "cli/internal/...", "internal/profile"}, []string{"github.com/", "golang.org/x/"},
		"the commands compose everything else"},
	{"cli/internal/crypt", []string{"sdk", "cli/internal/output"}, []string{"filippo.io/age", "golang.org/x/crypto/ssh", "golang.org/x/crypto/chacha20poly1305"},
		"the one package that knows how bodies are encrypted"},
	{"cli/internal/app", []string{"sdk", "cli/internal/config", "cli/internal/crypt", "cli/internal/git", "cli/internal/trust", "cli/internal/logging", "cli/internal/output", "cli/internal/pluginhost", "cli/internal/retry"},
		[]string{"github.com/urfave/cli/v2", "github.com/hashicorp/go-hclog", "golang.org/x/text/unicode/norm"},
		"one command line; it knows no command, and neither journal nor batch"},
	{"cli/internal/journal", []string{"sdk", "cli/internal/archiver", "cli/internal/escape", "cli/internal/evidence", "cli/internal/find", "cli/internal/logging", "cli/internal/output", "cli/internal/restorer", "cli/internal/retry"},
		[]string{"github.com/hashicorp/go-hclog", "golang.org/x/sync/semaphore"},
		"acts and their evidence; it takes what it needs, and no command line"},
	{"cli/internal/custody", []string{"sdk", "cli/internal/durable", "cli/internal/output"}, nil,
		"the documents of a purge; siblings import leaves and not each other"},
	{"cli/internal/find", []string{"sdk", "cli/internal/output"}, nil,
		"from a text to a record; a leaf but for printing"},
	{"cli/internal/output", []string{"sdk", "cli/internal/durable", "cli/internal/escape"}, []string{"github.com/xrash/smetrics", "golang.org/x/term"},
		"a leaf: everything that is printed, and how the program ends"},
	{"cli/internal/pluginhost", []string{"sdk", "sdk/plugin", "cli/internal/durable", "cli/internal/output"}, []string{"github.com/hashicorp/go-hclog"},
		"from a name to an opened archive: of the internal packages the only one that knows of processes"},
	{"cli/internal/published", []string{"sdk", "cli/internal/durable", "cli/internal/output", "cli/internal/pluginhost"}, []string{"aead.dev/minisign"},
		"what vendors publish; it starts and installs nothing"},
	{"cli/internal/escape", nil, nil,
		"a leaf: text from outside made safe to print; every package of the host may import it"},
	{"cli/internal/durable", nil, []string{"golang.org/x/sys"},
		"a leaf: files that are whole after a crash, and locks; every package of the host may import it"},
	{"cli/internal/spool", []string{"sdk", "cli/internal/durable"}, nil,
		"a leaf: bytes that are not yet known to be whole; every package of the host may import it"},
	{"cli/internal/filetest", []string{"sdk"}, []string{"golang.org/x/sys"},
		"files for tests; what ships does not import it"},
	{"cli/internal/bulk", []string{"sdk", "cli/internal/archiver", "cli/internal/durable", "cli/internal/tree"}, nil,
		"many files at a time: what connects the tree with the archiver"},
	{"cli/internal/copier", []string{"sdk", "cli/internal/find", "cli/internal/restorer"}, nil,
		"from one archive to another; content is checked as for a restore"},
	{"cli/internal/tree", []string{"sdk", "cli/internal/durable"}, []string{"github.com/bmatcuk/doublestar/v4", "golang.org/x/sys"},
		"which files a store takes; siblings import leaves and not each other"},
	{"cli/internal/archiver", []string{"sdk", "cli/internal/crypt", "cli/internal/durable", "cli/internal/git", "cli/internal/spool"}, []string{"github.com/klauspost/compress", "golang.org/x/sys"},
		"from files to records; siblings import leaves and not each other"},
	{"cli/internal/restorer", []string{"sdk", "cli/internal/crypt", "cli/internal/durable", "cli/internal/output", "cli/internal/spool"}, []string{"github.com/klauspost/compress"},
		"from records to files; siblings import leaves and not each other"},
	{"cli/internal/recrypter", []string{"sdk", "cli/internal/archiver", "cli/internal/crypt", "cli/internal/restorer", "cli/internal/spool"}, nil,
		"from a stored body to another of the same content"},
	{"cli/internal/git", nil, nil,
		"a leaf: every call of git, with one hardening"},
	{"cli/internal/trust", []string{"cli/internal/config", "cli/internal/git", "cli/internal/durable"}, nil,
		"who wrote the project's own file"},
	{"cli/internal/config", []string{"sdk", "cli/internal/durable", "cli/internal/git"}, []string{"github.com/", "golang.org/x/sys"},
		"siblings do not import each other"},
	{"cli/internal/evidence", []string{"sdk", "cli/internal/durable", "cli/internal/escape", "cli/internal/output", "cli/internal/spool"}, []string{"github.com/", "golang.org/x/sys", "golang.org/x/mod/sumdb/"},
		"siblings do not import each other"},
	{"cli/internal/extsort", []string{"cli/internal/spool"}, nil,
		"a leaf: sorting outside memory"},
	{"cli/internal/reconcile", []string{"sdk", "cli/internal/evidence", "cli/internal/extsort", "cli/internal/find", "cli/internal/output"}, nil,
		"the log against the archive; it opens neither"},
	{"cli/internal/metrics", []string{"cli/internal/evidence", "cli/internal/escape"}, []string{"github.com/go-json-experiment/json"},
		"it counts lines of the evidence log, which come in as bytes"},
	{"cli/internal/logging", []string{"cli/internal/durable", "cli/internal/escape"}, []string{"github.com/hashicorp/go-hclog", "golang.org/x/term"},
		"siblings do not import each other"},
	{"cli/internal/retry", []string{"sdk"}, []string{"github.com/sethvargo/go-retry"},
		"the backend's errors say what is temporary"},
	{"cli/internal/sources", []string{"sdk", "cli/internal/durable", "cli/internal/git", "cli/internal/spool"}, nil,
		"from a hash to bytes, wherever they are"},
	{"cli/internal/verifier", []string{"sdk", "cli/internal/find", "cli/internal/output"}, nil,
		"a verification apart from the archive: it is given functions"},
	{"cli/internal/batch", []string{"sdk", "cli/internal/durable", "cli/internal/escape", "cli/internal/output"}, []string{"golang.org/x/sync/semaphore"},
		"a batch apart from restoring: it is given functions"},
	{"cli/internal/faultfile", nil, nil,
		"faults for tests; what ships does not import it"},
	{"scripts/smallfs", nil, nil,
		"file systems for tests; what ships does not import it"},
	{"internal/profile", nil, nil,
		"a leaf: profiles of programs that are built for them"},
	{"docs", nil, nil,
		"documents, and the tests that run what they show"},
	{"scripts/...", []string{"sdk", "sdk/plugin", "sdk/backendtest/cutproxy", "scripts/..."}, []string{"github.com/", "golang.org/x/", "filippo.io/age", "filippo.io/age"},
		"what the Makefile calls may start plugins, to measure them"},
}

func TestImports(t *testing.T) {
	for _, pkg := range packages(t) {
		name := strings.TrimPrefix(pkg.ImportPath, module)
		i := slices.IndexFunc(layout, func(row struct {
			from    string
			may     []string
			outside []string
			reason  string
		}) bool {
			return covers(row.from, name)
		})
		if i < 0 {
			t.Errorf("%s is not in the table: say what it may import, and why", name)
			continue
		}
		for _, imported := range pkg.Imports {
			inside, ok := strings.CutPrefix(imported, module)
			allowed := layout[i].may
			if !ok {
				if !strings.Contains(strings.Split(imported, "/")[0], ".") {
					continue // the standard library
				}
				inside, allowed = imported, nil
				for _, prefix := range layout[i].outside {
					if strings.HasPrefix(imported, prefix) {
						allowed = []string{imported}
					}
				}
			}
			if !slices.ContainsFunc(allowed, func(a string) bool { return covers(a, inside) }) {
				t.Errorf("%s imports %s: %s", name, imported, layout[i].reason)
			}
		}
	}
}

func covers(pattern, name string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == dir || strings.HasPrefix(name, dir+"/")
	}
	return pattern == name
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg listed
		if err := d.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		found = append(found, pkg)
	}
	if len(found) < 5 {
		t.Fatalf("go list found only %d packages", len(found))
	}
	return found
}

// TestDependencies holds go.mod, and that of the release's tools, against the
// list of reasons.
func TestDependencies(t *testing.T) {
	var mod []byte
	for _, path := range []string{"../go.mod", "release/go.mod"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		mod = append(mod, text...)
	}
	reasons, err := os.ReadFile("../.ci/deps.txt")
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for line := range strings.Lines(string(reasons)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] != "#" {
			known = append(known, fields[0])
		}
	}
	var direct []string
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) == 2 && strings.HasPrefix(fields[1], "v") {
			direct = append(direct, fields[0])
		}
	}
	for _, dep := range direct {
		if !slices.Contains(known, dep) {
			t.Errorf("%s is a dependency without a reason in .ci/deps.txt", dep)
		}
	}
	for _, dep := range known {
		if !slices.Contains(direct, dep) {
			t.Errorf(".ci/deps.txt gives a reason for %s, which go.mod does not need directly", dep)
		}
	}
}
