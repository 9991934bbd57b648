//go:build !amd64

package tokens

func classify(text *[windowSize]byte, to *masks) { classifyWords(text, to) }
