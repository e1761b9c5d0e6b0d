// Command harm changes an archive behind the backend's back, as --damage and
// --tamper of "codex plugin test" ask.
package main

import (
	"context"
	"log"
	"os"

	"example.com/codex-archive-bolt/boltstore"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend"
	"github.com/codex-archive/codex/sdk/kvbackend/kvtest"
)

func main() {
	open := func(o sdk.Options) (kvbackend.Store, error) { return boltstore.Find(o) }
	if err := kvtest.Obey(context.Background(), os.Stdin, open); err != nil {
		log.Fatal(err)
	}
}
