package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"

	"github.com/codex-archive/codex/cli/internal/app"
)

// canAsk reports whether there is a terminal to ask on.
func canAsk(c *app.Command) bool {
	in, ok := c.Env.Stdin.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(in.Fd()))
}

// ask asks on the terminal and reports whether the answer is yes.
func ask(ctx context.Context, c *app.Command, question string) (bool, error) {
	_, _ = fmt.Fprint(c.Env.Stderr, question+" [y/N] ") // a question that is not seen is not answered
	in, err := c.Input(ctx, "-")
	if err != nil {
		return false, err
	}
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}
