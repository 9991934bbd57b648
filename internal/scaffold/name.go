package scaffold

import (
	"regexp"
	"strings"
	"unicode"
)

// words are what the parts of a path consist of: letters with their marks, and digits.
var words = regexp.MustCompile(`[\p{L}\p{M}\p{N}]+`)

// alike lists lower-case letters of Latin alphabets after the plain letter that they are written as where there are no
// marks. Other scripts cannot be spelled without knowing the language.
var alike = spelling(
	"a àáâãäåāăąǎạảấầẩẫậắằẳẵặ", "ae æ", "c çćĉċč", "d ďđ", "dh ð", "e èéêëēĕėęěẹẻẽếềểễệ", "g ĝğġģ", "h ĥħ", "i ìíîïĩīĭįıǐỉị", "j ĵ", "k ķ",
	"l ĺļľł", "n ñńņňŋ", "o òóôõöøōŏőǒơọỏốồổỗộớờởỡợ", "oe œ", "r ŕŗř", "s śŝşšș", "ss ß", "t ţťŧț", "th þ", "u ùúûüũūŭůűųǔưụủứừửữự",
	"w ŵ", "y ýÿŷỳỵỷỹ", "z źżž",
)

func spelling(groups ...string) map[rune]string {
	m := map[rune]string{}
	for _, g := range groups {
		plain, letters, _ := strings.Cut(g, " ")
		for _, r := range letters {
			m[r] = plain
		}
	}
	return m
}

// spell writes a text in a-z, 0-9 and hyphens, and tells whether that is all of it: a word with a letter that cannot be
// spelled is left out, since the rest of it would say something else. It may come out empty.
func spell(s string) (name string, whole bool) {
	whole = true
	var spelled []string
	for _, word := range words.FindAllString(strings.ToLower(s), -1) {
		var b strings.Builder
		for _, r := range word {
			switch plain, ok := alike[r]; {
			case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
				b.WriteRune(r)
			case ok:
				b.WriteString(plain)
			case unicode.Is(unicode.Mn, r): // of a letter that was composed of two
			default:
				whole, word = false, ""
			}
		}
		if word != "" && b.Len() > 0 {
			spelled = append(spelled, b.String())
		}
	}
	name = strings.Join(spelled, "-")
	return strings.TrimRight(name[:min(len(name), 60)], "-"), whole
}

// agentName makes a name that a manifest takes: of the last of the words that can be spelled, or "agent".
func agentName(subject ...string) string {
	for i := len(subject) - 1; i >= 0; i-- {
		if name, _ := spell(subject[i]); name != "" {
			return name
		}
	}
	return "agent"
}

// sameName is equal for two words that mean the same agent, however they are written.
func sameName(word string) string {
	if name, whole := spell(word); whole {
		return name
	}
	return strings.ToLower(word)
}
