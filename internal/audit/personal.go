package audit

// personalRules are the rules of the deep audit about what identifies a person.
func personalRules() []Rule { return nil }
