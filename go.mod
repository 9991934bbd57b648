module github.com/tunegate/tunegate

go 1.26.0

require (
	github.com/google/go-github/v60 v60.0.0 // the GitHub API
	github.com/klauspost/compress v1.20.3 // gzip and Zstandard, the one faster than the standard library, the other absent from it
	github.com/pkoukk/tiktoken-go-loader v0.0.2 // the vocabularies of o200k_base and cl100k_base
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // answers that must be valid by a JSON Schema; in tests, an independent judge of ours
	github.com/sashabaranov/go-openai v1.43.0 // chat and embeddings
	github.com/sethvargo/go-githubactions v1.4.0 // the protocol of the Actions runner
	github.com/zeebo/xxh3 v1.1.0 // 128-bit hashes of rows
	golang.org/x/sys v0.49.0 // file locks on Windows, what the processor can do
	golang.org/x/term v0.47.0 // whether and how large a terminal is
	golang.org/x/text v0.23.0 // the width of East Asian letters
	gopkg.in/yaml.v3 v3.0.1 // the manifest, as nodes with positions
)

// For tests alone.
require (
	github.com/getkin/kin-openapi v0.152.0 // checks exchanges against the official API descriptions
	github.com/owenrumney/go-sarif/v3 v3.3.1 // the official SARIF schema, and a reader of that format
	github.com/pkoukk/tiktoken-go v0.1.8 // an independent exact tokenizer
	github.com/rogpeppe/go-internal v1.16.0 // testscript: what a person types, and what they see
	github.com/yuin/goldmark v1.7.13 // an independent Markdown parser
	golang.org/x/net v0.38.0 // an independent HTML parser
	gonum.org/v1/gonum v0.17.0 // an independent implementation of the statistics
)

require (
	github.com/dlclark/regexp2 v1.11.0 // indirect
	github.com/go-openapi/jsonpointer v0.22.5 // indirect
	github.com/go-openapi/swag/jsonname v0.25.5 // indirect
	github.com/google/go-querystring v1.1.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/gorilla/mux v1.8.0 // indirect
	github.com/klauspost/cpuid/v2 v2.2.10 // indirect
	github.com/kr/pretty v0.2.1 // indirect
	github.com/oasdiff/yaml v0.1.1 // indirect
	github.com/oasdiff/yaml3 v0.0.14 // indirect
	github.com/xeipuuv/gojsonpointer v0.0.0-20180127040702-4e3ac2762d5f // indirect
	github.com/xeipuuv/gojsonreference v0.0.0-20180127040603-bd5ef7bd5415 // indirect
	github.com/xeipuuv/gojsonschema v1.2.0 // indirect
	golang.org/x/tools v0.30.0 // indirect
)
