package audit

import "testing"

// TestProgress: it counts up to the bytes of all reads, and never back, also of a packed file.
func TestProgress(t *testing.T) {
	for _, path := range []string{"", "support-router"} {
		in := Input{Train: data(t, different(40000)...), Validation: data(t, different(10)...)}
		if path != "" {
			in.Train = open(t, testdata(t, path, "train.jsonl.gz"))
		}
		var last, calls int64
		want := in.Train.Size() + in.Validation.Size()
		in.Progress = func(done, total int64) {
			if calls++; done < last || total != want {
				t.Errorf("%d of %d bytes after %d of %d", done, total, last, want)
			}
			last = done
		}
		if _, err := Run(t.Context(), in, DefaultPolicy()); err != nil {
			t.Fatal(err)
		}
		if last != want || calls < 4 {
			t.Errorf("ended at %d of %d bytes after %d calls", last, want, calls)
		}
	}
}
