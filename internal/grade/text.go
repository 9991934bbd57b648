package grade

import (
	"errors"
	"regexp"
	"strings"
)

func checkText(_ Grader, ideal string) error {
	if strings.TrimSpace(ideal) == "" {
		return errors.New("empty") // it would stand in every answer
	}
	return nil
}

func exact(_ Grader, answer, ideal string) Score {
	return truth(answer == strings.TrimSpace(ideal))
}

func includes(_ Grader, answer, ideal string) Score {
	return truth(strings.Contains(answer, strings.TrimSpace(ideal)))
}

func startsWith(_ Grader, answer, ideal string) Score {
	return truth(strings.HasPrefix(answer, strings.TrimSpace(ideal)))
}

func checkRegex(g Grader, ideal string) error {
	if err := checkText(g, ideal); err != nil || g.pattern != nil {
		return err
	}
	_, err := regexp.Compile(ideal)
	return err
}

func matches(g Grader, answer, ideal string) Score {
	if g.pattern == nil {
		own, err := regexp.Compile(ideal)
		return truth(err == nil && own.MatchString(answer))
	}
	found := g.pattern.FindStringSubmatch(answer)
	if found == nil {
		return Score{Note: "the pattern matches nowhere in the answer"}
	}
	return truth(strings.TrimSpace(found[min(1, len(found)-1)]) == strings.TrimSpace(ideal))
}
