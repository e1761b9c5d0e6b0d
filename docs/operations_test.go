package docs_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/scripts/programs"
)

var fencedFor = regexp.MustCompile("(?ms)^```(sql|sh)\n(?:-- |# )(.*?)\n(.*?)^```$")

// shown returns the blocks of operations.md whose first line is a comment that
// names whom they are for.
func shown(t *testing.T, language, whom string) (all []string) {
	t.Helper()
	page, err := os.ReadFile("operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fencedFor.FindAllStringSubmatch(string(page), -1) {
		if m[1] == language && m[2] == whom {
			all = append(all, m[3])
		}
	}
	return all
}

// site is a project on a server, with the users of operations.md.
type site struct {
	t        *testing.T
	dir, bin string
	env      []string
	database *databases.Database
}

func newSite(t *testing.T) *site {
	t.Helper()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skipf("the commands need jq: %v", err)
	}
	bin := programs.For(t)
	s := &site{t: t, dir: t.TempDir(), bin: bin}
	s.env = []string{"HOME=" + s.dir, "CODEX_ACTOR=me", "CODEX_ARCHIVE_LOG_FORMAT=text", "CODEX_ARCHIVE_LOG_LEVEL=warn",
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")}
	return s
}

// url returns the address of archive_db for a user of the page.
func (s *site) url(user string) string {
	return strings.TrimSuffix(s.database.URLAs("archive_"+user, user+"-password"), s.database.Name) + "archive_db"
}

// run runs a line of shell as a user, and returns its exit code and output.
func (s *site) run(user, script string) (code int, out string) {
	s.t.Helper()
	cmd := exec.Command("sh", "-eu", "-c", script)
	cmd.Dir, cmd.Env = s.dir, append(s.env[:len(s.env):len(s.env)], "CODEX_ARCHIVE_URL="+s.url(user))
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	if err := cmd.Run(); cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), both.String()
}

func (s *site) must(user, script string) string {
	s.t.Helper()
	code, out := s.run(user, script)
	if code != 0 {
		s.t.Fatalf("%s: exit code %d\n%s", script, code, out)
	}
	return out
}

// execute runs the statements of a block.
func (s *site) execute(db *sql.DB, block string) {
	s.t.Helper()
	for statement := range strings.SplitSeq(block, ";\n") {
		if statement = strings.TrimSpace(statement); statement == "" {
			continue
		}
		if _, err := db.ExecContext(s.t.Context(), statement); err != nil {
			s.t.Fatalf("%s\n%v", statement, err)
		}
	}
}

// create makes database, users and tables as the page says.
func (s *site) create(product string) {
	s.t.Helper()
	admin := s.database.Admin(s.t)
	if product == "mariadb" {
		blocks := shown(s.t, "sql", "mariadb: root")
		if len(blocks) != 2 {
			s.t.Fatalf("the page has %d blocks for MariaDB", len(blocks))
		}
		s.execute(admin, blocks[0])
		s.must("owner", "codex archive init")
		s.execute(admin, blocks[1])
		return
	}
	for _, block := range shown(s.t, "sql", "postgres: superuser") {
		s.execute(admin, block)
	}
	s.must("owner", "codex archive init")
	owner, err := sql.Open("pgx", s.url("owner"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer owner.Close()
	for _, block := range shown(s.t, "sql", "postgres: archive_owner") {
		s.execute(owner, block)
	}
}

// TestOperations gives the rights that the page prints, does everything that a
// user may, is refused what a user may not, and restores a backup.
func TestOperations(t *testing.T) {
	t.Parallel()
	for product, start := range map[string]func(testing.TB, ...string) *databases.Server{
		"postgres": databases.NewPostgres, "mariadb": databases.NewMariaDB,
	} {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			s := newSite(t)
			s.database = server.Database(t)
			s.create(product)
			s.rights()
			s.erase(product)
			s.backup(product, func() {
				admin := s.database.Admin(t)
				s.execute(admin, map[string]string{"postgres": "DROP DATABASE archive_db WITH (FORCE)", "mariadb": "DROP DATABASE archive_db"}[product])
				created := shown(t, "sql", map[string]string{"postgres": "postgres: superuser", "mariadb": "mariadb: root"}[product])[0]
				for line := range strings.Lines(created) { // the users are still there
					if !strings.Contains(line, "CREATE ROLE") && !strings.Contains(line, "CREATE USER") {
						s.execute(admin, line)
					}
				}
			})
		})
	}
}

// rights tries what user and reader may do.
func (s *site) rights() {
	t := s.t
	for name, size := range map[string]int{"small": 10, "staged": 9 << 20} {
		content := make([]byte, size)
		for i := range content {
			content[i] = byte(i * i >> 7)
		}
		if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
		s.must("user", "codex archive store repo "+name+" --reason dead --tag t --set archive.codec=none > answer")
		s.must("user", "codex archive store repo "+name+" --reason dead > /dev/null") // known content
		restore := fmt.Sprintf("codex archive restore $(jq -r .tombstone answer) back-$0-%s > /dev/null && cmp %s back-$0-%s", name, name, name)
		s.must("user", strings.ReplaceAll(restore, "$0", "user"))
		if out := s.must("reader", strings.ReplaceAll(restore, "$0", "reader")); !strings.Contains(out, "WARN") {
			t.Errorf("a reader's restore has no WARN: %s", out)
		}
	}
	s.must("user", "echo purged > gone && codex archive store repo gone --reason dead > gone.json && codex archive hold $(jq -r .tombstone gone.json) --case 1")
	if code, out := s.run("reader", "codex archive hold $(jq -r .tombstone gone.json) --case 2"); code != 6 {
		t.Errorf("a reader places a hold: exit code %d\n%s", code, out)
	}
	s.must("user", "id=$(jq -r .tombstone gone.json) && codex archive release $id --case 1 && codex archive prune-request $id --by ann && codex archive purge $id --by bob")
	s.must("user", "codex archive retain $(jq -r .tombstone answer) --days 1")
	s.must("user", "codex archive health-check")
	s.must("reader", "codex archive list")
	s.must("reader", "codex archive health-check")
	if code, out := s.run("reader", "codex archive store repo small --reason dead"); code != 6 {
		t.Errorf("a reader stores: exit code %d\n%s", code, out)
	}
	for _, statement := range []string{"DELETE FROM codex_event", "UPDATE codex_event SET detail = ''", "DELETE FROM codex_item", "DROP TABLE codex_event"} {
		if err := s.as("user", statement); err == nil {
			t.Errorf("the user may do %s", statement)
		}
	}
}

// as executes a statement as a user of the page.
func (s *site) as(user, statement string) error {
	driver, address := "pgx", s.url(user)
	if rest, ok := strings.CutPrefix(address, "mysql://"); ok {
		host, _, _ := strings.Cut(rest[strings.LastIndex(rest, "@")+1:], "/")
		driver, address = "mysql", fmt.Sprintf("archive_%s:%s-password@tcp(%s)/archive_db", user, user, host)
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	_, err = db.ExecContext(s.t.Context(), statement)
	return err
}

// backup runs the commands of the page: those that back up, and after lose those
// that restore.
func (s *site) backup(product string, lose func()) {
	t := s.t
	host, port, _ := strings.Cut(s.database.Server().Address(), ":")
	s.env = append(s.env, "PGHOST="+host, "PGPORT="+port, "PGUSER=archive_owner", "PGPASSWORD=owner-password")
	client := fmt.Sprintf("[client]\nhost=%s\nport=%s\nuser=archive_owner\npassword=owner-password\n", host, port)
	if err := os.WriteFile(filepath.Join(s.dir, "backup.cnf"), []byte(client), 0o600); err != nil {
		t.Fatal(err)
	}
	blocks := shown(t, "sh", product)
	if len(blocks) != 2 {
		t.Fatalf("the page has %d blocks about backups of %s", len(blocks), product)
	}
	before := s.must("user", "codex archive list --json --limit 0")
	s.must("owner", "cp -a .codex/evidence evidence.backup")
	s.must("owner", blocks[0])
	lose()
	s.must("owner", blocks[1])
	if after := s.must("owner", "codex archive list --json --limit 0"); after != before || before == "" {
		t.Errorf("after the restore of the backup the archive has\n%s\nbefore it had\n%s", after, before)
	}
	if product == "postgres" { // its dump has the grants
		s.must("user", "codex archive restore $(jq -r .tombstone answer) again > /dev/null")
	}
}

// TestOperationsSQLite backs up and restores a SQLite archive with the page's
// commands.
func TestOperationsSQLite(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("needs sqlite3")
	}
	s := newSite(t)
	run := func(script string) string {
		t.Helper()
		cmd := exec.Command("sh", "-eu", "-c", script)
		cmd.Dir, cmd.Env = s.dir, s.env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return string(out)
	}
	run("echo content > file && codex archive store repo file --reason dead > /dev/null")
	before := run("codex archive list --json")
	blocks := shown(t, "sh", "sqlite")
	if len(blocks) != 2 {
		t.Fatalf("the page has %d blocks about SQLite", len(blocks))
	}
	run("cp -a .codex/evidence evidence.backup")
	run(blocks[0])
	run("echo other > file && codex archive store repo file --reason dead > /dev/null")
	run(blocks[1])
	if after := run("codex archive list --json"); after != before || before == "" {
		t.Errorf("after the restore of the backup the archive has\n%s\nbefore it had\n%s", after, before)
	}
}

// erase runs the statements that remove what is left of purged content.
func (s *site) erase(product string) {
	s.t.Helper()
	blocks := shown(s.t, "sql", "leak: "+product)
	if len(blocks) != 1 {
		s.t.Fatalf("the page has %d blocks for what %s leaves", len(blocks), product)
	}
	for statement := range strings.SplitSeq(blocks[0], ";\n") {
		if statement = strings.TrimSpace(statement); statement == "" {
			continue
		}
		if err := s.as("owner", statement); err != nil {
			s.t.Errorf("%s: %v", statement, err)
		}
	}
}

// TestLeakedSecret removes a secret with the page's commands, which is held and
// retained and stored twice, and looks for its bytes in every file of the
// project.
func TestLeakedSecret(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("needs sqlite3")
	}
	s := newSite(t)
	const secret = "AKIA-7f3k9q2m-not-a-real-key-x81zz"
	run := func(want int, script string) string {
		t.Helper()
		cmd := exec.Command("sh", "-eu", "-c", script)
		cmd.Dir, cmd.Env = s.dir, s.env
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want {
			t.Fatalf("%s: %v, want exit code %d\n%s", script, err, want, out)
		}
		return string(out)
	}
	run(0, "mkdir config && echo "+secret+" > config/prod.env && cp config/prod.env copy.env && echo harmless > other")
	run(0, "codex archive store shop config/prod.env --reason dead --retain-days 30 > answer")
	run(0, "codex archive store elsewhere copy.env --reason dead > /dev/null && codex archive store shop other --reason dead > /dev/null")
	run(0, "codex archive hold $(jq -r .tombstone answer) --case 17 --by legal > /dev/null")
	run(0, "rm config/prod.env copy.env")
	if len(s.filesWith(secret)) == 0 {
		t.Fatal("the secret is in no file before it is removed: the test looks in the wrong place")
	}
	done := "" // what has been run, for the variables
	step := func(name string, want int) string {
		t.Helper()
		blocks := shown(t, "sh", "leak: "+name)
		if len(blocks) != 1 {
			t.Fatalf("the page has %d blocks for %q", len(blocks), name)
		}
		if name == "find" {
			done = blocks[0]
			return run(want, blocks[0])
		}
		return run(want, done+blocks[0])
	}
	if out := step("find", 0); strings.Count(out, "\n") != 2 {
		t.Errorf("the search prints %s", out)
	}
	if out := step("ask", 3); !strings.Contains(out, "held: case 17 is active") {
		t.Errorf("the verdicts are %s", out)
	}
	step("held", 0)
	if out := step("purge", 3); !strings.Contains(out, "retained until") {
		t.Errorf("the purge says %s", out)
	}
	step("retained", 0)
	step("purge", 0)
	step("sqlite", 0)
	if left := s.filesWith(secret); len(left) > 0 {
		t.Errorf("the secret is left in %q", left)
	}
	if out := run(0, "codex archive health-check --json | jq .items_retrievable"); strings.TrimSpace(out) != "1" {
		t.Errorf("%s files can be restored, want 1", out)
	}
	run(0, "codex archive evidence verify > /dev/null")
}

// filesWith returns the files of the project in which a text is.
func (s *site) filesWith(text string) (found []string) {
	s.t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}
