package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// line is a line of the log as the program writes it.
func line(ts, action, backend, status string, duration float64, more string) []byte {
	return fmt.Appendf(nil, `{"v":1,"id":"d614eb42-65c6-4ec3-8b17-c329ff76d813","seq":1,"ts":"%s","action":"%s","actor":"m\"e\\","backend":"%s","duration_ms":%.1f,"status":"%s","prev":"%064d","tombstone":"2967c721-b954-40f0-b201-385c28a7dbb9","repo":"r","path":"a.txt"%s,"attempts":1}`,
		ts, action, backend, duration, status, 0, more)
}

const now = "2025-10-17T13:22:36.123Z"

func TestGroups(t *testing.T) {
	c := NewCollector(Filter{})
	for i := range 100 {
		c.Add(line(now, "RESTORE", "sqlite", "success", float64(100-i), fmt.Sprintf(`,"decompression_ms":%d.5,"write_ms":0.1`, i)))
	}
	c.Add(line(now, "RESTORE_FAIL", "sqlite", "failed", 500, ""))
	c.Add(line(now, "RESTORE_FAIL", "sqlite", "refused", 600, ""))
	c.Add(line(now, "RESTORE", "sqlite", "retrying", 1000, ""))
	c.Add(line(now, "RESTORE", "sqlite", "started", 1000, "")) // its outcome is one of the others
	c.Add(line(now, "ARCHIVE", "sqlite", "success", 7, ""))
	c.Add(line(now, "RESTORE", "postgres", "success", 3, ""))
	for _, bad := range []string{"", "{", "null", "[]", `{"a":1}`, `{"action":"RESTORE","ts":"` + now + `"}`,
		`{"action":"RESTORE","ts":"` + now + `","duration_ms":"1"}`, `{"action":"RESTORE","ts":"` + now + `","duration_ms":-1}`,
		`{"action":"RESTORE","ts":"yesterday","duration_ms":1}`} {
		c.Add([]byte(bad))
	}
	if c.Unreadable != 9 {
		t.Errorf("%d unreadable", c.Unreadable)
	}
	groups := c.Groups()
	var names []string
	for _, g := range groups {
		names = append(names, g.Action+"/"+g.Backend)
	}
	if want := []string{"ARCHIVE/sqlite", "RESTORE/postgres", "RESTORE/sqlite"}; !slices.Equal(names, want) {
		t.Fatalf("%v", names)
	}
	g := groups[2]
	if g.Count != 102 || g.Failures != 2 || g.Retries != 1 || g.Duration.Count() != 100 || g.Failed.Count() != 2 {
		t.Errorf("%+v", g)
	}
	for _, check := range []struct{ got, want float64 }{
		{g.Duration.Mean(), 50.5}, {g.Duration.Percentile(0.5), 50}, {g.Duration.Percentile(0.95), 95},
		{g.Duration.Percentile(0.99), 99}, {g.Duration.Max(), 100}, {g.Failed.Max(), 600},
		{g.Decompression.Max(), 99.5}, {g.Write.Mean(), 0.1}, {groups[0].Write.Mean(), 0},
	} {
		if math.Abs(check.got-check.want) > 1e-9 {
			t.Errorf("%v, want %v", check.got, check.want)
		}
	}
}

func TestFilter(t *testing.T) {
	lines := [][]byte{
		line("2025-10-17T13:22:36.122Z", "RESTORE", "sqlite", "success", 1, ""),
		line("2025-10-17T13:22:36.123Z", "RESTORE_FAIL", "sqlite", "failed", 1, ""),
		line("2025-10-18T00:00:00.000Z", "ARCHIVE", "postgres", "success", 1, ""),
	}
	at := time.Date(2025, 10, 17, 13, 22, 36, 123e6, time.UTC)
	for _, test := range []struct {
		filter Filter
		want   int
	}{
		{Filter{}, 3},
		{Filter{Since: at}, 2},
		{Filter{Since: at.In(time.FixedZone("", 7200))}, 2},
		{Filter{Since: at.Add(time.Microsecond)}, 1},
		{Filter{Since: at.AddDate(0, 0, 2)}, 0},
		{Filter{Action: "restore"}, 2},
		{Filter{Action: "RESTORE_FAIL"}, 2},
		{Filter{Backend: "postgres"}, 1},
		{Filter{Action: "PURGE"}, 0},
	} {
		c := NewCollector(test.filter)
		for _, l := range lines {
			c.Add(l)
		}
		count := 0
		for _, g := range c.Groups() {
			count += g.Count
		}
		if count != test.want {
			t.Errorf("%+v: %d, want %d", test.filter, count, test.want)
		}
	}
}

func TestHistogram(t *testing.T) {
	var timing Timing
	for _, ms := range []float64{0.3, 0.5, 0.6, 12, 12, 50} {
		timing.add(ms)
	}
	want := []Bucket{{0.2, 0.5, 2}, {0.5, 1, 1}, {1, 2, 0}, {2, 5, 0}, {5, 10, 0}, {10, 20, 2}, {20, 50, 1}}
	if got := timing.Histogram(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	var zero Timing
	zero.add(0)
	if got := zero.Histogram(); !slices.Equal(got, []Bucket{{0, 0.1, 1}}) {
		t.Errorf("%v", got)
	}
}

// FuzzRead compares with encoding/json.
func FuzzRead(f *testing.F) {
	f.Add(line(now, "RESTORE", "sqlite", "success", 1, `,"decompression_ms":2e1`))
	f.Add([]byte(`{"action":"A\u0041","status":"\\","duration_ms":1,"x":[1,{"action":"no"}]}`))
	f.Add([]byte(` { "action" : "A" , "duration_ms" : 1 } `))
	f.Add([]byte(`{"action":"a","action":"b","duration_ms":1,"duration_ms":2}`))
	f.Add([]byte(`{"\u0061ction":"a","path":"\"","write_ms":0}`))
	f.Add([]byte(`{"action":"` + "\xff" + `","write_ms":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newDecoder()
		err := d.read(data)
		got := d.fields
		if err == nil && !json.Valid(data) {
			t.Error("what is no JSON was read")
		}
		var all map[string]any
		if json.Unmarshal(data, &all) != nil {
			return
		}
		for key, number := range map[string]struct {
			has phases
			ms  float64
		}{"duration_ms": {hasDuration, got.duration}, "decompression_ms": {hasDecompression, got.decompression}, "write_ms": {hasWrite, got.write}} {
			want, ok := all[key].(float64)
			if ok && err == nil && (got.measured&number.has == 0 || number.ms != want) {
				t.Errorf("%s: %v, want %v", key, number.ms, want)
			}
		}
		for key, text := range map[string][]byte{"ts": got.ts, "action": got.action, "backend": got.backend, "status": got.status} {
			want, ok := all[key].(string)
			if ok && err == nil && strings.ToValidUTF8(string(text), "\uFFFD") != strings.ToValidUTF8(want, "\uFFFD") {
				t.Errorf("%s: %q, want %q", key, text, want)
			}
		}
	})
}

func TestPrometheus(t *testing.T) {
	c := NewCollector(Filter{})
	for i := range 500 {
		c.Add(line(now, "RESTORE", "sqlite", "success", float64(i)*1.3, `,"decompression_ms":2.5,"write_ms":0.0`))
	}
	c.Add(line(now, "RESTORE_FAIL", "sqlite", "failed", 500, ""))
	c.Add(line(now, "RESTORE", `a\"b\nc`, "success", 1, "")) // as JSON writes it
	var out bytes.Buffer
	if err := WritePrometheus(&out, c.Groups(), 3); err != nil {
		t.Fatal(err)
	}
	samples := parseExposition(t, out.String())
	for series, want := range map[string]float64{
		`codex_archive_operations_total{action="RESTORE",backend="sqlite",status="success"}`:                           500,
		`codex_archive_operations_total{action="RESTORE",backend="sqlite",status="failed"}`:                            1,
		`codex_archive_operation_duration_seconds_count{action="RESTORE",backend="sqlite",status="success"}`:           500,
		`codex_archive_operation_duration_seconds_bucket{action="RESTORE",backend="sqlite",status="failed",le="0.5"}`:  1,
		`codex_archive_operation_duration_seconds_bucket{action="RESTORE",backend="sqlite",status="failed",le="0.25"}`: 0,
		`codex_archive_decompression_duration_seconds_bucket{action="RESTORE",backend="sqlite",le="0.0025"}`:           500,
		`codex_archive_decompression_duration_seconds_bucket{action="RESTORE",backend="sqlite",le="0.001"}`:            0,
		`codex_archive_operations_total{action="RESTORE",backend="a\"b\nc",status="success"}`:                          1,
		`codex_archive_evidence_unreadable_lines`:                                                                      3,
	} {
		if got, ok := samples[series]; !ok || got != want {
			t.Errorf("%s is %v (there: %v), want %v", series, got, ok, want)
		}
	}
	if sum := samples[`codex_archive_operation_duration_seconds_sum{action="RESTORE",backend="sqlite",status="success"}`]; math.Abs(sum-162.175) > 1e-6 {
		t.Errorf("sum %v seconds", sum)
	}
}

// parseExposition reads the text format as its description has it, and ends the
// test over what a scraper would refuse: a sample without a type, a family in two
// pieces, a series that comes twice, buckets that do not grow or do not end in
// +Inf with the count.
func parseExposition(t *testing.T, text string) map[string]float64 {
	t.Helper()
	if !strings.HasSuffix(text, "\n") {
		t.Fatal("the last line has no end")
	}
	samples, kinds := map[string]float64{}, map[string]string{}
	buckets := map[string][]float64{} // by series without le: values, in order
	family := ""
	for row := range strings.Lines(text) {
		row = strings.TrimSuffix(row, "\n")
		if head, ok := strings.CutPrefix(row, "# "); ok {
			parts := strings.SplitN(head, " ", 3)
			if len(parts) != 3 || parts[0] != "HELP" && parts[0] != "TYPE" {
				t.Fatalf("%q", row)
			}
			if parts[0] == "TYPE" {
				if _, twice := kinds[parts[1]]; twice {
					t.Fatalf("a second family %s", parts[1])
				}
				family, kinds[parts[1]] = parts[1], parts[2]
			}
			continue
		}
		name, labels, value := parseSample(t, row)
		base := name
		if kinds[family] == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				base = strings.TrimSuffix(base, suffix)
			}
		}
		if base != family || kinds[family] == "counter" && !strings.HasSuffix(name, "_total") {
			t.Fatalf("%q does not belong to %s %s", row, kinds[family], family)
		}
		series, _, _ := strings.Cut(row, " ")
		if i := strings.LastIndex(row, " "); i > 0 {
			series = row[:i]
		}
		if _, twice := samples[series]; twice {
			t.Fatalf("%s comes twice", series)
		}
		samples[series] = value
		checkBuckets(t, buckets, name, labels, value)
	}
	return samples
}

func checkBuckets(t *testing.T, buckets map[string][]float64, name string, labels map[string]string, value float64) {
	t.Helper()
	le, isBucket := labels["le"]
	delete(labels, "le")
	id := strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count") + fmt.Sprint(labels)
	switch {
	case isBucket:
		if _, err := strconv.ParseFloat(le, 64); err != nil {
			t.Fatalf("le=%q", le)
		}
		if before := buckets[id]; len(before) > 0 && before[len(before)-1] > value {
			t.Fatalf("%s: a bucket is smaller than the one before", id)
		}
		buckets[id] = append(buckets[id], value)
		if le == "+Inf" {
			buckets[id] = []float64{value}
		}
	case strings.HasSuffix(name, "_count"):
		if last := buckets[id]; len(last) != 1 || last[0] != value {
			t.Fatalf("%s: the count is %v, the buckets end in %v", id, value, last)
		}
	}
}

// parseSample reads name{label="value",...} number.
func parseSample(t *testing.T, row string) (name string, labels map[string]string, value float64) {
	t.Helper()
	labels = map[string]string{}
	end := strings.IndexAny(row, "{ ")
	name, rest := row[:end], row[end:]
	if rest[0] == '{' {
		rest = rest[1:]
		for rest[0] != '}' {
			label, after, ok := strings.Cut(rest, "=")
			quoted, err := strconv.QuotedPrefix(after)
			if !ok || err != nil {
				t.Fatalf("%q: %v", row, err)
			}
			text, err := strconv.Unquote(quoted)
			if _, twice := labels[label]; twice || err != nil {
				t.Fatalf("%q: label %s, %v", row, label, err)
			}
			labels[label] = text
			rest = strings.TrimPrefix(after[len(quoted):], ",")
		}
		rest = rest[1:]
	}
	value, err := strconv.ParseFloat(strings.TrimPrefix(rest, " "), 64)
	if err != nil {
		t.Fatalf("%q: %v", row, err)
	}
	for r := range maps.Keys(labels) {
		if strings.Trim(r, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Fatalf("label %q", r)
		}
	}
	return name, labels, value
}

func BenchmarkMillion(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	lines := make([][]byte, 10_000)
	size := 0
	for i := range lines {
		lines[i] = line(now, "RESTORE", "sqlite", "success", random.ExpFloat64()*200, `,"commit":"","output":"out/a.txt","decompression_ms":12.3,"write_ms":5.1`)
		size += len(lines[i])
	}
	b.SetBytes(int64(size) * 100)
	for b.Loop() {
		c := NewCollector(Filter{})
		for i := range 1_000_000 {
			c.Add(lines[i%len(lines)])
		}
		if g := c.Groups(); g[0].Count != 1_000_000 || g[0].Duration.Percentile(0.95) == 0 {
			b.Fatal("wrong")
		}
	}
}
