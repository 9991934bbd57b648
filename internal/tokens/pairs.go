package tokens

import "fmt"

// A vocabulary as pairs takes two thirds of what its lines take, both compressed, and loads faster. Every token of more
// than one byte was once merged from two of lower rank, so two ranks say which bytes it has. For each token, by rank, the
// form holds two numbers of three bytes: 0 and the byte of a token of one; or else the rank of the left part plus 1, and
// that of the right part. The high bytes of all first numbers come first, then the middle and the low ones; the second
// numbers follow in the same way: bytes of one kind beside each other compress best.
const pairBytes = 6

// PairVocabulary returns the vocabulary whose lines (or pairs) data holds, as pairs. It fails where data is damaged, or
// where a token is not two of lower rank, one after the other. The container image is built with it; see package pair.
func PairVocabulary(data []byte) ([]byte, error) {
	v, err := decodeVocabulary(data)
	if err != nil {
		return nil, err
	}
	n := len(v.keys)
	out := make([]byte, pairBytes*n)
	put := func(plane, rank int, number uint32) {
		for i := range 3 {
			out[(plane+i)*n+rank] = byte(number >> (16 - 8*i))
		}
	}
	for rank, token := range v.tokens() {
		if len(token) == 1 {
			put(3, rank, uint32(token[0]))
			continue
		}
		left, right, found := v.parts(token, uint32(rank))
		if !found {
			return nil, fmt.Errorf("the token %q of rank %d does not consist of two of lower rank", token, rank)
		}
		put(0, rank, left+1)
		put(3, rank, right)
	}
	return out, nil
}

// tokens returns the bytes of every token, by rank.
func (v *vocabulary) tokens() [][]byte {
	all := make([][]byte, len(v.keys))
	for rank, k := range v.keys {
		all[rank] = k.bytes(new([16]byte))
	}
	for token, rank := range v.long {
		all[rank] = []byte(token)
	}
	return all
}

// parts returns the ranks of two tokens that make up one, both below its rank: of all such, those whose higher rank is
// lowest, which compress best.
func (v *vocabulary) parts(token []byte, rank uint32) (left, right uint32, found bool) {
	for at := 1; at < len(token); at++ {
		l, r := v.rank(token[:at]), v.rank(token[at:]) // noRank is above every rank
		if max(l, r) < rank {
			left, right, rank, found = l, r, max(l, r), true
		}
	}
	return left, right, found
}

func decodePairs(data []byte) (*vocabulary, error) {
	n := len(data) / pairBytes
	if len(data)%pairBytes != 0 {
		return nil, fmt.Errorf("%d bytes are no pairs", len(data))
	}
	v, err := newVocabulary(n)
	if err != nil {
		return nil, err
	}
	number := func(plane, rank int) int {
		return int(data[plane*n+rank])<<16 | int(data[(plane+1)*n+rank])<<8 | int(data[(plane+2)*n+rank])
	}
	all := make([]byte, 0, 8*n) // the bytes of all tokens so far
	starts := make([]int, 1, n+1)
	return v, v.fill(func(add func([]byte)) error {
		for rank := range n {
			left, right := number(0, rank), number(3, rank)
			switch {
			case left == 0 && right < 256:
				all = append(all, byte(right))
			case left > 0 && left <= rank && right < rank:
				all = append(all, all[starts[left-1]:starts[left]]...)
				all = append(all, all[starts[right]:starts[right+1]]...)
			default:
				return fmt.Errorf("the token of rank %d has parts that do not come before it", rank)
			}
			token := all[starts[rank]:]
			if len(token) > tokenMax {
				return fmt.Errorf("the token of rank %d has %d bytes", rank, len(token))
			}
			starts = append(starts, len(all))
			add(token)
		}
		return nil
	})
}
