package audit

import "strings"

// phone finds a telephone number (marks digits, + and opening parenthesis). Three forms count for what they are: international
// with a plus (ITU-T E.164), North American with the area in parentheses, and North American 3-3-4 with hyphens or dots.
// Any other run of 9 to 13 digits, of 8 in pairs, or of more behind 00, counts only where it is called a phone number.
func phone(text string, i int) (start, end int, ok bool) {
	if i+9 > len(text) {
		return 0, 0, false
	}
	switch text[i] {
	case '+':
		return international(text, i)
	case '(':
		if !digit(text[i+1]) || i > 0 && isWord(text[i-1]) {
			return 0, 0, false
		}
		return parenthesised(text, i)
	}
	if i > 0 && digit(text[i-1]) || !begins(text, i) {
		return 0, 0, false
	}
	most := 13
	if text[i] == '0' && text[i+1] == '0' {
		most = 17 // a country's code follows
	}
	num := groups(text, i, "-. /", most, true)
	if digits, last := num.threeThreeFour(); last > 0 && digits[0] != '0' && dialled(text, num.ends[last]) {
		if !northAmerican(digits) {
			return 0, 0, false
		}
		named := ahead(text, i, true, phoneWord)
		return i, num.ends[last], named > 0 || named == 0 && (num.parts[last] != ' ' && digits[3] >= '2' || spokenOf(text, i) || behind(text, num.ends[last]))
	}
	for num.of > 1 && num.groups[num.of-1] < 2 { // as in: 07911 123456, 2 people
		num.shorten()
	}
	return called(text, i, &num)
}

// threeThreeFour returns the ten digits of a number in the groups of North America, perhaps behind the trunk prefix 1, and
// the last of its groups; 0 for another.
func (num *number) threeThreeFour() (digits string, last int) {
	g, first, from := &num.groups, 0, 0
	if num.of >= 4 && g[0] == 1 && num.digits[0] == '1' && num.parts[1] == num.parts[2] {
		first, from = 1, 1
	}
	last = first + 2
	if num.of <= last || g[first] != 3 || g[first+1] != 3 || g[last] != 4 {
		return "", 0
	}
	if part := num.parts[last]; part != num.parts[last-1] || part == 0 || part == '/' {
		return "", 0
	}
	return string(num.digits[from : from+10]), last
}

// dialled reports that a number may end ahead of text[j]: also with an extension, such as x12.
func dialled(text string, j int) bool {
	return ends(text, j) || text[j] == 'x' && j+1 < len(text) && digit(text[j+1])
}

// called accepts a number of no form by its name.
func called(text string, start int, num *number) (int, int, bool) {
	pairs := num.n == 8 && num.of == 4 // as in Denmark and Norway
	if num.n < 9 && !pairs || num.of > 6 || !dialled(text, num.end) {
		return 0, 0, false
	}
	digits := num.text()
	if pairs && (digits[0] < '2' || digits[:2] == "20" || digits[4:6] == "20" || digits[4:6] == "19") {
		return 0, 0, false
	}
	abroad := digits[:2] == "00"
	if abroad && (num.n < 11 || !countryCode(digits[2:])) || !abroad && (num.n > 13 || num.of > 5) {
		return 0, 0, false
	}
	g := &num.groups
	from, widest := 0, uint8(0)
	for k, n := range g[:num.of] {
		widest = max(widest, n)
		if n < 2 && (!abroad || k == 0) {
			return 0, 0, false
		}
		if num.of > 1 && digits[0] != '0' && n == 4 && calendarYear(digits[from:from+4]) {
			return 0, 0, false
		}
		from += int(n)
	}
	if widest == 2 && digits[0] != '0' && !pairs { // a list: those in pairs start with the 0 of France
		return 0, 0, false
	}
	if digits[0] == '1' && num.of == 1 && num.n == 10 { // seconds since 1970
		return 0, 0, false
	}
	if start > 1 && digits[0] != '0' && text[start-1] == ' ' && digit(text[start-2]) { // within a list of numbers
		return 0, 0, false
	}
	date := num.of > 1 && g[0] == 4 && g[1] == 2 && (digits[:2] == "19" || digits[:2] == "20") || num.of > 2 && g[0] == 2 && g[1] == 2 && g[2] == 4
	if date || num.n == 13 && (digits[0] == '1' || digits[0] != '0' && !countryCode(digits)) || sequence(digits) || strings.Contains(digits, "000000") || num.n == 10 && tollFree(digits[:3]) || num.n == 11 && digits[0] == '1' && tollFree(digits[1:4]) {
		return 0, 0, false
	}
	if num.n == 10 && digits[3:8] == "55501" || num.n == 11 && digits[4:9] == "55501" {
		return 0, 0, false
	}
	named := ahead(text, start, num.of > 1, phoneWord)
	return start, num.end, named > 0 || named == 0 && (spokenOf(text, start) || behind(text, num.end))
}

func calendarYear(digits string) bool {
	return digits[:2] == "19" || digits[:2] == "20" && digits[2] < '5'
}

func phoneWord(word string) int {
	switch word {
	case "phone", "phones", "phonenumber", "telephone", "tel", "mobile", "mobilenumber", "mob", "cell", "cellphone", "landline", "whatsapp", "viber", "telegram", "sms", "fax", "dial", "ring", "call", "calling", "called", "reach", "contact", "contactnumber",
		"tél", "ph", "tlf", "tfno", "telefonnr", "gsm", "cel", "ligue", "llame", "llámame", "llamar", "chiama", "chiamami", "zadzwoń", "телефон", "телефона", "телефону", "тел", "моб", "мобильный", "звоните", "позвоните", "τηλέφωνο", "κινητό", "फोन", "फ़ोन", "मोबाइल", "هاتف", "طلفون", "טלפון",
		"telefon", "telefonnummer", "handy", "handynummer", "mobil", "ruf", "rufen", "anruf", "anrufen", "erreichbar", "joindre", "joignable", "llamarme", "llámeme", "telefonisch", "téléphone", "telephonique", "portable", "appelez", "teléfono", "telefono", "móvil", "celular", "cellulare", "telefone", "telemóvel", "telefoon", "mobiel", "komórka":
		return calls
	case "order", "orders", "invoice", "ticket", "case", "ref", "reference", "tracking", "part", "sku", "isbn", "issn", "id", "ids", "uid", "serial", "model", "version", "account", "acct", "zip", "page", "pages", "timestamp", "time",
		"date", "item", "doi", "patent", "imei", "vin", "lot", "batch", "confirmation", "booking", "reservation", "transaction", "product", "iban", "policy", "claim", "ssn", "bestellung", "rechnung", "kundennummer", "code":
		return noneFor
	case "iphone", "ipad", "galaxy", "pixel", "android", "ios", "windows", "job", "nanos", "epoch", "license", "licence", "key", "trace", "parcel", "shipment", "hash", "seed", "upc", "ean", "barcode", "token", "session", "request":
		return noneBy
	}
	return 0
}

// spokenOf reports a phrase for a phone number that phoneWord does not see: of several words, or in a script that parts
// none.
func spokenOf(text string, i int) bool {
	before := strings.ToLower(text[max(0, i-32):i])
	for _, phrase := range [...]string{"my number", "his number", "her number", "our number", "their number", "number to call", "number's", "reached on", "reached at", "text me", "text us", "message me", "meine nummer", "mon numéro", "mi número", "il mio numero", "meu número", "mijn nummer", "мой номер", "电话", "電話", "手机", "手機", "携帯", "ケータイ", "전화", "휴대폰", "핸드폰", "연락처", "โทร"} {
		if strings.Contains(before, phrase) {
			return true
		}
	}
	return false
}

// behind reports that a number that ends ahead of text[j] is called a telephone's after it: is my mobile, (cell).
func behind(text string, j int) bool {
	rest := strings.TrimLeft(text[j:min(len(text), j+40)], " ")
	said := strings.HasPrefix(rest, "(")
	rest = strings.TrimLeft(rest, "(")
	for range 4 {
		n := span(rest, letter, len(rest))
		switch word := strings.ToLower(rest[:n]); word {
		case "is", "are", "was", "ist", "est", "es", "on", "via", "my", "our", "his", "her", "their", "the", "new", "work", "home", "private", "personal", "meine", "mon", "mi":
			said = true
		case "mobile", "phone", "cell", "cellphone", "telephone", "landline", "whatsapp", "handy", "handynummer", "portable", "móvil":
			return said
		default:
			return false
		}
		rest = strings.TrimLeft(rest[n:], " ")
	}
	return false
}

// international finds + and a country's code, then the rest in groups.
func international(text string, i int) (start, end int, ok bool) {
	if text[i+1] < '1' || text[i+1] > '9' || i > 0 && (isWord(text[i-1]) || text[i-1] == '+') {
		return 0, 0, false
	}
	most := 15
	if text[i+1] == '1' {
		most = 11
	}
	num := groups(text, i+1, " -./()", most, true)
	for num.of > 3 && num.groups[num.of-1] < 2 {
		num.shorten()
	}
	digits := num.text()
	if num.n < 9 || !dialled(text, num.end) || !countryCode(digits) || strings.Contains(digits, "000000") {
		return 0, 0, false
	}
	if num.of == 1 && (num.n < 10 || addsTo(text, i)) {
		return 0, 0, false
	}
	for k, n := range num.groups[:num.of] {
		if n < 2 && k > 1 && (k > 2 || digits[num.groups[0]] != '0') { // +33 1 and +33 (0)1
			return 0, 0, false
		}
	}
	if digits[0] == '1' && (num.n != 11 || !northAmerican(digits[1:])) {
		return 0, 0, false
	}
	return i, num.end, !sequence(digits[1:]) && !sequence(digits[2:])
}

// addsTo reports that what stands ahead of a plus is something to add to.
func addsTo(text string, i int) bool {
	for i > 0 && text[i-1] == ' ' {
		i--
	}
	return i > 0 && (digit(text[i-1]) || text[i-1] == ')')
}

// parenthesised finds (212) 358-7886, and (030) 123456 where it is called a phone number.
func parenthesised(text string, i int) (start, end int, ok bool) {
	n := span(text[i+1:], digit, 6)
	at := i + 1 + n
	if n < 2 || n > 5 || at+1 >= len(text) || text[at] != ')' {
		return 0, 0, false
	}
	at++
	if c, width := separator(text, at); within(" -/", c) {
		at += width
	}
	if at >= len(text) || !digit(text[at]) {
		return 0, 0, false
	}
	rest := groups(text, at, " -.", 10, false)
	digits := text[i+1:i+1+n] + rest.text()
	if n == 3 && rest.of >= 2 && rest.groups[0] == 3 && rest.groups[1] == 4 {
		if end = rest.ends[1]; !northAmerican(digits[:10]) || !dialled(text, end) {
			return 0, 0, false
		}
		return i, end, true
	}
	if len(digits) < 9 || len(digits) > 12 || !dialled(text, rest.end) || sequence(digits) || n == 4 && calendarYear(digits) || n == 3 && tollFree(digits[:3]) || strings.Contains(digits, "000000") {
		return 0, 0, false
	}
	named := ahead(text, i, true, phoneWord)
	return i, rest.end, named > 0 || named == 0 && (digits[0] == '0' && spokenOf(text, i) || behind(text, rest.end))
}

// northAmerican checks ten digits by the numbering plan (NANPA): areas start with 2 to 9. Exchanges do, too, which people
// who make up a number forget. Toll-free and premium numbers are no person's, 555-0100 to 555-0199 are kept for fiction.
func northAmerican(digits string) bool {
	return digits[0] >= '2' && !(digits[1] == '1' && digits[2] == '1') && !tollFree(digits[:3]) && digits[3:8] != "55501" && !sequence(digits)
}

func tollFree(area string) bool {
	switch area {
	case "800", "888", "877", "866", "855", "844", "833", "822", "900":
		return true
	}
	return false
}

// countryCode reports that a number starts with an assigned code (ITU-T E.164, list of 2016).
func countryCode(digits string) bool {
	switch digits[:2] {
	case "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
		"51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98":
		return true
	case "21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69", "85", "88", "96", "97", "99":
		return true // with a third digit
	}
	return digits[0] == '1' || digits[0] == '7'
}
