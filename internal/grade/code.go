package grade

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/grade/sandbox"
	"github.com/tunegate/tunegate/internal/suite"
)

// Limits of a model's program. One process is enough for a function, and makes the limit on memory one of the whole.
const (
	codeTime   = 3 * time.Second // as HumanEval's own harness has it
	codeMemory = 512 << 20
	codeDisk   = 16 << 20
)

// trial runs an answer and what tries it, in one name space, as HumanEval's own harness does. The word that it ends with comes
// by standard input and is read before the answer has a say, so that an answer that ends the program early does not pass.
const trial = `import sys
word = sys.stdin.readline()
with open("test.py", encoding="utf-8") as f:
    test = compile(f.read(), "test.py", "exec")
with open("solution.py", encoding="utf-8") as f:
    solution = compile(f.read(), "solution.py", "exec")
scope = {"__name__": "solution"}
exec(solution, scope)
exec(test, scope)
scope["check"](scope[%q])
print("\n" + word, flush=True)
`

// code tries an answer with the test's check.
func code(ctx context.Context, g Grader, t suite.Test, answer string) (Score, error) {
	limit := g.o.Timeout
	if limit == 0 {
		limit = codeTime
	}
	word := rand.Text()
	r, err := g.shop.run(ctx, sandbox.Program{
		Args:   []string{"python3", "-I", "-B", "run.py"},
		Stdin:  word,
		Files:  map[string]string{"run.py": fmt.Sprintf(trial, t.Code.Entry), "solution.py": program(*t.Code, answer), "test.py": t.Code.Test},
		Limits: sandbox.Limits{CPU: limit, Clock: 2 * limit, Memory: codeMemory, Processes: 1, Disk: codeDisk},
	})
	if err != nil {
		return Score{}, fmt.Errorf("trying the answer: %w", err)
	}
	switch last := lastLine(r.Stderr); {
	case r.Ended == "" && r.Exit == 0 && strings.HasSuffix(r.Stdout, "\n"+word+"\n"):
		return Score{Value: 1}, nil
	case r.Ended != "":
		return Score{Note: "the program " + r.Ended}, nil
	case strings.HasPrefix(last, "MemoryError"):
		return Score{Note: fmt.Sprintf("the program wanted more than %d MiB of memory", codeMemory>>20)}, nil
	case last != "":
		return Score{Note: clip(last)}, nil
	default:
		return Score{Note: "the program ended before its test did"}, nil
	}
}

func lastLine(s string) string {
	s = strings.TrimRight(s, " \t\r\n")
	return s[strings.LastIndexByte(s, '\n')+1:]
}

var fence = regexp.MustCompile("(?ms)^[ \t]*```[ \t]*([A-Za-z0-9]*)[ \t]*\r?\n(.*?)^[ \t]*```")

// program puts an answer where it belongs: a whole function behind what stands before it in the prompt, anything else at the
// prompt's end. Of an answer with Markdown fences, what is in the first one counts, or in the first that defines the
// function.
func program(c suite.Code, answer string) string {
	head := regexp.MustCompile(`(?m)^(async[ \t]+)?def[ \t]+` + regexp.QuoteMeta(c.Entry) + `\b`)
	if blocks := fence.FindAllStringSubmatch(answer, -1); blocks != nil {
		answer = blocks[0][2]
		for _, b := range blocks {
			if head.MatchString(b[2]) {
				answer = b[2]
				break
			}
		}
	}
	if !head.MatchString(answer) {
		return c.Prompt + answer + "\n"
	}
	before := ""
	if at := head.FindStringIndex(c.Prompt); at != nil {
		before = c.Prompt[:at[0]]
	}
	return before + "\n" + answer + "\n"
}

// PassAtK estimates, without bias, the chance that at least one of k answers to a test is right, when right of n answers were
// (Chen et al., 2021, arXiv 2107.03374): 1 - C(n-right, k)/C(n, k). It is an error when there are fewer than k answers.
func PassAtK(n, right, k int) (float64, error) {
	if k < 1 || n < k || right < 0 || right > n {
		return 0, fmt.Errorf("no pass@%d of %d answers, %d of them right", k, n, right)
	}
	none := new(big.Rat).SetFrac(new(big.Int).Binomial(int64(n-right), int64(k)), new(big.Int).Binomial(int64(n), int64(k)))
	p, _ := none.Sub(big.NewRat(1, 1), none).Float64()
	return p, nil
}
