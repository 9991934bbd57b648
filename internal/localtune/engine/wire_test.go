package engine

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
)

func bytesOf(t testing.TB, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := m.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d of %d bytes: %v", n, b.Len(), err)
	}
	return b.Bytes()
}

func reread(t testing.TB, m *Model) *Model {
	t.Helper()
	again, err := ReadModel(bytes.NewReader(bytesOf(t, m)))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// seal puts the right checksum at the end.
func seal(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func TestModelRoundTrip(t *testing.T) {
	for _, c := range tasks {
		train := c.make(150)
		m := mustFit(t, train, Recipe{Epochs: 4})
		again := reread(t, m)
		if !bytes.Equal(bytesOf(t, m), bytesOf(t, again)) {
			t.Errorf("%s: the file changed", c.name)
		}
		for _, e := range append(train, Example{Prompt: ask("something else, in Paris")}) {
			if a, b := m.Answer(e.Prompt), again.Answer(e.Prompt); a != b {
				t.Fatalf("%s: %q before, %q after", c.name, a, b)
			}
		}
	}
}

func TestReadModelRefuses(t *testing.T) {
	good := bytesOf(t, mustFit(t, tickets(30), Recipe{}))
	body := good[:len(good)-4]
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	for name, b := range map[string][]byte{
		"nothing":       nil,
		"text":          []byte("hello"),
		"the head":      good[:len(modelMagic)],
		"half":          good[:len(good)/2],
		"a flipped bit": flipped,
		"more":          append(bytes.Clone(good), 0),
		"more, sealed":  seal(append(bytes.Clone(body), 0)),
		"less, sealed":  seal(bytes.Clone(body[:len(body)-1])),
		"another kind":  seal(append([]byte(modelMagic), 9)),
		"a huge count":  seal(append([]byte(modelMagic), byte(labelKind), 0xff, 0xff, 0xff, 0xff, 0x07)),
	} {
		if m, err := ReadModel(bytes.NewReader(b)); err == nil || m != nil {
			t.Errorf("%s: no error", name)
		} else if !strings.HasPrefix(err.Error(), "reading model: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadModel(endless{}); err == nil {
		t.Error("an endless file: no error")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestEmptyModelIsNotWritten(t *testing.T) {
	if _, err := new(Model).WriteTo(new(bytes.Buffer)); err == nil {
		t.Error("no error")
	}
}

// What is read can be asked and written, whatever it is. The fuzzer changes the body; its
// checksum is put right, or nothing would be reached.
func FuzzReadModel(f *testing.F) {
	for _, c := range tasks {
		b := bytesOf(f, mustFit(f, c.make(6), Recipe{}))
		f.Add(b[len(modelMagic) : len(b)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := ReadModel(bytes.NewReader(seal(append([]byte(modelMagic), body...))))
		if err != nil {
			return
		}
		m.Answer(nil)
		m.Answer(ask("hello, what is the weather in Oslo, tell me about animal3"))
		reread(t, m)
	})
}
