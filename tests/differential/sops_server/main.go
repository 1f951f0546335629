// Serves what the program sops does with one file over a pipe, so that random cases cost no start of a process:
// the packages of sops, called as its commands encrypt, decrypt, set and unset call them.
//
// A request (package pipe) is the arguments of sops; first words NAME=VALUE hold for this request only, and NAME= takes a
// variable away. An answer has no warnings. `set` and `unset` write their file, as sops does.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"pipe"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/keyservice"
	"github.com/getsops/sops/v3/logging"
	jsonstore "github.com/getsops/sops/v3/stores/json"
	"github.com/getsops/sops/v3/version"
)

// call is one command on one file.
type call struct {
	config  string // path of .sops.yaml; "" without one
	in, out common.Store
	path    string
	after   []string // the arguments behind the file
	keys    []keyservice.KeyServiceClient
}

// treePath reads `["key"][0]`.
func treePath(text string) (path []interface{}, err error) {
	for _, part := range strings.Split(text, "[") {
		if part == "" {
			continue
		}
		inner, closed := strings.CutSuffix(part, "]")
		if !closed {
			return nil, fmt.Errorf("no ] behind %s", part)
		}
		if inner[0] == '"' || inner[0] == '\'' {
			path = append(path, inner[1:len(inner)-1])
		} else if index, err := strconv.Atoi(inner); err == nil {
			path = append(path, index)
		} else {
			return nil, err
		}
	}
	return path, nil
}

// newValue is what `set` puts into a tree for a value in JSON: objects keep their order.
func newValue(text string) (interface{}, error) {
	var value interface{}
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, err
	}
	switch value.(type) {
	case map[string]interface{}, []interface{}:
		branches, err := (&jsonstore.Store{}).LoadPlainFile([]byte(text))
		if err != nil {
			return nil, err
		}
		return branches[0], nil
	}
	return value, nil
}

func (c *call) encrypt() ([]byte, error) {
	text, err := os.ReadFile(c.path)
	if err != nil {
		return nil, err
	}
	branches, err := c.in.LoadPlainFile(text)
	if err != nil {
		return nil, err
	}
	if len(branches) == 0 || c.out.HasSopsTopLevelKey(branches[0]) {
		return nil, errors.New("empty, or encrypted already")
	}
	rule, err := config.LoadCreationRuleForFile(c.config, c.path, nil)
	if err != nil {
		return nil, err
	}
	metadata := sops.Metadata{KeyGroups: rule.KeyGroups, ShamirThreshold: rule.ShamirThreshold, Version: version.Version}
	if single, ok := c.in.(sops.SingleValueStore); !ok || !single.IsSingleValueStore() {
		metadata.UnencryptedSuffix, metadata.EncryptedSuffix = rule.UnencryptedSuffix, rule.EncryptedSuffix
		metadata.UnencryptedRegex, metadata.EncryptedRegex = rule.UnencryptedRegex, rule.EncryptedRegex
		metadata.UnencryptedCommentRegex = rule.UnencryptedCommentRegex
		metadata.EncryptedCommentRegex = rule.EncryptedCommentRegex
		metadata.MACOnlyEncrypted = rule.MACOnlyEncrypted
		if rule.UnencryptedSuffix+rule.EncryptedSuffix+rule.UnencryptedRegex+rule.EncryptedRegex+
			rule.UnencryptedCommentRegex+rule.EncryptedCommentRegex == "" {
			metadata.UnencryptedSuffix = sops.DefaultUnencryptedSuffix
		}
	}
	tree := sops.Tree{Branches: branches, Metadata: metadata, FilePath: c.path}
	dataKey, errs := tree.GenerateDataKeyWithKeyServices(c.keys)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return c.sealed(&tree, dataKey)
}

func (c *call) sealed(tree *sops.Tree, dataKey []byte) ([]byte, error) {
	if err := common.EncryptTree(common.EncryptTreeOpts{DataKey: dataKey, Tree: tree, Cipher: aes.NewCipher()}); err != nil {
		return nil, err
	}
	return c.out.EmitEncryptedFile(*tree)
}

func (c *call) opened() (tree *sops.Tree, dataKey []byte, err error) {
	tree, err = common.LoadEncryptedFileWithBugFixes(common.GenericDecryptOpts{
		Cipher: aes.NewCipher(), InputStore: c.in, InputPath: c.path, KeyServices: c.keys})
	if err != nil {
		return nil, nil, err
	}
	dataKey, err = common.DecryptTree(common.DecryptTreeOpts{
		Cipher: aes.NewCipher(), Tree: tree, KeyServices: c.keys, DecryptionOrder: sops.DefaultDecryptionOrder})
	return tree, dataKey, err
}

func (c *call) decrypt(extract string) ([]byte, error) {
	path, err := treePath(extract)
	if err != nil {
		return nil, err
	}
	tree, _, err := c.opened()
	if err != nil {
		return nil, err
	}
	if len(path) == 0 {
		return c.out.EmitPlainFile(tree.Branches)
	}
	value, err := tree.Branches[0].Truncate(path)
	if err != nil {
		return nil, err
	}
	switch value := value.(type) {
	case sops.TreeBranch:
		tree.Branches[0] = value
		return c.out.EmitPlainFile(tree.Branches)
	case string:
		return []byte(value), nil
	}
	return c.out.EmitValue(value)
}

// change is `set` with a value behind the path, else `unset`.
func (c *call) change() error {
	path, err := treePath(c.after[0])
	if err != nil {
		return err
	}
	var value interface{}
	if len(c.after) > 1 {
		if value, err = newValue(c.after[1]); err != nil {
			return err
		}
	}
	tree, dataKey, err := c.opened()
	if err != nil {
		return err
	}
	if len(c.after) > 1 {
		tree.Branches[0], _ = tree.Branches[0].Set(path, value)
		if c.out.HasSopsTopLevelKey(tree.Branches[0]) {
			return errors.New("encrypted already")
		}
	} else if tree.Branches[0], err = tree.Branches[0].Unset(path); err != nil {
		return err
	}
	text, err := c.sealed(tree, dataKey)
	if err != nil {
		return err
	}
	return os.WriteFile(c.path, text, 0o600)
}

func run(arguments []string) (out []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	global := flag.NewFlagSet("sops", flag.ContinueOnError)
	indent := global.Int("indent", 0, "")
	if err := global.Parse(arguments); err != nil {
		return nil, err
	}
	command := flag.NewFlagSet(global.Arg(0), flag.ContinueOnError)
	input := command.String("input-type", "", "")
	output := command.String("output-type", "", "")
	extract := command.String("extract", "", "")
	if err := command.Parse(global.Args()[1:]); err != nil {
		return nil, err
	}
	c := call{after: command.Args()[1:], keys: []keyservice.KeyServiceClient{keyservice.NewLocalClient()}}
	if c.path, err = filepath.Abs(command.Arg(0)); err != nil {
		return nil, err
	}
	stores := config.NewStoresConfig()
	if found, err := config.LookupConfigFile("."); err == nil {
		c.config = found.Path
		if stores, err = config.LoadStoresConfig(c.config); err != nil {
			return nil, err
		}
	}
	c.in = common.DefaultStoreForPathOrFormat(stores, c.path, *input)
	global.Visit(func(*flag.Flag) {
		stores.YAML.Indent, stores.JSON.Indent, stores.JSONBinary.Indent = *indent, *indent, *indent
	})
	c.out = common.DefaultStoreForPathOrFormat(stores, c.path, *output)
	switch command.Name() {
	case "encrypt":
		return c.encrypt()
	case "decrypt":
		return c.decrypt(*extract)
	case "set", "unset":
		return nil, c.change()
	}
	return nil, fmt.Errorf("no command %q", command.Name())
}

func main() {
	for name := range logging.Loggers {
		logging.Loggers[name].SetOutput(io.Discard)
	}
	pipe.Serve(func(words []string) ([]byte, []byte, string) {
		inherited := os.Environ()
		for len(words) > 0 && variable.MatchString(words[0]) {
			set(words[0])
			words = words[1:]
		}
		out, failure := run(words)
		os.Clearenv()
		for _, assignment := range inherited {
			set(assignment)
		}
		if failure != nil {
			return nil, nil, "Error: " + failure.Error()
		}
		return out, nil, ""
	})
}

var variable = regexp.MustCompile(`^\w+=`)

func set(assignment string) {
	if name, value, _ := strings.Cut(assignment, "="); value != "" {
		os.Setenv(name, value)
	} else {
		os.Unsetenv(name)
	}
}
