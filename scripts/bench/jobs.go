package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// jobs makes the files and returns the contests about them.
func (b *bench) jobs(o *options) (jobs []*job, err error) {
	files := []string{stepStore, stepAgain, stepRestore}
	if o.singles > 0 {
		one, err := b.texts("one", 1, 4<<10)
		if err != nil {
			return nil, err
		}
		one.title, one.rounds, one.single, one.columns = "One file of 4 KiB", o.singles, true, []string{stepStore, stepShow, stepRestore}
		one.name += "/0/0.go"
		one.dir, one.name = filepath.Dir(filepath.Join(one.dir, one.name)), filepath.Base(one.name)
		jobs = append(jobs, &job{title: "Start", rounds: o.singles, columns: []string{stepStart}, dir: b.dir, starts: true}, one)
	}
	if o.files > 0 {
		many, err := b.texts("many", o.files, 11_000)
		if err != nil {
			return nil, err
		}
		many.title, many.rounds, many.manifest, many.columns = fmt.Sprintf("%d files of 11 KB", o.files), o.rounds, true, files
		jobs = append(jobs, many)
	}
	if o.tree != "" {
		tree, err := b.copied(o.tree)
		if err != nil {
			return nil, err
		}
		tree.rounds, tree.columns = o.rounds, files
		jobs = append(jobs, tree)
	}
	for _, size := range strings.FieldsFunc(o.sizes, func(r rune) bool { return r == ',' }) {
		large, err := b.noise(size)
		if err != nil {
			return nil, err
		}
		large.rounds, large.single, large.columns = o.rounds, true, files
		jobs = append(jobs, large)
	}
	return jobs, nil
}

// texts makes files that all differ, as sources of a project do: half text, half
// noise.
func (b *bench) texts(name string, n, size int) (*job, error) {
	j := &job{dir: filepath.Join(b.dir, "of-"+name), name: name}
	random := rand.New(rand.NewPCG(1, 2))
	content := make([]byte, size)
	for i := range n {
		for k := range content {
			if k%2 == 0 {
				content[k] = "func return if err != nil"[k/2%25]
			} else {
				content[k] = byte(random.Uint32())
			}
		}
		path := filepath.Join(j.dir, name, strconv.Itoa(i/100), strconv.Itoa(i)+".go")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// copied copies a tree, so that nothing is written beside the original.
func (b *bench) copied(tree string) (*job, error) {
	j := &job{dir: filepath.Join(b.dir, "of-tree"), name: "tree"}
	if err := os.Mkdir(j.dir, 0o755); err != nil {
		return nil, err
	}
	if out, err := exec.Command("cp", "-a", tree+"/.", filepath.Join(j.dir, j.name)).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("copy %s: %w: %s", tree, err, out)
	}
	n, size := 0, int64(0)
	err := filepath.Walk(j.dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			n, size = n+1, size+info.Size()
		}
		return err
	})
	j.title = fmt.Sprintf("A tree of %d files, %d MiB", n, size>>20)
	return j, err
}

// noise makes a file that does not compress.
func (b *bench) noise(size string) (*job, error) {
	unit := map[byte]int64{'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}[size[len(size)-1]]
	n, err := strconv.ParseInt(size[:len(size)-1], 10, 64)
	if err != nil || unit == 0 {
		return nil, fmt.Errorf("-sizes: %q is not a size such as 64M", size)
	}
	j := &job{title: "One file of " + size[:len(size)-1] + " " + size[len(size)-1:] + "iB", dir: filepath.Join(b.dir, "of-"+size), name: "large"}
	if err := os.Mkdir(j.dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(j.dir, j.name))
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(f, rand.NewChaCha8([32]byte{}), n*unit); err != nil {
		_ = f.Close() // the first error counts
		return nil, err
	}
	return j, f.Close()
}
