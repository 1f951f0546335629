// Serves the real `kustomize build` over a pipe, so that random cases cost a build and not a process each.
//
// A request is one line, the arguments of `kustomize build` with tabs between them; a first word "reset" forgets
// what an earlier build put into kustomize's global schema (openapi:). An answer is three little-endian 32-bit
// lengths and then standard output, warnings and "Error: ..." (empty: exit status 0).
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

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

	requests := bufio.NewReader(os.Stdin)
	answers := bufio.NewWriter(os.Stdout)
	for {
		line, err := requests.ReadString('\n')
		if err != nil {
			return
		}
		var out bytes.Buffer
		failure := run(strings.Split(strings.TrimSuffix(line, "\n"), "\t"), &out)
		warnings.Seek(0, io.SeekStart)
		warned, _ := io.ReadAll(warnings)
		warnings.Truncate(0)
		warnings.Seek(0, io.SeekStart)
		for _, part := range [][]byte{out.Bytes(), warned, []byte(failure)} {
			binary.Write(answers, binary.LittleEndian, uint32(len(part)))
		}
		answers.Write(out.Bytes())
		answers.Write(warned)
		answers.WriteString(failure)
		if answers.Flush() != nil {
			return
		}
	}
}
