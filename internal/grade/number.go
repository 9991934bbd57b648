package grade

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// numberPattern finds a decimal number, with groups of thousands or without, with an exponent or without.
var numberPattern = regexp.MustCompile(`[-+\x{2212}]?[$€£]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?`)

func checkNumber(_ Grader, ideal string) error {
	if _, ok := number(ideal); !ok {
		return errors.New("holds no number")
	}
	return nil
}

func numeric(_ Grader, answer, ideal string) Score {
	got, ok := number(answer)
	if !ok {
		return Score{Note: "no number in the answer"}
	}
	want, _ := number(ideal)
	if got == want {
		return Score{Value: 1}
	}
	return Score{Note: "read " + clip(got.String())}
}

// number returns the number that a text comes to: after the last "####", as the worked solutions of GSM8K end, or else the
// last one in it.
func number(s string) (decimal, bool) {
	if at := strings.LastIndex(s, "####"); at >= 0 {
		s = s[at:]
	}
	var last []int
	for _, loc := range numberPattern.FindAllStringIndex(s, -1) {
		// Digits that are part of a word, as in "gpt4", are no number.
		if before := loc[0] - 1; before >= 0 && isLetter(s[before]) {
			continue
		}
		last = loc
	}
	if last == nil {
		return decimal{}, false
	}
	text, found := s[last[0]:last[1]], s[:last[0]]
	if text[0] == '-' && found != "" && (found[len(found)-1] >= '0' && found[len(found)-1] <= '9') {
		text = text[1:] // the dash of "10-20" is no sign
	} else if c := strings.TrimRight(found, "$€£"); text[0] != '-' && c != found && strings.HasSuffix(c, "-") {
		text = "-" + text // "-$5"
	}
	text = strings.NewReplacer("$", "", "€", "", "£", "", ",", "", "+", "", "\u2212", "-").Replace(text)
	return parseDecimal(text)
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

// decimal is a number by value: sign, digits without zeros at either end, and the power of ten that the digits after
// "0." are to be multiplied by. Equal values are equal structs, with no rounding: 1e2, 100 and 100.0 are one, and two
// identifiers that differ in their twentieth digit are two.
type decimal struct {
	negative bool
	digits   string // empty for zero
	exponent int
}

// parseDecimal reads a JSON number; leading zeros are allowed. An exponent beyond a billion is refused.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	s, d.negative = strings.CutPrefix(s, "-")
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(s), "e")
	if hasExponent {
		e, err := strconv.Atoi(exponent)
		if err != nil || e > 1e9 || e < -1e9 {
			return decimal{}, false
		}
		d.exponent = e
	}
	units, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(units+fraction, "0")
	d.exponent += len(units) - (len(units) + len(fraction) - len(digits))
	d.digits = strings.TrimRight(digits, "0")
	if d.digits == "" {
		return decimal{}, units+fraction != ""
	}
	return d, true
}

// String writes the number plainly when it is short, else with an exponent.
func (d decimal) String() string {
	sign := ""
	if d.negative {
		sign = "-"
	}
	switch n := len(d.digits); {
	case n == 0:
		return "0"
	case d.exponent >= n && d.exponent <= 21:
		return sign + d.digits + strings.Repeat("0", d.exponent-n)
	case d.exponent > 0 && d.exponent < n:
		return sign + d.digits[:d.exponent] + "." + d.digits[d.exponent:]
	case d.exponent <= 0 && d.exponent > -7:
		return sign + "0." + strings.Repeat("0", -d.exponent) + d.digits
	}
	return sign + "0." + d.digits + "e" + strconv.Itoa(d.exponent)
}
