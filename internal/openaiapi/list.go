package openaiapi

import (
	"context"
	"encoding/json"
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
			var page page[T]
			if err := fetch(ctx, path, query, &page); err != nil {
				yield(nil, err)
				return
			}
			if !yield(page.data, nil) || !page.more || len(page.data) == 0 {
				return
			}
			last := id(page.data[len(page.data)-1])
			if seen[last] || len(seen) == maxPages-1 {
				yield(nil, final{fmt.Errorf("the list %s does not end: %d pages, the last of them up to %q", path, len(seen)+1, last)})
				return
			}
			seen[last] = true
			query.Set("after", last)
		}
	}
}

// page is one reply to the question for a list.
type page[T any] struct {
	data []T
	more bool
}

// UnmarshalJSON wants a list, be it an empty one: a reply without any, such as a proxy's error that came with a status of
// success, does not say that there is nothing.
func (p *page[T]) UnmarshalJSON(b []byte) error {
	var sent struct {
		Data    []T             `json:"data"`
		HasMore bool            `json:"has_more"`
		Error   json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(b, &sent); err != nil {
		return err
	}
	if sent.Data == nil {
		return fmt.Errorf("it has no list%s", blame(sent.Error))
	}
	*p = page[T]{sent.Data, sent.HasMore}
	return nil
}

// once fetches and decodes a resource without retries.
func (c *Client) once(ctx context.Context, path string, query url.Values, into any) error {
	return c.send(ctx, http.MethodGet, path, query, nil, into)
}
