// Serves the real `kustomize build` over a pipe, so that random cases cost a build and not a process each.
//
// A request (package pipe) is the arguments of `kustomize build`; a first word "reset" forgets what an earlier build put
// into kustomize's global schema (openapi:).
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"

	"pipe"

	"sigs.k8s.io/kustomize/kustomize/v5/commands/build"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

func run(arguments []string, out io.Writer) (failure string) {
	defer func() {
		if cause := recover(); cause != nil {
			failure = fmt.Sprintf("panic: %v", cause)
		}
	}()
	if arguments[0] == "reset" {
		openapi.ResetOpenAPI()
		arguments = arguments[1:]
	}
	command := build.NewCmdBuild(filesys.MakeFsOnDisk(), build.MakeHelp("kustomize", "build"), out)
	command.SetArgs(arguments)
	command.SilenceUsage, command.SilenceErrors = true, true
	if err := command.Execute(); err != nil {
		return "Error: " + err.Error()
	}
	return ""
}

func main() {
	warnings, err := os.CreateTemp("", "kustomize-server-")
	if err != nil {
		log.Fatal(err)
	}
	os.Remove(warnings.Name())
	os.Stderr = warnings
	log.SetOutput(warnings)

	pipe.Serve(func(arguments []string) ([]byte, []byte, string) {
		var out bytes.Buffer
		failure := run(arguments, &out)
		warnings.Seek(0, io.SeekStart)
		warned, _ := io.ReadAll(warnings)
		warnings.Truncate(0)
		warnings.Seek(0, io.SeekStart)
		return out.Bytes(), warned, failure
	})
}
