package audit

// distributionRules are the rules of the deep audit about how examples are spread.
func distributionRules() []Rule { return nil }
