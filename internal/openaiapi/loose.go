package openaiapi

import (
	"encoding/json"
	"time"
)

// loose is an object of which nothing is sure but what it is asked for: a field that is missing, or of another type, is
// zero. Accounts hold entries that others have made, by other tools, and one odd field of theirs must not cost us the list.
type loose map[string]any

// loosely decodes an object; anything else is an empty one.
func loosely(b []byte) loose {
	var l loose
	if json.Unmarshal(b, &l) != nil {
		return nil
	}
	return l
}

func (l loose) text(field string) string {
	s, _ := l[field].(string)
	return s
}

func (l loose) number(field string) float64 {
	n, _ := l[field].(float64)
	return n
}

func (l loose) object(field string) loose {
	o, _ := l[field].(map[string]any)
	return o
}

// texts returns the fields that are texts.
func (l loose) texts() map[string]string {
	texts := map[string]string{}
	for k := range l {
		if s, ok := l[k].(string); ok {
			texts[k] = s
		}
	}
	return texts
}

// labels is a job's metadata. What is not text in them is not ours.
type labels map[string]string

// UnmarshalJSON takes anything.
func (l *labels) UnmarshalJSON(b []byte) error {
	*l = loosely(b).texts()
	return nil
}

// whole makes an integer of a number, which some services send with a fraction or an exponent.
func whole(n float64) int64 { return int64(min(max(n, 0), 1<<53)) }

// moment is a time as services send it, in seconds since 1970, in the years that can be written down.
func moment(seconds float64) time.Time {
	const end = 253402300799 // of the year 9999
	return time.Unix(min(whole(seconds), end), 0)
}
