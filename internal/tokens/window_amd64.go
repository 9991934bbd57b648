package tokens

// classify looks at sixteen bytes at a time.
//
//go:noescape
func classify(text *[windowSize]byte, to *masks)
