package main

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestOnlyAnInterruptEndsWaits: the end of --timeout is no interrupt.
func TestOnlyAnInterruptEndsWaits(t *testing.T) {
	closed := func(c <-chan struct{}) bool {
		synctest.Wait()
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	synctest.Test(t, func(t *testing.T) {
		late, cancel := context.WithTimeout(t.Context(), -1)
		defer cancel()
		if closed(interrupts(late)) {
			t.Error("the end of its time is taken for an interrupt")
		}
		ctx, interrupt := context.WithCancel(t.Context())
		waits := interrupts(ctx)
		if closed(waits) {
			t.Error("closed before the interrupt")
		}
		if interrupt(); !closed(waits) {
			t.Error("not closed after an interrupt")
		}
	})
}
