package plugin

import (
	"github.com/codex-archive/codex/sdk/memory"
)

// roles are the programs that the test binary can be.
var roles = map[string]func(){
	"memory": func() { Serve(memory.Driver()) },
}
