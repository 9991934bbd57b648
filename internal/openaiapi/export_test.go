package openaiapi

// Split sets what a service takes in one request and in a part, in bytes, so that a small file is a large one.
func (c *Client) Split(single, part int64) { c.single, c.part = single, part }
