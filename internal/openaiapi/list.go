package openaiapi

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
)

// maxPages bounds a list. Nobody has so many jobs or files; a service that never ends one is broken.
const maxPages = 200

// pages fetches a list page by page with fetch, which is get or once. The last entry of a page is asked for as the start
// of the next, so a service that ignores it would be asked for ever: a page that ends where one before ended is an error.
func pages[T any](ctx context.Context, fetch func(context.Context, string, url.Values, any) error, path string, query url.Values, id func(T) string) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		query, seen := maps.Clone(query), map[string]bool{}
		for {
			var page struct {
				Data    []T  `json:"data"`
				HasMore bool `json:"has_more"`
			}
			if err := fetch(ctx, path, query, &page); err != nil {
				yield(nil, err)
				return
			}
			if !yield(page.Data, nil) || !page.HasMore || len(page.Data) == 0 {
				return
			}
			last := id(page.Data[len(page.Data)-1])
			if seen[last] || len(seen) == maxPages-1 {
				yield(nil, final{fmt.Errorf("the list %s does not end: %d pages, the last of them up to %q", path, len(seen)+1, last)})
				return
			}
			seen[last] = true
			query.Set("after", last)
		}
	}
}

// once fetches and decodes a resource without retries.
func (c *Client) once(ctx context.Context, path string, query url.Values, into any) error {
	return c.send(ctx, http.MethodGet, path, query, nil, into)
}
