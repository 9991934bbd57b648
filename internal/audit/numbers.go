package audit

import "strings"

// cardNumber finds the number of a payment card (marks digits): compact or in the groups that are printed on cards, by
// issuer prefix, length (ISO/IEC 7812) and check digit (Luhn). One number in ten of that form passes by chance, so
// what is called an order or a timestamp does not count, and other prefixes and lengths where it is called a card alone.
func cardNumber(text string, i int) (start, end int, ok bool) {
	if text[i] < '1' || text[i] > '6' || len(text) < i+12 || !begins(text, i) {
		return 0, 0, false
	}
	num := groups(text, i, " -", 19, false)
	g := &num.groups
	switch {
	case num.of == 1:
	case num.of >= 4 && g[0] == 4 && g[1] == 4 && g[2] == 4 && g[3] == 4: // what follows is the date or the like
		if num.n > 16 {
			num.n, num.end = 16, i+16+3
		}
	case num.of >= 3 && g[0] == 4 && g[1] == 6 && (g[2] == 5 || g[2] == 4):
		if n := int(10 + g[2]); num.n > n {
			num.n, num.end = n, i+n+2
		}
	default:
		return 0, 0, false
	}
	digits := num.text()
	if num.n < 12 || !luhn(digits) || !ends(text, num.end) || sequence(digits) {
		return 0, 0, false
	}
	named := ahead(text, i, cardWord)
	return i, num.end, named > 0 || named == 0 && issued(digits)
}

func cardWord(word string) int {
	switch word {
	case "card", "cards", "cardnumber", "creditcard", "visa", "mastercard", "amex", "discover", "credit", "debit", "cc", "ccn", "pan", "payment", "karte", "kreditkarte", "carte", "tarjeta", "carta":
		return 1
	case "order", "tracking", "track", "parcel", "shipment", "timestamp", "time", "id", "ids", "ref", "reference", "isbn", "imei", "serial", "sku", "invoice",
		"ticket", "case", "hash", "seed", "part", "barcode", "transaction", "upc", "ean", "phone":
		return -1
	}
	return 0
}

// issued reports that cards of this prefix are issued at this length.
func issued(digits string) bool {
	n := len(digits)
	if n < 13 {
		return false
	}
	four := 0
	for _, c := range []byte(digits[:4]) {
		four = 10*four + int(c-'0')
	}
	two, three := four/100, four/10
	long := n >= 16 && n <= 19
	switch {
	case two/10 == 4: // Visa; the 13 digits of old are those of goods now (EAN)
		return n == 16 || n == 19
	case two >= 51 && two <= 55, four >= 2221 && four <= 2720, four >= 2200 && four <= 2204: // Mastercard, Mir
		return n == 16
	case two == 34 || two == 37: // American Express
		return n == 15
	case two == 36 || two == 38 || two == 39, three >= 300 && three <= 305: // Diners Club
		return n == 14 || n == 16
	case four >= 3528 && four <= 3589: // JCB
		return long
	case four == 6011, three >= 644 && three <= 649, two == 65, two == 62: // Discover, UnionPay
		return long
	case four == 5018, four == 5020, four == 5038, four == 5893, four == 6304, four == 6759, four >= 6761 && four <= 6763: // Maestro
		return long
	}
	return false
}

// luhn checks the last digit (ISO/IEC 7812-1, annex B).
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// iban finds an account number (marks digits, at the first of the two that check): country, its length (ISO 13616
// registry) and the remainder by 97 (ISO 7064). Compact or in groups of four.
func iban(text string, i int) (start, end int, ok bool) {
	start = i - 2
	if start < 0 || !upper(text[start]) || !upper(text[start+1]) || i+1 >= len(text) || !digit(text[i+1]) || start > 0 && isWord(text[start-1]) {
		return 0, 0, false
	}
	length := ibanLength(text[start:i])
	var compact [34]byte
	n := 0
	end = start
	for end < len(text) && n < length {
		c := text[end]
		if c == ' ' && n%4 == 0 && n > 0 && text[end-1] != ' ' {
			end++
			continue
		}
		if !upnum(c) {
			return 0, 0, false
		}
		compact[n] = c
		n++
		end++
	}
	if length == 0 || n < length || end < len(text) && isWord(text[end]) {
		return 0, 0, false
	}
	check := int(compact[2]-'0')*10 + int(compact[3]-'0')
	rest := 0
	for k := range n {
		c := compact[(k+4)%n]
		if digit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return start, end, rest == 1 && check >= 2 && check <= 98 && !allSame(compact[4:n])
}

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }

func allSame(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}

// ibanLength returns how long the account numbers of a country are, 0 for a country without: the IBAN registry
// (SWIFT, release 99).
func ibanLength(country string) int {
	const registry = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28" +
		"HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24" +
		"RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30"
	for k := 0; k < len(registry); k += 4 {
		if registry[k:k+2] == country {
			return int(registry[k+2]-'0')*10 + int(registry[k+3]-'0')
		}
	}
	return 0
}

// socialSecurity finds a number of US social security (marks digits): written 3-2-4 with hyphens, or with spaces or
// none where it is called so. Never issued are the areas 000, 666 and from 900, group 00, serial 0000 (Social Security
// Administration, "SSN randomization", 2011), and two numbers that were printed in advertisements.
func socialSecurity(text string, i int) (start, end int, ok bool) {
	if i+9 > len(text) || !digit(text[i+1]) || !digit(text[i+2]) || !begins(text, i) {
		return 0, 0, false
	}
	part := text[i+3]
	var digits string
	switch {
	case part == '-' || part == ' ':
		if i+11 > len(text) || text[i+6] != part {
			return 0, 0, false
		}
		digits, end = text[i:i+3]+text[i+4:i+6]+text[i+7:i+11], i+11
	default:
		digits, end = text[i:i+9], i+9
	}
	if span(digits, digit, 9) < 9 || !ends(text, end) {
		return 0, 0, false
	}
	area, group, serial := digits[:3], digits[3:5], digits[5:]
	if area == "000" || area == "666" || area[0] == '9' || group == "00" || serial == "0000" || digits == "078051120" || digits == "219099999" {
		return 0, 0, false
	}
	called := ahead(text, i, socialWord)
	return i, end, called > 0 || called == 0 && part == '-' && !sequence(digits)
}

func socialWord(word string) int {
	switch word {
	case "ssn", "ssns", "social", "socialsecurity", "itin", "taxpayer":
		return 1
	case "part", "order", "item", "model", "sku", "serial", "catalog", "catalogue", "invoice", "ticket", "lot", "batch", "tracking", "product", "phone", "fax", "tel", "cas", "ref", "reference", "id", "case", "version", "code":
		return -1
	}
	return 0
}

// masked keeps the last n letters and digits of a number.
func masked(match string, n int) string {
	kept := strings.Map(func(r rune) rune {
		if r >= 0x80 || !alnum(byte(r)) {
			return -1
		}
		return r
	}, match)
	return "…" + kept[max(0, len(kept)-n):]
}
