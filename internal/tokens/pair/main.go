// Pair reads a vocabulary as its module has it, lines of tokens and ranks, and writes it as pairs, which is how the
// container image keeps it:
//
//	pair <o200k_base.tiktoken >pairs
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/tunegate/tunegate/internal/tokens"
)

func main() {
	if err := pair(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "pair: %v\n", err)
		os.Exit(1)
	}
}

func pair(in io.Reader, out io.Writer) error {
	data, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if data, err = tokens.PairVocabulary(data); err != nil {
		return err
	}
	_, err = out.Write(data)
	return err
}
