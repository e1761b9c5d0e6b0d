package plugin_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/memory"
	"github.com/codex-archive/codex/sdk/plugin"
)

// The main function of a backend program. Open is the backend's own.
func ExampleServe() {
	plugin.Serve(sdk.Driver{
		Name:    "mystore", // the program is codex-archive-mystore
		Version: "1.0.0",
		Schemes: []string{"mystore"},
		Open: func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
			return nil, sdk.Errorf(sdk.NoArchive, "there is no archive yet")
		},
	})
}

// A test starts a backend program and uses its archive.
func ExampleLaunch() {
	ctx := context.Background()
	process, err := plugin.Launch(ctx, plugin.Command{Path: "./codex-archive-mystore", Env: os.Environ()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer process.Close()
	archive, err := process.Open(ctx, sdk.Options{URL: "mystore:///archive.db", Mode: sdk.Create, Parallel: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	health, err := archive.Health(ctx)
	fmt.Println(health.Server, err)
}

// A backend that runs under a debugger serves an address, and a test attaches to
// it.
func ExampleAttach() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	listener, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		fmt.Println(err)
		return
	}
	go plugin.ServeListener(ctx, memory.Driver(), listener) // in life another program: --listen unix:...

	process, err := plugin.Attach(ctx, "unix", listener.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer process.Close()
	archive, err := process.Open(ctx, sdk.Options{URL: "memory://test", Mode: sdk.Create, Parallel: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	health, err := archive.Health(ctx)
	fmt.Println(process.Description().Name, health.Server, err)
	// Output: memory memory <nil>
}
