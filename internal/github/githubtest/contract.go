package githubtest

import (
	"net/http"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/tunegate/tunegate/internal/contract"
)

var description = sync.OnceValues(func() (*contract.Description, error) {
	d, err := contract.Load("github-pruned.json", func(doc *openapi3.T) {
		// The router takes {path} for one element.
		for _, p := range []string{"/repos/{owner}/{repo}/contents/{path}", "/repos/{owner}/{repo}/git/ref/{ref}"} {
			if item := doc.Paths.Value(p); item != nil {
				doc.Paths.Delete(p)
				doc.Paths.Set(p[:len(p)-1]+":.+}", item)
			}
		}
		// GitHub does send null for the repository of a head that is gone.
		head := doc.Components.Schemas["pull-request"].Value.Properties["head"].Value
		gone := *head.Properties["repo"].Value
		gone.Nullable = true
		head.Properties["repo"] = &openapi3.SchemaRef{Value: &gone}
	})
	if err != nil {
		return nil, err
	}
	d.Refusal = func(d *contract.Description, body []byte) error { return d.Visit("basic-error", body) }
	return d, nil
})

// checked checks the exchanges with next, where the description is at hand.
func (f *Fake) checked(next http.Handler) http.Handler {
	f.t.Helper()
	if !contract.AtHand() {
		f.t.Log(contract.Unchecked)
		return next
	}
	d, err := description()
	if err != nil {
		f.t.Fatal(err)
	}
	return d.Check(f.t, next)
}
