package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set by the linker (-X main.release=v1.2.3) when a release is built.
var release string

// version names the release, or the commit that was built.
func version() string {
	if release != "" {
		return release
	}
	v := "devel"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v += "-" + s.Value[:min(len(s.Value), 12)]
		case "vcs.modified":
			if s.Value == "true" {
				v += "-modified"
			}
		}
	}
	return v
}

func versionCommand() command {
	return command{
		name: "version", summary: "print the version and the commit",
		example: "tunegate version",
		setup: func(*flag.FlagSet) func(context.Context, env, []string) error {
			return func(_ context.Context, e env, args []string) error {
				if len(args) > 0 {
					return usageError{"version takes no argument", ""}
				}
				_, err := fmt.Fprintf(e.stdout, "tunegate %s %s/%s %s\n", version(), runtime.GOOS, runtime.GOARCH, runtime.Version())
				return err
			}
		},
	}
}
