package published

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"aead.dev/minisign"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/sdk"
)

// entry is one entry of an archive to be made.
type entry struct {
	name, text string
	mode       fs.FileMode // 0: a file, 0755
	typeflag   byte        // of a tar, instead of what mode says
}

var program = "codex-archive-x" + exe()

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if e.mode == 0 {
			e.mode = 0o755
		}
		h := &tar.Header{Name: e.name, Size: int64(len(e.text)), Mode: int64(e.mode.Perm()), Typeflag: tar.TypeReg}
		switch {
		case e.mode.IsDir():
			h.Typeflag = tar.TypeDir
		case e.mode&fs.ModeSetuid != 0:
			h.Mode |= 0o4000
		case e.typeflag != 0:
			h.Typeflag, h.Linkname, h.Size = e.typeflag, e.text, 0
		}
		if e.typeflag == tar.TypeXGlobalHeader {
			h = &tar.Header{Typeflag: e.typeflag, PAXRecords: map[string]string{"comment": e.text}}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			io.WriteString(w, e.text)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// slashed puts a slash into the first name of a tar, where a writer of this library
// puts none.
func slashed(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[at] = '/'
	sum := int(8 * ' ') // that of its own field
	for i, b := range data[:512] {
		if i < 148 || i >= 156 {
			sum += int(b)
		}
	}
	copy(data[148:], fmt.Sprintf("%06o\x00 ", sum))
	return data
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.mode == 0 {
			e.mode = 0o755
		}
		h.SetMode(e.mode)
		if e.mode.IsDir() {
			h.Name += "/"
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if !e.mode.IsDir() {
			io.WriteString(f, e.text)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// open opens data as a file of that name. It fails the test if anything but the
// program, and the copy that was verified, is left in the private directory or beside
// it.
func open(t *testing.T, name string, data []byte, o Options) (Package, error) {
	t.Helper()
	work := t.TempDir()
	dir := filepath.Join(work, "private")
	path := filepath.Join(work, name)
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(path, data, 0o644)); err != nil {
		t.Fatal(err)
	}
	p, err := openIn(t.Context(), path, dir, o)
	left, _ := filepath.Glob(filepath.Join(work, "*"))
	inside, _ := os.ReadDir(dir)
	if len(left) != 2 || len(inside) > 2 || err == nil && len(inside) != 2 {
		t.Errorf("left behind: %v, %v", left, inside)
	}
	return p, err
}

// openIn is Open with limits that tests can reach.
func openIn(ctx context.Context, path, dir string, o Options) (Package, error) {
	p := opening{options: o, dir: dir, limits: limits{archive: 1 << 20, program: 1 << 10, total: 64 << 10, directory: 16 << 10, entries: 20}}
	return p.open(ctx, path, path, filepath.Base(path))
}

// TestOpen takes the program out of each form, and out of archives with other
// files.
func TestOpen(t *testing.T) {
	version := "codex-archive-x_1.2.0_" + runtime.GOOS + "_" + runtime.GOARCH
	entries := []entry{
		{name: version, mode: fs.ModeDir | 0o755}, {name: version + "/LICENSE", text: "free", mode: 0o644},
		{name: version + "/" + program, text: "#!program", mode: 0o644}, {name: version + "/codex-archive-x.txt.md", text: "no"},
	}
	pax := append([]entry{{typeflag: tar.TypeXGlobalHeader, text: "a commit"}, {typeflag: tar.TypeXGlobalHeader, text: "another"}}, entries...)
	for name, data := range map[string][]byte{
		version + ".tar.gz": gzipped(tarOf(t, entries...)),
		version + ".tar":    tarOf(t, pax...),
		"any-name":          gzipped(tarOf(t, entry{name: "./" + program, text: "#!program"})),
		version + ".zip":    zipOf(t, entries...),
		version + exe():     []byte("#!program"),
		program:             []byte("#!program"),
	} {
		p, err := open(t, name, data, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, err := os.ReadFile(p.Path)
		if err != nil || string(text) != "#!program" || p.Backend != "x" || (p.Version == "1.2.0") != strings.HasPrefix(name, version) || filepath.Base(p.Path) != program {
			t.Errorf("%s: %+v, %q, %v", name, p, text, err)
		}
	}
	two := tarOf(t, entry{name: program, text: "x"}, entry{name: "codex-archive-y" + exe(), text: "y"})
	if p, err := open(t, "two.tar", two, Options{Backend: "y"}); err != nil || p.Backend != "y" {
		t.Errorf("one of two: %+v, %v", p, err)
	}
}

// TestHostile opens what a vendor, or another in its name, might publish to do
// harm. Nothing of it is unpacked elsewhere, and the archive as a whole is refused.
func TestHostile(t *testing.T) {
	good := entry{name: program, text: "#!program"}
	plain := tarOf(t, good)
	other := "codex-archive-x_1.2.0_plan9_mips"
	many := []entry{good}
	for i := range 30 {
		many = append(many, entry{name: "d/" + strings.Repeat("f", i+1), text: "x"})
	}
	both := map[string]struct {
		entries []entry
		says    string
	}{
		"a path up":                {[]entry{{name: "../" + program, text: "x"}}, "is no name of a file"},
		"a path up, elsewhere":     {[]entry{good, {name: "a/../../b", text: "x"}}, "is no name of a file"},
		"an absolute path":         {[]entry{{name: "/tmp/" + program, text: "x"}}, "is no name of a file"},
		"a path of Windows":        {[]entry{good, {name: `..\x`, text: "x"}}, "is no name of a file"},
		"a drive":                  {[]entry{good, {name: "C:x", text: "x"}}, "is no name of a file"},
		"a control character":      {[]entry{good, {name: "a\x1b[31m", text: "x"}}, "is no name of a file"},
		"a link":                   {[]entry{good, {name: "l", text: "/etc/passwd", mode: fs.ModeSymlink | 0o777, typeflag: tar.TypeSymlink}}, "is a symbolic link"},
		"a program that is a link": {[]entry{{name: program, text: "/bin/sh", mode: fs.ModeSymlink | 0o777, typeflag: tar.TypeSymlink}}, "is a symbolic link"},
		"setuid":                   {[]entry{{name: program, text: "x", mode: fs.ModeSetuid | 0o755}}, "setuid"},
		"twice":                    {[]entry{good, good}, "is there twice"},
		"twice, by case":           {[]entry{good, {name: "A", text: "1"}, {name: "a", text: "2"}}, "is there twice"},
		"two backends":             {[]entry{good, {name: "codex-archive-y" + exe(), text: "y"}}, "several programs of backends (x, y)"},
		"two of one backend":       {[]entry{good, {name: "a/" + program, text: "y"}}, "several programs"},
		"none":                     {[]entry{{name: "README", text: "x"}}, "no program of a backend for this system"},
		"no backend's name":        {[]entry{{name: "codex-archive-Wrong", text: "x"}}, "no program of a backend"},
		"many entries":             {many, "more than 20 entries"},
		"a huge program":           {[]entry{{name: program, text: strings.Repeat("x", 2<<10)}}, "the program has more than 1024 bytes"},
	}
	cases := map[string]struct {
		name string
		data []byte
		says string
	}{
		"a hard link":         {"x.tar", tarOf(t, good, entry{name: "h", text: program, typeflag: tar.TypeLink}), "is a special file"},
		"a slash at the end":  {"x.tar", slashed(tarOf(t, entry{name: program + "_", text: "x"}), len(program)), "is a file with the name of a directory"},
		"a device":            {"x.tar", tarOf(t, good, entry{name: "d", typeflag: tar.TypeChar}), "is a device"},
		"a pipe":              {"x.tar", tarOf(t, good, entry{name: "p", typeflag: tar.TypeFifo}), "is a pipe"},
		"an endless member":   {"x.tgz", gzipped(tarOf(t, good, entry{name: "zeros", text: strings.Repeat("\x00", 100<<10)})), "what it unpacks to has more than"},
		"endless zeros":       {"x.tgz", gzipped(append(bytes.Clone(plain), make([]byte, 100<<10)...)), "what it unpacks to has more than"},
		"a second archive":    {"x.tar", append(bytes.Clone(plain), plain...), "something follows the end of the tar"},
		"a second gzip":       {"x.tgz", append(gzipped(plain), gzipped(plain)...), "something follows the end of the tar"},
		"a bad checksum":      {"x.tgz", append(gzipped(plain)[:len(gzipped(plain))-8], 1, 2, 3, 4, 5, 6, 7, 8), "read the tar"},
		"cut off":             {"x.tar", plain[:515], "it ends in the middle"},
		"cut off, gzip":       {"x.tgz", gzipped(plain)[:60], "read the tar"},
		"gzip of no tar":      {"x.gz", gzipped([]byte("hello")), "read the tar"},
		"a large directory":   {"x.zip", zipOf(t, entry{name: strings.Repeat("a/", 15<<10) + "b", text: "x"}), "its directory is too large"},
		"a broken zip":        {"x.zip", []byte("PK\x03\x04 and no more"), "read the zip"},
		"another platform":    {other + ".tar.gz", gzipped(plain), "it is for plan9/mips"},
		"xz":                  {"x.tar.xz", []byte("\xfd7zXZ\x00 and more"), "it is packed with xz"},
		"a program's name":    {"program", []byte("\x7fELF"), "a program of a backend is called codex-archive-NAME"},
		"a huge file":         {program, make([]byte, 2<<20), "it has more than"},
		"a huge bare program": {program, make([]byte, 2<<10), "the program has more than 1024 bytes"},
	}
	for name, c := range both {
		cases[name+", tar"] = struct {
			name string
			data []byte
			says string
		}{"x.tar.gz", gzipped(tarOf(t, c.entries...)), c.says}
		cases[name+", zip"] = struct {
			name string
			data []byte
			says string
		}{"x.zip", zipOf(t, c.entries...), c.says}
	}
	for name, c := range cases {
		p, err := open(t, c.name, c.data, Options{})
		var failure *output.Failure
		if !errors.As(err, &failure) || failure.Code() != output.ExitUsage || !strings.Contains(err.Error(), c.says) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// TestVerified: what differs from its sum or signature is not unpacked.
func TestVerified(t *testing.T) {
	data := gzipped(tarOf(t, entry{name: program, text: "#!program"}))
	key, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger, _, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(data []byte) []byte {
		r := minisign.NewReader(bytes.NewReader(data))
		io.Copy(io.Discard, r)
		return r.SignWithComments(private, "file:x.tgz", "untrusted")
	}
	keyText, _ := key.MarshalText()
	signature, err := ParseSignature(sign(data), keyText)
	if err != nil {
		t.Fatal(err)
	}
	p, err := open(t, "x.tgz", data, Options{})
	if err != nil || p.Signer != nil {
		t.Fatal(p, err)
	}
	sum := p.Source
	if p, err = open(t, "x.tgz", data, Options{SHA256: &sum, Signature: signature}); err != nil || p.Signer == nil || p.Signer.Comment != "file:x.tgz" {
		t.Errorf("%+v, %v", p, err)
	}
	wrong, err := ParseSignature(sign([]byte("other")), []byte(key.String()))
	if err != nil {
		t.Fatal(err)
	}
	comment, err := ParseSignature(bytes.Replace(sign(data), []byte("file:x.tgz"), []byte("file:y.tgz"), 1), keyText)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"another sum": {SHA256: &sdk.Digest{}, Signature: signature}, "another file": {SHA256: &sum, Signature: wrong}, "another comment": {Signature: comment},
	} {
		var failure *output.Failure
		if p, err := open(t, "x.tgz", data, o); !errors.As(err, &failure) || failure.Code() != output.ExitIntegrity {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	strangerText, _ := stranger.MarshalText()
	for name, c := range map[string]struct{ signature, key []byte }{
		"another key": {sign(data), strangerText}, "the old form": {minisign.Sign(private, data), keyText},
		"no signature": {[]byte("hello"), keyText}, "no key": {sign(data), []byte("hello")}, "the wrong way round": {keyText, sign(data)},
	} {
		if s, err := ParseSignature(c.signature, c.key); err == nil || strings.Contains(err.Error(), "minisign: minisign") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// TestKeyFiles: a public key is found among what people put around it, and what is no
// public key says what it is.
func TestKeyFiles(t *testing.T) {
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := public.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	signature := minisign.Sign(private, []byte("x"))
	line := strings.TrimSpace(public.String())
	for name, key := range map[string]string{
		"as it was written": string(text), "line alone": line, "of Windows": "\ufeff" + strings.ReplaceAll(string(text), "\n", "\r\n"),
		"blank lines": "\n\n" + line + "\n\n", "comments": "# our key\nuntrusted comment: of a vendor\n  " + line + "  \n# until 2030\n",
	} {
		if _, err := ParseSignature(signature, []byte(key)); err != nil && !strings.Contains(err.Error(), "old form") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for says, key := range map[string]string{
		"secret key, which only its owner may have": "untrusted comment: minisign encrypted secret key\nRWRTY0Iy\n",
		"has 2 lines besides comments":              line + "\n" + line + "\n",
		"has 0 lines besides comments":              "# nothing\n",
		"not one of minisign":                       line[:20],
	} {
		if _, err := ParseSignature(signature, []byte(key)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// TestDirectory takes the program that lies in a directory, and no link.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	take := func(o Options) (Package, error) { return Open(t.Context(), dir, t.TempDir(), o) }
	if _, err := take(Options{}); err == nil || !strings.Contains(err.Error(), "no program of a backend") {
		t.Errorf("an empty one: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, program), []byte("#!program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if p, err := take(Options{}); err != nil || p.Backend != "x" || p.Source != p.SHA256 {
		t.Errorf("%+v, %v", p, err)
	}
	if err := os.Symlink("/bin/sh", filepath.Join(dir, "codex-archive-y"+exe())); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	for backend, says := range map[string]string{"": "several programs of backends (x, y)", "y": "is a symbolic link", "z": `no program of backend "z", and of x, y`} {
		if p, err := take(Options{Backend: backend}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %+v, %v", backend, p, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, dir, t.TempDir(), Options{Backend: "x"}); output.CodeOf(err) != output.ExitInterrupted {
		t.Errorf("interrupted: %v", err)
	}
}

func TestParseName(t *testing.T) {
	for name, want := range map[string]Name{
		"codex-archive-x": {Backend: "x"}, "codex-archive-x.exe": {Backend: "x"}, "codex-archive-a-b_v1.0-rc1+b_linux_arm64": {"a-b", "v1.0-rc1+b", "linux/arm64"},
		"codex-archive-x_1_windows_amd64.exe": {"x", "1", "windows/amd64"}, "codex-archive-x_1.0_darwin_arm64.tar.gz": {"x", "1.0", "darwin/arm64"},
	} {
		if n, archive, ok := ParseName(name); !ok || n != want || archive != strings.HasSuffix(name, ".gz") {
			t.Errorf("%s: %+v, %v, %v", name, n, archive, ok)
		}
	}
	for _, name := range []string{"", "x", "codex-archive-", "codex-archive-X", "codex-archive-x_1_linux", "codex-archive-x_one_linux_amd64", "codex-archive-x_1_linux_x86_64", "codex-archive-x_1__amd64", "codex-archive-x/y"} {
		if n, _, ok := ParseName(name); ok {
			t.Errorf("%s: %+v", name, n)
		}
	}
}

func TestParseSums(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	text := a + "  codex-archive-x_1.0_linux_amd64.tar.gz\n" + a + "  ./codex-archive-x_1.0_linux_amd64/codex-archive-x\r\n" + b + " *codex-archive-x_1.0_windows_amd64/codex-archive-x.exe\n\n" +
		b + "  dist/codex-archive-y_2_darwin_arm64\n" + b + "  README.md\n" + b + "  codex-archive-x_1.0_linux_amd64/codex-archive-z\n" + b + "  codex-archive-x\n"
	programs, err := ParseSums([]byte(text))
	lock := pluginhost.NewLock("")
	for _, p := range programs {
		lock.Set(p)
	}
	want := "x linux/amd64 " + a + " 1.0\nx windows/amd64 " + b + " 1.0\ny darwin/arm64 " + b + " 2\n"
	if err != nil || !strings.HasSuffix(lock.String(), "]\n"+want) {
		t.Errorf("%v\n%s", err, lock)
	}
	for name, text := range map[string]string{
		"nothing": "", "no program": a + "  README.md\n", "no sum": "hello  codex-archive-x\n", "a short sum": a[:63] + "  codex-archive-x\n",
		"one blank": a + " codex-archive-x_1_linux_amd64\n", "two sums": a + "  codex-archive-x_1_linux_amd64\n" + b + "  codex-archive-x_1_linux_amd64\n",
		"two versions": a + "  codex-archive-x_1_linux_amd64\n" + a + "  codex-archive-x_2_linux_amd64\n", "BSD's form": "SHA256 (x) = " + a + "\n",
	} {
		if programs, err := ParseSums([]byte(text)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, %v", name, programs, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(zipOf(f, entry{name: program, text: "x"}))
	f.Add(tarOf(f, entry{name: program, text: "x"}))
	f.Add(gzipped(tarOf(f, entry{name: program, text: "x"})))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := open(t, "x", data, Options{})
		if err == nil && (p.Backend == "" || filepath.Base(p.Path) != pluginhost.Prefix+p.Backend+exe()) {
			t.Errorf("%+v", p)
		}
	})
}
