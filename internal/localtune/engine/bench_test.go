package engine

import "testing"

func BenchmarkStep(b *testing.B) {
	train := tickets(600)
	v, sets, err := requestSets(b.Context(), train, nil, 3, false)
	if err != nil {
		b.Fatal(err)
	}
	ys := make([]int32, len(train))
	for i := range ys {
		ys[i] = int32(i % 3)
	}
	// As many classes as a real router has: that is what a step costs.
	s := newSoftmax(len(v.hashes), sets, ys, 150, 1)
	i := 0
	for b.Loop() {
		s.forward(i, 0)
		s.update(i, 0, 1)
		i = (i + 1) % len(train)
	}
}

func BenchmarkAnswer(b *testing.B) {
	for _, c := range tasks {
		b.Run(c.name, func(b *testing.B) {
			train := c.make(600)
			m := mustFit(b, train, Recipe{Epochs: 2})
			i := 0
			for b.Loop() {
				m.Answer(train[i].Prompt)
				i = (i + 1) % len(train)
			}
		})
	}
	b.Run("untrained", func(b *testing.B) {
		var u Untrained
		prompt := []Turn{{"system", "Queues: billing, outage, account, sales, security, feedback."}, {"user", "the site is down since noon"}}
		for b.Loop() {
			u.Answer(prompt)
		}
	})
}

func BenchmarkEmbed(b *testing.B) {
	for b.Loop() {
		Embed("how do I reset the password of my account")
	}
}
