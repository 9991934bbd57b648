package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/openai/openai-go/v3"
)

func main() {
	ctx := context.Background()
	client := openai.NewClient()

	file, err := os.Open("train.jsonl")
	if err != nil {
		log.Fatal(err)
	}
	training, err := client.Files.New(ctx, openai.FileNewParams{File: file, Purpose: openai.FilePurposeFineTune})
	if err != nil {
		log.Fatal(err)
	}
	job, err := client.FineTuning.Jobs.New(ctx, openai.FineTuningJobNewParams{Model: "local-zero-shot", TrainingFile: training.ID})
	for err == nil && job.Status != "succeeded" {
		if job.Status == "failed" || job.Status == "cancelled" {
			log.Fatalf("job %s: %s %s", job.ID, job.Status, job.Error.Message)
		}
		time.Sleep(100 * time.Millisecond)
		job, err = client.FineTuning.Jobs.Get(ctx, job.ID)
	}
	if err != nil {
		log.Fatal(err)
	}
	reply, err := client.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{
		Model:    job.FineTunedModel,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("where is parcel 4711")},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Choices[0].Message.Content) // shipping
}
