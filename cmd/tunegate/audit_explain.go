package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
)

// explain says what a rule looks for; every rule for "all".
func explain(w io.Writer, name string) error {
	rules := append(audit.Rules(), audit.OutsideRules()...)
	var names []string
	said := false
	for _, r := range rules {
		names = append(names, r.Name)
		if name != r.Name && name != "all" {
			continue
		}
		if said {
			fmt.Fprintln(w)
		}
		said = true
		when := "quick audit"
		switch {
		case r.Deep:
			when = "deep audit"
		case r.Check.Deep != nil:
			when = "quick audit, and closer in a deep one"
		}
		fmt.Fprintf(w, "%s (%s, %s)\n%s", r.Name, r.Severity, when, wrapped(r.Doc, "  "))
	}
	if said {
		return nil
	}
	hint := "the rules are " + strings.Join(names, ", ")
	if near := diag.Nearest(name, names); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return usageError{fmt.Sprintf("there is no rule %q", name), hint}
}
