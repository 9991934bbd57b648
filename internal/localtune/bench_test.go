//go:build unix

package localtune_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkChat is what a benchmark of a tuned model does to the server: 16 clients on kept-alive connections, each
// with a 3 kB prompt of which the system message, 2.8 kB, is always the same. An operation is one request. The clients' CPU
// time is in it; the floor, a handler that only drains the body and sends a reply of the same size, is measured beside it.
func BenchmarkChat(b *testing.B) {
	s := start(b, open(b, b.TempDir(), zero))
	model := s.tune(b, routing(300))
	system := "Route the request. Answer with one of: billing, shipping, returns. " + strings.Repeat("Be brief and exact. ", 140)
	bodies := make([][]byte, 64)
	for i := range bodies {
		bodies[i] = fmt.Appendf(nil, `{"model":%q,"temperature":0,"messages":[{"role":"system","content":%q},{"role":"user","content":"%s"}]}`,
			model, system, strings.Repeat(fmt.Sprintf("where is parcel %d ", i), 10))
	}
	reply := post(b, s.URL+"/v1/chat/completions", bodies[0])
	floor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(reply)
	}))
	defer floor.Close()
	for name, base := range map[string]string{"server": s.URL, "floor": floor.URL} {
		b.Run(name, func(b *testing.B) {
			const clients = 16
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
			work := make(chan int, clients)
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					for i := range work {
						r, err := client.Post(base+"/v1/chat/completions", "application/json", bytes.NewReader(bodies[i%len(bodies)]))
						if err != nil {
							b.Error(err)
							return
						}
						_, _ = io.Copy(io.Discard, r.Body)
						r.Body.Close()
						if r.StatusCode != http.StatusOK {
							b.Errorf("status %d", r.StatusCode)
						}
					}
				})
			}
			began, cpu := time.Now(), cpuTime()
			n := 0
			for b.Loop() {
				work <- n
				n++
			}
			close(work)
			wg.Wait()
			b.ReportMetric(float64(n)/time.Since(began).Seconds(), "requests/s")
			b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(n), "cpu-µs/op")
			client.CloseIdleConnections()
		})
	}
}

// cpuTime is what this process has used of all cores.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
