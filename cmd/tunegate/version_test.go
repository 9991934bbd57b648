package main

import (
	"runtime/debug"
	"testing"
)

func TestBuilt(t *testing.T) {
	checkout := &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}, {Key: "vcs.modified", Value: "true"}}}
	module := &debug.BuildInfo{Main: debug.Module{Version: "v1.4.0"}}
	installed := &debug.BuildInfo{Main: debug.Module{Version: "v0.0.0-20261122195316-0123456789ab+dirty"}, Settings: checkout.Settings}
	for _, c := range []struct {
		name, release, commit string
		info                  *debug.BuildInfo
		want, line            string
	}{
		{"nothing known", "", "", nil, "devel", "devel"},
		{"go build, no version noted", "", "", checkout, "devel", "devel commit 0123456789ab (modified)"},
		{"go build", "", "", installed, "v0.0.0-20261122195316-0123456789ab+dirty", "v0.0.0-20261122195316-0123456789ab+dirty"},
		{"go install of a release", "", "", module, "v1.4.0", "v1.4.0"},
		{"a release from a changed checkout", "v2.0.0", "", checkout, "v2.0.0", "v2.0.0 commit 0123456789ab (modified)"},
		{"a stamped release", "v2.0.0", "feed5eed", installed, "v2.0.0", "v2.0.0 commit feed5eed"},
		{"a stamped release without build info", "v2.0.0", "feed5eed", nil, "v2.0.0", "v2.0.0 commit feed5eed"},
		{"a description as the release", "v2.0.0-3-gfeed5ee", "feed5eed0123", nil, "v2.0.0-3-gfeed5ee", "v2.0.0-3-gfeed5ee"},
		{"a description of a changed checkout", "v2.0.0-3-g0123456", "", checkout, "v2.0.0-3-g0123456", "v2.0.0-3-g0123456 (modified)"},
		{"a commit as the release", "feed5eed0123", "feed5eed0123", nil, "feed5eed0123", "feed5eed0123"},
		{"a short commit", "v2.0.0", "fee", nil, "v2.0.0", "v2.0.0 commit fee"},
	} {
		b := built(c.release, c.commit, c.info)
		if b.version != c.want || b.String() != c.line {
			t.Errorf("%s: version %q, %q; want %q, %q", c.name, b.version, b, c.want, c.line)
		}
	}
}
