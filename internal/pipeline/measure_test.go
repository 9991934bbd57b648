package pipeline

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tunegate/tunegate/internal/gate"
)

// Over a base of 0.95 no model is 10 % better, and no fine-tune is paid for; one may be rid of 10 % of its errors.
func TestMarginOfErrors(t *testing.T) {
	for measure, c := range map[string]struct {
		verdict  gate.Verdict
		launched int
		reason   string
	}{
		"relative": {gate.Inconclusive, 0, "not launched: no fine-tune could pass: the base scores 0.950: a perfect model would improve on that by 5.3 % only, short of the margin of 10 %"},
		"points":   {gate.Inconclusive, 0, "would improve on that by 5 points only, short of the margin of 10 points"},
		"errors":   {gate.Pass, 1, "the observed gain reaches the margin of 10 % of the errors"},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := load(t, "http://127.0.0.1:1/v1", 1, "benchmark: {stop: never, full: all}\ngate: {min_improvement: 10%, measure: "+measure+"}\n")
			var tests strings.Builder
			answered := map[string]map[string]string{"base": {}, "tuned": {}}
			for i := range 400 {
				question, ideal := fmt.Sprintf("what of order %d", i), []string{"hardware", "billing"}[i%2]
				fmt.Fprintf(&tests, `{"id":"t%d","input":[{"role":"user","content":"%s"}],"ideal":"%s"}`+"\n", i, question, ideal)
				answered["base"][question], answered["tuned"][question] = ideal, ideal
				if i < 20 {
					answered["base"][question] = "neither"
				}
				if i < 12 { // 0.97
					answered["tuned"][question] = "neither"
				}
			}
			if err := os.WriteFile(m.Agents[0].TestsPath, []byte(tests.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			on := &carrier{to: local(t), chat: func(_ int, w http.ResponseWriter, model, question string) (bool, error) {
				arm := "tuned"
				if model == "local-zero-shot" {
					arm = "base"
				}
				_, err := fmt.Fprintf(w, `{"choices":[{"message":{"role":"assistant","content":%q}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`, answered[arm][question])
				return true, err
			}}
			r, _ := scores(t, m, on, t.TempDir())
			l := r.Legs[0]
			if r.Verdict != c.verdict || r.Launched != c.launched || r.Measure != measure || l.Measure != measure || !strings.Contains(fmt.Sprint(l.Reasons), c.reason) {
				t.Errorf("%s: %s, %d launched, measured by %s and %s: %q", measure, r.Verdict, r.Launched, r.Measure, l.Measure, l.Reasons)
			}
			if d := l.Last(); c.launched > 0 && (d == nil || d.Decision == nil || math.Abs(*d.Decision.Improvement-0.4) > 1e-9) {
				t.Errorf("%s: %+v", measure, d)
			}
		})
	}
}
