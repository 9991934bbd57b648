package manifest

// Profile says how much is done before a verdict.
type Profile string

// Speed runs the full phase alone, stops asking tests when the outcome is plain, and looks deeper into the data only after a
// failure. Thorough runs trial, sample and full in turn, each gated on the one before, asks every test, and always looks deeper.
// What a file says itself goes before its profile.
const (
	Speed    Profile = "speed"
	Thorough Profile = "thorough"
)

// unsaid marks what a file leaves to the profile.
type unsaid struct{ full, stop, deep bool }

func (r *reader) unsaid() unsaid {
	silent := func(path string) bool { _, said := r.sites[path]; return !said }
	return unsaid{full: silent("benchmark.full"), stop: silent("benchmark.stop"), deep: silent("audit.deep")}
}

// As returns the manifest as it would be with another profile. It shares all else with m.
func (m *Manifest) As(p Profile) *Manifest {
	c := *m
	c.Profile = p
	full, stop, deep := 300, StopEarly, DeepOnFailure
	if p == Thorough {
		full, stop, deep = 0, StopNever, DeepAlways
	}
	if c.unsaid.full {
		c.Benchmark.Full = full
	}
	if c.unsaid.stop {
		c.Benchmark.Stop = stop
	}
	if c.unsaid.deep {
		c.Audit.Deep = deep
	}
	return &c
}
