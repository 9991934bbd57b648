package render

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

func parsed(t testing.TB, page string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// outline is a page without its texts: its elements, with the names of their attributes.
func outline(n *html.Node) string {
	var b strings.Builder
	for k := range n.Descendants() {
		switch k.Type {
		case html.ElementNode:
			b.WriteString("\n<" + k.Data)
			for _, a := range k.Attr {
				b.WriteString(" " + a.Key)
			}
		case html.CommentNode:
			b.WriteString("\n<!--")
		}
	}
	return b.String()
}

// sealed fails where a text of the mark stands in an attribute, in the style sheet or the script, or in no element that sets it apart.
func sealed(t testing.TB, doc *html.Node, mark string) {
	t.Helper()
	seen := 0
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if strings.Contains(a.Key+a.Val, mark) {
				t.Errorf("the attribute %s of %s holds it: %.200q", a.Key, n.Data, a.Val)
			}
		}
		if n.Type == html.CommentNode || n.Type == html.DoctypeNode && n.Data != "html" {
			t.Errorf("a comment: %.200q", n.Data)
		}
		if n.Type != html.TextNode || !strings.Contains(n.Data, mark) {
			continue
		}
		seen++
		apart := slices.ContainsFunc(slices.Collect(n.Ancestors()), func(a *html.Node) bool {
			return a.Type == html.ElementNode && (a.Data == "bdi" || a.Data == "title" ||
				slices.ContainsFunc(a.Attr, func(x html.Attribute) bool { return x.Key == "dir" && x.Val == "auto" }))
		})
		if !apart || n.Parent.Data == "script" || n.Parent.Data == "style" {
			t.Errorf("in %s, not set apart: %.200q", n.Parent.Data, n.Data)
		}
		for _, r := range n.Data {
			if unicode.In(r, unicode.Cc, unicode.Bidi_Control) && r != '\n' {
				t.Errorf("in %s: the character %U", n.Parent.Data, r)
			}
		}
	}
	if seen < 20 {
		t.Errorf("it stands in %d places only", seen)
	}
}

// pictures returns the outer SVGs of a page.
func pictures(page string) (out []string) {
	for {
		i := strings.Index(page, "<svg ")
		if i < 0 {
			return out
		}
		page = page[i:]
		depth, end := 0, 0
		for end < len(page) {
			if strings.HasPrefix(page[end:], "<svg ") {
				depth++
			} else if strings.HasPrefix(page[end:], "</svg>") {
				if depth--; depth == 0 {
					end += len("</svg>")
					break
				}
			}
			end++
		}
		out = append(out, page[:end])
		page = page[end:]
	}
}

// wellFormed reads a picture as XML; it has a name and a description, and nothing in it acts or leads elsewhere.
func wellFormed(t testing.TB, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	said := map[string]string{}
	var path []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("%v in %.300q", err, svg)
			return
		}
		switch k := token.(type) {
		case xml.StartElement:
			path = append(path, k.Name.Local)
			if !slices.Contains([]string{"svg", "title", "desc", "g", "line", "rect", "circle", "polyline", "text"}, k.Name.Local) {
				t.Errorf("the element %s in a picture", k.Name.Local)
			}
			for _, a := range k.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") || strings.HasPrefix(a.Name.Local, "on") || strings.Contains(a.Name.Local, "href") {
					t.Errorf("%s=%q in a picture", a.Name.Local, a.Value)
				}
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			said[strings.Join(path, "/")] += string(k)
		}
	}
	if said["svg/title"] == "" || said["svg/desc"] == "" || !strings.HasPrefix(svg, `<svg role="img" `) {
		t.Errorf("a picture without name or description: %.200q", svg)
	}
}

// No text leaves its place: whatever it is, the page is the same but for it.
func TestHostileTextsStayInTheirPlaceInHTML(t *testing.T) {
	harmless := outline(parsed(t, HTML(marked("x"), nil)))
	for _, s := range []string{hostile(), `" onload="alert(1)`, `' autofocus onfocus='x`, "</title></svg></bdi></style></script><script>alert(1)</script>", "]]>--><!--", "{{.}}", "\u202eover\u2066", "\x00\x1b[2J\xff\xfe", strings.Repeat("ab", 3000)} {
		page := HTML(marked("x"+"ZQZ"+s), nil)
		doc := parsed(t, page)
		if got := outline(doc); got != harmless {
			t.Errorf("%.40q changes the page: %d and %d elements", s, strings.Count(got, "\n<"), strings.Count(harmless, "\n<"))
		}
		sealed(t, doc, "ZQZ")
		for _, svg := range pictures(page) {
			wellFormed(t, svg)
		}
	}
}

func FuzzHTML(f *testing.F) {
	harmless := outline(parsed(f, HTML(marked("x"), nil)))
	f.Add(hostile())
	f.Add("</bdi><img src=x onerror=alert(1)>")
	f.Fuzz(func(t *testing.T, s string) {
		page := HTML(marked("xZQZ"+s), nil)
		doc := parsed(t, page)
		if outline(doc) != harmless {
			t.Errorf("%q changes the page", s)
		}
		sealed(t, doc, "ZQZ")
		for _, svg := range pictures(page) {
			wellFormed(t, svg)
		}
	})
}

// Every picture of every case is well-formed, and the pages' policy lets their own style sheet and script act, nothing else.
func TestPagesAreSound(t *testing.T) {
	for name, page := range pages() {
		for _, svg := range pictures(page) {
			wellFormed(t, svg)
		}
		policy, ids := "", map[string]bool{}
		doc := parsed(t, page)
		for n := range doc.Descendants() {
			for _, a := range n.Attr {
				switch {
				case a.Key == "id":
					if ids[a.Val] {
						t.Errorf("%s: the id %s is there twice", name, a.Val)
					}
					ids[a.Val] = true
				case a.Key == "content" && strings.HasPrefix(a.Val, "default-src"):
					policy = a.Val
				case a.Key == "src" || a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "href" && !strings.HasPrefix(a.Val, "#"):
					t.Errorf("%s: %s of %s: %.100q", name, a.Key, n.Data, a.Val)
				}
			}
		}
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if n.Data == "style" || n.Data == "script" {
				sum := sha256.Sum256([]byte(n.FirstChild.Data))
				if !strings.Contains(policy, n.Data+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
					t.Errorf("%s: the policy %q does not let its %s act", name, policy, n.Data)
				}
			}
			for _, a := range n.Attr {
				if a.Key == "href" && !ids[a.Val[1:]] {
					t.Errorf("%s: the link %s leads nowhere", name, a.Val)
				}
			}
		}
		if !strings.HasPrefix(policy, "default-src 'none'; base-uri 'none'; form-action 'none'; ") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy is %q", name, policy)
		}
	}
}
