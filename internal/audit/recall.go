package audit

import (
	"hash/maphash"
	"sync/atomic"
	"unsafe"

	"github.com/zeebo/xxh3"
)

// recollection remembers of each text how many tokens it has, and that no text rule applies to it. System prompts repeat on every
// row, answers and whole conversations on many. It is shared by the workers of a pass and safe for concurrent use: a slot's two
// words, written one after the other, are taken for a text only when they fit each other, so that a slot which two workers
// write at a time is one that remembers nothing. A text is known by 96 bits of its hash besides those that chose the slot.
type recollection struct {
	seeds [2]maphash.Seed // of the hashes: without them, no two texts can be written that share one
	slots []recollected
}

type recollected struct{ check, value atomic.Uint64 }

func newRecollection() *recollection {
	return &recollection{newSeeds(), make([]recollected, recalledTexts)}
}

func newSeeds() [2]maphash.Seed { return [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()} }

const (
	recalledTexts = 1 << 17
	recalledLeast = 48 // bytes: a shorter text is counted and looked through as fast as it is looked up
)

// recalled is what is known of a text: how many tokens it has, plus 1, in the low 30 bits, 0 where they were not counted; that
// it is clean, as JSON itself and as a string of it, in a bit each; and above them the high half of the low word of its hash.
type recalled uint64

const recalledCount = 1<<30 - 1

// clean is the bit of a text that lies so deep in strings of JSON, see eachText.
func clean(depth int) recalled { return 1 << (30 + depth) }

// tokens returns how many there are, -1 where that is unknown.
func (r recalled) tokens() int { return int(r&recalledCount) - 1 }

// counted adds how many there are, unless that is no number to remember.
func (r recalled) counted(n int) recalled { return r | recalled(min(n+1, recalledCount))%recalledCount }

// find returns what is known of the text with that hash, nothing or less than was said of it.
func (m *recollection) find(key xxh3.Uint128) recalled {
	slot := &m.slots[key.Lo%uint64(len(m.slots))]
	value := slot.value.Load()
	if slot.check.Load()^value != key.Hi || value>>32 != key.Lo>>32 {
		return recalled(key.Lo >> 32 << 32)
	}
	return recalled(value)
}

// keep remembers what find returned, with more known.
func (m *recollection) keep(key xxh3.Uint128, r recalled) {
	slot := &m.slots[key.Lo%uint64(len(m.slots))]
	slot.value.Store(uint64(r))
	slot.check.Store(key.Hi ^ uint64(r))
}

// hashes are those of the texts of one row, each made once for all of its uses. A text is known by where it lies, so they must be
// forgotten before the next row.
type hashes struct {
	seeds [2]maphash.Seed
	made  [16]hashOf
	n     int
}

type hashOf struct {
	text *byte
	size int
	hash xxh3.Uint128
}

// forget makes ready for another row, of which the texts may lie elsewhere, and lets go of those that were.
func (h *hashes) forget() {
	clear(h.made[:h.n])
	h.n = 0
}

func (h *hashes) of(text string) xxh3.Uint128 {
	at := unsafe.StringData(text)
	for i := range h.made[:h.n] {
		if m := &h.made[i]; m.text == at && m.size == len(text) {
			return m.hash
		}
	}
	hash := h.bytes(unsafe.Slice(at, len(text)))
	if h.n < len(h.made) {
		h.made[h.n] = hashOf{at, len(text), hash}
		h.n++
	}
	return hash
}

// bytes returns the hash of a text that is not one of the row's.
func (h *hashes) bytes(text []byte) xxh3.Uint128 {
	return xxh3.Uint128{Hi: maphash.Bytes(h.seeds[0], text), Lo: maphash.Bytes(h.seeds[1], text)}
}
