package tokens

import (
	"sync"
	"unicode"
)

// class says what the splitting patterns can ask of a code point. A symbol, or a code point that is not assigned, has
// none of the bits.
type class uint8

const (
	head    class = 1 << iota // Lu, Lt, Lm, Lo, M: may stand in the first part of an o200k word
	tail                      // Ll, Lm, Lo, M: may stand in its second part
	letter                    // L
	number                    // N
	space                     // White_Space
	newline                   // carriage return, line feed
)

// categories maps the general categories to their bits.
func categories() map[string]class {
	return map[string]class{
		"Lu": head | letter,
		"Lt": head | letter,
		"Lm": head | tail | letter,
		"Lo": head | tail | letter,
		"Ll": tail | letter,
		"M":  head | tail,
		"N":  number,
	}
}

// classes returns the bits of every code point, by value. One table of 1.1 MB for the process; of those, only the
// pages that hold letters are ever touched.
var classes = sync.OnceValue(func() []class {
	table := make([]class, unicode.MaxRune+1)
	for name, bits := range categories() {
		mark(table, unicode.Categories[name], bits)
		mark(table, unicode16(name), bits)
	}
	mark(table, unicode.White_Space, space)
	table['\r'] |= newline
	table['\n'] |= newline
	return table
})

func mark(table []class, set *unicode.RangeTable, bits class) {
	for _, r := range set.R16 {
		for c := uint32(r.Lo); c <= uint32(r.Hi); c += uint32(r.Stride) {
			table[c] |= bits
		}
	}
	for _, r := range set.R32 {
		for c := r.Lo; c <= r.Hi; c += r.Stride {
			table[c] |= bits
		}
	}
}

// unicode16 returns the code points of a category that Unicode 15.1 and 16.0 added: the official tokenizer (tiktoken
// 0.14.0) follows Unicode 16.0, Go 1.26 follows 15.0. TestClasses fails when a later Go brings more than 16.0.
func unicode16(category string) *unicode.RangeTable {
	t := &unicode.RangeTable{}
	add := func(bounds ...uint32) {
		for i := 0; i < len(bounds); i += 2 {
			t.R32 = append(t.R32, unicode.Range32{Lo: bounds[i], Hi: bounds[i+1], Stride: 1})
		}
	}
	switch category {
	case "Lu":
		add(0x1c89, 0x1c89, 0xa7cb, 0xa7cc, 0xa7da, 0xa7da, 0xa7dc, 0xa7dc, 0x10d50, 0x10d65)
	case "Ll":
		add(0x1c8a, 0x1c8a, 0xa7cd, 0xa7cd, 0xa7db, 0xa7db, 0x10d70, 0x10d85)
	case "Lm":
		add(0x10d4e, 0x10d4e, 0x10d6f, 0x10d6f, 0x16d40, 0x16d42, 0x16d6b, 0x16d6c)
	case "Lo":
		add(0x105c0, 0x105f3, 0x10d4a, 0x10d4d, 0x10d4f, 0x10d4f, 0x10ec2, 0x10ec4, 0x11380, 0x11389, 0x1138b, 0x1138b,
			0x1138e, 0x1138e, 0x11390, 0x113b5, 0x113b7, 0x113b7, 0x113d1, 0x113d1, 0x113d3, 0x113d3, 0x11bc0, 0x11be0,
			0x13460, 0x143fa, 0x16100, 0x1611d, 0x16d43, 0x16d6a, 0x18cff, 0x18cff, 0x1e5d0, 0x1e5ed, 0x1e5f0, 0x1e5f0,
			0x2ebf0, 0x2ee5d)
	case "M":
		add(0x897, 0x897, 0x10d69, 0x10d6d, 0x10efc, 0x10efc, 0x113b8, 0x113c0, 0x113c2, 0x113c2, 0x113c5, 0x113c5,
			0x113c7, 0x113ca, 0x113cc, 0x113d0, 0x113d2, 0x113d2, 0x113e1, 0x113e2, 0x11f5a, 0x11f5a, 0x1611e, 0x1612f,
			0x1e5ee, 0x1e5ef)
	case "N":
		add(0x10d40, 0x10d49, 0x116d0, 0x116e3, 0x11bf0, 0x11bf9, 0x16130, 0x16139, 0x16d70, 0x16d79, 0x1ccf0, 0x1ccf9,
			0x1e5f1, 0x1e5fa)
	}
	return t
}
