package openaiapi

import (
	"context"
	"fmt"

	openai "github.com/sashabaranov/go-openai"
)

// maxInputs is how many texts go in one request. The contract takes 2048, but a number is up to 30 bytes of a reply and a
// vector up to 4096 numbers: this many stay below maxReply.
const maxInputs = 512

// Embed returns a vector for each text, all of one length. Asking again changes nothing, so failed requests are sent
// again. No text may be empty.
func (c *Client) Embed(ctx context.Context, model string, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	for first := 0; first < len(texts); first += maxInputs {
		part := texts[first:min(first+maxInputs, len(texts))]
		q := openai.EmbeddingRequestStrings{Input: part, Model: openai.EmbeddingModel(model)}
		err := c.ask(ctx, func(ctx context.Context) error {
			reply, err := c.chat.CreateEmbeddings(ctx, q)
			if err != nil {
				return err
			}
			// Vectors are placed by their index: the contract does not promise their order.
			for _, e := range reply.Data {
				if e.Index < 0 || e.Index >= len(part) || len(e.Embedding) == 0 {
					return fmt.Errorf("the reply has a vector for text %d of %d", e.Index, len(part))
				}
				vectors[first+e.Index] = e.Embedding
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for i, v := range vectors {
		if len(v) == 0 || len(v) != len(vectors[0]) {
			return nil, fmt.Errorf("the service sent no vector for text %d, or one of another length", i)
		}
	}
	return vectors, nil
}
