package audit

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// script is a script that is one language's and named so, or else named as itself.
type script struct {
	name   string
	tables []*unicode.RangeTable
}

// tongue is a language of the Latin script with some of its most frequent words, those that say least about what a
// text is about.
type tongue struct{ name, words string }

type functionWord struct {
	id      int
	tongues []uint8 // indices
}

// lexicon tells languages. Read-only once made.
type lexicon struct {
	scripts []script
	tongues []tongue
	words   map[string]*functionWord
}

func newLexicon() *lexicon {
	x := &lexicon{
		scripts: []script{
			{"Chinese", []*unicode.RangeTable{unicode.Han}}, // the first two are looked at together
			{"Japanese", []*unicode.RangeTable{unicode.Hiragana, unicode.Katakana}},
			{"Korean", []*unicode.RangeTable{unicode.Hangul}},
			{"Cyrillic script", []*unicode.RangeTable{unicode.Cyrillic}},
			{"Arabic script", []*unicode.RangeTable{unicode.Arabic}},
			{"Greek", []*unicode.RangeTable{unicode.Greek}},
			{"Hebrew", []*unicode.RangeTable{unicode.Hebrew}},
			{"Devanagari script", []*unicode.RangeTable{unicode.Devanagari}},
			{"Thai", []*unicode.RangeTable{unicode.Thai}},
		},
		tongues: []tongue{
			{"English", "the of and to in is that for it with was on are as be this have from or by not what which you my do can how when your where there will would at an if has he she they we please should who why could me"},
			{"German", "der die das und ist nicht ein eine einen zu den mit von auf für im ich sie es auch dem wie wir aber oder wenn was kann mein meine bei sind wird haben hat zum zur nach bitte mir mich warum wo du er"},
			{"French", "le la les de des et un une est que dans pour qui sur pas avec je vous il ce du au plus sont mon ma mais comment ne se elle nous par cette quel quelle où mes votre ai peux"},
			{"Spanish", "el la los las de que en un una es por con para no se del al lo como mi su qué cómo está pero más yo te sus son puedo cuál dónde quiero hay esta este"},
			{"Italian", "il lo la gli di che un una è per con non in si sono come del della mi nel ma questo anche ho dei le da mio mia posso quanto dove perché alla più"},
			{"Portuguese", "os as de que um uma é em para com não por se do da no na mais como eu meu minha você dos ao são está foi posso onde qual quero"},
			{"Dutch", "de het een en van is dat niet te op voor met zijn ik je er maar ook aan hoe wat mijn naar heb deze die bij kan of om waar hebben worden dit wordt"},
			{"Polish", "na nie się do to że jest jak co po dla za czy od mam mój moja przez są ale jaki gdzie kiedy mogę proszę tego być"},
			{"Swedish", "och att det som en är på av för med jag inte den har till om ett hur vad min kan de du var men från så vi mitt när"},
			{"Danish", "og at det er en på af for med jeg ikke den har til om et hvordan hvad min kan de du var men fra så vi mit hvor når blev"},
			{"Norwegian", "og å det er en på av for med jeg ikke den har til om et hvordan hva min kan de du var men fra så vi mitt hvor når ble"},
			{"Finnish", "ja on ei että se en hän mutta kun ole mitä miten minun voin tämä ovat oli myös tai jos olen kuin mikä missä joka"},
			{"Czech", "na je se že to do jak co pro ale jsem jsou nebo jako by si který mám kde můj moje může být když"},
			{"Turkish", "ve bir bu için ile de da ne nasıl çok mi mı var olarak değil ben daha olan gibi nerede benim kadar en ama her"},
			{"Romanian", "și de la în un nu este cu pe că din care pentru mai să am ce sunt cum unde eu fi au prin dar"},
			{"Hungarian", "az és hogy nem is egy ez van de meg mint csak ki mi hol mit már volt lehet még vagy én kell ha"},
			{"Indonesian", "yang dan di ini itu dengan untuk tidak dari pada saya apa bagaimana adalah ke akan bisa ada dalam atau anda oleh juga"},
			{"Vietnamese", "của và là không có cho tôi được một người những này trong các để với như thế làm nào bạn khi đã"},
		},
		words: map[string]*functionWord{},
	}
	for i, t := range x.tongues {
		for w := range strings.FieldsSeq(t.words) {
			if x.words[w] == nil {
				x.words[w] = &functionWord{id: len(x.words)}
			}
			x.words[w].tongues = append(x.words[w].tongues, uint8(i))
		}
	}
	return x
}

// language tells the language of a text, "" where it is not clear: by script, and for the Latin one by its function
// words, each of which counts once, and the less the more languages share it.
func (x *lexicon) language(text string) string {
	var score [32]float64 // by tongue
	var hits [32]int      // words of it, by tongue
	var seen [16]uint64   // bits, by id of a word
	var of [16]int        // letters, by script
	var word [24]byte
	letters, latin, words, n := 0, 0, 0, 0
	flush := func() {
		if n > 0 {
			words++
			if w := x.words[string(word[:min(n, len(word)-1)])]; w != nil {
				fresh := seen[w.id/64]>>(w.id%64)&1 == 0
				seen[w.id/64] |= 1 << (w.id % 64)
				for _, t := range w.tongues {
					hits[t]++
					if fresh {
						score[t] += 1 / float64(len(w.tongues))
					}
				}
			}
			n = 0
		}
	}
	for _, r := range text {
		if r|0x20 >= 'a' && r|0x20 <= 'z' || r >= 0xc0 && r < 0x250 && r != '×' && r != '÷' || r >= 0x1e00 && r < 0x1f00 {
			latin++
			if n+utf8.UTFMax <= len(word) {
				n += utf8.EncodeRune(word[n:], unicode.ToLower(r))
			}
			continue
		}
		if flush(); r < 0x370 {
			continue
		}
		for k, s := range x.scripts {
			if unicode.In(r, s.tables...) {
				of[k]++
				letters++
				break
			}
		}
	}
	flush()
	if letters > latin {
		most := 0
		for k, count := range of {
			if count > of[most] {
				most = k
			}
		}
		if most == 0 && 10*of[1] > of[0] {
			most = 1 // Japanese writes in Chinese characters, too
		}
		if of[most] < 4 {
			return ""
		}
		return x.scripts[most].name
	}
	best, second := 0, 0.0
	for t := 1; t < len(x.tongues); t++ {
		if score[t] > score[best] {
			best, second = t, score[best]
		} else {
			second = max(second, score[t])
		}
	}
	if score[best] < 2 || score[best] < 1.5*second || 10*hits[best] < words {
		return ""
	}
	return x.tongues[best].name
}
