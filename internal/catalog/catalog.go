// Package catalog holds dated facts about models: the encoding that counts their tokens, how long a training
// example may be, what they cost and when they are shut down. It is a table and the look-ups in it. It asks
// nobody: prices change, so every entry says whence and when it was read, and a manifest may override them.
package catalog

import (
	"strings"
	"time"
)

// Price is in USD for a million tokens. Input and output prices are those of the tuned model; services ask as
// much or less for its base. A zero price is free of charge: an unknown one has no Price at all.
type Price struct {
	TrainPerMillion, InputPerMillion, OutputPerMillion float64
}

// Model is what is known about a model or a family of dated snapshots.
type Model struct {
	Name            string
	Encoding        string    // of its tokens; empty: unknown
	TrainingContext int       // tokens of the longest training example, which the service cuts off there; 0: unknown
	Price           *Price    // nil: unknown, or not by the token
	Retires         time.Time // its service ends, that of its fine-tunes too; zero: unknown
	Source, AsOf    string    // where the facts were read, and the day (2006-01-02)
}

// Notice is how long before a model's end its fine-tunes are worth a warning: half a year.
const Notice = 182 * 24 * time.Hour

// Local is the base model of the embedded engine: trained and served in the same process, free of charge.
const Local = "local-zero-shot"

// Lookup finds a model by its name, or by the name of one of its dated snapshots ("gpt-4o-mini-2024-07-18") or
// fine-tunes ("ft:gpt-4o-mini-2024-07-18:org::id"). The result belongs to the caller.
func Lookup(name string) (Model, bool) {
	base := baseOf(name)
	for _, m := range models {
		if m.Name != base && !isSnapshot(base, m.Name) {
			continue
		}
		if m.Price != nil {
			p := *m.Price
			m.Price = &p
		}
		return m, true
	}
	return Model{}, false
}

// isSnapshot reports whether name is the family's with a date after it: "-2024-07-18", "-0125".
func isSnapshot(name, family string) bool {
	date, ok := strings.CutPrefix(name, family+"-")
	return ok && date != "" && strings.Trim(date, "-0123456789") == ""
}

// baseOf names the model that a fine-tune was made from, or returns the name of a base model as it is.
func baseOf(name string) string {
	if rest, ok := strings.CutPrefix(name, "ft:"); ok {
		name, _, _ = strings.Cut(rest, ":")
	}
	name, _, _ = strings.Cut(name, "-LoRa:") // Nebius: <base>-LoRa:<name>-<random>
	return name
}

// defaultEncoding is that of every chat model since 2024; for other vendors' models it is an estimate.
const defaultEncoding = "o200k_base"

// Encoding names the encoding that counts the model's tokens, o200k_base where that is unknown.
func Encoding(model string) string {
	if m, ok := Lookup(model); ok && m.Encoding != "" {
		return m.Encoding
	}
	return defaultEncoding
}

// AutoEpochs returns how many times a fine-tune passes over so many examples when nobody says: the rule of the
// OpenAI Cookbook (Chat_finetuning_data_prep), which aims at 100 to 25,000 examples seen. Fewer examples than 1 count
// as 1.
func AutoEpochs(examples int) int {
	const target, minExamples, maxExamples, most = 3, 100, 25_000, 25
	n := max(examples, 1)
	switch {
	case n <= (minExamples-1)/target: // n*target < minExamples, without overflow
		return min(most, minExamples/n)
	case n > maxExamples/target:
		return max(1, maxExamples/n)
	}
	return target
}
