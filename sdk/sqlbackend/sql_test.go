package sqlbackend

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

func TestSplit(t *testing.T) {
	text := "-- a comment; it ends so;\nCREATE TABLE a (\n\tx -- not a line of its own\n);\n\n\tCREATE INDEX b\n  -- between;\n ON a (x);  \nnever ended"
	want := []string{"CREATE TABLE a (\n\tx -- not a line of its own\n)", "CREATE INDEX b\n ON a (x)"}
	if got := split(text); !slices.Equal(got, want) {
		t.Errorf("split = %q, want %q", got, want)
	}
	if got := split(""); len(got) != 0 {
		t.Errorf("split of nothing = %q", got)
	}
}

func TestSchemaFilesAreNumbered(t *testing.T) {
	for _, c := range []struct {
		names []string
		ok    bool
	}{
		{[]string{"0001_a.sql"}, true},
		{[]string{"0002_b.sql", "0001_a.sql"}, true},
		{[]string{"0001_a.sql", "0003_c.sql"}, false},
		{[]string{"0001_a.sql", "0001_b.sql"}, false},
		{[]string{"0000_a.sql"}, false},
		{[]string{"1_a.sql"}, false},
	} {
		files := fstest.MapFS{}
		for _, name := range c.names {
			files[name] = &fstest.MapFile{}
		}
		d := Dialect{Schema: Schema{Files: files}}
		got, err := d.files()
		if (err == nil) != c.ok || c.ok && !slices.IsSorted(got) {
			t.Errorf("%q: %q, %v", c.names, got, err)
		}
	}
}

func TestNumbered(t *testing.T) {
	d := Dialect{Statements: Statements{Dollar: true}}
	if got, want := d.numbered("a = ? AND b IN (?,?) LIMIT ?"), "a = $1 AND b IN ($2,$3) LIMIT $4"; got != want {
		t.Errorf("numbered = %q, want %q", got, want)
	}
	if got := (&Dialect{}).numbered("a = ?"); got != "a = ?" {
		t.Errorf("numbered = %q", got)
	}
}

// joined is an Array function whose result shows what went in.
func joined(typ Type, values []any) any { return fmt.Sprint(typ, values) }

func TestIn(t *testing.T) {
	d := Dialect{}
	for n, want := range map[int]string{1: "x IN (?)", 2: "x IN (?,?)", 3: "x IN (?,?,?,?)", 5: "x IN (?,?,?,?,?,?,?,?)"} {
		keys := make([]any, n)
		for i := range keys {
			keys[i] = i
		}
		got, args := d.in("x", Int, keys)
		if got != want || len(args) != strings.Count(want, "?") || !slices.Equal(args[:n], keys) || args[len(args)-1] != n-1 {
			t.Errorf("in of %d = %q, %v", n, got, args)
		}
	}
	d.Insert.Array = joined
	if got, args := d.in("x", Bytes, []any{7, 8}); got != "x = ANY(?)" || len(args) != 1 || args[0] != "1 [7 8]" {
		t.Errorf("in with arrays = %q, %v", got, args)
	}
}

func TestInsertStatement(t *testing.T) {
	ins := insert{table: "t", columns: []column{{"a", Int}, {"b", Text}}, skipTaken: true, returning: "id"}
	rows := [][]any{{1, "x"}, {2, nil}}
	for _, c := range []struct {
		d    Dialect
		want string
		args string
	}{
		{Dialect{Insert: Insert{IgnoreSuffix: "ON CONFLICT DO NOTHING"}}, "INSERT INTO t (a, b) VALUES (?,?),(?,?) ON CONFLICT DO NOTHING RETURNING id", "[1 x 2 <nil>]"},
		{Dialect{Insert: Insert{IgnorePrefix: "INSERT IGNORE INTO"}}, "INSERT IGNORE INTO t (a, b) VALUES (?,?),(?,?) RETURNING id", "[1 x 2 <nil>]"},
		{
			Dialect{Insert: Insert{IgnoreSuffix: "ON CONFLICT DO NOTHING", Array: joined, ArrayTypes: [3]string{"bigint[]", "bytea[]", "text[]"}}},
			"INSERT INTO t (a, b) SELECT * FROM unnest(?::bigint[], ?::text[]) ON CONFLICT DO NOTHING RETURNING id", "[0 [1 2] 2 [x <nil>]]",
		},
	} {
		got, args := ins.statement(&c.d, len(rows)), ins.values(&c.d, rows)
		if got != c.want || fmt.Sprint(args) != c.args {
			t.Errorf("statement = %q, %v; want %q, %v", got, args, c.want, c.args)
		}
	}
	ins.skipTaken, ins.returning = false, ""
	if got := ins.statement(&Dialect{Insert: Insert{IgnorePrefix: "X", IgnoreSuffix: "Y"}}, 1); got != "INSERT INTO t (a, b) VALUES (?,?)" {
		t.Errorf("statement = %q", got)
	}
}

func TestFits(t *testing.T) {
	row := func(n int) []any { return []any{make([]byte, n), strings.Repeat("x", n)} }
	rows := [][]any{row(40), row(10), row(1), row(500), row(1)}
	for _, c := range []struct{ most, bytes, want int }{
		{100, 1 << 20, 5},
		{2, 1 << 20, 2},
		{100, 80, 1},
		{100, 79, 1}, // one row goes even if it is too large
		{100, 100, 2},
		{100, 101, 2},
		{100, 102, 3},
	} {
		if got := fits(rows, c.most, c.bytes); got != c.want {
			t.Errorf("fits(%d rows, %d bytes) = %d, want %d", c.most, c.bytes, got, c.want)
		}
	}
}

func TestShape(t *testing.T) {
	d := Dialect{Insert: Insert{Shapes: []int{100, 10, 1}}}
	for n, want := range map[int]int{1: 1, 9: 1, 10: 10, 99: 10, 100: 100, 500: 100} {
		if got := d.shape(n); got != want {
			t.Errorf("shape(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestCeilMicros(t *testing.T) {
	for nanos, want := range map[int64]int64{0: 0, 1: 1, 999: 1, 1000: 1, 1001: 2, -1: 0, -1000: -1} {
		if got := ceilMicros(time.Unix(0, nanos)); got != want {
			t.Errorf("ceilMicros(%d ns) = %d, want %d", nanos, got, want)
		}
	}
}

func TestKeyCacheIsBounded(t *testing.T) {
	var c keyCache[string]
	for i := range 3 * maxCached {
		c.add(map[string]int64{fmt.Sprint(i): int64(i)})
		if len(c.keys) > maxCached {
			t.Fatalf("%d names are held", len(c.keys))
		}
	}
	last := fmt.Sprint(3*maxCached - 1)
	known, unknown := c.lookup([]string{last, "never seen"})
	if known[last] != 3*maxCached-1 || len(known) != 1 || !slices.Equal(unknown, []string{"never seen"}) {
		t.Errorf("known %v, unknown %v", known, unknown)
	}
}

// A caller who allows a call more time than commitTime allows its COMMIT that, too:
// a COMMIT of 64 MiB was once given up on a busy disk, long before the caller's time
// was over.
func TestCommitEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where time is what it was
		for allowed, want := range map[time.Duration]time.Duration{time.Second: commitTime, time.Hour: time.Hour} {
			ctx, cancel := context.WithTimeout(t.Context(), allowed)
			defer cancel()
			if got := time.Until(commitEnd(ctx)); got != want {
				t.Errorf("with %v allowed a COMMIT has %v, want %v", allowed, got, want)
			}
		}
		if got := time.Until(commitEnd(t.Context())); got != commitTime {
			t.Errorf("a COMMIT has %v, want %v", got, commitTime)
		}
	})
}
