package catalog

import "time"

const (
	openaiPrices = "OpenAI pricing page, copies that carry the wind-down notice of 2026-05-07"
	nebiusPrices = "Nebius Token Factory: training by model size (pricing page), a served LoRA at the base model's price (public price lists)"
	read         = "2026-11-22"
)

// Shutdown dates of the OpenAI deprecations page, announced 2026-05-07.
var (
	october = time.Date(2026, time.October, 23, 0, 0, 0, 0, time.UTC)
	january = time.Date(2027, time.January, 14, 0, 0, 0, 0, time.UTC)
)

// models is never written to.
var models = [...]Model{
	{Name: Local, Encoding: "o200k_base", Price: &Price{}, Source: "the embedded engine", AsOf: read},

	{Name: "gpt-4.1", Encoding: "o200k_base", Price: &Price{25, 3, 12}, Retires: january, Source: openaiPrices, AsOf: read},
	{Name: "gpt-4.1-mini", Encoding: "o200k_base", Price: &Price{5, 0.80, 3.20}, Retires: january, Source: openaiPrices, AsOf: read},
	{Name: "gpt-4.1-nano", Encoding: "o200k_base", Price: &Price{1.50, 0.20, 0.80}, Retires: october, Source: openaiPrices, AsOf: read},
	{Name: "gpt-4o", Encoding: "o200k_base", TrainingContext: 65_536, Price: &Price{25, 3.75, 15}, Retires: january, Source: openaiPrices, AsOf: read},
	{Name: "gpt-4o-mini", Encoding: "o200k_base", TrainingContext: 65_536, Price: &Price{3, 0.30, 1.20}, Retires: january, Source: openaiPrices, AsOf: read},
	{Name: "gpt-3.5-turbo", Encoding: "cl100k_base", TrainingContext: 16_385, Price: &Price{8, 3, 6}, Retires: october, Source: openaiPrices, AsOf: read},
	// Reinforcement fine-tuning, paid by the hour.
	{Name: "o4-mini", Encoding: "o200k_base", Retires: october, Source: openaiPrices, AsOf: read},
	// Completion models: they are trained on prompts and completions, not on chats.
	{Name: "davinci-002", Encoding: "cl100k_base", Source: openaiPrices, AsOf: read},
	{Name: "babbage-002", Encoding: "cl100k_base", Source: openaiPrices, AsOf: read},

	// Their encoding is Llama's own, which nothing here counts. The context is the least that the service can be
	// set to; more has to be asked for.
	{Name: "meta-llama/Meta-Llama-3.1-8B-Instruct", TrainingContext: 8_192, Price: &Price{0.40, 0.02, 0.06}, Source: nebiusPrices, AsOf: read},
	{Name: "meta-llama/Llama-3.3-70B-Instruct", TrainingContext: 8_192, Price: &Price{2.80, 0.13, 0.40}, Source: nebiusPrices, AsOf: read},
}
