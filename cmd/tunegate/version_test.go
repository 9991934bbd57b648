package main

import (
	"runtime/debug"
	"testing"
)

func TestBuilt(t *testing.T) {
	checkout := &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}, {Key: "vcs.modified", Value: "true"}}}
	module := &debug.BuildInfo{Main: debug.Module{Version: "v1.4.0"}}
	for _, c := range []struct {
		release, commit string
		info            *debug.BuildInfo
		want            build
	}{
		{"", "", nil, build{"devel", ""}},
		{"", "", checkout, build{"devel", "0123456789ab (modified)"}},
		{"", "", module, build{"v1.4.0", ""}},
		{"v2.0.0", "", checkout, build{"v2.0.0", "0123456789ab (modified)"}},
		{"v2.0.0", "feed5eed", checkout, build{"v2.0.0", "feed5eed"}},
		{"v2.0.0", "feed5eed", nil, build{"v2.0.0", "feed5eed"}},
	} {
		if got := built(c.release, c.commit, c.info); got != c.want {
			t.Errorf("built(%q, %q) = %+v, want %+v", c.release, c.commit, got, c.want)
		}
	}
}
