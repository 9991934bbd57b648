// Package stats holds the statistics that a verdict rests on: exact and resampled paired tests, intervals, tests that
// stay valid however often one looks, and how many tests would be needed. It is pure: same input, same output; a seed is passed in where chance
// is used. It knows nothing of models, scores or verdicts, and takes no decision.
//
// Sources:
//   - McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12 (1947).
//   - Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
//   - Fieller, "Some problems in interval estimation", JRSS B 16 (1954).
//   - Phipson and Smyth, "Permutation p-values should never be zero", SAGMB 9 (2010).
//   - Robbins, "Statistical methods related to the law of the iterated logarithm", Ann. Math. Stat. 41 (1970): mixtures.
//   - Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024).
//   - Miller, "Adding error bars to evals", arXiv 2411.00640 (2024): pairing, clusters.
package stats
