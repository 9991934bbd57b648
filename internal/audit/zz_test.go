package audit
import ("testing";"os";"time";"runtime")
func TestZZ(t *testing.T) {
	f := open(t, os.Getenv("ZZ"))
	in := Input{Train: f}
	if os.Getenv("TOK") != "" { in.Encoding = encoding(t); in.TrainingContext=65536 }
	a, c := time.Now(), cpu(t)
	res, err := Run(t.Context(), in, DefaultPolicy())
	if err != nil { t.Fatal(err) }
	t.Log(time.Since(a), cpu(t)-c, res.Totals, len(res.Findings))
	var m runtime.MemStats; runtime.ReadMemStats(&m); t.Log(m.Sys>>20, m.HeapSys>>20, m.NumGC)
	b,_ := os.ReadFile("/proc/self/status"); for _, l := range splitLines(string(b)) { if len(l)>5 && l[:5]=="VmHWM" { t.Log(l) } }
}
func splitLines(s string) []string { var o []string; x:=""; for _, c := range s { if c=='\n' {o=append(o,x);x=""} else {x+=string(c)} }; return o }
