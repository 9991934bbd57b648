package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"runtime"

	"github.com/tunegate/tunegate/internal/dataset"
)

// RowID identifies a row whatever line it stands on: the start of the SHA-256 of its normal form, or, of a row that has none, of
// the line without the white space around it. Other formats, key orders and escapes of an example have the same one. The
// zero value is no row.
type RowID [12]byte

// idOf returns the id of a row. buf is scratch space, returned for the next call.
func idOf(row *dataset.Row, buf []byte) (RowID, []byte) {
	if len(row.Problems) > 0 {
		sum := sha256.Sum256(bytes.TrimSpace(row.Raw))
		return RowID(sum[:]), buf
	}
	buf = row.AppendNormal(buf[:0])
	sum := sha256.Sum256(buf)
	return RowID(sum[:]), buf
}

// rowAt is a row of a file.
type rowAt struct {
	id   RowID
	line int32
}

// rowIDs reads the rows of a file, in order: those whose line wanted accepts, all where it is nil.
func rowIDs(ctx context.Context, f *dataset.File, wanted func(line int) bool) ([]rowAt, error) {
	var rows []rowAt
	for part, err := range dataset.Map(ctx, f, runtime.GOMAXPROCS(0), func() func(*dataset.Block) []rowAt {
		var buf []byte
		return func(b *dataset.Block) (part []rowAt) {
			for row := range b.Rows() {
				if wanted != nil && !wanted(row.Line) {
					continue
				}
				var id RowID
				id, buf = idOf(row, buf)
				part = append(part, rowAt{id, int32(row.Line)})
			}
			return part
		}
	}) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, part...)
	}
	return rows, nil
}
