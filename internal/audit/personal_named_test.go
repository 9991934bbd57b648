package audit

import "testing"

// TestNamed: a word hides a number only where it names the number, and less easily one that is written in groups.
func TestNamed(t *testing.T) {
	checkPersonal(t, []struct{ text, want string }{
		{"I paid for my order with 4663 9233 2146 8814 and it failed", "pii-card 26"}, {"I paid for my order with 4663923321468814 and it failed", "pii-card 26"},
		{"The transaction on 4663 9233 2146 8814 was declined", "pii-card 20"}, {"for the payment of invoice 12: 4663923321468814", "pii-card 32"}, {"part of my statement: 4663923321468814", "pii-card 23"},
		{"Update my account, 4663 9233 2146 8814", "pii-card 20"}, {"order 4663 9233 2146 8814 by card 5591 3852 4834 0712", "pii-card 35"}, {"card no.4663923321468814", "pii-card 9"},
		{"Card#4663923321468814", "pii-card 6"}, {"charge 4663923321468814 09/27 123", "pii-card 8"}, {"card 4663 92332146 8814", "pii-card 6"},
		{"4663 92332146 8814", ""}, {"#4663923321468814", ""}, {"order 4663 9233 2146 8814", ""}, {"order no. 4663 9233 2146 8814", ""}, {"order id: 4663-9233-2146-8814", ""}, {"the order number is 4663-9233-2146-8814", ""}, {"Order #4663923321468814", ""},
		{`{"orderId": "4663923321468814"}`, ""}, {`{"order_id": "4663923321468814"}`, ""}, {`{"trackingNumber":"4663923321468814"}`, ""}, {"batch job 4663923321468814", ""}, {"nanos 4663923321468814", ""}, {"tracking number for your parcel 4663923321468814", ""}, {"license key 4663-9233-2146-8814", ""}, {"orders 12, 4663923321468814", ""},

		{"Call me any time on 415-867-2391", "pii-phone 21"}, {"Call me any time 07911384756", "pii-phone 18"}, {"Just in case, 415-867-2391", "pii-phone 15"}, {"Just in case 415-867-2391", "pii-phone 14"}, {"call the number on my account: 415-867-2391", "pii-phone 32"},
		{"Customer ID 12, Jane Lee, 415-867-2391", "pii-phone 27"}, {"Jane Lee,415-867-2391,x", "pii-phone 10"}, {"Where is my order? 415-867-2391", "pii-phone 20"}, {"I lost my order\n415-867-2391", "pii-phone 18"}, {"my number's 415 867 2391", "pii-phone 13"}, {"phone #415-867-2391", "pii-phone 8"}, {"phoneNumber=2123587886", "pii-phone 13"},
		{"order 415-867-2391", ""}, {"order id: 415-867-2391", ""}, {"part no. 415-867-2391", ""}, {"case number: 415-867-2391", ""}, {"ticket #415-867-2391", ""}, {"customerId=415-867-2391", ""}, {"call about order 2123587886", ""}, {"call me about the invoice 2123587886", ""},

		{"SSN#536-84-2917", "pii-ssn 5"}, {"my part in this, 536-84-2917", "pii-ssn 18"}, {"part no. 536-84-2917", ""}, {"#536-84-2917", ""},
		{"http://45.3.2.9/login", "pii-ip 8"}, {"45.3.2.9 - - [10/Oct/2024:13:55:36]", "pii-ip 1"}, {"#93.174.231.47", ""},
	})
}

// TestNational: telephone numbers as they are written at home, where something calls them so.
func TestNational(t *testing.T) {
	checkPersonal(t, []struct{ text, want string }{
		{"Tel.: 030 / 29847651", "pii-phone 7"}, {"Tel.030 29847651", "pii-phone 5"}, {"tél : 06 83 47 59 12", "pii-phone 7"}, {"Mi móvil es 612 34 57 89", "pii-phone 13"}, {"携帯は090-4827-1936", "pii-phone 4"}, {"Телефон: 8 (916) 482-73-91", "pii-phone 12"}, {"फोन 98273 48156", "pii-phone 5"}, {"Tlf: 91 48 27 39", "pii-phone 6"},
		{"Ring me on 0044 7911 384756", "pii-phone 12"}, {"tel 021 482 7395", "pii-phone 5"}, {"whatsapp 5511983475912", "pii-phone 10"}, {"I can be reached on 07911 384756", "pii-phone 21"}, {"text me 07911 384756", "pii-phone 9"}, {"Bitte rufen Sie mich unter 0176 48291736", "pii-phone 28"},
		{"06-48273915 is my mobile", "pii-phone 1"}, {"07911 384756 (cell)", "pii-phone 1"}, {"(415)8672391 is my cell", "pii-phone 1"}, {"06-48273915 mobile homes", ""}, {"06-48273915 is my order", ""},
		{"tel aviv 1948 2024 1234", ""}, {"tel 1948 2024 1234", ""}, {"calling at 1700000123", ""}, {"calling at 1700000123456", ""}, {"phone: iPhone 12 2021 128 256 512", ""}, {"phone 0000 7911 384756", ""}, {"the phone weighs 150 - 200 - 2500 g", ""}, {"call (2015) 1234568", ""}, {"dial 20 26 11 22", ""}, {"ring 12 13 14 15 16", ""}, {"we reached 312 456 789 users", ""},
		{"+33 6 12 34 56 98 2 people", "pii-phone 1"}, {"+49 30 / 29847651", "pii-phone 1"},
	})
}

// TestSpaces: numbers are parted by the spaces and hyphens that editors put in place of plain ones, too.
func TestSpaces(t *testing.T) {
	checkPersonal(t, []struct{ text, want string }{
		{"415\u2011867\u20112391", "pii-phone 1"}, {"415\u2010867\u20102391", "pii-phone 1"}, {"415–867–2391–call", "pii-phone 1"}, {"tel\u00a0030\u00a029847651", "pii-phone 5"}, {"+49\u202f30\u202f29847651", "pii-phone 1"}, {"(212)\u00a0358\u20117886", "pii-phone 1"},
		{"4663\u00a09233\u00a02146\u00a08814", "pii-card 1"}, {"4663–9233–2146–8814", "pii-card 1"}, {"536\u201184\u20112917", "pii-ssn 1"}, {"DE13\u00a02177\u00a09980\u00a01401\u00a06537\u00a018", "pii-iban 1"},
		{"order\u00a04663\u00a09233\u00a02146\u00a08814", ""}, {"4663–9233–2146–8814–2", ""}, {"12–415–867–2391", ""}, {"415–867-2391", "pii-phone 1"},

		{"iban de13 2177 9980 1401 6537 18", "pii-iban 6"}, {"DE13-2177-9980-1401-6537-18", "pii-iban 1"}, {"de13217799801401653718", "pii-iban 1"}, {"my iban is gb82west12345698765432", "pii-iban 12"},
		{"gb82west12345698765432", ""}, {"DE13-2177 9980-1401 6537-18", ""}, {"DE13--2177-9980-1401-6537-18", ""}, {"de13217799801401653719", ""},
	})
}

// TestMailboxes: letters of any script in names and hosts, roles, and which hosts are nobody's.
func TestMailboxes(t *testing.T) {
	checkPersonal(t, []struct{ text, want string }{
		{"write to anna.müller@web.de now", "pii-email 10"}, {"владимир@yandex.ru", "pii-email 1"}, {"«влад@почта.рф»", "pii-email 2"}, {"jo@münchen.de.", "pii-email 1"}, {"mu\u0308ller@web.de", "pii-email 1"}, {"jo@xn--mnchen-3ya.de", "pii-email 1"}, {"李明@例子.中国", "pii-email 1"}, {"联系jo@firma.cn是我", "pii-email 3"}, {"메일은jo@firma.kr", "pii-email 4"},
		{"press2@firma.de", "pii-email 1"}, {"admin1985@gmail.com", "pii-email 1"}, {"max.weber@company.com", "pii-email 1"}, {"kim@domain.com", "pii-email 1"}, {"bob@email.com", "pii-email 1"}, {"lee@test.com", "pii-email 1"}, {"92738415@qq.com", "pii-email 1"},
		{"press@firma.de", ""}, {"admin@gmail.com", ""}, {"test1@gmail.com", ""}, {"jo@example.co.uk", ""}, {"jo@example.de", ""}, {"jo@corp.invalid", ""}, {"jo@mail.localhost", ""}, {"jo@yourcompany.com", ""}, {"我的邮箱@qq.com", ""}, {"20260114@firma.de", ""}, {"é@", ""}, {"@é.de", ""}, {"jo@.é", ""},
	})
}
