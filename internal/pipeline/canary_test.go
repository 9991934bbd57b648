package pipeline

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/localtune/wiretest"
)

// No key is in anything that a run leaves or says, where a service sends back what it was sent.
func TestCanary(t *testing.T) {
	const key = "sk-CANARY-7d1e55b0c9"
	for name, echo := range map[string]func(q *http.Request) (int, string){
		"refused": func(q *http.Request) (int, string) {
			return 401, fmt.Sprintf(`{"error":{"message":"Incorrect API key provided: %s","code":%q}}`, q.Header.Get("Authorization"), q.Header.Get("Authorization"))
		},
		"failing": func(q *http.Request) (int, string) { return 500, "headers: " + fmt.Sprint(q.Header) },
		"no JSON": func(q *http.Request) (int, string) { return 200, fmt.Sprint(q.Header) },
		"a failed job": func(q *http.Request) (int, string) {
			if q.Method == "GET" && strings.HasSuffix(q.URL.Path, "/jobs") {
				run := q.URL.Query().Get("metadata[tunegate_run_key]")
				return 200, fmt.Sprintf(`{"object":"list","data":[{"id":"ftjob-%[1]s","object":"fine_tuning.job","status":"failed","created_at":1,"model":"m","metadata":{"tunegate_run_key":%[2]q},"error":{"message":"cannot, with %[1]s","code":"%[1]s"}}]}`, key, run)
			}
			return 404, `{"error":{"message":"` + key + `"}}`
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, m := checkouts(t, nil)
			var said strings.Builder
			state := t.TempDir()
			o := Options{State: state, Wait: time.Minute, Getenv: func(string) string { return key }, Transport: wiretest.CheckSent(t, echoing(echo)),
				Trust: &Trust{Base: m, Hosts: bound(t, "llm.example.com=ACME_API_KEY")}, Notify: func(e Event) { fmt.Fprintf(&said, "%+v\n", e) }}
			doc, err := Run(t.Context(), m, o)
			text, _ := json.Marshal(doc)
			fmt.Fprintln(&said, string(text), err)
			jobs, err := Status(t.Context(), m, o)
			fmt.Fprintf(&said, "%+v %v\n", jobs, err)
			jobs, err = CancelJobs(t.Context(), m, o)
			fmt.Fprintf(&said, "%+v %v\n", jobs, err)
			jobs, _, err = Retry(t.Context(), m, o)
			fmt.Fprintf(&said, "%+v %v\n", jobs, err)
			err = fs.WalkDir(os.DirFS(state), ".", func(path string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					text, _ := os.ReadFile(filepath.Join(state, path))
					fmt.Fprintln(&said, path, string(text))
				}
				return err
			})
			if err != nil || doc.Launched > 0 || verdicts(doc) != "error error" {
				t.Errorf("%s: %v, %q", name, err, verdicts(doc))
			}
			if i := strings.Index(said.String(), "CANARY"); i >= 0 {
				t.Errorf("%s: the key is in …%s…", name, said.String()[max(0, i-200):min(i+100, said.Len())])
			}
			if name != "no JSON" && !strings.Contains(said.String(), "***") {
				t.Errorf("%s: nothing was sent back", name)
			}
		})
	}
}

type echoing func(*http.Request) (int, string)

func (e echoing) RoundTrip(q *http.Request) (*http.Response, error) {
	status, body := e(q)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: q}, nil
}
