package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
)

// board is what is known of the legs of a run while it goes on. What it shows is a function of it, of the time and of
// the room there is.
type board struct {
	legs     []*legState
	began    time.Time
	stopping bool // by Ctrl-C
}

// legState is one leg's line.
type legState struct {
	id           string
	stage        pipeline.Stage // empty: nothing was heard of it yet
	verdict      gate.Verdict   // empty: none yet
	phase, note  string         // the note is the last thing said; it gives way to counters
	step, steps  int
	loss         float64
	began, ended time.Time
	finish       time.Time // as the provider expects it; zero: it does not say
	pace         pace
}

// pace measures how fast a counter goes. Reports come in bursts, and the first one holds all that went before this
// run looked; so the pace counts from the end of the first burst.
type pace struct {
	first, last         time.Time
	firstStep, lastStep int
}

const burst = 500 * time.Millisecond

func (p *pace) at(now time.Time, step int) {
	if p.first.IsZero() {
		p.first = now
	}
	if now.Sub(p.first) < burst {
		p.firstStep = step
	}
	p.last, p.lastStep = now, step
}

// left estimates the time to the given step; false when nothing is known yet.
func (p *pace) left(now time.Time, steps int) (time.Duration, bool) {
	done, took := p.lastStep-p.firstStep, p.last.Sub(p.first)
	if done <= 0 || took < time.Second || steps <= 0 {
		return 0, false
	}
	total := time.Duration(float64(took) / float64(done) * float64(steps-p.lastStep))
	return max(0, total-now.Sub(p.last)), true
}

func newBoard(now time.Time, legs []string) *board {
	b := &board{began: now}
	for _, id := range legs {
		b.legs = append(b.legs, &legState{id: render.Line(id)})
	}
	return b
}

// leg returns the leg's line, a new one for an id not heard of before.
func (b *board) leg(id string) *legState {
	id = render.Line(id)
	i := slices.IndexFunc(b.legs, func(l *legState) bool { return l.id == id })
	if i < 0 {
		i = len(b.legs)
		b.legs = append(b.legs, &legState{id: id})
	}
	return b.legs[i]
}

// event enters what happened.
func (b *board) event(now time.Time, e pipeline.Event) {
	l := b.leg(e.Leg)
	if l.began.IsZero() {
		l.began = now
	}
	if e.Stage != l.stage || e.Phase != l.phase {
		l.stage, l.phase, l.pace, l.steps, l.step = e.Stage, e.Phase, pace{}, 0, 0
	}
	l.finish = e.Finish
	if e.Text == "" {
		l.step, l.steps, l.loss = e.Step, e.Steps, e.Loss
		l.pace.at(now, e.Step)
		return
	}
	l.step, l.steps = 0, 0
	l.note = render.Line(e.Text)
	if e.Status != "" {
		l.note = e.Phase + ": " + render.Line(string(e.Status)) // the job's id is in the report, and too long for here
	}
	if e.Stage == pipeline.Finished {
		l.verdict, l.ended = e.Verdict, now
		l.note = strings.TrimPrefix(strings.TrimPrefix(l.note, string(e.Verdict)), ": ")
	}
}

// state is what the second column holds.
func (l *legState) state() string {
	switch {
	case l.verdict != "":
		return string(l.verdict)
	case l.stage == "":
		return "waiting"
	}
	return string(l.stage)
}

// took is how long the leg has been on its way.
func (l *legState) took(now time.Time) string {
	switch {
	case l.began.IsZero():
		return ""
	case !l.ended.IsZero():
		now = l.ended
	}
	return clock(now.Sub(l.began))
}

// left estimates what remains of the stage: by the pace of the steps seen, else as the provider says.
func (l *legState) left(now time.Time) string {
	if l.verdict != "" {
		return ""
	}
	if l.steps > 0 {
		if d, ok := l.pace.left(now, l.steps); ok {
			if d < time.Second {
				return "" // it is not done, so the estimate is wrong
			}
			return clock(d)
		}
	}
	if d := l.finish.Sub(now); !l.finish.IsZero() && d >= time.Second {
		return clock(d)
	}
	return ""
}

// doing fills the column between state and times.
func (l *legState) doing(room int) string {
	if l.step <= 0 {
		return render.Clip(l.note, room)
	}
	phase := ""
	if l.phase != "full" && l.phase != "" {
		phase = render.Line(l.phase) + ": "
	}
	long, short, loss := fmt.Sprintf("%sstep %d", phase, l.step), fmt.Sprintf("%s%d", phase, l.step), ""
	if l.steps > 0 {
		long += fmt.Sprintf(" of %d", l.steps)
		short += fmt.Sprintf("/%d", l.steps)
	}
	if l.stage == pipeline.Training {
		loss = fmt.Sprintf("  loss %.4f", l.loss)
		if l.loss >= 1e4 {
			loss = fmt.Sprintf("  loss %.3g", l.loss)
		}
	} else {
		long = fmt.Sprintf("%s%d of at most %d answers", phase, l.step, l.steps)
	}
	bar := ""
	if room >= barRoom {
		bar = l.bar(barCells)
	}
	for _, text := range []string{bar + long + loss, bar + short + loss, long + loss, short + loss, short} {
		if render.Cells(text) <= room {
			return text
		}
	}
	return render.Clip(l.share(), room)
}

// A bar is drawn where so much room is left; narrower, numbers alone say the same.
const (
	barCells = 22
	barRoom  = barCells + 30
)

// bar draws the share of the steps that is done, in plain characters, which every terminal shows in one column.
func (l *legState) bar(n int) string {
	if l.steps <= 0 {
		return strings.Repeat(" ", n+4)
	}
	done := min(n, n*l.step/l.steps)
	body := strings.Repeat("=", done)
	if done < n {
		body += ">" + strings.Repeat(" ", n-done-1)
	}
	return "[" + body + "]  "
}

func (l *legState) share() string {
	if l.steps <= 0 {
		return fmt.Sprint(l.step)
	}
	return fmt.Sprintf("%d %%", min(100, 100*l.step/l.steps))
}

// clock writes a duration in two units at most.
func clock(d time.Duration) string {
	s := int(d / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 100*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
}

// importance orders the legs for a screen that is too low for all: what moves, what went wrong, what waits, what
// is well and done.
func (l *legState) importance() int {
	switch {
	case l.verdict == gate.Pass:
		return 4
	case l.verdict != "":
		return 1
	case l.stage == pipeline.Training || l.stage == pipeline.Benchmarking || l.stage == pipeline.Auditing:
		return 0
	case l.stage != "":
		return 2
	}
	return 3
}

// pick returns the n legs that matter most, in the manifest's order, and the rest.
func (b *board) pick(n int) (shown, rest []*legState) {
	if len(b.legs) <= n {
		return b.legs, nil
	}
	order := slices.Clone(b.legs)
	slices.SortStableFunc(order, func(x, y *legState) int { return cmp.Compare(x.importance(), y.importance()) })
	order = order[:max(n, 0)]
	for _, l := range b.legs {
		if slices.Contains(order, l) {
			shown = append(shown, l)
		} else {
			rest = append(rest, l)
		}
	}
	return shown, rest
}

// census counts the legs by their state: "2 pass, 1 train".
func census(legs []*legState) string {
	var states []string
	count := map[string]int{}
	for _, l := range legs {
		s := l.state()
		if count[s]++; count[s] == 1 {
			states = append(states, s)
		}
	}
	rank := func(s string) int {
		return slices.Index([]string{"error", "fail", "inconclusive", "pending", "pass", "benchmark", "train", "estimate", "audit", "waiting"}, s)
	}
	slices.SortFunc(states, func(x, y string) int { return cmp.Or(cmp.Compare(rank(x), rank(y)), strings.Compare(x, y)) })
	for i, s := range states {
		states[i] = fmt.Sprintf("%d %s", count[s], s)
	}
	return strings.Join(states, ", ")
}

// summary is the last line.
func (b *board) summary(now time.Time) string {
	noun := "legs"
	if len(b.legs) == 1 {
		noun = "leg"
	}
	s := fmt.Sprintf("%d %s, %s: %s", len(b.legs), noun, clock(now.Sub(b.began)), census(b.legs))
	if b.stopping {
		s = "stopping; Ctrl-C again exits at once; " + s
	}
	return s
}

// A column that the board leaves out is the first that a narrow terminal can spare.
const (
	leftFrom = 52 // columns from which what remains is shown
	tookFrom = 44 // and what has passed
	wideFrom = 32 // and what a leg does beside its state
)

// columns is how many columns of the terminal each column of the board takes; 0 leaves it out.
type columns struct{ name, state, doing, took, left int }

// fit shares the room among the columns; what the others do not need is for what the legs do.
func fit(room int, legs []*legState, now time.Time) columns {
	c := columns{name: len("leg"), state: len("benchmark"), took: len("time"), left: len("left")}
	for _, l := range legs {
		c.name, c.state = max(c.name, render.Cells(l.id)), max(c.state, len(l.state()))
		c.took, c.left = max(c.took, len(l.took(now))), max(c.left, len(l.left(now)))
	}
	c.name = min(c.name, max(12, room/4))
	if room < tookFrom {
		c.took = 0
	}
	if room < leftFrom {
		c.left = 0
	}
	c.doing = room - c.name - 2 - c.state - 2
	for _, n := range []int{c.took, c.left} {
		if n > 0 {
			c.doing -= 2 + n
		}
	}
	return c
}

func (c columns) row(name, state, doing, took, left string, v gate.Verdict) string {
	line := pad(name, c.name) + "  " + paint(v, pad(state, c.state)) + "  " + pad(doing, c.doing)
	if c.took > 0 {
		line += fmt.Sprintf("  %*s", c.took, took)
	}
	if c.left > 0 {
		line += fmt.Sprintf("  %*s", c.left, left)
	}
	return strings.TrimRight(line, " ")
}

// lines lays the board out for a terminal of the given size, one line a leg below a heading, and a summary. No line
// is as wide as the terminal, and there are fewer than it is high; a height of 0 is without limit. Colour marks verdicts
// and adds nothing to what the words say.
func (b *board) lines(width, height int, now time.Time, colour bool) []string {
	room := max(width-1, 1)
	shown, rest := b.legs, []*legState(nil)
	if height > 0 && len(b.legs) > height-3 {
		shown, rest = b.pick(height - 4)
	}
	var out []string
	c := fit(room, shown, now)
	if room >= wideFrom && len(shown) > 0 {
		out = append(out, c.row("leg", "state", "", "time", "left", ""))
	}
	for _, l := range shown {
		if room < wideFrom {
			out = append(out, l.narrow(room, c.name))
			continue
		}
		v := l.verdict
		if !colour {
			v = ""
		}
		out = append(out, c.row(l.id, l.state(), l.doing(c.doing), l.took(now), l.left(now), v))
	}
	if len(rest) > 0 && (height <= 0 || height >= 4) {
		out = append(out, render.Clip(fmt.Sprintf("and %d more: %s", len(rest), census(rest)), room))
	}
	return append(out, render.Clip(b.summary(now), room))
}

// pad fills a text up to n columns, and cuts a longer one.
func pad(s string, n int) string {
	s = render.Clip(s, n)
	return s + strings.Repeat(" ", max(0, n-render.Cells(s)))
}

// narrow is the line on a terminal that has room for a name and a word.
func (l *legState) narrow(room, names int) string {
	state := l.state()
	if l.step > 0 {
		state = l.share()
	}
	state = render.Clip(state, max(room/2, 1))
	return render.Clip(pad(l.id, min(names, max(room-2-len("benchmark"), 1)))+"  "+state, room)
}

// paint sets a verdict's colour.
func paint(v gate.Verdict, s string) string {
	switch v {
	case gate.Pass:
		return "\x1b[32m" + s + "\x1b[m"
	case gate.Fail, gate.Error:
		return "\x1b[31m" + s + "\x1b[m"
	case gate.Inconclusive, gate.Pending:
		return "\x1b[33m" + s + "\x1b[m"
	}
	return s
}
