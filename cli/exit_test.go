package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// TestKindsComplete holds the table against the kinds of the contract, and
// against every kind that this program's own source names.
func TestKindsComplete(t *testing.T) {
	var words []string
	for _, k := range errorKinds {
		if slices.Contains(words, k.word) {
			t.Errorf("%s is there twice", k.word)
		}
		words = append(words, k.word)
		if k.meaning == "" || k.causes == "" {
			t.Errorf("%s is not explained", k.word)
		}
		if !slices.ContainsFunc(exitCodes, func(c exitCode) bool { return c.code == k.code }) {
			t.Errorf("%s ends with %d, which is no exit code", k.word, k.code)
		}
	}
	for i, k := range sdk.Kinds() {
		if i >= len(words) || words[i] != k.String() {
			t.Errorf("kind %d, %s, is not row %d of the table", int(k), k, i)
		}
	}
	for _, word := range kindsInSource(t) {
		if !slices.Contains(words, word) {
			t.Errorf("%q is the kind of a failure, and not in the table", word)
		}
	}
}

// kindsInSource returns the literals that the source gives to the field kind of
// a failure.
func kindsInSource(t *testing.T) []string {
	t.Helper()
	var words []string
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	for _, entry := range files {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, entry.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if assign, ok := n.(*ast.AssignStmt); ok && assignsKind(assign) {
				t.Errorf("%s: the kind of a failure is set apart from it, where this test cannot read it", set.Position(assign.Pos()))
			}
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if name, ok := literal.Type.(*ast.Ident); !ok || name.Name != "failure" {
				return true
			}
			for _, element := range literal.Elts {
				pair, ok := element.(*ast.KeyValueExpr)
				if !ok {
					t.Fatalf("%s: a failure without names of fields", set.Position(literal.Pos()))
				}
				value, ok := pair.Value.(*ast.BasicLit)
				if ok && pair.Key.(*ast.Ident).Name == "kind" {
					word, err := strconv.Unquote(value.Value)
					if err != nil {
						t.Fatal(err)
					}
					words = append(words, word)
				}
			}
			return true
		})
	}
	if len(words) < 5 {
		t.Fatalf("only %d kinds found in the source: %v", len(words), words)
	}
	return words
}

func assignsKind(a *ast.AssignStmt) bool {
	return slices.ContainsFunc(a.Lhs, func(e ast.Expr) bool {
		field, ok := e.(*ast.SelectorExpr)
		return ok && field.Sel.Name == "kind"
	})
}

// TestExitCodesExplained holds the table against the order of precedence, which
// names every code but success.
func TestExitCodesExplained(t *testing.T) {
	for _, c := range exitCodes {
		if c.code != exitDone && !slices.Contains(codeOrder, c.code) {
			t.Errorf("exit code %d has no place in the order", c.code)
		}
		if c.code != exitDone && (len(c.causes) == 0 || len(c.remedy) == 0) {
			t.Errorf("exit code %d is not explained", c.code)
		}
		for line := range strings.Lines(c.meaning) {
			if len(strings.TrimSpace(line)) > 75 {
				t.Errorf("exit code %d: a line of the help is too long: %q", c.code, line)
			}
		}
	}
	for _, code := range codeOrder {
		if !slices.ContainsFunc(exitCodes, func(c exitCode) bool { return c.code == code }) {
			t.Errorf("exit code %d is not in the table", code)
		}
	}
}
