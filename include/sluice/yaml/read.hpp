#pragma once
/// YAML and JSON text to documents.
///
/// YAML follows go-yaml, a port of libyaml, since kustomize, SOPS and Flux read through it: libyaml
/// decides what is well-formed, and the composer here adds go-yaml's rules (duplicate keys, merge
/// keys, aliases expanded to copies, scalar resolution). Error texts are go-yaml's: "yaml: line 3:
/// did not find expected key". Pure: no files, no globals; thread-safe.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::yaml {

/// Which go-yaml resolves plain scalars.
enum class Schema : std::uint8_t {
  kV3,  ///< yes/on/y are strings, 0o17 and 0b1 are ints, dates are timestamps (kustomize, SOPS read
        ///< so)
  kV2,  ///< YAML 1.1 bools, as go.yaml.in/yaml/v2 reads (sigs.k8s.io/yaml: kustomization files)
};

enum class Engine : std::uint8_t {
  kLibyaml,
  kYamlCpp,
  kBoth,  ///< --strict-yaml: both must accept and agree, else an error names the first difference
};

struct Limits {
  std::size_t max_bytes = 256U << 20;
  std::size_t max_depth = 500;
  /// Scalars and collections of all documents together; each takes 30 to 60 bytes, also where the
  /// text has two ("[1,1,1").
  std::size_t max_nodes = 10'000'000;
  /// Nodes that aliases may add: this many plus ten times the nodes written out.
  std::size_t max_alias_nodes = 100'000;
};

struct ReadOptions {
  Schema schema = Schema::kV3;
  Engine engine = Engine::kLibyaml;
  Limits limits;
  /// A repeated key in a mapping: an error (`mapping key "name" already defined at line 4`), or
  /// last wins.
  bool unique_keys = true;
  /// With unique_keys: repeated keys stay in their mapping and the document says so
  /// (has_odd_keys()); an error still beside a `<<`.
  bool keep_repeated = false;
  /// An alias may name an anchor of an earlier document, as in go-yaml v3. Off: of its own only.
  bool share_anchors = true;
  /// Expand `<<` (not when quoted). Off: the key stays as a string node with text "<<".
  bool merge_keys = true;
  /// A list under `<<` takes its items as they are written, as kyaml does: what the first of them
  /// that has a `<<` merges counts after the fields of all, and what the others merge is lost.
  /// Keys "<<" in quotes are dropped, entries under `null` are there twice (has_odd_keys()).
  /// Errors of merges are kyaml's, without "yaml: ".
  bool merge_as_written = false;
  /// A core tag that its text does not fit (`!!int x`): a node of that kind. Off: an error.
  bool keep_tags = false;
};

/// All documents of `text`; empty documents (no node at all, or comments only) are left out.
/// Scalars keep `text` alive. Errors: kInvalid with the place in `file` (Where.file is left to the
/// caller: `file` is an id), kUnsupported for a limit.
Result<std::vector<Document>> read_yaml(std::shared_ptr<const std::string> text, FileId file,
                                        const ReadOptions& options = {});
/// Copies `text` first.
Result<std::vector<Document>> read_yaml(std::string_view text, FileId file,
                                        const ReadOptions& options = {});

/// Exactly one JSON document (simdjson). Integers become kInt, other numbers kFloat, each with its
/// text as written; key order is kept, and of repeated keys the last wins. Errors: kInvalid with
/// line and column.
Result<Document> read_json(std::string_view text, FileId file = FileId::kNone,
                           const Limits& limits = {});

}  // namespace sluice::yaml
