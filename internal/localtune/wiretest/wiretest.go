// Package wiretest checks the traffic of tests against the official description of the OpenAI API, so that client and
// server cannot share one misreading of it. It is for tests alone.
package wiretest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/tunegate/tunegate/internal/contract"
)

var description = sync.OnceValues(func() (*contract.Description, error) {
	d, err := contract.Load("openai-pruned.json", func(doc *openapi3.T) {
		// It says 3.1, and has nothing of it but the type null, which the validator of 3.0 knows too; and it has nullable, which is of
		// 3.0. For 3.1 the library would compile every schema anew for each exchange: that takes ten times as long.
		doc.OpenAPI = "3.0.3"
	})
	if err != nil {
		return nil, err
	}
	d.Prefix = "/v1"
	d.Refusal = func(d *contract.Description, body []byte) error { return d.Visit("ErrorResponse", body) }
	d.Stream = stream
	d.Plain = asNumbers
	return d, nil
})

// Check returns a handler that serves as next does, below /v1, and reports every request and reply that the
// contract does not allow as an error of t: also the chunks of a stream, and the bodies of refusals, whatever their
// status. A request may break the contract where it is refused for that. What either side breaks off is judged as far as it got, see
// contract.Description. Without the folder that TUNEGATE_TESTDATA names it checks nothing and says so; the tests of this package
// are skipped then.
func Check(t testing.TB, next http.Handler) http.Handler {
	t.Helper()
	if d := atHand(t); d != nil {
		return d.Check(t, next)
	}
	return next
}

// CheckRequests is Check for a server that does what the contract does not allow: every request is checked, and no reply.
func CheckRequests(t testing.TB, next http.Handler) http.Handler {
	t.Helper()
	if d := atHand(t); d != nil {
		return d.CheckRequests(t, next)
	}
	return next
}

// CheckSent is CheckRequests for a server that a transport stands for.
func CheckSent(t testing.TB, next http.RoundTripper) http.RoundTripper {
	t.Helper()
	if d := atHand(t); d != nil {
		return d.CheckSent(t, next)
	}
	return next
}

// atHand is the description, nil where there is none.
func atHand(t testing.TB) *contract.Description {
	t.Helper()
	if !contract.AtHand() {
		t.Log(contract.Unchecked)
		return nil
	}
	d, err := description()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// stream checks the chunks of a chat completion, and that the last word is [DONE]. Of one that was broken off, the chunks that are
// whole are checked.
func stream(d *contract.Description, body string, whole bool) error {
	events := strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n")
	if !whole {
		events = strings.Split(body, "\n\n")
		events = events[:len(events)-1]
	}
	for i, e := range events {
		data, ok := strings.CutPrefix(e, "data: ")
		done, last := data == "[DONE]", i == len(events)-1
		if !ok || done && !last || last && whole && !done {
			return fmt.Errorf("event %d of %d of the stream is %.200q", i+1, len(events), e)
		}
		if done {
			break
		}
		if err := d.Visit("CreateChatCompletionStreamResponse", []byte(data)); err != nil {
			return fmt.Errorf("event %d of %d of the stream: %w", i+1, len(events), err)
		}
	}
	return nil
}

// asNumbers returns a reply with the vectors of embeddings as numbers. The contract lets a request ask for base64, as the official
// Python client does unasked, and has only numbers in its reply.
func asNumbers(request, reply []byte) []byte {
	var asked struct {
		Format string `json:"encoding_format"`
	}
	var told map[string]any
	if json.Unmarshal(request, &asked) != nil || asked.Format != "base64" || json.Unmarshal(reply, &told) != nil {
		return reply
	}
	data, _ := told["data"].([]any)
	for _, d := range data {
		e, _ := d.(map[string]any)
		coded, isText := e["embedding"].(string)
		raw, err := base64.StdEncoding.DecodeString(coded)
		if !isText || err != nil || len(raw)%4 != 0 {
			return reply
		}
		vector := make([]float32, len(raw)/4)
		for i := range vector {
			vector[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		e["embedding"] = vector
	}
	numbers, err := json.Marshal(told)
	if err != nil { // not a number
		return reply
	}
	return numbers
}
