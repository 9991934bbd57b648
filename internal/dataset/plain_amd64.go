package dataset

// plain returns how many bytes b begins with that stand for themselves in a string of JSON, looking at whole blocks of sixteen and at
// the one that ends it, and a word that has a high bit where one of them is not ASCII. What is left is for the caller to look at.
//
//go:noescape
func plain(b []byte) (n int, high uint64)
