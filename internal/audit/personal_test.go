package audit

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

// TestPersonal: what each form is, and what only looks like it. Numbers, names and addresses are made up.
func TestPersonal(t *testing.T) {
	cases := []struct{ text, want string }{
		{"write to jun_takeda78@proton.me when it is done", "pii-email 10"},
		{"write to jun.o'neil+x@mail.firma.co.uk.", "pii-email 10"},
		{"mailto:jo@firma.de?subject=x", "pii-email 8"}, {"(jo@firma.de)", "pii-email 2"}, {"a@b.de,c@d.fr", "pii-email 1 pii-email 8"},
		{"https://x.com/?mail=jo@firma.de", "pii-email 21"}, {"联系jo@firma.cn。", "pii-email 3"}, {"user4711@example-corp.com", "pii-email 1"},
		{"user@localhost", ""}, {"@marta on the forum", ""}, {"jane@example.com", ""}, {"jane@mail.example.org", ""}, {"jane@corp.test", ""}, {"[EMAIL]", ""}, {"<email@domain.com>", ""},
		{"support@firma.de", ""}, {"no-reply@firma.de", ""}, {"Customer.Service@firma.de", ""}, {"git@github.com:a/b.git", ""}, {"ssh://jo@host.firma.de/x", ""}, {"postgres://jo:pw@db.firma.de/x", ""},
		{"icon@2x.png", ""}, {"react@18.2.0", ""}, {"patches/dotenv-expand@9.0.0.patch", ""}, {"jo@163.com", "pii-email 1"}, {"getty@tty1.service", ""}, {"x@y.reshape(3)", ""}, {"a @ b.de", ""}, {"a@b", ""}, {"@", ""}, {"a@", ""}, {"a@-b.de", ""}, {"a@b.", ""},

		{"card 5157221387605282 exp 03/29", "pii-card 6"}, {"card 5591 3852 4834 0712 exp 07/29", "pii-card 6"}, {"5591-3852-4834-0712", "pii-card 1"}, {"5591 3852 4834 0712 0729", "pii-card 1"},
		{"3706 494907 05890 exp", "pii-card 1"}, {"3706-494907-05890.", "pii-card 1"}, {"4111 1111 1111 1111", "pii-card 1"}, {"visa:4111111111111111,", "pii-card 6"}, {"卡号4111111111111111", "pii-card 3"}, {"6011000990139424", "pii-card 1"}, {"2223003122003222", "pii-card 1"},
		{"30569309025904", "pii-card 1"}, {"3530111333300000", "pii-card 1"}, {"order 11, card 4111111111111111", "pii-card 16"},
		{"timestamp 1700000000000000 in the log", ""}, {"tracking number 4000000000000001", ""}, {"tracking number 4111111111111111", ""}, {"order id: 4111111111111111", ""}, {"4003521612390", ""}, {"my card is 676116140994", "pii-card 12"}, {"676116140994", ""}, {"5157221387605283", ""}, {"0.4111111111111111", ""}, {"a4111111111111111", ""},
		{"4111111111111111a", ""}, {"41111111111111110000", ""}, {"4111 1111 11111111", ""}, {"4111-1111-1111-1111-2", ""}, {"/4111111111111111", ""}, {"2003 2003 2004 2005", ""}, {"0000000000000000", ""}, {"411111111111", ""}, {"4111.1111.1111.1111", ""},

		{"transfer to IBAN DE13217799801401653718", "pii-iban 18"}, {"GB82 WEST 1234 5698 7654 32 please", "pii-iban 1"}, {"IBAN:FR1420041010050500013M02606.", "pii-iban 6"}, {"NO9386011117947", "pii-iban 1"}, {"MT84MALT011000012345MTLCAST001S", "pii-iban 1"},
		{"DE00 1234 5678 9012 3456 78 is a made-up example", ""}, {"DE13217799801401653719", ""}, {"DE1321779980140165371", ""}, {"DE132177998014016537180", ""}, {"XX13217799801401653718", ""}, {"XDE13217799801401653718", ""}, {"DE13 2177 9980", ""}, {"AB12", ""}, {"1", ""},

		{"SSN 294-72-7062", "pii-ssn 5"}, {"it is 294-72-7062.", "pii-ssn 7"}, {"my social security number is 294727062", "pii-ssn 30"}, {"ssn: 294 72 7062", "pii-ssn 6"}, {"SSN 123-45-6789", "pii-ssn 5"},
		{"part number 000-12-3456", ""}, {"part number 294-72-7062", ""}, {"000-12-3456", ""}, {"666-12-3456", ""}, {"912-12-3456", ""}, {"294-00-3456", ""}, {"294-72-0000", ""}, {"078-05-1120", ""}, {"1294-72-7062", ""}, {"294-72-70621", ""}, {"294-72-7062-1", ""}, {"x-294-72-7062", ""}, {"294727062", ""}, {"294 72 7062", ""}, {"123-45-6789", ""}, {"294-72 7062", ""},

		{"from 203.175.138.56 last night", "pii-ip 6"}, {"from 81.82.21.25 last night", "pii-ip 6"}, {"IP: 5.9.7.8", "pii-ip 5"}, {"http://93.174.231.47:8080/cam", "pii-ip 8"}, {"(93.174.231.47)", "pii-ip 2"}, {"client_ip=5.9.7.31", "pii-ip 11"}, {"at 2a02:8109:9ac0:1f0c::1a.", "pii-ip 4"}, {"[2a02:8109::7]:443", "pii-ip 2"},
		{"bind to 127.0.0.1 or 10.0.0.7", ""}, {"upgrade from 3.11.7.2 please", ""}, {"version 10.4.2.8812 broke it", ""}, {"version 93.174.231.47", ""}, {"v93.174.231.47", ""}, {"192.168.178.20", ""}, {"IP 192.0.2.17", ""}, {"172.31.255.255", ""}, {"169.254.169.254", ""}, {"100.100.100.100", ""}, {"255.255.255.0", ""}, {"224.100.100.251", ""}, {"ping 8.8.8.8", ""}, {"203.175.138.0", ""}, {"203.175.138.56/24", ""},
		{"1.3.6.1", ""}, {"section 4.11.7.2", ""}, {"4.11.7.2", ""}, {"1.3.6.1.4.1.311.21.20", ""}, {"203.175.138.256", ""}, {"203.175.138.56-beta", ""}, {"203.175.138", ""}, {"203.175.138.56.7", ""}, {"Chrome/90.200.210.30", ""}, {"2001:db8::1", ""}, {"fe80::1", ""}, {"::1", ""}, {"12:30:45", ""}, {"2026:11", ""}, {"2024: a year", ""}, {"3a02::x", ""}, {"std::2aaa::b", ""}, {":", ""}, {"2000::", ""},

		{"my number is +49 30 493974", "pii-phone 14"}, {"+44 20 7246 9888", "pii-phone 1"}, {"my number is (212) 358-7886", "pii-phone 14"}, {"+1 415 710 1801", "pii-phone 1"}, {"+1 (415) 555-5560, card", "pii-phone 1"}, {"+14157101801", "pii-phone 1"}, {"+33 6 12 34 56 98", "pii-phone 1"}, {"+49 (0)30 1234567", "pii-phone 1"}, {"+4917612345698", "pii-phone 1"},
		{"or at 702-383-0381.", "pii-phone 7"}, {"702.383.0381", "pii-phone 1"}, {"1-702-383-0381", "pii-phone 1"}, {"(212)358-7886", "pii-phone 1"}, {"call 702 383 0381", "pii-phone 6"}, {"Telefon: 030/1234567", "pii-phone 10"}, {"mobile 07700 912345", "pii-phone 8"}, {"phone 2123587886", "pii-phone 7"}, {"tel. (030) 123456 78", "pii-phone 6"}, {"我的手机号是13812345698", "pii-phone 7"}, {"call me on 06 12 34 56 98", "pii-phone 12"},
		{"+1 415 710 1801 2 people", "pii-phone 1"}, {"555-867-5309", "pii-phone 1"}, {"(555) 123-4567", "pii-phone 1"}, {"+1-202-456-1111", "pii-phone 1"}, {"1 (415) 710-1801", "pii-phone 3"}, {"+44 7911 123456", "pii-phone 1"}, {"+49 151 23456789", "pii-phone 1"},
		{"+33 1 42 68 53 00", "pii-phone 1"}, {"+34 612 345 678", "pii-phone 1"}, {"+91 98761 43210", "pii-phone 1"}, {"+86 138 1234 5678", "pii-phone 1"}, {"+81 3-1234-5678", "pii-phone 1"}, {"+55 11 91234-5678", "pii-phone 1"}, {"+39 06 6982 1234", "pii-phone 1"}, {"+353 1 234 5678", "pii-phone 1"},
		{"212.555.1234", "pii-phone 1"}, {"My number is 0151 23456789", "pii-phone 14"}, {"reach me on 07911 123456,", "pii-phone 13"}, {"text or call 2125557890", "pii-phone 14"}, {"(415) 710-1801 x12", "pii-phone 1"}, {"858.358.4719x540", "pii-phone 1"}, {"+1-540-432-9792x3207", "pii-phone 1"}, {"+33 (0)3 82 74 24 47", "pii-phone 1"}, {"phone 87 4162-9986", "pii-phone 7"}, {"call 07911 123456 2 times", "pii-phone 6"}, {"tel:+14157101801", "pii-phone 5"},
		{"order 20260114-0042-7781 is late", ""}, {"my order number is 0151 23456789", ""}, {"invoice 2026-004-1187", ""}, {"my account number 212345678", ""}, {"550e8400-e29b-41d4-a716-446655440000", ""}, {"40.712776,-74.005974", ""}, {"1,234,567,890", ""}, {"call 9 1 1", ""}, {"+1", ""}, {"GMT+1 2024", ""}, {"[1700000000, 1700003600]", ""}, {"phone since 2026-01-14 10:30", ""}, {"call on 14.01.2026 10:30", ""}, {"415-710-1801xyz", ""}, {"version 10.4.2.8812 broke it", ""}, {"1700000000", ""}, {"phone 12345", ""}, {"xxx-xxx-xxxx", ""}, {"[PHONE]", ""}, {"1-800-273-8255", ""}, {"(800) 273-8255", ""}, {"415-555-0123", ""}, {"+1 415 555 0123", ""}, {"123-456-7890", ""}, {"(555) 555-5555", ""}, {"2026-01-14 10:30", ""}, {"call on 2026-01-14", ""}, {"978-3-16-148410-0", ""}, {"200-100-4000", ""}, {"ISBN 0-306-40615-2", ""}, {"order 212-358-7886", ""}, {"ref: 2123587886", ""}, {"9,876,543,210", ""},
		{"5 +4917612345698", ""}, {"x+4917612345698", ""}, {"+10 000 000 000", ""}, {"212 358 7886", ""}, {"2123587886", ""}, {"3.1415926535", ""}, {"0.702-383-0381", ""}, {"+1", ""}, {"(212)", ""}, {"f(212) 358-7886", ""}, {"+999", ""}, {"12/11/2026", ""}, {"$212-358-7886", ""}, {"call 0123456789", ""}, {"+", ""}, {"(", ""},
	}
	checkPersonal(t, cases)
}

// checkPersonal compares what is found in each text, and at which column, with what it says.
func checkPersonal(t *testing.T, cases []struct{ text, want string }) {
	t.Helper()
	var rows []string
	for _, c := range cases {
		rows = append(rows, chat(c.text, "fine"))
	}
	got := make([][]string, len(cases))
	for _, f := range audited(t, Input{Train: data(t, rows...), Deep: true}, DefaultPolicy()).Findings {
		if strings.HasPrefix(f.Rule, "pii-") {
			i := f.Line - 1
			got[i] = append(got[i], fmt.Sprintf("%s %d", f.Rule, f.Col-len(`{"messages":[{"role":"user","content":"`)))
			if f.Severity != diag.Warning || shows(f.Message, cases[i].text) {
				t.Errorf("%q: %s %s", cases[i].text, f.Severity, f)
			}
		}
	}
	for i, c := range cases {
		if got := strings.Join(got[i], " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// shows reports that the message repeats five letters or digits in a row of the text, beyond what a rule says anyway.
func shows(message, text string) bool {
	_, said, _ := strings.Cut(message, ": ")
	runes := []rune(said)
	for i := 0; i+5 <= len(runes); i++ {
		if strings.Contains(text, string(runes[i:i+5])) {
			return true
		}
	}
	return false
}

// TestPersonalStaysOut: personal data gets into no report as a label, and the quick audit does not look for it.
func TestPersonalStaysOut(t *testing.T) {
	rows := different(0)
	for i := range 40 {
		rows = append(rows, chat(fmt.Sprintf("who takes case %d", i), []string{"jo@firma.de", "the desk"}[i%2]))
	}
	in := Input{Train: data(t, rows...)}
	if got := audited(t, in, DefaultPolicy()).Findings; len(got) != 0 {
		t.Errorf("quick: %v", got)
	}
	in.Deep = true
	for _, l := range audited(t, in, DefaultPolicy()).Labels {
		if strings.Contains(l.Answer, "@") {
			t.Errorf("label %q", l.Answer)
		}
	}
}

// TestGenerated: of numbers made as their issuers make them, all are found; with one digit changed, none.
func TestGenerated(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	changed := func(s string) string {
		b := []byte(s)
		b[len(b)-2] = '0' + (b[len(b)-2]-'0'+1)%10
		return string(b)
	}
	at := func(f func(string, int) (int, int, bool), text string, i int) bool {
		start, end, ok := f(text, i)
		return ok && start == 0 && end == len(text)
	}
	for range 300 {
		card := fmt.Sprint(51+r.IntN(5)) + digits(13)
		for c := '0'; c <= '9'; c++ {
			if luhn(card + string(c)) {
				card += string(c)
				break
			}
		}
		if !at(cardNumber, card, 0) || !at(cardNumber, card[:4]+" "+card[4:8]+" "+card[8:12]+" "+card[12:], 0) || at(cardNumber, changed(card), 0) {
			t.Errorf("card %s", card)
		}
		account, found := digits(18), ""
		for check := 2; check <= 98; check++ {
			if s := fmt.Sprintf("DE%02d%s", check, account); at(iban, s, 2) {
				found = s
			}
		}
		if found == "" || at(iban, changed(found), 2) {
			t.Errorf("account %s", account)
		}
	}
}

// TestPersonalPlanted: in the planted set every piece of personal data is found, and nothing else is.
func TestPersonalPlanted(t *testing.T) {
	res := audited(t, Input{Train: open(t, testdata(t, "planted", "train.jsonl")), Deep: true}, DefaultPolicy())
	truth, err := os.Open(testdata(t, "planted", "truth.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer truth.Close()
	want := map[string]bool{}
	for in := bufio.NewScanner(truth); in.Scan(); {
		var d struct {
			Line int
			Kind string
		}
		if err := json.Unmarshal(in.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(d.Kind, "pii-") {
			want[fmt.Sprintf("%s %d", d.Kind, d.Line)] = true
		}
	}
	if len(want) != 48 {
		t.Errorf("%d planted", len(want))
	}
	for _, f := range res.Findings {
		if s := fmt.Sprintf("%s %d", f.Rule, f.Line); strings.HasPrefix(f.Rule, "pii-") {
			if !want[s] {
				t.Errorf("not planted: %s", f)
			}
			delete(want, s)
		}
	}
	for s := range want {
		t.Errorf("not found: %s", s)
	}
}

// TestManyAddresses: a text full of addresses is cut short, and hides no key that stands behind them.
func TestManyAddresses(t *testing.T) {
	text := strings.Repeat("jo@firma.de ", 100) + "AKIA" + strings.ToUpper(random(1, 16))
	count := map[string]int{}
	for _, f := range audited(t, Input{Train: data(t, append(different(10), chat(text, "fine"))...), Deep: true}, DefaultPolicy()).Findings {
		count[f.Rule]++
	}
	if count["pii-email"] != maxPerText || count["secret-aws"] != 1 {
		t.Errorf("got %v", count)
	}
}
