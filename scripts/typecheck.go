//go:build ignore

// typecheck.go checks the types of this module for other platforms, tests included,
// from source. Compiling what the module depends on, as go build and go vet must,
// would take fifty times longer for each platform, and tell no more of our code.
//
//	go run -modfile=scripts/tools.mod scripts/typecheck.go linux/arm64 darwin/arm64
//
// It is run from the top of the module.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	ok := true
	for _, platform := range os.Args[1:] {
		if err := check(platform); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", platform, err)
			ok = false
		}
	}
	if !ok {
		os.Exit(1)
	}
}

func check(platform string) error {
	goos, arch, found := strings.Cut(platform, "/")
	if !found {
		return fmt.Errorf("want a platform as linux/arm64")
	}
	top, err := os.Getwd()
	if err != nil {
		return err
	}
	ours := func(file string) bool { return strings.HasPrefix(file, top+string(filepath.Separator)) }
	all, err := packages.Load(&packages.Config{
		Mode:  packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedTypesSizes,
		Env:   append(os.Environ(), "GOOS="+goos, "GOARCH="+arch, "CGO_ENABLED=0"),
		Tests: true,
		ParseFile: func(set *token.FileSet, name string, text []byte) (*ast.File, error) {
			file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
			if file != nil && !ours(name) {
				withoutBodies(file)
			}
			return file, err
		},
	}, "./cli/...", "./sdk/...", "./plugins/...", "./scripts/...")
	if err != nil {
		return err
	}
	wrong := 0
	for _, p := range all {
		for _, e := range p.Errors {
			if e.Kind != packages.TypeError || ours(e.Pos) { // what has no bodies has errors of that
				fmt.Fprintln(os.Stderr, e)
				wrong++
			}
		}
	}
	if wrong > 0 || len(all) < fewest {
		return fmt.Errorf("%d errors in %d packages and tests", wrong, len(all))
	}
	return nil
}

// fewest is less than there are packages.
const fewest = 50

// withoutBodies leaves the declarations of a file, which is all that others see of it.
func withoutBodies(file *ast.File) {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			f.Body = nil
		}
	}
}
