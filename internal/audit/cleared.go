package audit

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/zeebo/xxh3"
)

// cleared remembers texts to which no text rule applies: system prompts repeat on every row, answers and whole conversations on
// many. It is shared by the workers of a pass and safe for concurrent use. A text is known by 62 bits of its hash besides those that
// chose the slot; the other two say whether it is clear as JSON itself, and as a string of it.
type cleared struct {
	seeds [2]maphash.Seed // of the hashes: without them, no two texts can be written that share one
	slots []atomic.Uint64
}

const (
	clearedTexts = 1 << 17
	clearedLeast = 48 // bytes: a shorter text is looked through as fast as it is looked up
	clearedBits  = 3
)

func newCleared() *cleared { return &cleared{newSeeds(), make([]atomic.Uint64, clearedTexts)} }

// has reports whether the text with that hash is clear so deep in strings of JSON, see eachText.
func (c *cleared) has(hash xxh3.Uint128, depth int) bool {
	known := c.slots[hash.Lo%uint64(len(c.slots))].Load()
	return known&^clearedBits == hash.Hi&^clearedBits && known>>depth&1 != 0
}

// add remembers that it is.
func (c *cleared) add(hash xxh3.Uint128, depth int) {
	slot := &c.slots[hash.Lo%uint64(len(c.slots))]
	known := slot.Load()
	if known&^clearedBits != hash.Hi&^clearedBits {
		known = hash.Hi &^ clearedBits
	}
	slot.Store(known | 1<<depth)
}
