package openaiapi_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/openaiapi"
	"github.com/tunegate/tunegate/internal/train"
)

// asClient names the variable that makes this test binary a client, which does one call and ends: what a process reads
// once, and what it uses at most, can only be seen in one of its own.
const asClient = "TUNEGATE_OPENAIAPI_CLIENT"

func TestMain(m *testing.M) {
	if call := os.Getenv(asClient); call != "" {
		if err := beClient(call, os.Getenv("BASE"), os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// beClient polls a job, or uploads a file of as many bytes as call says and prints the most memory that it took, in kB.
func beClient(call, base string, out io.Writer) error {
	c, err := openaiapi.New(openaiapi.Config{BaseURL: base, Key: "sk-test"})
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(call, 10, 64)
	if err != nil {
		_, err := c.Poll(context.Background(), "j")
		return err
	}
	f := train.File{Name: "large.jsonl", Size: size, Open: func() (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros{}, size)), nil }}
	if _, err := c.Upload(context.Background(), f); err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	_, err = fmt.Fprintln(out, strings.Fields(peak)[0])
	return err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func runClient(t *testing.T, call, base string, env ...string) (string, error) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append([]string{asClient + "=" + call, "BASE=" + base, "HOME=" + t.TempDir()}, env...)
	var errs strings.Builder
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(errs.String()))
	}
	return string(out), err
}

// The memory of a client does not grow with what it sends, in one request or in parts.
func TestUploadTakesLittleMemory(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("the memory of a process is read as Linux shows it, and 1 GB is sent: not in a short run")
	}
	const most = 64 << 10 // kB
	for _, size := range []int64{400 << 20, 600 << 20} {
		var got, largest atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			if err != nil {
				t.Error(err)
			}
			if n > 1000 { // a file or a part, and no order in JSON
				got.Add(n)
				largest.Store(max(largest.Load(), n))
			}
			fmt.Fprintf(w, `{"id":"x","data":[],"file":{"id":"f","bytes":%d}}`, size)
		}))
		out, err := runClient(t, fmt.Sprint(size), s.URL+"/v1")
		s.Close()
		if err != nil {
			t.Fatal(err)
		}
		peak, err := strconv.Atoi(strings.TrimSpace(out))
		if err != nil || peak > most || got.Load() < size || got.Load() > size+10_000 {
			t.Errorf("%d MB took %d kB of memory (%v), and %d bytes arrived; want at most %d kB", size>>20, peak, err, got.Load(), most)
		}
		t.Logf("%d MB, %d bytes at once: %d kB of memory at most", size>>20, largest.Load(), peak)
	}
}

// What the environment says of certificates and proxies holds: a company's own authority is trusted, and requests go by
// its proxy.
func TestCertificatesAndProxyOfTheEnvironment(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is read on Linux, and by no name elsewhere")
	}
	service := httptest.NewUnstartedServer(wiretest.CheckRequests(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id":"j","status":"running"}`) })))
	service.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail, as they should
	service.StartTLS()
	defer service.Close()
	var tunnels atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "example.com:443" {
			t.Errorf("the proxy is asked for %s %s", r.Method, r.Host)
			return
		}
		tunnels.Add(1)
		far, err := net.Dial("tcp", service.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer far.Close()
		w.WriteHeader(http.StatusOK)
		near, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer near.Close()
		go func() { _, _ = io.Copy(far, near) }()
		_, _ = io.Copy(near, far)
	}))
	defer proxy.Close()
	authority := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: service.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	trusted, by := "SSL_CERT_FILE="+authority, "HTTPS_PROXY="+proxy.URL
	if _, err := runClient(t, "poll", service.URL+"/v1", trusted); err != nil {
		t.Errorf("with the authority: %v", err)
	}
	if _, err := runClient(t, "poll", service.URL+"/v1", "SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR=/dev/null"); err == nil || !strings.Contains(err.Error(), "SSL_CERT_FILE") {
		t.Errorf("without it: %v", err)
	}
	if tunnels.Load() > 0 {
		t.Errorf("%d requests went by a proxy that nothing named", tunnels.Load())
	}
	// The certificate is one for example.com too, which is not this machine: only the proxy leads there.
	if _, err := runClient(t, "poll", "https://example.com/v1", trusted, by); err != nil || tunnels.Load() == 0 {
		t.Errorf("by the proxy: %v, %d tunnels", err, tunnels.Load())
	}
}
