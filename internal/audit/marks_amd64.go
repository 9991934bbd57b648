package audit

import "golang.org/x/sys/cpu"

// amongBlock is amongBytes, sixteen at a time where the processor has the instruction for it (SSSE3).
func (m *marks) amongBlock(text *[64]byte) uint64 {
	if cpu.X86.HasSSSE3 {
		return amongSixteens(text, m)
	}
	return m.amongBytes(text)
}

//go:noescape
func amongSixteens(text *[64]byte, m *marks) uint64
