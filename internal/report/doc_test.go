package report

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// docs/report.md names every field of the document.
func TestEveryFieldIsDocumented(t *testing.T) {
	body, err := os.ReadFile("../../docs/report.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(body)
	seen := map[reflect.Type]bool{}
	fields := 0
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Array {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			if !f.IsExported() || f.Tag.Get("json") == "-" {
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if fields++; name == "" || !strings.Contains(doc, "`"+name+"`") {
				t.Errorf("docs/report.md does not name %s.%s (%s)", typ.Name(), f.Name, name)
			}
			look(f.Type)
		}
	}
	look(reflect.TypeFor[Report]())
	if fields < 80 {
		t.Errorf("only %d fields were found", fields)
	}
}
