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

	"github.com/tunegate/tunegate/internal/contract"
)

var description = sync.OnceValues(func() (*contract.Description, error) {
	d, err := contract.Load("openai-pruned.json", nil)
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
// status. An exchange that the client breaks off is not checked. Without the folder that TUNEGATE_TESTDATA names it checks
// nothing and says so; TestExchangesAreChecked of this package is skipped then.
func Check(t testing.TB, next http.Handler) http.Handler {
	t.Helper()
	if !contract.AtHand() {
		t.Log(contract.Unchecked)
		return next
	}
	d, err := description()
	if err != nil {
		t.Fatal(err)
	}
	return d.Check(t, next)
}

// stream checks the chunks of a chat completion, and that the last word is [DONE].
func stream(d *contract.Description, body string) error {
	events := strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n")
	for i, e := range events {
		data, ok := strings.CutPrefix(e, "data: ")
		last := i == len(events)-1
		if !ok || last != (data == "[DONE]") {
			return fmt.Errorf("event %d of %d of the stream is %.200q", i+1, len(events), e)
		}
		if last {
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
