package localtune

import (
	"fmt"
	"strings"
	"sync"

	"github.com/tunegate/tunegate/internal/tokens"
)

// tokenCounts counts tokens as o200k_base does, for usage and billing. A long text is counted once: the system
// message of a benchmark comes thousands of times.
type tokenCounts struct {
	pool sync.Pool
	mu   sync.Mutex
	long map[string]int
}

func newTokenCounts() (*tokenCounts, error) {
	enc, err := tokens.Load("o200k_base")
	if err != nil {
		return nil, fmt.Errorf("loading the vocabulary: %w", err)
	}
	return &tokenCounts{pool: sync.Pool{New: func() any { return enc.NewCounter(1 << 20) }}, long: map[string]int{}}, nil
}

func (t *tokenCounts) borrow() *tokens.Counter { return t.pool.Get().(*tokens.Counter) }
func (t *tokenCounts) give(c *tokens.Counter)  { t.pool.Put(c) }

func (t *tokenCounts) count(text string) int {
	const isLong, held, most = 512, 64, 64 << 10
	memo := len(text) >= isLong && len(text) <= most
	if memo {
		t.mu.Lock()
		n, ok := t.long[text]
		t.mu.Unlock()
		if ok {
			return n
		}
	}
	c := t.borrow()
	n := c.CountString(text)
	t.give(c)
	if memo {
		t.mu.Lock()
		if len(t.long) == held {
			clear(t.long)
		}
		t.long[strings.Clone(text)] = n
		t.mu.Unlock()
	}
	return n
}
