package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/tunegate/tunegate/internal/localtune"
)

func serveCommand() command {
	return command{
		name: "serve", summary: "the embedded fine-tuning server, on loopback",
		about: "Serves the OpenAI wire contract (files, fine-tuning jobs, models, chat completions, embeddings) and really trains\n" +
			"a small model. Jobs live in the state folder and go on after a restart. The base model is " + localtune.BaseModel + ".",
		example: "tunegate serve --addr 127.0.0.1:4141 --state .tunegate/served",
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
				o := localtune.Options{Latency: *latency, StepDelay: *step}
				if *key != "" {
					if o.Key = e.getenv(*key); o.Key == "" {
						return usageError{"the variable " + *key + " is not set", ""}
					}
				}
				if !*quiet {
					o.Log = func(line string) { fmt.Fprintln(e.stderr, time.Now().Format(time.TimeOnly), line) }
				}
				return serve(ctx, e, *addr, *state, o)
			}
		},
	}
}

func serve(ctx context.Context, e env, addr, state string, o localtune.Options) (err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() && o.Key == "" {
		listener.Close()
		return usageError{"without a key the server listens on loopback only", "use 127.0.0.1, or --key-env"}
	}
	s, err := localtune.Open(state, o)
	if err != nil {
		listener.Close()
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	fmt.Fprintf(e.stdout, "http://%s/v1\n", listener.Addr())
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { h.Close() })
	defer stop()
	if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil // stopped by a signal, as servers are
}
