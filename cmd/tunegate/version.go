package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Set by the linker when a release is built (-X main.release=v1.2.3 -X main.commit=…). A commit that is not set is the
// one that the go command noted, where it built from a checkout.
var release, commit string

// build is what is known of how this program came to be.
type build struct{ version, commit string }

// String returns the version and the commit, which many versions (v1.2.3-4-gfeed5ee, v0.0.0-20261122195316-feed5eed0123+dirty) name.
func (b build) String() string {
	commit, modified := strings.CutSuffix(b.commit, modifiedMark)
	switch {
	case b.commit == "":
		return b.version
	case !strings.Contains(b.version, commit[:min(len(commit), 7)]):
		return b.version + " commit " + b.commit
	case modified && !strings.Contains(b.version, "dirty"):
		return b.version + modifiedMark
	}
	return b.version
}

// modifiedMark stands behind the commit of a checkout with changes.
const modifiedMark = " (modified)"

// version names the release or, between releases, the commit.
func version() string {
	info, _ := debug.ReadBuildInfo()
	return built(release, commit, info).version
}

// built works it out from what the linker set and what the go command noted; info may be nil.
func built(release, commit string, info *debug.BuildInfo) build {
	b := build{release, commit}
	noted := ""
	if info != nil {
		noted = info.Main.Version
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && commit == "":
				b.commit = s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true" && commit == "":
				b.commit += modifiedMark
			}
		}
	}
	switch {
	case b.version != "":
	case noted != "" && noted != "(devel)":
		b.version = noted
	default:
		b.version = "devel"
	}
	return b
}

func versionCommand() command {
	return command{
		name: "version", summary: "print the version and the commit",
		about:   "One line: the version, the commit, the platform, the version of Go.",
		example: "tunegate version",
		setup: func(*flag.FlagSet) func(context.Context, env, []string) error {
			return func(_ context.Context, e env, args []string) error {
				if len(args) > 0 {
					return usageError{"version takes no argument", ""}
				}
				info, _ := debug.ReadBuildInfo()
				b := built(release, commit, info)
				_, err := fmt.Fprintf(e.stdout, "tunegate %s %s/%s %s\n", b, runtime.GOOS, runtime.GOARCH, runtime.Version())
				return err
			}
		},
	}
}
