// Package pipe answers requests on standard input, so that random cases cost no start of a process.
//
// A request is one line, words with tabs between them. An answer is three little-endian 32-bit lengths and then
// standard output, warnings and "Error: ..." (empty: exit status 0), as of build_server.cpp.
package pipe

import (
	"bufio"
	"encoding/binary"
	"os"
	"strings"
)

// Serve answers with what `run` makes of the words, until nobody asks or listens any more.
func Serve(run func(words []string) (out, warnings []byte, failure string)) {
	requests := bufio.NewReader(os.Stdin)
	answers := bufio.NewWriter(os.Stdout)
	for {
		line, err := requests.ReadString('\n')
		if err != nil {
			return
		}
		out, warnings, failure := run(strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
		binary.Write(answers, binary.LittleEndian, [3]uint32{uint32(len(out)), uint32(len(warnings)), uint32(len(failure))})
		answers.Write(out)
		answers.Write(warnings)
		answers.WriteString(failure)
		if answers.Flush() != nil {
			return
		}
	}
}
