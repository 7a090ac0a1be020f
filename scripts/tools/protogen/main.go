// Command protogen writes the Go code of the message definitions:
//
//	protogen -root DIR          write schemas/touchlinepb/*.pb.go
//	protogen -root DIR -check   write nothing, fail if a file is not up to date
//
// It reads DIR/schemas/proto/**/*.proto and needs no protoc: the definitions are
// compiled here and handed to protoc-gen-go, pinned by this module, as protoc
// would. Its output depends on nothing else, so it is the same everywhere.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const (
	// module is the module path under which the output's folders lie.
	module = "touchline.dev/schemas"
	// folder is where, within the module, every generated file lies.
	folder = "touchlinepb"
)

func main() {
	root := flag.String("root", "../..", "top folder of the repository")
	check := flag.Bool("check", false, "fail if a file is not up to date, instead of writing it")
	flag.Parse()
	if err := run(context.Background(), filepath.Join(*root, "schemas"), *check); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, schemas string, check bool) error {
	request, err := compile(ctx, filepath.Join(schemas, "proto"))
	if err != nil {
		return err
	}
	files, err := generate(ctx, request)
	if err != nil {
		return err
	}
	stale, err := compare(schemas, files)
	if err != nil {
		return err
	}
	if !check {
		return write(schemas, stale, files)
	}
	if len(stale) > 0 {
		return fmt.Errorf("not up to date: %s; run protogen without -check", strings.Join(stale, ", "))
	}
	return nil
}

// compile compiles every definition under dir into the request of a plugin.
func compile(ctx context.Context, dir string) (*pluginpb.CodeGeneratorRequest, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".proto") {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list definitions: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("list definitions: no .proto file in %s", dir)
	}
	compiler := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{ImportPaths: []string{dir}},
		SourceInfoMode: protocompile.SourceInfoStandard, // carries the comments
	}
	compiled, err := compiler.Compile(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("compile definitions: %w", err)
	}
	return &pluginpb.CodeGeneratorRequest{
		FileToGenerate: names,
		Parameter:      proto.String("module=" + module),
		ProtoFile:      descriptors(compiled),
	}, nil
}

// descriptors returns the files, each behind the ones it imports, as a plugin
// expects them.
func descriptors(files linker.Files) []*descriptorpb.FileDescriptorProto {
	var ordered []*descriptorpb.FileDescriptorProto
	done := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if done[f.Path()] {
			return
		}
		done[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		ordered = append(ordered, protoutil.ProtoFromFileDescriptor(f))
	}
	for _, f := range files {
		add(f)
	}
	return ordered
}

// generate runs protoc-gen-go and returns its files by path within the module.
func generate(ctx context.Context, request *pluginpb.CodeGeneratorRequest) (map[string]string, error) {
	input, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	plugin := exec.CommandContext(ctx, "go", "tool", "protoc-gen-go")
	plugin.Stdin, plugin.Stderr = bytes.NewReader(input), os.Stderr
	output, err := plugin.Output()
	if err != nil {
		return nil, fmt.Errorf("run protoc-gen-go: %w", err)
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(output, &response); err != nil {
		return nil, fmt.Errorf("decode response: %w", err)
	}
	if response.Error != nil {
		return nil, fmt.Errorf("run protoc-gen-go: %s", response.GetError())
	}
	files := map[string]string{}
	for _, f := range response.File {
		if filepath.Dir(f.GetName()) != folder {
			return nil, fmt.Errorf("place %s: go_package must be %s/%s", f.GetName(), module, folder)
		}
		files[f.GetName()] = f.GetContent()
	}
	return files, nil
}

// compare returns the paths, sorted, of files that differ from what is on disk,
// are missing there, or are there without being generated any more.
func compare(schemas string, files map[string]string) ([]string, error) {
	var stale []string
	for name, content := range files {
		old, err := os.ReadFile(filepath.Join(schemas, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read generated file: %w", err)
		}
		if err != nil || string(old) != content {
			stale = append(stale, name)
		}
	}
	present, err := filepath.Glob(filepath.Join(schemas, folder, "*.pb.go"))
	if err != nil {
		return nil, fmt.Errorf("list generated files: %w", err)
	}
	for _, path := range present {
		name := filepath.ToSlash(filepath.Join(folder, filepath.Base(path)))
		if _, ok := files[name]; !ok {
			stale = append(stale, name)
		}
	}
	slices.Sort(stale)
	return stale, nil
}

// write brings the stale files up to date.
func write(schemas string, stale []string, files map[string]string) error {
	if err := os.MkdirAll(filepath.Join(schemas, folder), 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for _, name := range stale {
		path := filepath.Join(schemas, name)
		content, ok := files[name]
		if !ok {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("remove generated file: %w", err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return fmt.Errorf("write generated file: %w", err)
		}
	}
	return nil
}
