package docs_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/codex-archive/codex/sdk/archivepb"
)

// python is Debian's, which has Debian's packages; another may stand before it
// on PATH.
const python = "/usr/bin/python3"

// TestPythonBackend runs the kit on a backend that shares no code with us, only
// archive.proto.
func TestPythonBackend(t *testing.T) {
	t.Parallel()
	if err := exec.Command(python, "-c", "import grpc, google.protobuf").Run(); err != nil {
		t.Skipf("needs %s with grpc and protobuf (Debian: python3-grpcio, python3-protobuf): %v", python, err)
	}
	port := startPython(t)
	shell(t, t.TempDir(), vendorEnv(t), "codex plugin test --attach tcp:127.0.0.1:"+port+" --url 'pydict://{}'\n")
}

// startPython starts the example and returns its port once it listens.
func startPython(t *testing.T) (port string) {
	set := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(archivepb.File_archive_proto),
	}}
	data, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	descriptors := filepath.Join(t.TempDir(), "archive.bin")
	if err := os.WriteFile(descriptors, data, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "examples/python/codex-archive-pydict", descriptors)
	cmd.Stderr = os.Stderr
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	says, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		lifeline.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("at the end of its lifeline: %v", err)
		}
	})
	line, err := bufio.NewReader(says).ReadString('\n')
	if err != nil {
		t.Fatalf("it named no port: %v", err)
	}
	return strings.TrimSpace(line)
}
