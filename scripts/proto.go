//go:build ignore

// proto.go regenerates sdk/archivepb from archive.proto without a protoc
// binary: it compiles with protocompile and hands the result to the two
// generators, all at the versions that tools.mod pins.
//
//	go run -modfile=scripts/tools.mod scripts/proto.go          write
//	go run -modfile=scripts/tools.mod scripts/proto.go -check   fail when the files are not current
//
// It is run from the top of the module.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const (
	dir    = "sdk/archivepb"
	source = "archive.proto"
	module = "github.com/codex-archive/codex"
)

func main() {
	check := flag.Bool("check", false, "compare with the files that are there, and write nothing")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "proto:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	file, err := compile()
	if err != nil {
		return err
	}
	for _, generator := range []struct{ tool, parameter string }{
		{"protoc-gen-go", "module=" + module},
		{"protoc-gen-go-grpc", "module=" + module},
	} {
		files, err := generate(generator.tool, generator.parameter, file)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := settle(f.GetName(), []byte(f.GetContent()), check); err != nil {
				return err
			}
		}
	}
	return nil
}

// compile returns the descriptor of the source, comments included.
func compile() (*descriptorpb.FileDescriptorProto, error) {
	c := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{ImportPaths: []string{dir}},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := c.Compile(context.Background(), source)
	if err != nil {
		return nil, err
	}
	return protoutil.ProtoFromFileDescriptor(files[0]), nil
}

// generate runs one generator, which speaks protoc's plugin protocol on its
// standard input and output.
func generate(tool, parameter string, file *descriptorpb.FileDescriptorProto) ([]*pluginpb.CodeGeneratorResponse_File, error) {
	request, err := proto.Marshal(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{source},
		Parameter:      proto.String(parameter),
		ProtoFile:      []*descriptorpb.FileDescriptorProto{file},
	})
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "tool", "-modfile=scripts/tools.mod", tool)
	cmd.Stdin = bytes.NewReader(request)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tool, err)
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &response); err != nil {
		return nil, fmt.Errorf("%s: %w", tool, err)
	}
	if response.Error != nil {
		return nil, fmt.Errorf("%s: %s", tool, response.GetError())
	}
	return response.File, nil
}

// settle writes one file, or compares it.
func settle(name string, content []byte, check bool) error {
	path := filepath.FromSlash(strings.TrimPrefix(name, "/"))
	if !check {
		return os.WriteFile(path, content, 0o644)
	}
	have, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, content) {
		return fmt.Errorf("%s is not what %s gives: run `go run -modfile=scripts/tools.mod scripts/proto.go`", path, source)
	}
	return nil
}
