package journal

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestOnlyAnInterruptCancelsRecording: the context for recording ends after the
// end of the command's, as that did.
func TestOnlyAnInterruptCancelsRecording(t *testing.T) {
	commands := map[string]func(context.Context) (context.Context, context.CancelFunc){
		"its time is over": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 3*time.Second)
		},
		"its time was over before": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, -time.Second)
		},
		"it was interrupted": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(ctx, time.Hour)
			time.AfterFunc(3*time.Second, cancel)
			return ctx, cancel
		},
	}
	for name, command := range commands {
		for range 100 { // timers of one time fire in any order
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := command(t.Context())
				defer cancel()
				record, release := toRecord(ctx)
				defer release()
				<-record.Done()
				if !errors.Is(record.Err(), ctx.Err()) {
					t.Errorf("%s: %v, and recording: %v", name, ctx.Err(), record.Err())
				}
			})
		}
	}
}
