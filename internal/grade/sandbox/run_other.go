//go:build !linux || !(amd64 || arm64)

package sandbox

import "context"

// Main does nothing here.
func Main() {}

// Run refuses: containment is made of what Linux has.
func (b *Box) Run(ctx context.Context, p Program) (Result, error) {
	return Result{}, &Unavailable{"that needs Linux on x86-64 or ARM64"}
}
