package audit

import "strings"

// cardNumber finds the number of a payment card (marks digits): compact or in the groups that are printed on cards, by
// issuer prefix, length (ISO/IEC 7812) and check digit (Luhn). One number in ten of that form passes by chance, so
// what is called an order or a timestamp does not count, and other prefixes, lengths and groups where it is called a card
// alone.
func cardNumber(text string, i int) (start, end int, ok bool) {
	if text[i] < '1' || text[i] > '6' || len(text) < i+12 || !begins(text, i) {
		return 0, 0, false
	}
	num := groups(text, i, " -", 19, false)
	g := &num.groups
	printed := true
	switch { // what follows is the date or the like
	case g[0] >= 12:
		num.keep(1)
	case num.of >= 4 && g[0] == 4 && g[1] == 4 && g[2] == 4 && g[3] == 4:
		num.keep(4)
	case num.of >= 3 && g[0] == 4 && g[1] == 6 && (g[2] == 5 || g[2] == 4):
		num.keep(3)
	default:
		printed = false
	}
	digits := num.text()
	if num.n < 12 || !luhn(digits) || !ends(text, num.end) || sequence(digits) {
		return 0, 0, false
	}
	named := ahead(text, i, num.of > 1, cardWord)
	return i, num.end, named > 0 && (printed || num.n >= 14 && num.n <= 16) || named == 0 && printed && issued(digits)
}

func cardWord(word string) int {
	switch word {
	case "card", "cards", "cardnumber", "creditcard", "visa", "mastercard", "amex", "discover", "credit", "debit", "cc", "ccn", "pan", "payment", "karte", "kreditkarte", "carte", "tarjeta", "carta":
		return calls
	case "order", "orders", "tracking", "track", "parcel", "shipment", "timestamp", "timestamps", "time", "id", "ids", "uid", "ref", "reference", "isbn", "imei", "serial", "sku", "invoice",
		"ticket", "case", "hash", "seed", "part", "barcode", "transaction", "upc", "ean", "nanos", "nanoseconds", "micros", "microseconds", "ns", "us", "epoch", "job", "jobs", "batch", "trace", "span", "nonce", "offset", "checksum":
		return noneFor
	case "account", "acct", "phone", "code", "key", "license", "licence", "voucher", "coupon", "token", "uuid", "guid", "request", "session", "run", "build", "commit", "event", "row", "record",
		"index", "sensor", "device", "meter", "lot", "item", "product", "customer", "member", "user", "userid", "confirmation", "booking", "reservation", "policy", "claim", "bestellung", "rechnung", "kundennummer", "sendung", "sendungsnummer":
		return noneBy
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
// registry) and the remainder by 97 (ISO 7064). Compact or in groups of four; in small letters that check by chance
// where all that follows is digits, groups, or called an account.
func iban(text string, i int) (start, end int, ok bool) {
	start = i - 2
	if start < 0 || !latin(text[start]) || !latin(text[start+1]) || i+1 >= len(text) || !digit(text[i+1]) || start > 0 && isWord(text[start-1]) {
		return 0, 0, false
	}
	length := ibanLength(string([]byte{text[start] &^ 0x20, text[start+1] &^ 0x20}))
	if length == 0 {
		return 0, 0, false
	}
	var compact [34]byte
	n := 0
	end = start
	var part byte // between groups
	parted, small, letters := false, false, 0
	for end < len(text) && n < length {
		c, width := separator(text, end)
		if (c == ' ' || c == '-') && n%4 == 0 && n > 0 && !parted && (part == 0 || part == c) {
			part, parted = c, true
			end += width
			continue
		}
		if !alnum(c) {
			return 0, 0, false
		}
		if latin(c) {
			small = small || !upper(c)
			letters++
			c &^= 0x20
		}
		compact[n], parted = c, false
		n++
		end++
	}
	if n < length || end < len(text) && isWord(text[end]) {
		return 0, 0, false
	}
	if small && letters > 2 && part == 0 && ahead(text, start, false, accountWord) <= 0 {
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

func latin(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func accountWord(word string) int {
	switch word {
	case "iban", "account", "acct", "bank", "konto", "kontonummer", "compte", "cuenta", "conto", "conta", "rekening", "rekeningnummer", "transfer":
		return calls
	}
	return 0
}

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
	num := groups(text, i, "- ", 20, false)
	g := &num.groups
	part := byte(0)
	switch {
	case g[0] == 9:
		num.keep(1)
	case num.of >= 3 && g[0] == 3 && g[1] == 2 && g[2] == 4:
		num.keep(3)
		part = num.parts[1]
	default:
		return 0, 0, false
	}
	if end = num.end; !ends(text, end) {
		return 0, 0, false
	}
	digits := num.text()
	area, group, serial := digits[:3], digits[3:5], digits[5:]
	if area == "000" || area == "666" || area[0] == '9' || group == "00" || serial == "0000" || digits == "078051120" || digits == "219099999" {
		return 0, 0, false
	}
	called := ahead(text, i, part != 0, socialWord)
	return i, end, called > 0 || called == 0 && part == '-' && !sequence(digits)
}

func socialWord(word string) int {
	switch word {
	case "ssn", "ssns", "social", "socialsecurity", "itin", "taxpayer":
		return calls
	case "part", "order", "item", "model", "sku", "serial", "catalog", "catalogue", "invoice", "ticket", "lot", "batch", "tracking", "product", "phone", "fax", "tel", "cas", "ref", "reference", "id", "case", "version", "code":
		return noneFor
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
