#pragma once
/// Documents to text: the YAML that kustomize prints (go-yaml v2 after a round trip through JSON),
/// and the JSON that Go prints. Output depends on values, not on how the input was written, with
/// kustomize's exceptions: inside flow collections a time of day and an empty value are strings,
/// and folded scalars with indented lines gain line breaks (its round trip through go-yaml v3).

#include <functional>
#include <string>
#include <string_view>

#include "sluice/base/byte_sink.hpp"
#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::yaml {

using sluice::ByteSink;
using sluice::StringSink;

/// Gives a writer the plaintext of leaves, one at a time.
class LeafReader {
 public:
  virtual ~LeafReader() = default;
  struct Value {
    Kind kind;              ///< kString, kInt, kFloat, kBool, kTimestamp: how to print it
    std::string_view text;  ///< after the leaf's encoding; valid until the next call
  };
  virtual Result<Value> read(const EncryptedLeaf& leaf) = 0;
};

/// What is printed for a leaf when no LeafReader is given.
inline constexpr std::string_view kRedacted = "**SOPS**";

/// One document as kustomize prints it: block style, indent 2, sequences not indented, go-yaml v2's
/// natural key order, 80 columns, its quoting rules; ends with a newline; no "---".
/// Without `leaves` an encrypted leaf prints as kRedacted. A writer given `leaves` copies plaintext
/// nowhere but into `out`.
/// Errors: kInvalid, worded as kustomize's: ".inf" ("json: unsupported value: +Inf"), a mapping
/// with non-string keys ("json: unsupported type: map[interface {}]interface {}").
Result<void> write_yaml(Node node, std::string& out);
Result<void> write_yaml(Node node, ByteSink& out, LeafReader* leaves);

/// As write_yaml, without the round trip through go-yaml v3 and its exceptions: kustomize prints so
/// into the files of a directory.
Result<void> write_yaml_decoded(Node node, std::string& out);

/// One document as go-yaml v3 prints what it has read (kyaml's encoder): key order, quoting and
/// numbers stay as they are in the node, block style, indent 2, sequences not indented, no folding.
/// Folded scalars print as literals, comments are not there. A string that was made, not read,
/// prints plain or, where that is not possible, in single quotes, whatever it looks like: give it a
/// style.
Result<void> write_yaml_as_read(Node node, std::string& out);
Result<void> write_yaml_as_read(Node node, ByteSink& out, LeafReader* leaves);

struct JsonOptions {
  bool sort_keys = true;    ///< byte order, as encoding/json sorts map keys
  bool escape_html = true;  ///< < > & as \u003c …, as encoding/json does by default
  /// Integers as they are after json.Unmarshal into an interface{}, a float64: 2^53+1 is 2^53.
  bool round_integers = false;
  LeafReader* leaves = nullptr;
};
/// Compact JSON as Go's json.Marshal prints the decoded value; no newline at the end.
Result<void> write_go_json(Node node, ByteSink& out, const JsonOptions& options = {});
Result<void> write_go_json(Node node, std::string& out, const JsonOptions& options = {});

/// What is read again of a folded scalar (`>`) that go-yaml v3 has printed: it keeps the style and
/// prints it wrongly, a line break before a more indented line is doubled, and so is one of several
/// at the end. Paragraphs of text come back as they were. The writers above do this by themselves;
/// it is for what goes through JSON on the way.
std::string refolded(std::string_view text);

/// Whether go-yaml v3 prints a node as a block scalar that keeps the breaks at its end (`|+`).
bool keeps_last_breaks(Node node);

}  // namespace sluice::yaml
