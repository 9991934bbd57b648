package localtune_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tunegate/tunegate/internal/localtune"
)

// chat asks a model; more is further JSON members.
func (s site) chat(t testing.TB, model, messages, more string) object {
	t.Helper()
	return s.must(t, "POST", "/chat/completions", fmt.Sprintf(`{"model":%q,"messages":%s%s}`, model, messages, more))
}

// said is what the choices of a reply say, or call, and why they end.
func saidBy(reply object) (all []string) {
	choices, _ := reply["choices"].([]any)
	for _, c := range choices {
		choice := object(c.(map[string]any))
		m := object(choice["message"].(map[string]any))
		text := m.text("content")
		calls, _ := m["tool_calls"].([]any)
		for _, c := range calls {
			f := object(c.(map[string]any)["function"].(map[string]any))
			text += f.text("name") + f.text("arguments")
		}
		all = append(all, text+" "+choice.text("finish_reason"))
	}
	return all
}

const parcel = `[{"role":"system","content":"Route the request."},{"role":"user","content":"where is parcel 4711"}]`

const twoTools = `,"tools":[{"type":"function","function":{"name":"weather","description":"the weather in a city","parameters":{"type":"object","properties":{}}}},
	{"type":"function","function":{"name":"play_music","description":"play a song","parameters":{"type":"object","properties":{}}}}]`

func TestChat(t *testing.T) {
	s := start(t, open(t, t.TempDir(), zero))
	router, caller := s.tune(t, routing(90)), s.tune(t, calling(60))
	oslo := `[{"role":"user","content":"weather in Oslo today please"}]`
	call := `weather{"city":"Oslo","day":"today"} tool_calls`
	for _, c := range []struct{ name, model, messages, more, want string }{
		{"tuned", router, parcel, ``, "[shipping stop]"},
		{"what the engine has no use for", router, parcel, `,"temperature":0,"top_p":0.5,"max_completion_tokens":9,"seed":3,"user":"u","stop":["x"]`, "[shipping stop]"},
		{"n", router, parcel, `,"n":2`, "[shipping stop shipping stop]"},
		{"parts", router, `[{"role":"user","content":[{"type":"text","text":"where is "},{"type":"text","text":"parcel 1"}]}]`, ``, "[shipping stop]"},
		{"developer", router, `[{"role":"developer","content":"Route the request."},{"role":"user","content":"where is parcel 1"}]`, ``, "[shipping stop]"},
		{"base", localtune.BaseModel, `[{"role":"system","content":"Answer with one of: it, billing."},{"role":"user","content":"billing?"}]`, ``, "[billing stop]"},
		{"call", caller, oslo, ``, "[" + call + "]"},
		{"call, twice", caller, oslo, `,"n":2`, "[" + call + " " + call + "]"},
		{"no call wanted", caller, oslo, twoTools + `,"tool_choice":"none"`, `[{"name":"weather","arguments":{"city":"Oslo","day":"today"}} stop]`},
		{"base, tools", localtune.BaseModel, oslo, twoTools, "[weather{} tool_calls]"},
		{"base, one tool named", localtune.BaseModel, oslo, twoTools + `,"tool_choice":{"type":"function","function":{"name":"play_music"}}`, "[play_music{} tool_calls]"},
		{"base, the tool has answered", localtune.BaseModel, `[{"role":"user","content":"weather?"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"rain"}]`,
			twoTools, "[I do not know. stop]"},
	} {
		reply := s.chat(t, c.model, c.messages, c.more)
		if got := fmt.Sprint(saidBy(reply)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		u := object(reply["usage"].(map[string]any))
		if in, out := u["prompt_tokens"].(float64), u["completion_tokens"].(float64); in < 5 || out < 1 || u["total_tokens"] != in+out {
			t.Errorf("%s: usage %v", c.name, u)
		}
	}
	for want, body := range map[string]string{
		"provide a model":       `{"messages":` + parcel + `}`,
		"at least one message":  `{"model":"local-zero-shot","messages":[]}`,
		"from 1 to 128":         `{"model":"local-zero-shot","messages":` + parcel + `,"n":129}`,
		`role "narrator"`:       `{"model":"local-zero-shot","messages":[{"role":"narrator","content":"x"}]}`,
		"messages[1] has no":    `{"model":"local-zero-shot","messages":[{"role":"user","content":"x"},{"role":"user"}]}`,
		"neither a string":      `{"model":"local-zero-shot","messages":[{"role":"user","content":7}]}`,
		`type "image_url"`:      `{"model":"local-zero-shot","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}`,
		"no tool_call_id":       `{"model":"local-zero-shot","messages":[{"role":"tool","content":"x"}]}`,
		"tools[0] is no":        `{"model":"local-zero-shot","messages":` + parcel + `,"tools":[{"type":"custom","custom":{"name":"x"}}]}`,
		"tool_choice names no":  `{"model":"local-zero-shot","messages":` + parcel + twoTools + `,"tool_choice":{"type":"function","function":{"name":"fly"}}}`,
		"only allowed when":     `{"model":"local-zero-shot","messages":` + parcel + `,"tool_choice":"required"}`,
		"Invalid type for 'mes": `{"model":"local-zero-shot","messages":"hello"}`,
		"has no body":           ` `,
	} {
		if e := s.refused(t, 400, "POST", "/chat/completions", body); !strings.Contains(e.text("message"), want) {
			t.Errorf("%s: %v, want %q", body, e, want)
		}
	}
	e := s.refused(t, 404, "POST", "/chat/completions", `{"model":"gpt-4.1","messages":`+parcel+`}`)
	if e.text("code") != "model_not_found" {
		t.Errorf("unknown model: %v", e)
	}
}

// The pieces of a stream put together are the reply that is not streamed.
func TestStream(t *testing.T) {
	s := start(t, open(t, t.TempDir(), zero))
	caller := s.tune(t, calling(60))
	for name, c := range map[string]struct{ model, messages, more, want string }{
		"words": {localtune.BaseModel, `[{"role":"user","content":"hello"}]`, `,"n":2`, "0:I do not know.|stop 1:I do not know.|stop"},
		"call":  {caller, `[{"role":"user","content":"weather in Oslo today please"}]`, ``, `0:weather{"city":"Oslo","day":"today"}|tool_calls`},
	} {
		r, err := http.Post(s.URL+"/v1/chat/completions", "application/json", strings.NewReader(
			fmt.Sprintf(`{"model":%q,"messages":%s,"stream":true,"stream_options":{"include_usage":true}%s}`, c.model, c.messages, c.more)))
		if err != nil {
			t.Fatal(err)
		}
		texts, chunks, usage := map[int]string{}, 0, 0
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok || data == "[DONE]" {
				continue
			}
			var v struct {
				Choices []struct {
					Index int
					Delta struct {
						Content   string
						ToolCalls []struct {
							Function struct{ Name, Arguments string }
						} `json:"tool_calls"`
					}
					Finish string `json:"finish_reason"`
				}
				Usage *struct {
					Total int `json:"total_tokens"`
				}
			}
			if err := json.Unmarshal([]byte(data), &v); err != nil {
				t.Fatal(err)
			}
			chunks++
			for _, c := range v.Choices {
				texts[c.Index] += c.Delta.Content
				for _, call := range c.Delta.ToolCalls {
					texts[c.Index] += call.Function.Name + call.Function.Arguments
				}
				if c.Finish != "" {
					texts[c.Index] += "|" + c.Finish
				}
			}
			if v.Usage != nil {
				usage = v.Usage.Total
			}
		}
		r.Body.Close()
		var got []string
		for i := range len(texts) {
			got = append(got, fmt.Sprintf("%d:%s", i, texts[i]))
		}
		if strings.Join(got, " ") != c.want || usage < 5 || chunks < 4 {
			t.Errorf("%s: %q in %d chunks, usage %d, want %q", name, got, chunks, usage, c.want)
		}
	}
}

// A model that is deleted is gone for everybody, at once, and its job stays.
func TestDeleteModel(t *testing.T) {
	dir := t.TempDir()
	server := open(t, dir, zero)
	s := start(t, server)
	job := s.await(t, s.create(t, s.upload(t, routing(30)), ""), "succeeded")
	model := job.text("fine_tuned_model")
	s.chat(t, model, parcel, "") // it is in memory now
	if got := s.must(t, "DELETE", "/models/"+model, ""); got["deleted"] != true || got.text("id") != model {
		t.Errorf("deleted: %v", got)
	}
	for range 2 { // before and after a restart
		ask := fmt.Sprintf(`{"model":%q,"messages":%s}`, model, parcel)
		for _, c := range [][3]string{{"GET", "/models/" + model}, {"DELETE", "/models/" + model}, {"POST", "/chat/completions", ask}} {
			s.refused(t, 404, c[0], c[1], c[2])
		}
		if got := s.must(t, "GET", "/models", "").data(); len(got) != 2 {
			t.Errorf("models %v", got)
		}
		if j := s.must(t, "GET", "/fine_tuning/jobs/"+job.text("id"), ""); j.text("status") != "succeeded" {
			t.Errorf("job %v", j)
		}
		server.Close()
		server = open(t, dir, zero)
		s = start(t, server)
	}
	s.refused(t, 403, "DELETE", "/models/"+localtune.BaseModel, "")
	if left := listed(t, dir, "models"); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// More models than are held in memory, asked by many at once, each answer as its data taught it.
func TestManyModelsAtOnce(t *testing.T) {
	s := start(t, open(t, t.TempDir(), zero))
	models := make([]string, 10)
	var wg sync.WaitGroup
	for i := range models {
		wg.Go(func() { models[i] = s.tune(t, strings.ReplaceAll(routing(30), "shipping", fmt.Sprint("desk", i))) })
	}
	wg.Wait()
	for i := range models {
		for range 3 {
			wg.Go(func() {
				if got := fmt.Sprint(saidBy(s.chat(t, models[i], parcel, ""))); got != fmt.Sprintf("[desk%d stop]", i) {
					t.Errorf("model %d says %s", i, got)
				}
			})
		}
	}
	wg.Wait()
}

func TestEmbeddings(t *testing.T) {
	s := start(t, open(t, t.TempDir(), zero))
	got := s.must(t, "POST", "/embeddings", `{"model":"local-embedding","input":["a parcel","a parcel","money"],"encoding_format":"float","dimensions":32}`)
	vectors := got.data()
	if len(vectors) != 3 || len(vectors[0]["embedding"].([]any)) != 32 || fmt.Sprint(vectors[0]["embedding"]) != fmt.Sprint(vectors[1]["embedding"]) ||
		fmt.Sprint(vectors[0]["embedding"]) == fmt.Sprint(vectors[2]["embedding"]) || vectors[2]["index"] != float64(2) {
		t.Errorf("%v", got)
	}
	for want, body := range map[string]string{
		"does not embed":   `{"model":"gpt-4.1","input":"x"}`,
		"is empty":         `{"model":"local-embedding","input":["x",""]}`,
		"1 to 2048":        `{"model":"local-embedding","input":[]}`,
		"token lists":      `{"model":"local-embedding","input":[1,2]}`,
		"float or base64":  `{"model":"local-embedding","input":"x","encoding_format":"int8"}`,
		"from 1 to 256":    `{"model":"local-embedding","input":"x","dimensions":257}`,
		"supplied: inputs": `{"model":"local-embedding","inputs":"x"}`,
	} {
		status, o := s.call(t, "POST", "/embeddings", body)
		if (status != 400 && status != 404) || !strings.Contains(fmt.Sprint(o), want) {
			t.Errorf("%s: %d %v", body, status, o)
		}
	}
}
