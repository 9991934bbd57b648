package localtune_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tunegate/tunegate/internal/localtune"
)

// listed are the names in a folder of the state.
func listed(t testing.TB, dir, sub string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, sub))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestFormInAnyOrder(t *testing.T) {
	server := open(t, t.TempDir(), zero)
	for _, fields := range [][]string{
		{"purpose", "fine-tune", "file:a.jsonl", "one\r\n--two\n"},
		{"file:a.jsonl", "one\r\n--two\n", "purpose", "fine-tune"},
		{"expires_after[seconds]", "3600", "file:a.jsonl", "one\r\n--two\n", "expires_after[anchor]", "created_at", "purpose", "fine-tune"},
	} {
		s := start(t, server)
		if len(fields) > 4 {
			s = unchecked(t, server) // the reader of the description knows no brackets in forms, the official client sends them
		}
		status, f := s.send(t, "/files", fields...)
		if status != 200 || f["bytes"] != float64(11) || f.text("filename") != "a.jsonl" || f.text("purpose") != "fine-tune" {
			t.Errorf("%q: %d %v", fields, status, f)
		}
		r, err := http.Get(s.URL + "/v1/files/" + f.text("id") + "/content")
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if string(got) != "one\r\n--two\n" {
			t.Errorf("%q: content %q", fields, got)
		}
		if lives := f["expires_at"]; (len(fields) > 4) != (lives != nil) {
			t.Errorf("%q: expires at %v", fields, lives)
		}
	}
}

// A refused upload says what is wrong with it, and nothing of it stays.
func TestRefusedUploads(t *testing.T) {
	dir := t.TempDir()
	s := start(t, open(t, dir, zero))
	for want, fields := range map[string][]string{
		"no part named file":               {"purpose", "fine-tune"},
		"no part named purpose":            {"file:a", "x"},
		`purpose "batch" is not served`:    {"purpose", "batch", "file:a", "x"},
		`purpose "fine-tunefine`:           {"file:a", "x", "purpose", strings.Repeat("fine-tune", 100)},
		"is empty":                         {"purpose", "fine-tune", "file:a", ""},
		"two parts named file":             {"purpose", "fine-tune", "file:a", "x", "file:b", "y"},
		"has no name":                      {"purpose", "fine-tune", "file:..", "x"},
		"longer than 255 bytes":            {"purpose", "fine-tune", "file:" + strings.Repeat("é", 200), "x"},
		"from 3600 to 2592000":             {"purpose", "fine-tune", "file:a", "x", "expires_after[anchor]", "created_at", "expires_after[seconds]", "60"},
		`anchor of expires_after`:          {"purpose", "fine-tune", "file:a", "x", "expires_after[anchor]", "now", "expires_after[seconds]", "3600"},
		`are a whole number, not "a while`: {"purpose", "fine-tune", "file:a", "x", "expires_after[seconds]", "a while"},
		"argument supplied: color":         {"purpose", "fine-tune", "file:a", "x", "color", "red"},
	} {
		status, o := s.send(t, "/files", fields...)
		e, _ := o["error"].(map[string]any)
		if message := object(e).text("message"); status != 400 || !strings.Contains(message, want) {
			t.Errorf("%.60q: %d %q, want %q", fields, status, message, want)
		}
	}
	if e := s.refused(t, 400, "POST", "/files", `{"purpose":"fine-tune"}`); !strings.Contains(object(e).text("message"), "multipart") {
		t.Errorf("JSON is refused with %v", e)
	}
	if left := listed(t, dir, "files"); len(left) > 0 {
		t.Errorf("refused uploads left %q", left)
	}
	if all := s.must(t, "GET", "/files", "").data(); len(all) > 0 {
		t.Errorf("refused uploads are listed: %v", all)
	}
}

// A file's name is for people to read; it names no place on this machine.
func TestHostileFileNames(t *testing.T) {
	dir := t.TempDir()
	s := start(t, open(t, dir, zero))
	for name, want := range map[string]string{
		"../../etc/passwd":          "passwd",
		`..\\..\\boot.ini`:          "boot.ini",
		"/abs/train.jsonl":          "train.jsonl",
		"a\u009b31mred":             "a_31mred",
		"right\u202eto-left":        "right_to-left",
		"not\xffutf8":               "not_utf8",
		"übung 1.jsonl":             "übung 1.jsonl",
		"files/x/ftjob-1/../name;a": "name;a",
	} {
		body := "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nfine-tune\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\n\r\nx\r\n--b--\r\n"
		q, _ := http.NewRequest("POST", s.URL+"/v1/files", strings.NewReader(body))
		q.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		if status, f := s.do(t, q); status != 200 || f.text("filename") != want {
			t.Errorf("%q: %d, known as %q, want %q", name, status, f.text("filename"), want)
		}
	}
	for _, name := range listed(t, dir, "files") {
		if !strings.HasPrefix(name, "file-") {
			t.Errorf("a file is stored as %q", name)
		}
	}
}

// A client that dies in the middle of an upload leaves nothing behind.
func TestAbortedUpload(t *testing.T) {
	dir := t.TempDir()
	began, done := make(chan struct{}), make(chan struct{})
	server := open(t, dir, zero)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		server.ServeHTTP(w, r)
		close(done)
	}))
	defer h.Close()
	body, kind := form("purpose", "fine-tune", "file:a.jsonl", strings.Repeat("x", 4<<20))
	send, feed := io.Pipe()
	q, _ := http.NewRequest("POST", h.URL+"/v1/files", send)
	q.Header.Set("Content-Type", kind)
	go func() {
		_, _ = feed.Write(body[:len(body)/2])
		<-began
		feed.CloseWithError(io.ErrClosedPipe)
	}()
	if r, err := http.DefaultClient.Do(q); err == nil {
		t.Errorf("the aborted upload was answered with %s", r.Status)
	}
	<-done
	if left := listed(t, dir, "files"); len(left) > 0 {
		t.Errorf("the aborted upload left %q", left)
	}
}

// What a killed process left is gone after the next start; what is somebody else's is not.
func TestLeftoversAreSwept(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, zero)
	kept := start(t, first).upload(t, "x")
	first.Close()
	for _, name := range []string{"files/file-000009dead", "files/.tunegate-new-1", "files/theirs.txt", "models/ftjob-000001dead", "models/their.json", "uploads/upload-000001dead/part-1"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, open(t, dir, zero))
	got := fmt.Sprint(listed(t, dir, "files"), listed(t, dir, "models"), listed(t, dir, "uploads"))
	if want := fmt.Sprint([]string{kept, "theirs.txt"}, []string{"their.json"}, []string{}); got != want {
		t.Errorf("left %s, want %s", got, want)
	}
	s.must(t, "GET", "/files/"+kept, "")
}

func TestTooLargeAFile(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it sends 512 MiB")
	}
	dir := t.TempDir()
	h := httptest.NewServer(open(t, dir, zero))
	defer h.Close()
	head := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"big\"\r\n\r\n"
	q, _ := http.NewRequest("POST", h.URL+"/v1/files", io.MultiReader(strings.NewReader(head), io.LimitReader(endless{}, 512<<20+1), strings.NewReader("\r\n--b--\r\n")))
	q.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	if r.StatusCode != 413 || !bytes.Contains(body, []byte("536870912 bytes")) {
		t.Errorf("%s %s", r.Status, body)
	}
	if left := listed(t, dir, "files"); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// Paging goes on after files that were deleted between two pages.
func TestFilePaging(t *testing.T) {
	s := start(t, open(t, t.TempDir(), zero))
	var ids []string
	for range 5 {
		ids = append(ids, s.upload(t, "x"))
	}
	page := s.must(t, "GET", "/files?limit=2&purpose=fine-tune", "")
	got := page.data()
	if len(got) != 2 || got[0].text("id") != ids[4] || page["has_more"] != true || page.text("last_id") != ids[3] {
		t.Fatalf("first page %v", page)
	}
	s.must(t, "DELETE", "/files/"+ids[3], "")
	s.must(t, "DELETE", "/files/"+ids[2], "")
	page = s.must(t, "GET", "/files?limit=2&after="+ids[3], "")
	if got := page.data(); len(got) != 2 || got[0].text("id") != ids[1] || got[1].text("id") != ids[0] || page["has_more"] != false {
		t.Errorf("second page %v", page)
	}
	if got := s.must(t, "GET", "/files?order=asc&limit=1", "").data(); got[0].text("id") != ids[0] {
		t.Errorf("oldest first: %v", got)
	}
	if got := s.must(t, "GET", "/files?purpose=batch", "").data(); len(got) != 0 {
		t.Errorf("of another purpose: %v", got)
	}
	for _, query := range []string{"limit=0", "limit=-1", "limit=2x", "limit=9999999999999999999", "order=up"} {
		s.refused(t, 400, "GET", "/files?"+query, "")
	}
	s.refused(t, 404, "GET", "/files?after=file-unknown", "")
	for _, call := range []string{"GET /files/" + ids[2], "DELETE /files/" + ids[2], "GET /files/" + ids[2] + "/content"} {
		method, path, _ := strings.Cut(call, " ")
		s.refused(t, 404, method, path, "")
	}
}

// Of many deletions at once one finds the file.
func TestDeletedOnce(t *testing.T) {
	s := start(t, open(t, t.TempDir(), zero))
	id := s.upload(t, "x")
	statuses := make([]int, 8)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() { statuses[i], _ = s.call(t, "DELETE", "/files/"+id, "") })
	}
	wg.Wait()
	count := map[int]int{}
	for _, status := range statuses {
		count[status]++
	}
	if count[200] != 1 || count[404] != 7 {
		t.Errorf("statuses %v", count)
	}
}

// A disk that fails is the server's trouble, not the client's; what is in memory is still served.
func TestBrokenState(t *testing.T) {
	dir := t.TempDir()
	server := open(t, dir, localtune.Options{})
	s := start(t, server)
	file := s.upload(t, routing(30))
	if err := os.Rename(filepath.Join(dir, "files"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if status, o := s.send(t, "/files", "purpose", "fine-tune", "file:a", "x"); status != 500 || !strings.Contains(fmt.Sprint(o), "server_error") {
		t.Errorf("an upload to a broken folder: %d %v", status, o)
	}
	s.must(t, "GET", "/files/"+file, "")
	if err := os.Rename(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "files")); err != nil {
		t.Fatal(err)
	}
	server.BreakJournal()
	if status, _ := s.send(t, "/files", "purpose", "fine-tune", "file:a", "x"); status != 500 {
		t.Errorf("an upload without a journal: %d", status)
	}
	s.refused(t, 500, "POST", "/fine_tuning/jobs", fmt.Sprintf(`{"model":%q,"training_file":%q}`, localtune.BaseModel, file))
	s.refused(t, 500, "DELETE", "/files/"+file, "")
	if left := listed(t, dir, "files"); len(left) != 1 {
		t.Errorf("left %q, want the first file alone", left)
	}
	if got := s.must(t, "GET", "/fine_tuning/jobs", "").data(); len(got) != 0 {
		t.Errorf("a job that could not be recorded is listed: %v", got)
	}
}
