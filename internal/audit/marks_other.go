//go:build !amd64

package audit

func (m *marks) amongBlock(text *[64]byte) uint64 { return m.amongBytes(text) }
