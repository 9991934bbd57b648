package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// choice is the value of an option that is one of a few words. Completion offers them.
type choice struct {
	names []string
	value string
}

// choose declares an option that is one of the names, the first one if it is not given.
func choose(f *flag.FlagSet, name, usage string, names ...string) *string {
	c := &choice{names: names, value: names[0]}
	f.Var(c, name, usage+": "+c.list())
	return &c.value
}

func (c *choice) String() string { return c.value }

// Set implements flag.Value.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.names, s) {
		return errors.New("it is " + c.list())
	}
	c.value = s
	return nil
}

func (c *choice) list() string {
	last := len(c.names) - 1
	return strings.Join(c.names[:last], ", ") + " or " + c.names[last]
}

// do parses the options, which may stand before or after arguments, and runs the command. After two dashes all are
// arguments.
func (c command) do(ctx context.Context, e env, args []string) error {
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	act := c.setup(f)
	var plain []string
	for len(args) > 0 {
		err := f.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			c.help(e.stdout, f)
			return nil
		}
		if err != nil {
			return c.optionError(f, err)
		}
		parsed := len(args) - f.NArg()
		if parsed > 0 && args[parsed-1] == "--" {
			plain = append(plain, f.Args()...)
			break
		}
		if args = f.Args(); len(args) > 0 {
			plain, args = append(plain, args[0]), args[1:]
		}
	}
	return act(ctx, e, plain)
}

// optionError says what package flag found wrong, in our words.
func (c command) optionError(f *flag.FlagSet, err error) error {
	hint := "tunegate " + c.name + " --help lists the options"
	message := err.Error()
	if name, unknown := strings.CutPrefix(message, "flag provided but not defined: -"); unknown {
		names := []string{"help"}
		f.VisitAll(func(o *flag.Flag) { names = append(names, o.Name) })
		return usageError{fmt.Sprintf("%s has no option --%s", c.name, name), didYouMean(name, names, "--") + hint}
	}
	if name, missing := strings.CutPrefix(message, "flag needs an argument: -"); missing {
		return usageError{fmt.Sprintf("--%s needs a value", name), hint}
	}
	// What is left has the form: invalid value "x" for flag -name: reason; or, of a switch: invalid boolean value "x" for -name: reason.
	head, tail, _ := cutLast(strings.Replace(message, " boolean", "", 1), " for ")
	value := strings.TrimPrefix(head, "invalid value ")
	name, reason, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(tail, "flag "), "-"), ": ")
	if o := f.Lookup(name); o != nil && reason == "parse error" {
		reason = "it is " + form(o)
	}
	return usageError{fmt.Sprintf("--%s cannot be %s: %s", name, value, reason), hint}
}

// form says what the values of an option look like.
func form(o *flag.Flag) string {
	if g, ok := o.Value.(flag.Getter); ok {
		switch g.Get().(type) {
		case time.Duration:
			return "a time such as 90s, 30m or 2h30m"
		case int:
			return "a whole number"
		case bool:
			return "true or false"
		}
	}
	return "of another form"
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
