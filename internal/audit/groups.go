package audit

import (
	"math/bits"
	"strings"
)

// attribute is what people are told apart by.
type attribute int

const (
	gender attribute = iota
	origin
	religion
	age
	attributes // how many
)

func (a attribute) String() string {
	return [...]string{"gender", "ethnicity or nationality", "religion", "age"}[a]
}

// groupWord is a word of the vocabulary.
type groupWord struct {
	kind  wordKind
	of    attribute
	group int8 // index into the names of the attribute; -1 where the word names none
	noun  bool // says that an adjective ahead of it is a person's
}

type wordKind uint8

const (
	plainWord wordKind = iota // names a person of the group wherever it stands
	adjective                 // does so ahead of a noun for persons, or after the name of a field: Mexican food is no person
	field                     // names an attribute: "nationality: Mexican"
	years                     // names an age: "aged 67"
	year                      // "67 years old"
)

// vocabulary knows English words that name a group of persons. Read-only once made. The list is short on purpose: words for which
// the group is the usual meaning, and the groups that discrimination law names most (EU directives 2000/43 and 2000/78, US
// Civil Rights Act, title VII). Names of persons, which hint at groups too, are not looked at.
type vocabulary struct {
	words   map[string]*groupWord
	names   [attributes][]string // of groups, by index
	letters [256]byte            // 1 to 26 for letters, case aside; more for digits and other scripts; 0 between words
	starts  [1 << 9]uint64       // bits, by the first three letters of the words: by it most words are passed over
}

func newVocabulary() *vocabulary {
	const digits = 27
	v := &vocabulary{words: map[string]*groupWord{}}
	for c := range v.letters {
		switch b := byte(c); {
		case digit(b):
			v.letters[c] = digits
		case b|0x20 >= 'a' && b|0x20 <= 'z':
			v.letters[c] = 1 + (b | 0x20 - 'a')
		case b >= 0x80:
			v.letters[c] = digits + 1
		}
	}
	mark := func(a, b, c byte) {
		i := int(a)<<10 | int(b)<<5 | int(c)
		v.starts[i/64] |= 1 << (i % 64)
	}
	add := func(of attribute, kind wordKind, name, words string) {
		group := int8(-1)
		if name != "" {
			if n := len(v.names[of]); n == 0 || v.names[of][n-1] != name {
				v.names[of] = append(v.names[of], name)
			}
			group = int8(len(v.names[of]) - 1)
		}
		for w := range strings.FieldsSeq(words) {
			v.words[w] = &groupWord{kind: kind, of: of, group: group}
			var third byte
			if len(w) > 2 {
				third = v.letters[w[2]]
			}
			mark(v.letters[w[0]], v.letters[w[1]], third)
		}
	}
	add(gender, plainWord, "a woman", "woman women female females girl girls lady ladies she her hers herself mother mom mum wife daughter sister grandmother aunt niece girlfriend mrs")
	add(gender, plainWord, "a man", "man men male males boy boys gentleman gentlemen he him his himself father dad husband son brother grandfather uncle nephew boyfriend mr")
	for _, g := range [...]string{"Muslim muslims", "Christian christians", "Catholic catholics", "Protestant protestants", "Jewish jews jew", "Hindu hindus", "Buddhist buddhists", "Sikh sikhs", "Mormon mormons", "atheist atheists"} {
		name, plural, _ := strings.Cut(g, " ")
		add(religion, adjective, "a "+name, strings.ToLower(name))
		add(religion, plainWord, "a "+name, plural)
	}
	for _, g := range [...]string{"African africans", "black", "white", "Asian asians", "Hispanic hispanics", "Latino latinos latina latinas", "Arab arabs", "Caucasian caucasians", "American americans", "British", "German germans",
		"French", "Spanish spaniards", "Italian italians", "Polish", "Russian russians", "Turkish turks", "Chinese", "Japanese", "Korean koreans", "Indian indians", "Pakistani pakistanis", "Mexican mexicans", "Nigerian nigerians",
		"Kenyan kenyans", "Somali somalis", "Syrian syrians", "Iraqi iraqis", "Iranian iranians", "Afghan afghans", "Vietnamese", "Filipino filipinos", "Brazilian brazilians", "Jamaican jamaicans", "Romanian romanians",
		"Ukrainian ukrainians", "Israeli israelis", "Egyptian egyptians", "Moroccan moroccans", "Swedish swedes", "Dutch", "Irish", "Canadian canadians", "Australian australians", "Greek greeks", "Portuguese", "Roma"} {
		name, plural, _ := strings.Cut(g, " ")
		add(origin, adjective, name, strings.ToLower(name))
		add(origin, plainWord, name, plural)
	}
	add(age, plainWord, "a young person", "teenager teenagers youngster youngsters")
	add(age, adjective, "a young person", "young younger teenage")
	add(age, plainWord, "a person in the middle of life", "")
	add(age, plainWord, "an old person", "pensioner pensioners")
	add(age, adjective, "an old person", "old older elderly senior retired")
	add(gender, field, "", "gender sex race ethnicity nationality religion faith am")
	add(age, years, "", "age aged")
	add(age, year, "", "year years")
	const persons = "person people individual individuals applicant applicants candidate candidates customer customers client clients patient patients student students employee employees worker workers citizen citizens " +
		"family families immigrant immigrants refugee refugees resident residents neighbour neighbours neighbor neighbors tenant tenants user users couple borrower borrowers defendant defendants suspect suspects guy guys kid kids child children adult adults " +
		"man men woman women male males female females lady ladies boy boys girl girls gentleman"
	for w := range strings.FieldsSeq(persons) {
		if v.words[w] == nil {
			add(gender, plainWord, "", w)
		}
		v.words[w].noun = true
	}
	for c := range byte(32) {
		mark(digits, 0, c)
	}
	mark(digits, digits, 0)
	mark(digits, digits, digits)
	return v
}

// mention is a place in a text that names a group.
type mention struct {
	of         attribute
	group      int8
	start, end int
}

// mentions appends the places that name a group of persons. A look at the first three letters passes over most words.
func (v *vocabulary) mentions(dst []mention, text string) []mention {
	var lower [32]byte
	var waiting mention // an adjective, until the next word
	var last *groupWord // of the vocabulary
	lastEnd := 0
	number, numberEnd, ofNumber := 0, 0, false
	var tail [windowRoom]byte
	inside := uint64(0) // 1 where the window begins within a word
	for from := 0; from < len(text); from += windowSize {
		w := window(text, from, &tail)
		letters, beyond := wordBits(w)
		letters |= beyond
		starts := letters &^ (letters<<1 | inside)
		inside = letters >> (windowSize - 1)
		for ; starts != 0; starts &= starts - 1 {
			at := bits.TrailingZeros64(starts) % windowSize
			three := int(v.letters[w[at]])<<10 | int(v.letters[w[at+1]])<<5 | int(v.letters[w[at+2]])
			if v.starts[three/64]>>(three%64)&1 == 0 {
				continue
			}
			start := from + at
			i := start
			for i < len(text) && v.letters[text[i]] != 0 {
				i++
			}
			n := i - start
			if n >= len(lower) {
				continue
			}
			if !v.apart(text[lastEnd:start]) {
				last = nil
			}
			if digit(text[start]) {
				number, numberEnd = amount(text[start:i]), i
				if last != nil && last.kind == years && number > 0 {
					dst = append(dst, mention{age, stage(number), start, i})
				}
				continue
			}
			for k := range n {
				lower[k] = text[start+k]
				if c := lower[k]; c >= 'A' && c <= 'Z' {
					lower[k] = c | 0x20
				}
			}
			w := v.words[string(lower[:n])]
			if w == nil {
				continue
			}
			prior := last
			if prior == nil {
				prior = new(groupWord)
			}
			last, lastEnd = w, i
			if prior.kind == adjective && w.kind == adjective {
				continue // African American
			}
			if prior.kind == adjective && w.noun && waiting.end > 0 {
				dst = append(dst, waiting)
			}
			m := mention{w.of, w.group, start, i}
			if w.kind == year {
				ofNumber = number > 0 && v.apart(text[numberEnd:start])
			}
			waiting = mention{}
			switch {
			case w.kind == adjective && w.of == age && prior.kind == year && ofNumber: // the old of 67 years old
				m.group = stage(number)
				dst = append(dst, m)
			case w.kind == adjective && prior.kind != field:
				waiting = m
			case w.group >= 0:
				dst = append(dst, m)
			}
		}
	}
	return dst
}

// apart reports a text without letters: what stands between two words in a row.
func (v *vocabulary) apart(between string) bool {
	for i := range len(between) {
		if v.letters[between[i]] != 0 {
			return false
		}
	}
	return true
}

// amount reads a number of up to three digits, 0 for anything else.
func amount(s string) int {
	n := 0
	for _, c := range []byte(s) {
		if !digit(c) {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// stage is the group of an age: under 30, under 60, or more; the order in which newVocabulary names them.
func stage(years int) int8 {
	switch {
	case years < 30:
		return 0
	case years < 60:
		return 1
	}
	return 2
}
