package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// leastAttacks is how many attacks the table has at least.
const leastAttacks = 30

// Every attack in the table of SECURITY.md has a test that is there, by its folder, its name and, if it says so, its case.
func TestSecurityTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", ".github", "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| attack | what stands against it | test |\n| --- | --- | --- |\n")
	if !ok {
		t.Fatal("SECURITY.md has no table of attacks")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	known := map[string]map[string]*ast.FuncDecl{} // by folder and name
	attacks := map[string]bool{}
	for row := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), "|")
		if len(cells) != 3 {
			t.Errorf("a row of %d cells: %s", len(cells), row)
			continue
		}
		attack := strings.TrimSpace(cells[0])
		if attack == "" || attacks[attack] || strings.TrimSpace(cells[1]) == "" {
			t.Errorf("the attack %q is there twice, or says nothing", attack)
		}
		attacks[attack] = true
		named := 0
		for i, name := range strings.Split(cells[2], "`") {
			if i%2 == 0 {
				continue // between two of them
			}
			named++
			folder, test, _ := strings.Cut(name, ".")
			test, sub, hasSub := strings.Cut(test, "/")
			if known[folder] == nil {
				known[folder] = testsIn(t, filepath.Join("..", "..", filepath.FromSlash(folder)))
			}
			f := known[folder][test]
			if f == nil {
				t.Errorf("%s: there is no test %s in %s", attack, test, folder)
			} else if hasSub && !hasCase(f, sub) {
				t.Errorf("%s: %s.%s has no case %s", attack, folder, test, sub)
			}
		}
		if named == 0 {
			t.Errorf("%s: no test is named", attack)
		}
	}
	if len(attacks) < leastAttacks {
		t.Errorf("%d attacks, want %d at least", len(attacks), leastAttacks)
	}
}

// testsIn are the tests and fuzz tests of a package.
func testsIn(t *testing.T, dir string) map[string]*ast.FuncDecl {
	t.Helper()
	found := map[string]*ast.FuncDecl{}
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				found[f.Name.Name] = f
			}
		}
	}
	return found
}

// hasCase tells whether a test runs cases by name and one has that name, as "go test -run" writes it.
func hasCase(f *ast.FuncDecl, name string) bool {
	runs, named := false, false
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			runs = runs || n.Sel.Name == "Run"
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				text, err := strconv.Unquote(n.Value)
				named = named || err == nil && strings.ReplaceAll(text, " ", "_") == name
			}
		}
		return true
	})
	return runs && named
}
