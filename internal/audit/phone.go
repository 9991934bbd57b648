package audit

import "strings"

// phone finds a telephone number (marks digits, + and opening parenthesis). Three forms count for what they are: international
// with a plus (ITU-T E.164), North American with the area in parentheses, and North American 3-3-4 with hyphens or dots.
// Any other run of 9 to 12 digits counts only where it is called a phone number.
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
	at := i
	if text[i] == '1' && within("-. ", text[i+1]) {
		at += 2 // the trunk prefix
	}
	if at+12 <= len(text) && within("-. ", text[at+3]) && text[at+7] == text[at+3] && (at == i || text[at-1] == text[at+3]) {
		digits := text[at:at+3] + text[at+4:at+7] + text[at+8:at+12]
		if span(digits, digit, 10) == 10 && dialled(text, at+12) {
			called := 0
			if !northAmerican(digits) {
				return 0, 0, false
			}
			if called = ahead(text, i, phoneWord); called > 0 || called == 0 && text[at+3] != ' ' && digits[3] >= '2' {
				return i, at + 12, true
			}
			return 0, 0, false
		}
	}
	num := groups(text, i, "-. /", 13, true)
	for num.of > 1 && num.groups[num.of-1] < 2 { // as in: 07911 123456, 2 people
		num.shorten()
	}
	return called(text, i, &num)
}

// dialled reports that a number may end ahead of text[j]: also with an extension, such as x12.
func dialled(text string, j int) bool {
	return ends(text, j) || text[j] == 'x' && j+1 < len(text) && digit(text[j+1])
}

// called accepts a number of no form by its name.
func called(text string, start int, num *number) (int, int, bool) {
	if num.n < 9 || num.n > 13 || num.of > 5 || !dialled(text, num.end) {
		return 0, 0, false
	}
	for _, n := range num.groups[:num.of] {
		if n < 2 {
			return 0, 0, false
		}
	}
	digits := num.text()
	g := &num.groups
	date := num.of > 1 && g[0] == 4 && g[1] == 2 && (digits[:2] == "19" || digits[:2] == "20") || num.of > 2 && g[0] == 2 && g[1] == 2 && g[2] == 4
	if date || num.n == 13 && digits[0] != '0' || sequence(digits) || strings.Contains(digits, "000000") || num.n == 10 && tollFree(digits[:3]) || num.n == 11 && digits[0] == '1' && tollFree(digits[1:4]) {
		return 0, 0, false
	}
	if num.n == 10 && digits[3:8] == "55501" || num.n == 11 && digits[4:9] == "55501" {
		return 0, 0, false
	}
	named := ahead(text, start, phoneWord)
	return start, num.end, named > 0 || named == 0 && spokenOf(text, start)
}

func phoneWord(word string) int {
	switch word {
	case "phone", "phones", "phonenumber", "telephone", "tel", "mobile", "mobilenumber", "mob", "cell", "cellphone", "landline", "whatsapp", "sms", "fax", "dial", "call", "calling", "called", "reach", "contact", "contactnumber",
		"telefon", "telefonnummer", "handy", "handynummer", "mobil", "ruf", "anruf", "telefonisch", "téléphone", "telephonique", "portable", "appelez", "teléfono", "telefono", "móvil", "celular", "cellulare", "telefone", "telemóvel", "telefoon", "mobiel", "komórka":
		return 1
	case "order", "orders", "invoice", "ticket", "case", "ref", "reference", "tracking", "part", "sku", "isbn", "issn", "id", "ids", "uid", "serial", "model", "version", "account", "acct", "zip", "page", "pages", "timestamp", "time",
		"date", "item", "doi", "patent", "imei", "vin", "lot", "batch", "confirmation", "booking", "reservation", "transaction", "product", "iban", "policy", "claim", "ssn", "bestellung", "rechnung", "kundennummer", "code":
		return -1
	}
	return 0
}

// spokenOf reports a phrase for a phone number that phoneWord does not see: of several words, or in a script that parts
// none.
func spokenOf(text string, i int) bool {
	before := strings.ToLower(text[max(0, i-32):i])
	for _, phrase := range [...]string{"my number", "his number", "her number", "our number", "their number", "number to call", "meine nummer", "电话", "電話", "手机", "手機", "전화", "휴대폰"} {
		if strings.Contains(before, phrase) {
			return true
		}
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
	if text[at] == ' ' || text[at] == '-' {
		at++
	}
	if at >= len(text) || !digit(text[at]) {
		return 0, 0, false
	}
	rest := groups(text, at, " -.", 10, false)
	digits := text[i+1:i+1+n] + rest.text()
	if n == 3 && rest.of >= 2 && rest.groups[0] == 3 && rest.groups[1] == 4 {
		if end = at + 8; !northAmerican(digits[:10]) || !dialled(text, end) {
			return 0, 0, false
		}
		return i, end, true
	}
	if len(digits) < 9 || len(digits) > 12 || !dialled(text, rest.end) || sequence(digits) || text[i+1] != '0' {
		return 0, 0, false
	}
	return i, rest.end, ahead(text, i, phoneWord) > 0
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
