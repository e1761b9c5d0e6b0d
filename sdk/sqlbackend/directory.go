package sqlbackend

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// maxDirectory is how many bytes of a path a row of codex_directory has at most:
// every database has an index for two of them.
const maxDirectory = 1 << 10

// splitPath cuts a path into its directory, which ends in a slash or is empty,
// and the rest. What does not fit into a directory belongs to the rest.
func splitPath(path string) (dir, name string) {
	cut := strings.LastIndexByte(path[:min(len(path), maxDirectory)], '/') + 1
	return path[:cut], path[cut:]
}

// directory is a row of codex_directory: where the files of one directory were,
// as their paths were given, and in the work tree.
type directory struct {
	path, work string
	inWorkTree bool
}

// directoryOf returns the directory of a record.
func directoryOf(r *sdk.Record) directory {
	d := directory{inWorkTree: r.WorkTreePath != ""}
	d.path, _ = splitPath(r.Path)
	d.work, _ = splitPath(r.WorkTreePath)
	return d
}

// workName is the column work_name: the name in the work tree, NULL where it is
// the name of the path, or where there is none.
func workName(r *sdk.Record) any {
	_, name := splitPath(r.Path)
	_, work := splitPath(r.WorkTreePath)
	if r.WorkTreePath == "" || name == work {
		return nil
	}
	return []byte(work)
}

func compareDirectories(x, y directory) int {
	if c := cmp.Or(strings.Compare(x.path, y.path), strings.Compare(x.work, y.work)); c != 0 || x.inWorkTree == y.inWorkTree {
		return c
	}
	if y.inWorkTree {
		return -1
	}
	return 1
}

// directoryColumns are what scanDirectory reads. Some drivers return no bytes and
// NULL alike.
const directoryColumns = "id, path, work_path, CASE WHEN work_path IS NULL THEN 0 ELSE 1 END"

var insertDirectory = insert{
	table:     "codex_directory",
	columns:   []column{{"path", Bytes}, {"work_path", Bytes}},
	skipTaken: true, // none is; it is what makes the rows come back
	returning: directoryColumns,
}

// directoryKeys returns the key of each directory, making rows for new ones.
// Two programs may make a row for the same directory at the same moment: that
// costs a row, and nothing needs it to be the only one. The caller hands the
// result to the cache after the commit.
func (b *Backend) directoryKeys(ctx context.Context, db *conn, all []directory) (map[directory]int64, error) {
	slices.SortFunc(all, compareDirectories)
	all = slices.Compact(all)
	keys, missing := b.directories.lookup(all)
	wanted := make(map[directory]bool, len(missing))
	var paths []any
	for i, d := range missing {
		wanted[d] = true
		if i == 0 || d.path != missing[i-1].path {
			paths = append(paths, []byte(d.path))
		}
	}
	add := func(scan scan) error {
		key, d, err := scanDirectory(scan)
		if err == nil && wanted[d] {
			keys[d] = key
		}
		return err
	}
	if len(paths) > 0 {
		in, args := b.d.in("path", Bytes, paths)
		if err := db.query(ctx, "SELECT "+directoryColumns+" FROM codex_directory WHERE "+in, args, add); err != nil {
			return nil, err
		}
	}
	var rows [][]any
	for _, d := range missing {
		if _, known := keys[d]; !known {
			rows = append(rows, d.row())
		}
	}
	if err := insertDirectory.rows(ctx, db, rows, add); err != nil {
		return nil, err
	}
	return keys, counted(int64(len(keys)), int64(len(all)))
}

func (d directory) row() []any {
	if !d.inWorkTree {
		return []any{[]byte(d.path), nil}
	}
	return []any{[]byte(d.path), []byte(d.work)}
}

func scanDirectory(scan scan) (key int64, d directory, err error) {
	var path, work sql.RawBytes
	var inWorkTree int64
	err = scan(&key, &path, &work, &inWorkTree)
	return key, directory{string(path), string(work), inWorkTree != 0}, err
}

// pathTables lead to the files below a directory, and to a file. Where the path
// is longer than a directory can be they select too much.
func pathTables(path string) []*keyed {
	path = strings.TrimRight(path, "/")
	beside, name := splitPath(path)
	below := path + "/"
	if len(below) > maxDirectory {
		return []*keyed{directories("= ?", []byte(beside))}
	}
	low, high := []byte(below), []byte(path+"0") // the byte after the slash
	file := directories("= ?", []byte(beside))
	file.items, file.itemsArgs = "(i.name = ? OR i.work_name = ?)", []any{[]byte(name), []byte(name)}
	return []*keyed{directories(">= ? AND %s < ?", low, high), file}
}

// directories selects those whose path, or path in the work tree, meets a
// condition.
func directories(condition string, args ...any) *keyed {
	condition = "%s " + condition
	where := strings.ReplaceAll(condition, "%s", "d.path") + " OR " + strings.ReplaceAll(condition, "%s", "d.work_path")
	return &keyed{column: "directory", table: "codex_directory", where: "(" + where + ")", args: append(args, args...)}
}
