package localtune_test

import (
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// begin announces an upload and returns its id.
func (s site) begin(t testing.TB, bytes int) string {
	t.Helper()
	return s.must(t, "POST", "/uploads", fmt.Sprintf(`{"filename":"dir/train.jsonl","purpose":"fine-tune","bytes":%d,"mime_type":"application/jsonl"}`, bytes)).text("id")
}

func (s site) part(t testing.TB, upload, data string) string {
	t.Helper()
	status, o := s.send(t, "/uploads/"+upload+"/parts", "data:blob", data)
	if status != 200 || o.text("upload_id") != upload {
		t.Fatalf("part: %d %v", status, o)
	}
	return o.text("id")
}

// A file that came in parts, in the order of their list and over a restart, trains like any other.
func TestUploadInParts(t *testing.T) {
	dir := t.TempDir()
	data := routing(60)
	first := open(t, dir, zero)
	s := start(t, first)
	id := s.begin(t, len(data))
	tail := s.part(t, id, data[1000:])
	first.Close()
	s = start(t, open(t, dir, zero))
	head := s.part(t, id, data[:1000])
	s.part(t, id, "a part that nobody names")
	done := s.must(t, "POST", "/uploads/"+id+"/complete", fmt.Sprintf(`{"part_ids":[%q,%q],"md5":"%x"}`, head, tail, md5.Sum([]byte(data))))
	file := object(done["file"].(map[string]any))
	if done.text("status") != "completed" || file.text("filename") != "train.jsonl" || file["bytes"] != float64(len(data)) {
		t.Errorf("completed: %v", done)
	}
	r, err := http.Get(s.URL + "/v1/files/" + file.text("id") + "/content")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if string(got) != data {
		t.Errorf("the file holds %d bytes, want the %d in order", len(got), len(data))
	}
	s.await(t, s.create(t, file.text("id"), ""), "succeeded")
	if left := listed(t, dir, "uploads"); len(left) > 0 {
		t.Errorf("parts left: %q", left)
	}
	for _, end := range []string{"/complete", "/cancel"} {
		body := ""
		if end == "/complete" {
			body = fmt.Sprintf(`{"part_ids":[%q]}`, head)
		}
		e := s.refused(t, 400, "POST", "/uploads/"+id+end, body)
		if !strings.Contains(e.text("message"), "is completed") {
			t.Errorf("%s again: %v", end, e)
		}
	}
}

func TestRefusedParts(t *testing.T) {
	dir := t.TempDir()
	s := start(t, open(t, dir, zero))
	for want, body := range map[string]string{
		"bytes is a whole number": `{"filename":"a","purpose":"fine-tune","bytes":0,"mime_type":"text/plain"}`,
		"8589934592":              `{"filename":"a","purpose":"fine-tune","bytes":8589934593,"mime_type":"text/plain"}`,
		"has no name":             `{"purpose":"fine-tune","bytes":1,"mime_type":"text/plain"}`,
		"mime_type is missing":    `{"filename":"a","purpose":"fine-tune","bytes":1}`,
		`purpose "vision"`:        `{"filename":"a","purpose":"vision","bytes":1,"mime_type":"text/plain"}`,
		"supplied: colour":        `{"filename":"a","purpose":"fine-tune","bytes":1,"mime_type":"text/plain","colour":1}`,
		"Invalid type for 'bytes": `{"filename":"a","purpose":"fine-tune","bytes":"1","mime_type":"text/plain"}`,
	} {
		if e := s.refused(t, 400, "POST", "/uploads", body); !strings.Contains(e.text("message"), want) {
			t.Errorf("%s: %v", body, e)
		}
	}
	id := s.begin(t, 4)
	other := s.part(t, s.begin(t, 4), "abcd")
	for want, fields := range map[string][]string{
		"no part named data": {},
		"part is empty":      {"data:blob", ""},
		"one part, named":    {"data:blob", "ab", "data:blob", "cd"},
	} {
		status, o := s.send(t, "/uploads/"+id+"/parts", fields...)
		if status != 400 || !strings.Contains(fmt.Sprint(o), want) {
			t.Errorf("%q: %d %v", fields, status, o)
		}
	}
	half := s.part(t, id, "ab")
	for want, body := range map[string]string{
		"2 bytes long, but the upload was announced with 4": fmt.Sprintf(`{"part_ids":[%q]}`, half),
		"has no part":       fmt.Sprintf(`{"part_ids":[%q]}`, other),
		"The MD5":           fmt.Sprintf(`{"part_ids":[%q,%q],"md5":"00"}`, half, half),
		"a list of 1":       `{"part_ids":[]}`,
		`no part "../../`:   `{"part_ids":["../../local.journal"]}`,
		`no part "part-../`: `{"part_ids":["part-../../../local.journal"]}`,
	} {
		if e := s.refused(t, 400, "POST", "/uploads/"+id+"/complete", body); !strings.Contains(e.text("message"), want) {
			t.Errorf("%s: %v", body, e)
		}
	}
	if got := s.must(t, "POST", "/uploads/"+id+"/cancel", ""); got.text("status") != "cancelled" {
		t.Errorf("cancelled: %v", got)
	}
	if status, o := s.send(t, "/uploads/"+id+"/parts", "data:blob", "cd"); status != 400 || !strings.Contains(fmt.Sprint(o), "is cancelled") {
		t.Errorf("a part of a cancelled upload: %d %v", status, o)
	}
	if files, left := listed(t, dir, "files"), listed(t, dir, "uploads"); len(files) > 0 || len(left) != 1 {
		t.Errorf("left %q and %q, want the other upload alone", files, left)
	}
	for _, end := range []string{"/cancel", "/complete"} {
		s.refused(t, 404, "POST", "/uploads/upload-unknown"+end, `{"part_ids":["part-1"]}`)
	}
	if status, _ := s.send(t, "/uploads/upload-unknown/parts", "data:blob", "x"); status != 404 {
		t.Errorf("a part of no upload: %d", status)
	}
}

// What has expired is gone, and its bytes go at the next start.
func TestExpiry(t *testing.T) {
	dir := t.TempDir()
	server := open(t, dir, zero)
	s := start(t, server)
	upload := s.must(t, "POST", "/uploads", `{"filename":"a","purpose":"fine-tune","bytes":2,"mime_type":"x","expires_after":{"anchor":"created_at","seconds":3600}}`).text("id")
	done := s.must(t, "POST", "/uploads/"+upload+"/complete", fmt.Sprintf(`{"part_ids":[%q]}`, s.part(t, upload, "ab")))
	file := object(done["file"].(map[string]any)).text("id")
	late := s.begin(t, 2)
	part := s.part(t, late, "ab")
	s.must(t, "GET", "/files/"+file, "")
	server.Age(file, time.Hour+time.Minute)
	server.Age(late, time.Hour+time.Minute)
	s.refused(t, 404, "GET", "/files/"+file, "")
	if got := s.must(t, "GET", "/files", "").data(); len(got) > 0 {
		t.Errorf("listed: %v", got)
	}
	if e := s.refused(t, 400, "POST", "/uploads/"+late+"/complete", fmt.Sprintf(`{"part_ids":[%q]}`, part)); !strings.Contains(e.text("message"), "is expired") {
		t.Errorf("%v", e)
	}
	server.Close()
	open(t, dir, zero)
	if files, uploads := listed(t, dir, "files"), listed(t, dir, "uploads"); len(files)+len(uploads) > 0 {
		t.Errorf("left %q and %q", files, uploads)
	}
}
