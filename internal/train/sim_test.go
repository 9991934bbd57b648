package train

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	simSeed      = flag.Uint64("sim.seed", 0, "replay this one schedule of the simulation and print what happens")
	simSchedules = flag.Int("sim.schedules", 0, "number of schedules to simulate; 0: 1,000, or 500 with -short; .ci/run wants 20,000")
)

// Every schedule is one life of a fine-tune: one to three machines that each run the same command again and again,
// die at any step, find their journal gone, meet refusals, lost replies, stale and unfiltered lists and wrong clocks,
// while jobs fail and people cancel them. Whatever happens, the properties that violation names hold.
func TestSimulation(t *testing.T) {
	if *simSeed > 0 {
		if why := simulate(t, *simSeed, 0, t.Logf); why != "" {
			t.Errorf("seed %d: %s", *simSeed, why)
		}
		return
	}
	n := *simSchedules
	if n == 0 {
		n = 1_000
		if testing.Short() {
			n = 500
		}
	}
	began := time.Now()
	if seed, why := simulateMany(t, n, 0); why != "" {
		t.Errorf("seed %d: %s\nreplay: go test ./internal/train -run TestSimulation -v -sim.seed=%[1]d", seed, why)
	}
	t.Logf("%d schedules in %.1fs", n, time.Since(began).Seconds())
}

// The simulation is worth something only if it notices the absence of each rule.
func TestSimulationMissesEveryRule(t *testing.T) {
	const within = 500
	for without := rule(1); without <= 5; without++ {
		seed, why := simulateMany(t, within, without)
		if why == "" {
			t.Errorf("without rule %d, %d schedules violate nothing", without, within)
		}
		t.Logf("without rule %d, schedule %d: %s", without, seed, why)
	}
}

// simulateMany runs schedules side by side and returns the first seed that violates a property, and how.
func simulateMany(t *testing.T, n int, without rule) (seed uint64, why string) {
	workers := runtime.GOMAXPROCS(0)
	seeds, whys := make([]uint64, workers), make([]string, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for s := uint64(i + 1); s <= uint64(n) && whys[i] == ""; s += uint64(workers) {
				seeds[i], whys[i] = s, simulate(t, s, without, func(string, ...any) {})
			}
		})
	}
	wg.Wait()
	for i, w := range whys {
		if w != "" && (why == "" || seeds[i] < seed) {
			seed, why = seeds[i], w
		}
	}
	return seed, why
}

// simulate runs one schedule and returns the property that it violates, "" when all hold.
func simulate(t *testing.T, seed uint64, without rule, logf func(string, ...any)) (why string) {
	synctest.Test(t, func(t *testing.T) {
		s := &schedule{w: newWorld(seed), rng: rand.New(rand.NewPCG(seed, 2)), without: without, began: time.Now()}
		s.logf = func(format string, args ...any) {
			logf("%10s  %s", time.Since(s.began).Round(time.Millisecond), fmt.Sprintf(format, args...))
		}
		s.run(t.Context())
		why = s.why
	})
	return why
}

// schedule is what happens in one simulation.
type schedule struct {
	w        *world
	rng      *rand.Rand
	without  rule
	began    time.Time
	logf     func(string, ...any)
	attempts int
	alone    bool  // one machine, which keeps its journal
	reach    Reach // of all machines, which is more than the legs of one process share

	mu    sync.Mutex
	why   string
	extra []string // jobs that a state named as second ones
}

func (s *schedule) violated(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == "" {
		s.why = fmt.Sprintf(format, args...)
		s.logf("VIOLATION: %s", s.why)
	}
}

func (s *schedule) broken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why != ""
}

func (s *schedule) run(ctx context.Context) {
	machines := 1 + s.rng.IntN(3)/2*(1+s.rng.IntN(2))
	s.alone = machines == 1 && s.rng.IntN(2) == 0
	s.attempts = 1 + s.rng.IntN(3)/2*(1+s.rng.IntN(2))
	s.logf("%d machines, journals kept: %t, attempts %d, list lag %v and %v by name, unfiltered %t, storms %d", machines, s.alone, s.attempts, s.w.lag, s.w.lagByName, s.w.ignores, len(s.w.storms))
	spread := []time.Duration{time.Second, 10 * time.Second, 2 * time.Minute}[s.rng.IntN(3)]
	all := make([]*machine, machines)
	var wg sync.WaitGroup
	for i := range all {
		rng := rand.New(rand.NewPCG(s.rng.Uint64(), uint64(i)))
		all[i] = &machine{s: s, name: string(rune('A' + i)), rng: rng}
		wg.Go(func() {
			time.Sleep(time.Duration(rng.Int64N(int64(spread))))
			all[i].work(ctx)
		})
	}
	person, stop := context.WithCancel(ctx)
	if s.rng.IntN(8) == 0 {
		at := time.Duration(s.rng.Int64N(int64(time.Hour)))
		go s.person(person, at)
	}
	wg.Wait()
	stop()
	s.judge(ctx, all)
	time.Sleep(time.Hour) // for what is still on its way
}

// person cancels a job that lives.
func (s *schedule) person(ctx context.Context, at time.Duration) {
	for sleep(ctx, at) == nil {
		if id := s.w.alive(testSpec.Key()); id != "" {
			s.logf("a person cancels %s", id)
			s.w.cancel(id, true)
			return
		}
		at = time.Minute
	}
}

// machine is a place where the command is run again and again.
type machine struct {
	s       *schedule
	name    string
	rng     *rand.Rand
	journal []Event
}

// overstay is how long a call may outlast its Until: a slow upload, the settling of one create and the look for rivals
// of the next.
const overstay = 7 * time.Minute

// work runs the command until it ends; the last run of a machine meets no more trouble.
func (m *machine) work(ctx context.Context) {
	const troubled = 6
	for i := range troubled + 1 {
		l := &line{w: m.s.w, rng: m.rng, calm: i == troubled}
		if !m.s.alone && m.rng.IntN(3) == 0 {
			m.journal = nil
		}
		until := time.Time{}
		if !l.calm {
			if m.rng.IntN(2) == 0 {
				l.dies = 1 + m.rng.IntN([]int{20, 60, 200}[m.rng.IntN(3)])
			}
			switch m.rng.IntN(3) {
			case 0:
				until = time.Now()
			case 1:
				until = time.Now().Add(time.Duration(m.rng.Int64N(int64(40 * time.Minute))))
			}
		}
		if m.once(ctx, l, until) || m.s.broken() {
			return
		}
		gap := []time.Duration{10 * time.Second, 3 * time.Minute, time.Hour}[m.rng.IntN(3)]
		if !m.s.alone {
			gap = min(gap, 3*time.Minute) // two jobs that nobody looks at for an hour may both be done by then
		}
		time.Sleep(time.Duration(m.rng.Int64N(int64(gap))))
	}
}

// once runs the command one time and reports whether there is nothing more to do.
func (m *machine) once(ctx context.Context, l *line, until time.Time) (done bool) {
	state, err, alive := m.advance(ctx, l, until)
	m.s.logf("%s: alive %t, %s %s attempt %d, launched %d, extra %v, unsettled %t, %v", m.name, alive, state.Job.ID, state.Job.Status, state.Job.Attempt, state.Launched, state.Extra, state.Unsettled, err)
	if !alive {
		return false
	}
	if !until.IsZero() && time.Since(until) > overstay {
		m.s.violated("%s ended %v after the time that it was given", m.name, time.Since(until))
	}
	const mostCalls = 1500
	if l.calls > mostCalls {
		m.s.violated("%s made %d calls", m.name, l.calls)
	}
	m.s.mu.Lock()
	m.s.extra = append(m.s.extra, state.Extra...)
	m.s.mu.Unlock()
	if id := state.Job.ID; strings.HasPrefix(id, "foreign") {
		m.s.violated("%s took the job %s of somebody else", m.name, id)
	}
	switch {
	case err == nil && state.Job.Status.Final():
		return true
	case err == nil && !state.Pending() && !state.Unsettled:
		m.s.violated("%s ended without a job, an error or a final state: %+v", m.name, state)
	case until.IsZero() && err != nil && !strings.Contains(err.Error(), "creating the job"):
		m.s.violated("%s had all the time and gave up: %v", m.name, err)
	case l.calm && err != nil:
		m.s.violated("%s met no trouble and ended with %v", m.name, err)
	case l.calm:
		m.s.violated("%s met no trouble, had all the time and left %+v", m.name, state)
	}
	return false
}

// advance calls Advance in a goroutine that may die.
func (m *machine) advance(ctx context.Context, l *line, until time.Time) (state State, err error, alive bool) {
	var reach *Reach // what others wait for in vain ends this call, too, unless it was given all the time
	if !until.IsZero() {
		reach = &m.s.reach
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		state, err = Advance(ctx, Launch{
			Provider: l, Spec: testSpec, Settle: 90 * time.Second, Attempts: m.s.attempts, Until: until, without: m.s.without,
			Training: File{Name: "train.jsonl", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("{}")), nil }},
			Past:     slices.Clone(m.journal),
			Reach:    reach,
			Record: func(e Event) error {
				l.step() // also what a torn last record leaves: opening the journal cuts it off
				m.journal = append(m.journal, e)
				m.s.logf("%s: journal: %s attempt %d %s %s", m.name, e.Kind, e.Attempt, e.Job, e.Status)
				l.step()
				return nil
			},
		})
		alive = true
	}()
	<-done
	return state, err, alive
}

// judge looks at what is left when all machines are done: one more run, by the next day's command.
func (s *schedule) judge(ctx context.Context, all []*machine) {
	if s.broken() {
		return
	}
	time.Sleep(2 * time.Minute)
	last := all[0]
	if !s.alone {
		last.journal = nil
	}
	state, err, _ := last.advance(ctx, &line{w: s.w, rng: last.rng, calm: true}, time.Time{})
	s.logf("last: %+v %v", state, err)
	if err != nil || !state.Job.Status.Final() {
		s.violated("in the end there is no final state: %+v, %v", state, err)
	}
	s.extra = append(append(s.extra, state.Extra...), state.Job.ID)
	trained, attempts, person := []string{}, map[int]int{}, false
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for _, f := range s.w.jobs {
		job := f.at(s.w, time.Now())
		if f.key != testSpec.Key() {
			if !f.cancelled.IsZero() {
				s.violated("the job %s of somebody else was cancelled", f.id)
			}
			continue
		}
		s.logf("%s attempt %d, arrived %v, created %v, is %s", f.id, f.attempt, f.arrived.Sub(s.began), f.created.Sub(s.began), job.Status)
		attempts[f.attempt]++
		person = person || f.byPerson
		switch {
		case job.Status == Succeeded:
			trained = append(trained, f.id)
		case !job.Status.Final():
			s.violated("%s was forgotten, it is %s", f.id, job.Status)
		case job.Status == Cancelled && !f.byPerson && !slices.Contains(s.extra, f.id):
			s.violated("%s was cancelled as a second job, and no report names it", f.id)
		}
		if f.attempt > s.attempts {
			s.violated("%s is attempt %d of %d", f.id, f.attempt, s.attempts)
		}
	}
	if state.Job.Status == Cancelled && !person {
		s.violated("%s is told to be cancelled, and no person cancelled anything", state.Job.ID)
	}
	if len(trained) > 1 {
		s.violated("%v were trained to the end", trained)
	}
	if len(trained) == 1 && state.Job.ID != trained[0] {
		s.violated("%s was trained, and the run ends with %+v", trained[0], state.Job)
	}
	for attempt, n := range attempts {
		if s.alone && n > 1 {
			s.violated("one machine that kept its journal made %d jobs of attempt %d", n, attempt)
		}
	}
}
