package main

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
)

// peers are the tools to compare with, by the names that -contestants takes.
// None of them proves what it stored, and none has evidence; docs/performance.md
// says what else differs.
func peers() map[string]contestant {
	return map[string]contestant{
		"restic":  peer("restic", restic, "restic"),
		"borg":    peer("borg, zstd 3, no encryption", borg, "borg"),
		"sqlite3": peer("sqlite3 -A", sqlar, "sqlite3"),
		"git":     peer("git, core.fsync=all", git, "git"),
		"tar":     peer("tar and zstd 3", tar, "tar", "zstd"),
	}
}

// repository is a peer's archive.
type repository struct {
	path, name, out string // out is a directory; name is that of the files
	env             []string
}

// commands are those of a peer. Each is a line for the shell, which finds the
// places in REPO, NAME, TREE and OUT. restore runs in OUT. again is "" where it
// is the same as store.
type commands struct {
	env                                []string
	begin, store, again, show, restore string
}

func peer(name string, c commands, needs ...string) contestant {
	return contestant{name: name, needs: needs, begin: func(j *job, dir string) (*entry, error) {
		r := repository{path: filepath.Join(dir, "repo"), name: j.name, out: filepath.Join(dir, "out")}
		r.env = append(c.env, "HOME="+dir, "REPO="+r.path, "NAME="+j.name, "OUT="+r.out, "TREE="+j.dir)
		if err := os.Mkdir(r.out, 0o755); err != nil {
			return nil, err
		}
		if err := r.shell(c.begin)(&meter{dir: j.dir}); err != nil {
			return nil, err
		}
		out := r.out
		if j.single {
			out = filepath.Join(out, j.name)
		}
		return &entry{out: out, size: r.size, steps: map[string]func(*meter) error{
			stepStore: r.shell(c.store), stepAgain: r.shell(cmp.Or(c.again, c.store)), stepShow: r.shell(c.show),
			stepRestore: func(m *meter) error { m.dir = r.out; return r.shell(c.restore)(m) },
		}}, nil
	}}
}

// shell returns a step, nil for an empty line. The shell becomes the program
// where the line has one.
func (r repository) shell(line string) func(*meter) error {
	if line == "" {
		return nil
	}
	return func(m *meter) error {
		_, err := m.run(r.env, "sh", "-ec", line)
		return err
	}
}

func (r repository) size() (archive, bodies int64, err error) {
	err = filepath.WalkDir(r.path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			archive += info.Size()
		}
		return err
	})
	return archive, 0, err
}

var (
	restic = commands{
		env:     []string{"RESTIC_PASSWORD=bench"},
		begin:   `exec restic -q -r "$REPO" init`,
		store:   `exec restic -q -r "$REPO" backup "$NAME"`,
		show:    `exec restic -q -r "$REPO" ls latest`,
		restore: `exec restic -q -r "$REPO" restore latest --target "$OUT"`,
	}
	borg = commands{
		env:     []string{"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK=yes"},
		begin:   `exec borg init -e none "$REPO"`,
		store:   `exec borg create -C zstd,3 "$REPO::a" "$NAME"`,
		again:   `exec borg create -C zstd,3 "$REPO::b" "$NAME"`,
		show:    `exec borg list "$REPO::a"`,
		restore: `exec borg extract "$REPO::a"`,
	}
	sqlar = commands{
		begin:   `mkdir "$REPO"`,
		store:   `exec sqlite3 "$REPO/sqlar" -Ac "$NAME"`,
		show:    `exec sqlite3 "$REPO/sqlar" -At`,
		restore: `exec sqlite3 "$REPO/sqlar" -Ax`,
	}
	git = commands{
		begin: `git init -q --bare "$REPO"; exec git --git-dir="$REPO" config maintenance.auto false`, // nothing runs on after an answer
		store: `export GIT_DIR="$REPO" GIT_WORK_TREE="$TREE" GIT_AUTHOR_NAME=b GIT_AUTHOR_EMAIL=b GIT_COMMITTER_NAME=b GIT_COMMITTER_EMAIL=b
			git -c core.fsync=all add -f "$NAME"; exec git -c core.fsync=all commit -q --allow-empty -m bench`,
		show:    `exec git --git-dir="$REPO" show --stat HEAD`,
		restore: `GIT_DIR="$REPO" GIT_WORK_TREE="$OUT" exec git checkout -q -f HEAD -- .`,
	}
	tar = commands{
		begin:   `mkdir "$REPO"`,
		store:   `tar -c "$NAME" | zstd -q -3 -f -o "$REPO/tar.zst"; exec sync "$REPO/tar.zst"`,
		show:    `zstd -q -dc "$REPO/tar.zst" | tar -t`,
		restore: `zstd -q -dc "$REPO/tar.zst" | tar -x`,
	}
)
