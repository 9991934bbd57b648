package runner

// HandOver does nothing: there is no root here whose files would be in the way.
func (r *Runner) HandOver(...string) error { return nil }
