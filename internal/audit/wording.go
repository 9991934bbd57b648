package audit

import (
	"math"
	"slices"
	"strings"
)

// wordbook numbers the words of short requests, first as they come, and once all are there the rarest first (weigh).
type wordbook struct {
	ids    map[uint64]uint32
	texts  []string
	rows   []int32   // requests that have the word
	weight []float32 // what it says about a request, see weigh
	digits []bool    // that it has some
	rare   uint32    // words with lower numbers are in mostRare requests at most
}

// mostRare is in how many requests a word may be and still be a misspelling of another.
const mostRare = 2

func (v *wordbook) id(hash uint64, text string) uint32 {
	id, ok := v.ids[hash]
	if !ok {
		id = uint32(len(v.texts))
		v.ids[hash] = id
		v.texts = append(v.texts, text)
		v.rows = append(v.rows, 0)
	}
	return id
}

// count takes down the words of a request, sorted.
func (v *wordbook) count(words []uint32) {
	for i, w := range words {
		if i == 0 || w != words[i-1] {
			v.rows[w]++
		}
	}
}

// weigh gives each word its inverse document frequency (Spärck Jones 1972): requests differ by what they are about, and
// hardly by the words that all of them have. It numbers the words anew, the rarest first, and returns their new numbers by the old:
// what says most about two requests is compared first.
func (v *wordbook) weigh(requests int) (to []uint32) {
	order := make([]uint64, len(v.rows))
	for i, n := range v.rows {
		order[i] = uint64(n)<<32 | uint64(i)
	}
	slices.Sort(order)
	to = make([]uint32, len(order))
	texts := make([]string, len(order))
	v.weight, v.digits, v.ids = make([]float32, len(order)), make([]bool, len(order)), nil
	for i, o := range order {
		rows, old := int32(o>>32), uint32(o)
		to[old], texts[i] = uint32(i), v.texts[old]
		v.digits[i] = strings.ContainsAny(texts[i], "0123456789")
		v.weight[i] = float32(math.Log(1 + float64(requests)/float64(max(rows, 1))))
		if rows <= mostRare {
			v.rare = uint32(i) + 1
		}
	}
	for i, o := range order {
		v.rows[i] = int32(o >> 32)
	}
	v.texts = texts
	return to
}

// wording compares two short requests by their words, in any order.
type wording struct {
	*wordbook
	a, b []uint32 // words of the one and not of the other
}

const (
	maxTypo     = 24  // bytes of a word that may be a misspelling
	maxUnlike   = 8   // words of either side that are looked at for misspellings
	alikeWords  = .85 // of the weight of all words, the share in common from which two requests are alike
	alikeSub    = .6  // the same where all words of the shorter stand in the longer
	testWording = .9  // the same for a request and a test, which is left out of the benchmark for it
	testSub     = .85
)

// compare returns the share of the weight of both requests' words that is in common (a weighted Jaccard index, of bags
// of words), and whether all words of the one stand in the other. It takes the words in order, and the weight of them all. Where
// the share is below alikeSub, or below alikeWords without the one in the other, it may give up and return 0.
func (w *wording) compare(a, b []uint32, weightA, weightB float32) (share float32, within bool) {
	w.a, w.b = w.a[:0], w.b[:0]
	var common, onlyA, onlyB float32
	words := 0
	// The weight in common from which a share is that much, less what rounding may take.
	all := weightA + weightB
	leastWithin, least := all*(alikeSub/(1+alikeSub)-.001), all*(alikeWords/(1+alikeWords)-.001)
	slips := float32(0) // weight of the words that may be slips, of either side: as much as that can yet turn out to be in common
	for i, j := 0, 0; i < len(a) || j < len(b); {
		var x uint32 // in one of them only
		switch {
		case j == len(b) || i < len(a) && a[i] < b[j]:
			x = a[i]
			onlyA += w.weight[x]
			w.a = append(w.a, x)
			i++
		case i == len(a) || b[j] < a[i]:
			x = b[j]
			onlyB += w.weight[x]
			w.b = append(w.b, x)
			j++
		default:
			common += w.weight[a[i]]
			words++
			i, j = i+1, j+1
			continue
		}
		if x < w.rare { // which come first: behind them, slips is all that there is
			if w.maySlip(x) {
				slips += w.weight[x]
			}
		} else if most := min(weightA-onlyA, weightB-onlyB) + slips; most < least && (most < leastWithin || min(onlyA, onlyB) > slips+.02) {
			return 0, false
		}
	}
	if len(w.a) > 0 && len(w.b) > 0 && len(w.a) <= maxUnlike && len(w.b) <= maxUnlike {
		for _, x := range w.a { // each takes the first that it may be, and the rarest are first
			for k, y := range w.b {
				if y != taken && w.misspelt(x, y) {
					// A misspelling is rare, and so weighs much; it says no more than the word that it stands for.
					common += min(w.weight[x], w.weight[y])
					onlyA -= w.weight[x]
					onlyB -= w.weight[y]
					words++
					w.b[k] = taken
					break
				}
			}
		}
	}
	return common / (common + onlyA + onlyB), words >= 4 && min(onlyA, onlyB) <= .01
}

const taken = math.MaxUint32

// numbersApart reports that the requests last compared differ, and in words with digits alone: versions, dates, amounts. Those
// are other requests, and people wrote them one by one.
func (w *wording) numbersApart() bool {
	differ := false
	for _, words := range [...][]uint32{w.a, w.b} {
		for _, x := range words {
			switch {
			case x == taken:
			case w.digits[x]:
				differ = true
			default:
				return false
			}
		}
	}
	return differ
}

// misspelt reports that one of two words is the other with a slip of the finger: one letter more, less or other, or two
// swapped; in a word of seven letters or more, two slips. Words with digits are not, nor are two words that are both in
// use, such as light and night.
func (w *wording) misspelt(x, y uint32) bool {
	a, b := w.texts[x], w.texts[y]
	if min(x, y) >= w.rare || !w.maySlip(x) || !w.maySlip(y) {
		return false
	}
	most := 1
	if min(len(a), len(b)) >= 7 {
		most = 2
	}
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return false
	}
	return slips(a, b) <= most
}

// maySlip reports that a word is long enough to be taken for another, and no number.
func (v *wordbook) maySlip(x uint32) bool { return len(v.texts[x]) >= 4 && !v.digits[x] }

// slips counts letters put in, left out, replaced or swapped with their neighbour (optimal string alignment, by bytes) in
// words of at most maxTypo bytes.
func slips(a, b string) int {
	var rows [3][maxTypo + 1]uint8
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = uint8(j)
	}
	for i := range len(a) {
		row[0] = uint8(i + 1)
		for j := range len(b) {
			cost := uint8(1)
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return int(last[len(b)])
}

// keyWords is how many of the rarest words of a request are looked up in pairs: two requests that share two of them are
// compared. Words that no other request has are passed over, and so misspellings and most of what was put in are.
const keyWords = 6

// keys appends a hash of all words, which are in order, and one of each pair of the rarest.
func (v *wordbook) keys(dst []uint64, words []uint32, scratch []uint32) []uint64 {
	whole := uint64(len(words))
	rare := scratch[:0]
	for i, w := range words {
		whole = (whole ^ uint64(w)) * hashMix
		whole ^= whole >> 31
		if i > 0 && words[i-1] == w || v.rows[w] < 2 {
			continue
		}
		if len(rare) < keyWords {
			rare = append(rare, w)
		}
	}
	dst = append(dst, whole)
	for i, x := range rare {
		for _, y := range rare[:i] {
			h := (uint64(y)<<32 | uint64(x)) * hashMix
			dst = append(dst, h^h>>32)
		}
	}
	return dst
}

// politeness knows words that ask for nothing, by the first of them.
type politeness map[uint64][][]uint64

func newPoliteness(a *alphabet) politeness {
	p := politeness{}
	for phrase := range strings.SplitSeq("please,pls,plz,kindly,just,really,actually,basically,simply,now,hi,hello,hey,greetings,thanks,thank,thx,cheers,"+
		"ok,okay,um,uh,er,hmm,oh,well,so,also,then,asap,maybe,perhaps,quickly,thank you,in advance,as soon as possible,by the way,excuse me,right away,"+
		"good morning,good afternoon,good evening,if you don't mind,if possible,if you can,i was wondering,i was just wondering,"+
		"i would like to know,i'd like to know,so much,very much,a lot,hi there,hello there", ",") {
		words := a.words(nil, phrase)
		p[words[0]] = append(p[words[0]], words)
	}
	return p
}

// unmask clears keep for words that ask for nothing, unless fewer than two would be left.
func (p politeness) unmask(keep []bool, words []uint64) {
	left := 0
	gone := make([][2]int, 0, 8)
	for i := 0; i < len(words); i++ {
		n := 0
		for _, phrase := range p[words[i]] {
			if len(phrase) > n && len(words)-i >= len(phrase) && slices.Equal(words[i:i+len(phrase)], phrase) {
				n = len(phrase)
			}
		}
		if n > 0 {
			gone = append(gone, [2]int{i, i + n})
			i += n - 1
		} else if keep[i] {
			left++
		}
	}
	if left >= 2 {
		for _, g := range gone {
			clear(keep[g[0]:g[1]])
		}
	}
}
