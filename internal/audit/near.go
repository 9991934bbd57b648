package audit

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
)

// nearRules are the rules of the deep audit about text that is almost the same.
func nearRules() []Rule {
	return []Rule{
		{
			Name: "near-duplicate", Severity: diag.Warning, Deep: true, Check: Check{Deep: nearDuplicates},
			Doc: "A request says what an earlier one says in hardly other words: a word put in, left out or misspelt, another order, case, punctuation, a " +
				"greeting. Such copies weigh double and leak into validation splits (Lee et al. 2022); where the answers differ, one of them may be wrong. " +
				"Compared is all that stands ahead of the last answer, less system texts, words of politeness, and runs of eight words that many rows have in common. " +
				"Requests of up to 48 words are alike when 85 % of their words are in common, rare ones counting more (Jaccard index weighted by inverse " +
				"document frequency), or 60 % where one holds all words of the other. Longer ones are alike when 70 % of their runs of three words are in common " +
				"(Broder 1997; candidates by MinHash, then compared in full); where the answers differ, no more than three words in a row may be new. " +
				"Short ones that differ in numbers alone (words with a digit: versions, dates) are other requests. " +
				"The same request word for word is exact-duplicate or contradiction. Known false positives: requests that differ in one common word (turn on, " +
				"turn off), in the order alone (10 pounds in kilos), and forms that fewer than 20 rows have in common.",
		},
		{
			Name: "semantic-duplicate", Severity: diag.Info, Deep: true, Check: Check{Deep: semanticDuplicates},
			Doc: "A request means what an earlier one means, by the embeddings of a model: cosine of at least 0.95 (Abbas et al. 2023, SemDeDup). Only where " +
				"an embedding model is at hand; the first 20,000 different requests are compared, of each the first 2,000 bytes, less system texts. near-duplicate " +
				"comes first. Known false positives: requests that differ in a name or a number; models differ in how close unlike texts come.",
		},
	}
}

const nearContaminationDoc = "The deep audit finds edited tests, too: a request with 90 % of a test's words (see near-duplicate; 85 % where one holds all words of the " +
	"other), or a row in which 90 % of a test's words stand in runs of eight or more, wherever they stand (after GPT-3's 13-grams, Brown et al. 2020; 75 % of a " +
	"test of 40 words or more, no more than four in a row missing). Words that many rows or tests share in such runs do not count. These never count towards max_contamination. Known false " +
	"positives: short tests that differ from a request in one common word."

// nearDuplicate and nearContamination report what one likeness finds.
type (
	nearDuplicate     struct{ *likeness }
	nearContamination struct{ *likeness }
)

func nearDuplicates(s *study) inquiry { return nearDuplicate{s.likeness()} }

// nearlyContaminated joins the quick rule, which knows the tests that stand in the training data word for word.
func nearlyContaminated(s *study) inquiry {
	if !s.in.Deep || len(s.tests.Tests) == 0 {
		return nil
	}
	return nearContamination{s.likeness()}
}

func (nearContamination) eye() eye { return nil }
func (nearContamination) take(any) {}

// finish compares what was taken down, once.
func (l *likeness) finish() error {
	if l.finished {
		return nil
	}
	l.finished = true
	l.verbatim = hashSet{}
	l.alike = make([]likest, len(l.requests))
	for i := range l.alike {
		l.alike[i].to = math.MaxInt32
	}
	l.compareShort()
	l.arena, l.wordbook = nil, wordbook{}
	candidates := l.longCandidates()
	l.bands = nil
	return l.verify(candidates)
}

// mostFindings bounds how many rows are reported one by one; the others are in one more finding.
const mostFindings = 10000

func (n nearDuplicate) report(report report) error {
	l := n.likeness
	if err := l.finish(); err != nil {
		return err
	}
	var rest []int
	found := 0
	for i, a := range l.alike {
		if a.much == 0 {
			continue
		}
		r, first := &l.requests[i], &l.requests[a.to]
		if found++; found > mostFindings {
			rest = append(rest, int(r.line))
			continue
		}
		message, hint := fmt.Sprintf("nearly the same request as line %d", first.line), "keep one of them, unless both ways to say it are meant to be learned"
		if r.answer != first.answer {
			message += ", with another answer"
			hint = "decide which answer is right for both, or make clear what tells the requests apart"
		}
		report(l.study.train.pairFinding(pair{first.line, r.line}, message, hint))
	}
	if len(rest) > 0 {
		report(diag.Finding{
			Line: rest[0], Lines: rest, Message: fmt.Sprintf("%s nearly the same as earlier ones", plural(len(rest), "more request is", "more requests are")),
			Hint: "remove copies that add nothing",
		})
	}
	return nil
}

func (n nearContamination) report(report report) error {
	l := n.likeness
	if err := l.finish(); err != nil {
		return err
	}
	train, tests := l.study.train, l.study.tests
	const hint = "remove the row from the training data; until then the test is left out of the benchmark"
	texts := newTextRules(rulesOf(true))
	var rest []int
	found := 0
	for all := l.newLeaks(); len(all) > 0; {
		n := 1
		for n < len(all) && all[n].line == all[0].line {
			n++
		}
		leaks := all[:n]
		all = all[n:]
		for _, k := range leaks {
			train.resembled[int(k.test)] = true
		}
		if found++; found > mostFindings {
			rest = append(rest, int(leaks[0].line))
			continue
		}
		f := diag.Finding{Line: int(leaks[0].line), Hint: hint, Severity: diag.Warning} // which grade does not raise
		ids := make([]string, 0, 3)
		best := leaks[0]
		for _, k := range leaks {
			t := tests.Tests[k.test]
			f.Related = append(f.Related, diag.Place{File: tests.File, Line: t.Line})
			if len(ids) < 3 {
				ids = append(ids, t.ID)
			}
			if k.share > best.share {
				best = k
			}
		}
		f.Message = "the prompt is nearly that of test " + strings.Join(ids, ", ")
		if best.run {
			f.Message = fmt.Sprintf("the row holds %s of the words of test %s in long runs", percent(math.Floor(float64(best.share)*100)/100), strings.Join(ids, ", "))
		}
		if more := len(leaks) - len(ids); more > 0 {
			f.Message += fmt.Sprintf(" and %d more", more)
		}
		if text := excerpt(texts, tests.Tests[best.test]); text != "" {
			f.Message += ": " + text
		}
		report(f)
	}
	if len(rest) > 0 {
		report(diag.Finding{Severity: diag.Warning, Line: rest[0], Lines: rest, Message: plural(len(rest), "more row gives tests away", "more rows give tests away"), Hint: hint})
	}
	return nil
}

// newLeaks returns the leaks that the quick audit does not know, by line and test, each once.
func (l *likeness) newLeaks() []leak {
	type pair struct{ line, test int32 }
	known := map[pair]bool{}
	for _, h := range l.study.train.hits {
		for _, t := range h.tests {
			known[pair{h.line, int32(t)}] = true
		}
	}
	all := slices.Concat(l.gifts, l.leaks)
	slices.SortStableFunc(all, func(a, b leak) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.test, b.test))
	})
	return slices.DeleteFunc(all, func(k leak) bool {
		p := pair{k.line, k.test}
		old := known[p]
		known[p] = true
		return old
	})
}

// excerpt quotes the start of what a test asks, unless a secret or the like stands in it.
func excerpt(rules *textRules, t suite.Test) string {
	var b strings.Builder
	for _, m := range t.Input {
		if !isSystem(m.Role) {
			b.WriteString(m.Content)
			b.WriteByte(' ')
		}
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for at := range rules.marks.in(text) {
		for _, r := range rules.byMark[text[at]] {
			if _, _, ok := r.Check.At(text, at); ok {
				return ""
			}
		}
	}
	const most = 100
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
