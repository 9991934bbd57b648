package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/pipeline"
)

// progress tells a person on standard error what happens to the legs: on a terminal as a board that is redrawn in
// place, elsewhere as lines. Its methods may be called by several goroutines.
type progress struct {
	mu      sync.Mutex
	w       io.Writer
	board   *board
	log     *eventLog
	verbose bool
	// On a terminal:
	screen *screen // nil elsewhere
	size   func() (width, height int)
	colour bool
	keep   bool     // the board stays when the run is over
	above  []string // lines that the next frame prints over the board
	shown  []string // the lines of the last frame
	width  int      // of the terminal, then

	quit chan struct{}
	done sync.WaitGroup
}

// frameEvery is how often the board is redrawn, and the log looked at.
const frameEvery = 100 * time.Millisecond

// newProgress begins to tell of the legs. It ends with close; when ctx ends before, it says that the run is stopping.
func newProgress(ctx context.Context, e env, legs []string, verbose bool) *progress {
	now := time.Now()
	p := &progress{w: e.stderr, board: newBoard(now, legs), log: newEventLog(now, legs, verbose), verbose: verbose, quit: make(chan struct{})}
	if f, ok := terminal(e.stderr, e.getenv); ok {
		_, result := terminal(e.stdout, e.getenv)
		p.screen, p.size = &screen{w: f}, func() (int, int) { return size(f) }
		p.colour = e.getenv("NO_COLOR") == ""
		p.keep = !result // a result on the same terminal says all that the board does
	}
	p.done.Go(func() {
		ticker := time.NewTicker(frameEvery)
		defer ticker.Stop()
		interrupted := ctx.Done()
		for {
			select {
			case <-interrupted:
				interrupted = nil
				p.stopping()
			case <-ticker.C:
				p.tick(time.Now())
			case <-p.quit:
				return
			}
		}
	})
	return p
}

// event is told what happens.
func (p *progress) event(e pipeline.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.board.event(now, e)
	p.say(p.log.event(now, e))
}

func (p *progress) tick(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.say(p.log.tick(now))
	p.draw(now)
}

func (p *progress) stopping() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.board.stopping = true
	if p.screen == nil {
		p.say([]string{"stopping; Ctrl-C again exits at once"})
	}
	p.draw(time.Now())
}

// close ends the telling. The board goes, or stays as it is at the end, with every leg in it.
func (p *progress) close() {
	close(p.quit)
	p.done.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.screen == nil {
		return
	}
	var last []string
	width, height := p.size()
	if p.keep {
		p.board.stopping = false
		last = p.board.lines(width, 0, time.Now(), p.colour)
	}
	_ = p.screen.draw(width, height, p.above, last)
}

// say prints lines; over the board, the next frame does, and only when all is to be told.
func (p *progress) say(lines []string) {
	switch {
	case p.screen == nil:
		for _, l := range lines {
			for _, part := range brokenLine(l, widthOf(p.w)) {
				fmt.Fprintln(p.w, part)
			}
		}
	case p.verbose:
		width, _ := p.size()
		for _, l := range lines {
			p.above = append(p.above, brokenLine(l, width)...)
		}
	}
}

// draw shows the board as it is now, unless that is what stands there.
func (p *progress) draw(now time.Time) {
	if p.screen == nil {
		return
	}
	width, height := p.size()
	lines := p.board.lines(width, height, now, p.colour)
	if len(p.above) == 0 && width == p.width && slices.Equal(lines, p.shown) {
		return
	}
	// A terminal that takes no more is not worth ending the run for.
	_ = p.screen.draw(width, height, p.above, lines)
	p.above, p.shown, p.width = nil, lines, width
}
