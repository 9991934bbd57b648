package audit

import (
	"strings"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/diag"
)

// personalRules are the rules of the deep audit about what identifies a person. The order matters where two see the same
// digits: the stricter one comes first.
func personalRules() []Rule {
	const digits = "0123456789"
	return []Rule{
		personal("pii-iban", "An international bank account number: country, its length (ISO 13616) and check digits (ISO 7064). Compact or in groups of four; compact ones of small letters and digits count where they are called an account. "+
			"Examples from documentation count where their check digits are right.",
			digits, iban, func(match string) string { return "an IBAN: " + match[:2] + masked(match, 2) }),
		personal("pii-card", "The number of a payment card: prefix and length of an issuer (ISO/IEC 7812), right check digit (Luhn). Test numbers of payment services count too, since "+
			"each service has its own. An identifier of the same form passes one time in ten; those that are called order, tracking, id, timestamp and the like are left out: right ahead of the number where it is written in groups.",
			digits, cardNumber, func(match string) string { return "a card number: " + masked(match, 4) }),
		personal("pii-ssn", "A US social security number: 3-2-4 digits with hyphens, or 9 digits without where they are called SSN or social security; no area, group or serial that was never issued. "+
			"Part numbers of the same form count unless they are called so.",
			digits, socialSecurity, func(match string) string { return "a US social security number: " + masked(match, 2) }),
		personal("pii-ip", "An address of the public Internet, IPv4 or IPv6. Private, loopback and documentation ranges, networks (.0, /24) and public name servers do not count. "+
			"Four numbers with fewer than eight digits count only where they are called an address, and not at all where they are called a version, release or section. Addresses of servers count too.",
			digits+":", ipAddress, func(match string) string { return "an IP address: " + match[:2] + "…" }),
		personal("pii-phone", "A telephone number: international with a plus (ITU-T E.164), North American as (212) 358-7886 or 212-358-7886; 9 to 13 digits of any other form, 8 in pairs, or more behind 00, where they are called phone, mobile, "+
			"call or the like. Toll-free numbers, 555-01xx (kept for fiction) and counted-up digits do not count. Identifiers written 3-3-4 count unless they are called order, ref, id or the like right ahead; published numbers of firms count.",
			digits+"+(", phone, func(match string) string { return "a phone number: " + masked(match, 2) }),
		personal("pii-email", "An e-mail address, in letters of any script. Domains reserved for examples (RFC 2606) and usual placeholders, mailboxes of a role such as support@ or noreply@, and users in URLs do not count. "+
			"Addresses in published articles and licences count. Addresses that were spelt out (name at host) are not seen.",
			"@", email, func(match string) string {
				_, first := utf8.DecodeRuneInString(match)
				return "an e-mail address: " + match[:first] + "…@…" + match[strings.LastIndexByte(match, '.'):]
			}),
	}
}

func personal(name, doc, marks string, at func(string, int) (int, int, bool), say func(match string) string) Rule {
	return Rule{Name: name, Doc: doc, Severity: diag.Warning, Deep: true, Check: Check{Marks: marks, At: at, Seen: func(match string) (string, string) {
		return "what looks like " + say(match), "remove it or put a placeholder in its place, unless it is public on purpose: models repeat what they were trained on"
	}}}
}
