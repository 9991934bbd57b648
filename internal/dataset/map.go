package dataset

import (
	"context"
	"io"
	"iter"
	"sync"
)

// Map reads the file in blocks of whole lines, gives each to one of workers goroutines, and yields what they make of
// them in the order of the file. newFn is called once for each worker, in the caller's goroutine, and returns the
// worker's function with the state that it needs; that function must not keep the block, its rows or their strings.
// The first error ends the sequence: a failed read, a damaged archive (diag.Mistakes), or the context's. Memory is
// bounded by the number of workers.
func Map[T any](ctx context.Context, f *File, workers int, newFn func() func(*Block) T) iter.Seq2[T, error] {
	type job struct {
		block Block
		out   chan T
	}
	return func(yield func(T, error) bool) {
		var none T
		r, err := f.open()
		if err != nil {
			yield(none, err)
			return
		}
		defer r.Close()
		workers = max(workers, 1)
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()

		jobs := make(chan job, workers)
		order := make(chan chan T, workers) // what is being worked on, in the order of the file
		free := make(chan []byte, 2*workers+2)
		var failed error // written before order is closed, read after
		wg.Go(func() {
			defer close(order)
			defer close(jobs)
			for br := newBlockReader(r, blockSize); ; {
				var buf []byte
				select {
				case buf = <-free:
				default:
				}
				b, err := br.next(buf)
				if err != nil {
					if err != io.EOF {
						failed = err
					}
					return
				}
				b.done = r.disk
				j := job{b, make(chan T, 1)}
				select {
				case order <- j.out:
				case <-ctx.Done():
					return
				}
				jobs <- j // has room, or a worker about to take it
			}
		})
		for range workers {
			fn, p := newFn(), new(parser)
			wg.Go(func() {
				for j := range jobs {
					if ctx.Err() != nil {
						continue
					}
					j.block.p = p
					j.out <- fn(&j.block)
					if cap(j.block.data) <= 4*blockSize {
						select {
						case free <- j.block.data[:0]:
						default:
						}
					}
				}
			})
		}
		for out := range order {
			select {
			case t := <-out:
				if !yield(t, nil) {
					return
				}
			case <-ctx.Done():
				yield(none, context.Cause(ctx))
				return
			}
		}
		if failed == nil {
			failed = ctx.Err()
		}
		if failed != nil {
			yield(none, failed)
		}
	}
}
