package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/tunegate/tunegate/internal/journal"
	"github.com/tunegate/tunegate/internal/localtune"
)

func serveCommand() command {
	return command{
		name: "serve", summary: "the embedded fine-tuning server, on loopback",
		about: "Serves the OpenAI wire contract (files, uploads, fine-tuning jobs, models, chat completions, embeddings) and really trains " +
			"a small model. Jobs live in the state folder; unfinished ones are trained anew after a restart. The base model is " + localtune.BaseModel + ". " +
			"The base URL is printed on standard output, requests on standard error. Ctrl-C or SIGTERM ends it.",
		example: "tunegate serve --addr 127.0.0.1:4141 --state .tunegate/served",
		exits:   []int{exitError},
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			addr := f.String("addr", "127.0.0.1:4141", "`address` to listen on; port 0 picks a free one")
			state := f.String("state", ".tunegate/served", "`dir` that holds files, jobs and models")
			key := f.String("key-env", "", "`variable` that holds the key which requests must bear; none: all are served")
			latency := f.Duration("latency", 0, "`time` added before each reply")
			step := f.Duration("step-delay", 0, "`time` added after each reported training step, to make a training long")
			quiet := f.Bool("quiet", false, "print no requests")
			return func(ctx context.Context, e env, args []string) error {
				if len(args) > 0 {
					return usageError{"serve takes no argument", ""}
				}
				if *latency < 0 || *step < 0 {
					return usageError{"a delay is below zero", ""}
				}
				o := localtune.Options{Latency: *latency, StepDelay: *step}
				if *key != "" {
					if o.Key = strings.TrimSpace(e.getenv(*key)); o.Key == "" {
						return usageError{"the variable " + *key + " is not set", ""}
					}
				}
				out := log.New(io.Discard, "", log.Ltime)
				if !*quiet {
					out.SetOutput(e.stderr)
					o.Log = func(line string) { out.Print(line) }
				}
				return serve(ctx, e, out, *addr, *state, o)
			}
		},
	}
}

// graceTime is how long requests may go on after the signal to stop.
const graceTime = time.Second

func serve(ctx context.Context, e env, out *log.Logger, addr, state string, o localtune.Options) (err error) {
	listener, err := listen(addr, o.Key != "")
	if err != nil {
		return err
	}
	s, err := localtune.Open(state, o)
	if err != nil {
		listener.Close()
		return stateError(err, state)
	}
	defer func() {
		unfinished := s.Unfinished()
		err = errors.Join(err, s.Close())
		if unfinished > 0 {
			out.Printf("stopped; the next start on %s trains %d unfinished job(s) anew, under the same ids", state, unfinished)
		}
	}()
	fmt.Fprintf(e.stdout, "http://%s/v1\n", listener.Addr())
	h := &http.Server{
		Handler: s, ErrorLog: out, MaxHeaderBytes: 64 << 10,
		// A client that hangs is let go; the largest file over a slow line is not.
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ReadTimeout: 15 * time.Minute, WriteTimeout: 15*time.Minute + o.Latency,
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		grace, cancel := context.WithTimeout(context.Background(), graceTime)
		defer cancel()
		if h.Shutdown(grace) != nil {
			h.Close()
		}
	})
	if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	<-ended
	return nil // stopped by a signal, as servers are
}

// listen opens addr, which must be one of loopback unless requests bear a key.
func listen(addr string, keyed bool) (net.Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, usageError{fmt.Sprintf("--addr %s: %v", addr, err), "host and port, as in 127.0.0.1:4141"}
	}
	if !keyed && !tcp.IP.IsLoopback() {
		return nil, usageError{"without a key the server listens on loopback only", "use 127.0.0.1, or --key-env"}
	}
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w\nhint: another server has the port; --addr 127.0.0.1:0 picks a free one", err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%w\nhint: take a port from 1024 on", err)
	}
	return l, err
}

// stateError says what can be done about a state folder that cannot be used.
func stateError(err error, state string) error {
	switch {
	case errors.Is(err, journal.ErrLocked):
		return fmt.Errorf("%w\nhint: end the server that uses it, or give this one a --state folder of its own", err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w\nhint: %s must be a folder that can be written to; --state names another", err, state)
	}
	return err
}
