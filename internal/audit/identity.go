package audit

import (
	"encoding/binary"
	"hash/maphash"
	"strings"
	"unsafe"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/zeebo/xxh3"
)

// identify hashes the row: as a whole, its prompt, and its answer (the last message that is trained on). The hashes
// are of the parts of the normal form, each led by its length, so that equal hashes mean equal normal forms without
// the form being written out; less what calls of tools spell freely (dataset.CallForm).
func (w *worker) identify(row *dataset.Row, e *example, quotable bool) {
	key := w.key[:0]
	text := func(s string) { // long texts stand as their hash
		if len(s) <= 32 {
			key = append(append(key, byte(len(s))), s...)
			return
		}
		h := w.hashes.of(s)
		key = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(append(key, 0xff), h.Hi), h.Lo)
	}
	form := func(calls string, of func(dst []byte, calls string) []byte) {
		if calls != "" {
			w.form = of(w.form[:0], calls)
			calls = string(w.form)
		}
		text(calls)
	}
	w.calls.Reset()
	text(row.Tools)
	text(row.Functions)
	key = append(key, byte(row.ParallelToolCalls))
	last := len(row.Messages) - 1
	for last > 0 && !row.Messages[last].Trained() {
		last--
	}
	for i := range row.Messages {
		m := &row.Messages[i]
		if i == last {
			e.prompt = w.hashes.bytes(key)
		}
		content := byte(0)
		if m.NoContent {
			content = 1
		}
		weight := byte(1)
		if m.Weight == 0 {
			weight = 0
		}
		key = append(key, m.Role[0], m.Role[1], content, weight)
		text(m.Content)
		text(m.Name)
		text(m.Refusal)
		form(m.ToolCalls, w.calls.AppendCalls)
		form(m.FunctionCall, w.calls.AppendFunction)
		if place := -1; m.ToolCallID == "" {
			key = append(key, 0)
		} else if place = w.calls.Answered(m.ToolCallID); place >= 0 {
			key = binary.AppendUvarint(append(key, 0xfe), uint64(place))
		} else {
			text(m.ToolCallID)
		}
	}
	w.calls.Reset()
	e.whole = w.hashes.bytes(key)
	w.key = key
	answer := &row.Messages[last]
	e.answer = answerHash(&w.calls, answer)
	if quotable && answer.ToolCalls == "" && answer.FunctionCall == "" && answer.Refusal == "" {
		e.label = w.label(strings.TrimSpace(answer.Content))
	}
}

// label returns the index of a short answer among those of the block, -1 for a long one.
func (w *worker) label(answer string) int32 {
	if answer == "" || len(answer) > maxLabel {
		return -1
	}
	i, ok := w.byText[answer]
	if !ok {
		i = int32(len(w.out.labels))
		answer = strings.Clone(answer)
		w.byText[answer] = i
		w.out.labels = append(w.out.labels, answer)
	}
	return i
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

func newSeeds() [2]maphash.Seed { return [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()} }
