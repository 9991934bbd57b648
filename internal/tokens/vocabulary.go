package tokens

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"sync"

	"github.com/pkoukk/tiktoken-go-loader/assets"
)

// vocabulary maps the bytes of every token to its rank, which is its place in the merging order.
//
// Tokens of at most shortMax bytes lie in keys, by rank, so that the frequent ones are neighbours in memory. index is
// an open-addressing table at most four fifths full, small for that: a slot holds 14 bits of the key's hash and rank+1, so that looking for
// what is not there, which merging does mostly, rarely leaves it. The filter, small enough for the processor's second
// cache, has a bit for the hash of each key, and spares most of those looks. The few longer tokens are in a map.
type vocabulary struct {
	filter  []uint64 // 64 bits each
	index   []uint32
	keys    []key
	pairs   []uint32 // ranks of the tokens of two bytes, by first<<8 | second; noRank
	long    map[string]uint32
	masks   keyMasks
	longest int // in bytes
}

const (
	shortMax = 15
	rankBits = 18
	rankMask = 1<<rankBits - 1

	filterWords = 1 << 15

	noRank = 1<<32 - 1
)

// key holds up to shortMax bytes in order, zero-padded, and their number in the top four bits: equal keys, equal bytes.
type key struct{ lo, hi uint64 }

// keyOf returns the key of 1 to shortMax bytes.
func keyOf(b []byte) key {
	n := len(b)
	k := key{hi: uint64(n) << 60}
	switch {
	case n >= 8:
		k.lo = binary.LittleEndian.Uint64(b)
		k.hi |= binary.LittleEndian.Uint64(b[n-8:]) >> (8 * uint(16-n))
	case n >= 4: // the two reads overlap in equal bytes
		k.lo = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<(8*uint(n-4))
	default:
		k.lo = uint64(b[0]) | uint64(b[n/2])<<(8*uint(n/2)) | uint64(b[n-1])<<(8*uint(n-1))
	}
	return k
}

// keyMasks are the bits of the first bytes of a key, by their number.
type keyMasks [16]key

func newKeyMasks() (m keyMasks) {
	for n := range m {
		m[n] = key{1<<(8*uint(n)) - 1, 1<<(8*uint(max(n, 8)-8)) - 1}
	}
	return m
}

// key returns the key of the first n <= shortMax bytes of text.
func (m *keyMasks) key(text *[16]byte, n int) key {
	mask := &m[n&15]
	return key{binary.LittleEndian.Uint64(text[:8]) & mask.lo, binary.LittleEndian.Uint64(text[8:])&mask.hi | uint64(n)<<60}
}

// bytes returns what the key was made of, in buf.
func (k key) bytes(buf *[16]byte) []byte {
	binary.LittleEndian.PutUint64(buf[:8], k.lo)
	binary.LittleEndian.PutUint64(buf[8:], k.hi)
	return buf[:k.hi>>60]
}

func (k key) hash() uint64 {
	hi, lo := bits.Mul64(k.lo^0x9e3779b97f4a7c15, k.hi^0xd6e8feb86659fd93)
	return hi ^ lo
}

// rank returns the rank of the token with these bytes, or noRank.
func (v *vocabulary) rank(b []byte) uint32 {
	switch {
	case len(b) == 2:
		return v.pairs[uint(b[0])<<8|uint(b[1])]
	case len(b) <= shortMax:
		return v.shortRank(keyOf(b))
	case len(b) <= v.longest:
		if r, ok := v.long[string(b)]; ok {
			return r
		}
	}
	return noRank
}

func (v *vocabulary) shortRank(k key) uint32 {
	h := k.hash()
	if v.filter[h>>6%filterWords]>>(h&63)&1 == 0 {
		return noRank
	}
	print := uint32(h) &^ rankMask
	for slot := h >> 32; ; slot++ {
		entry := v.index[slot&uint64(len(v.index)-1)]
		if entry == 0 {
			return noRank
		}
		if entry&^rankMask == print {
			if r := entry&rankMask - 1; v.keys[r] == k {
				return r
			}
		}
	}
}

// fill calls decode with a function that takes the tokens by rank, no more than there is room for. Another goroutine enters those that
// were taken into the filter and the index meanwhile.
func (v *vocabulary) fill(decode func(add func(token []byte)) error) error {
	taken := make(chan int) // how many, now and then
	var entered sync.WaitGroup
	all := v.keys[:cap(v.keys)]
	entered.Go(func() {
		rank := 0
		for n := range taken {
			for ; rank < n; rank++ {
				if k := all[rank]; k != (key{}) {
					v.enter(k, uint32(rank))
				}
			}
		}
	})
	err := decode(func(token []byte) {
		v.add(token)
		if len(v.keys)%(1<<13) == 0 {
			taken <- len(v.keys)
		}
	})
	taken <- len(v.keys)
	close(taken)
	entered.Wait()
	return err
}

// add takes a token under the next rank.
func (v *vocabulary) add(token []byte) {
	rank := uint32(len(v.keys))
	v.longest = max(v.longest, len(token))
	if len(token) > shortMax {
		v.keys = append(v.keys, key{})
		v.long[string(token)] = rank
		return
	}
	if len(token) == 2 {
		v.pairs[uint(token[0])<<8|uint(token[1])] = rank
	}
	v.keys = append(v.keys, keyOf(token))
}

// enter makes a token of at most shortMax bytes be found.
func (v *vocabulary) enter(k key, rank uint32) {
	h := k.hash()
	v.filter[h>>6%filterWords] |= 1 << (h & 63)
	slot := h >> 32
	for v.index[slot&uint64(len(v.index)-1)] != 0 {
		slot++
	}
	v.index[slot&uint64(len(v.index)-1)] = uint32(h)&^rankMask | (rank + 1)
}

// readVocabulary decodes the embedded vocabulary of that name.
func readVocabulary(name string) (*vocabulary, error) {
	data, err := assets.Assets.ReadFile(name + ".tiktoken")
	if err != nil {
		return nil, err
	}
	return decodeVocabulary(data)
}

// Bounds on what a vocabulary may hold, so that damaged data ends in an error, soon.
const (
	dataMax  = 8 << 20 // bytes, decompressed
	tokenMax = 1 << 10 // bytes of a token
)

// decodeVocabulary reads lines of a token in base64, a space and its rank; the ranks count from 0 without a gap. Or it
// reads the form that PairVocabulary returns, which begins with a byte that no line begins with. Either may be
// compressed with gzip.
func decodeVocabulary(data []byte) (*vocabulary, error) {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		if data, err = io.ReadAll(io.LimitReader(r, dataMax+1)); err != nil {
			return nil, err
		}
	}
	if len(data) > dataMax {
		return nil, fmt.Errorf("more than %d bytes", dataMax)
	}
	decode := decodeLines
	if len(data) > 0 && data[0] == 0 {
		decode = decodePairs
	}
	v, err := decode(data)
	if err != nil {
		return nil, err
	}
	for b := range 256 {
		if v.rank([]byte{byte(b)}) == noRank {
			return nil, errors.New("not every byte is a token")
		}
	}
	return v, nil
}

// newVocabulary returns an empty vocabulary with room for that many tokens.
func newVocabulary(tokens int) (*vocabulary, error) {
	if tokens >= rankMask {
		return nil, fmt.Errorf("%d tokens are too many", tokens)
	}
	v := &vocabulary{
		filter: make([]uint64, filterWords),
		index:  make([]uint32, 1<<bits.Len(uint(tokens+tokens/4))),
		keys:   make([]key, 0, tokens),
		pairs:  make([]uint32, 1<<16),
		long:   make(map[string]uint32),
		masks:  newKeyMasks(),
	}
	for i := range v.pairs {
		v.pairs[i] = noRank
	}
	return v, nil
}

func decodeLines(data []byte) (*vocabulary, error) {
	v, err := newVocabulary(bytes.Count(data, []byte{'\n'}) + 1)
	if err != nil {
		return nil, err
	}
	return v, v.fill(func(add func([]byte)) error {
		var token, want []byte
		for len(data) > 0 {
			var line []byte
			line, data, _ = bytes.Cut(data, []byte{'\n'})
			encoded, rank, _ := bytes.Cut(line, []byte{' '})
			if token, err = base64.StdEncoding.AppendDecode(token[:0], encoded); err != nil {
				return fmt.Errorf("line %d: %w", len(v.keys)+1, err)
			}
			if want = strconv.AppendInt(want[:0], int64(len(v.keys)), 10); !bytes.Equal(rank, want) || len(token) == 0 || len(token) > tokenMax {
				return fmt.Errorf("line %d: expected a token and the rank %d", len(v.keys)+1, len(v.keys))
			}
			add(token)
		}
		return nil
	})
}
