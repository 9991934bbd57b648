package tokens

import "testing"

// From the lines of the module, and as the container image has it.
func BenchmarkLoad(b *testing.B) {
	for _, name := range names() {
		b.Run(name+"/lines", func(b *testing.B) {
			for b.Loop() {
				if _, err := readVocabulary(name); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/pairs", func(b *testing.B) {
			data := paired(b, name)
			for b.Loop() {
				if _, err := decodeVocabulary(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Generated text of many scripts, harder than prose; BenchmarkCorpus has the real thing.
func BenchmarkCount(b *testing.B) {
	for _, name := range names() {
		b.Run(name, func(b *testing.B) {
			text, counter := newRandom(1).text(50_000), newCounter(b, name)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				counter.CountString(text)
			}
		})
	}
}

// One piece of 64 KB that the vocabulary does not have.
func BenchmarkLongPiece(b *testing.B) {
	counter, text := newCounter(b, "o200k_base"), make([]byte, 64<<10)
	random := newRandom(2)
	for i := range text {
		text[i] = 'a' + byte(random.below(26))
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		counter.Count(text)
	}
}
