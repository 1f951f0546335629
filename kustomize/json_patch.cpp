#include "kustomize/json_patch.hpp"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/read.hpp"

#include "kustomize/comment_lines.hpp"
#include "kustomize/go_json.hpp"
#include "kustomize/growth.hpp"
#include "kustomize/gvk.hpp"
#include "kustomize/json_round_trip.hpp"

namespace sluice::kustomize {
namespace {

using yaml::Kind;
using yaml::NodeId;

constexpr std::string_view kMissing = "missing value";
constexpr std::string_view kInvalidIndex = "invalid index referenced";

/// errors.Wrapf(cause, text).
tl::unexpected<Error> wrap(std::string text, std::string_view cause) {
  return fail(Code::kInvalid, std::move(text) + ": " + std::string(cause));
}
tl::unexpected<Error> wrap(std::string text, Error cause) {
  return fail(std::move(cause).prefix(text + ": "));
}

Result<std::int64_t> parse_index(std::string_view text) {
  std::int64_t value = 0;
  const char* begin = text.data();
  const char* const end = begin + text.size();
  if (begin != end && *begin == '+' && begin + 1 != end && begin[1] != '-') ++begin;
  const auto [at, error] = std::from_chars(begin, end, value);
  if (error == std::errc::result_out_of_range) {
    return fail(Code::kInvalid, "strconv.Atoi: parsing " + go_quote(text) + ": value out of range");
  }
  if (error != std::errc() || at != end) {
    return fail(Code::kInvalid, "strconv.Atoi: parsing " + go_quote(text) + ": invalid syntax");
  }
  return value;
}

tl::unexpected<Error> bad_index(std::int64_t index) {
  return wrap("Unable to access invalid index: " + std::to_string(index), kInvalidIndex);
}

std::string unescape(std::string_view part) {
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1')) {
      text += part[++i] == '0' ? '~' : '/';
    } else {
      text += part[i];
    }
  }
  return text;
}

/// Whether the first part of a pointer may be "metadata", or the pointer may be none.
bool may_lead_to_metadata(yaml::Node pointer) {
  if (!pointer.is_string()) return true;
  const std::string_view text = pointer.text();
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return true;
  const std::string_view rest = text.substr(slash + 1);
  const std::string_view part = rest.substr(0, rest.find('/'));
  return part.empty() || part == "metadata" || part.find('~') != std::string_view::npos;
}

/// One application of a patch. Names of members follow the engine's.
class Engine {
 public:
  Engine(yaml::Document& document, NodeId top, bool is_json_text)
      : document_(document), top_(top), is_json_text_(is_json_text) {}

  NodeId top() const { return top_; }
  /// Items and keys that look-ups and insertions had to pass so far.
  std::size_t passed() const { return passed_; }

  Result<void> run(yaml::Node operation) {
    const yaml::Node op = operation.get("op");
    const std::string_view kind = op.is_string() ? op.text() : std::string_view("unknown");
    if (kind == "add") return add(operation);
    if (kind == "remove") return remove(operation);
    if (kind == "replace") return replace(operation);
    if (kind == "move") return move(operation);
    if (kind == "test") return test(operation);
    if (kind == "copy") return copy(operation);
    return fail(Code::kInvalid, "Unexpected kind: " + std::string(kind));
  }

 private:
  using Value = std::optional<NodeId>;  // nothing and null are the same to the engine

  struct Place {
    NodeId container;
    std::string key;
  };

  yaml::Ref ref(NodeId id) { return {document_, id}; }

  static Result<std::string> text_field(yaml::Node operation, std::string_view name,
                                        std::string_view missing) {
    const yaml::Node node = operation.get(name);
    if (!node.exists() || node.is_null()) return wrap(std::string(missing), kMissing);
    if (node.is_string()) return std::string(node.text());
    const std::string_view type = node.is_mapping()            ? "object"
                                  : node.is_sequence()         ? "array"
                                  : node.kind() == Kind::kBool ? "bool"
                                                               : "number";
    return fail(Code::kInvalid,
                "json: cannot unmarshal " + std::string(type) + " into Go value of type string");
  }
  static Result<std::string> path_of(yaml::Node operation) {
    return text_field(operation, "path", "operation missing path field");
  }
  static Result<std::string> from_of(yaml::Node operation) {
    return text_field(operation, "from", "operation, missing from field");
  }
  NodeId new_value(yaml::Node operation) { return document_.import(operation.get("value")); }

  /// The container that holds the last part of `path`. The text before the first slash is ignored.
  std::optional<Place> find(std::string_view path) {
    std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    NodeId container = top_;
    path.remove_prefix(slash + 1);
    std::size_t parts = 1;
    while ((slash = path.find('/')) != std::string_view::npos) {
      const auto next = get(container, unescape(path.substr(0, slash)));
      if (!next || !*next || ++parts > kMaxPathParts) return std::nullopt;
      const yaml::Ref node = ref(**next);
      if (!node.is_mapping() && !node.is_sequence()) return std::nullopt;
      container = **next;
      path.remove_prefix(slash + 1);
    }
    return Place{container, unescape(path)};
  }

  /// An existing index of a sequence; negative ones count from the end.
  Result<std::size_t> index_in(NodeId container, const std::string& key) {
    SLUICE_TRY(const std::int64_t index, parse_index(key));
    const auto size = static_cast<std::int64_t>(ref(container).size());
    if (index >= size || index < -size) return bad_index(index);
    return static_cast<std::size_t>(index < 0 ? index + size : index);
  }

  Result<Value> get(NodeId container, const std::string& key) {
    yaml::Ref found;
    if (ref(container).is_mapping()) {
      passed_ += ref(container).size();
      found = ref(container).get(key);
    } else {
      SLUICE_TRY(const std::size_t index, index_in(container, key));
      found = ref(container).at(index);
    }
    if (!found.exists() || found.is_null()) return Value();
    return Value(found.id());
  }

  void put(NodeId mapping, const std::string& key, NodeId value) {
    ref(mapping).erase(key);
    document_.append_entry(mapping, document_.new_scalar(Kind::kString, key), value);
  }

  Result<void> insert(NodeId container, const std::string& key, NodeId value) {
    if (ref(container).is_mapping()) {
      passed_ += ref(container).size();
      put(container, key, value);
      return {};
    }
    const auto size = static_cast<std::int64_t>(ref(container).size());
    std::int64_t index = size;
    if (key != "-") {
      const auto parsed = parse_index(key);
      if (!parsed) {
        return wrap("value was not a proper array index: '" + key + "'", parsed.error());
      }
      index = *parsed;
      if (index > size || index < -(size + 1)) return bad_index(index);
      if (index < 0) index += size + 1;
    }
    passed_ += static_cast<std::size_t>(size - index);
    document_.insert_item(container, static_cast<std::size_t>(index), value);
    return {};
  }

  Result<void> erase(NodeId container, const std::string& key) {
    passed_ += ref(container).size();
    if (ref(container).is_mapping()) {
      if (ref(container).erase(key)) return {};
      return wrap("Unable to remove nonexistent key: " + key, kMissing);
    }
    SLUICE_TRY(const std::size_t index, index_in(container, key));
    ref(container).erase_item(index);
    return {};
  }

  Result<void> add(yaml::Node operation) {
    const auto path = path_of(operation);
    if (!path) return wrap("add operation failed to decode path", kMissing);
    const auto place = find(*path);
    if (!place) {
      return wrap("add operation does not apply: doc is missing path: \"" + *path + "\"", kMissing);
    }
    auto done = insert(place->container, place->key, new_value(operation));
    if (!done) return wrap("error in add for path: '" + *path + "'", std::move(done).error());
    return {};
  }

  Result<void> remove(yaml::Node operation) {
    const auto path = path_of(operation);
    if (!path) return wrap("remove operation failed to decode path", kMissing);
    const auto place = find(*path);
    if (!place) {
      return wrap("remove operation does not apply: doc is missing path: \"" + *path + "\"",
                  kMissing);
    }
    auto done = erase(place->container, place->key);
    if (!done) return wrap("error in remove for path: '" + *path + "'", std::move(done).error());
    return {};
  }

  Result<void> replace(yaml::Node operation) {
    auto path = path_of(operation);
    if (!path) {
      return wrap("replace operation failed to decode path", std::move(path).error());
    }
    if (path->empty()) {
      const yaml::Node value = operation.get("value");
      if (!value.is_mapping() && !value.is_sequence()) {  // Go's text, slip included
        return wrap("replace operation value must be object or array", "%!w(<nil>)");
      }
      top_ = new_value(operation);
      return {};
    }
    const auto place = find(*path);
    if (!place) {
      return wrap("replace operation does not apply: doc is missing path: " + *path, kMissing);
    }
    if (!get(place->container, place->key)) {
      return wrap("replace operation does not apply: doc is missing key: " + *path, kMissing);
    }
    const NodeId value = new_value(operation);
    if (ref(place->container).is_mapping()) {
      put(place->container, place->key, value);  // a missing key is added
      return {};
    }
    SLUICE_TRY(const std::size_t index, index_in(place->container, place->key));
    document_.replace_item(place->container, index, value);
    return {};
  }

  /// A copy of the document's own parts, or a part of it that moves deeper.
  Result<void> check_copy(NodeId value, const std::string& path) {
    const Extent copied = extent(yaml::Node(document_, value));
    if (bytes_ == 0) bytes_ = extent(yaml::Node(document_, top_)).bytes;
    const auto parts = static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
    SLUICE_CHECK(check_growth(bytes_, parts, copied));
    bytes_ += copied.bytes;
    return {};
  }

  Result<void> move(yaml::Node operation) {
    auto from = from_of(operation);
    if (!from) return wrap("move operation failed to decode from", std::move(from).error());
    const auto source = find(*from);
    if (!source) {
      return wrap("move operation does not apply: doc is missing from path: " + *from, kMissing);
    }
    auto value = get(source->container, source->key);
    if (!value) {
      return wrap("error in move for path: '" + source->key + "'", std::move(value).error());
    }
    auto removed = erase(source->container, source->key);
    if (!removed) {
      return wrap("error in move for path: '" + source->key + "'", std::move(removed).error());
    }
    auto path = path_of(operation);
    if (!path) return wrap("move operation failed to decode path", std::move(path).error());
    const auto place = find(*path);
    if (!place) {
      return wrap("move operation does not apply: doc is missing destination path: " + *path,
                  kMissing);
    }
    SLUICE_CHECK(check_copy(or_null(*value), *path));
    auto done = insert(place->container, place->key, or_null(*value));
    if (!done) return wrap("error in move for path: '" + *path + "'", std::move(done).error());
    return {};
  }

  Result<void> copy(yaml::Node operation) {
    auto from = from_of(operation);
    if (!from) return wrap("copy operation failed to decode from", std::move(from).error());
    const auto source = find(*from);
    if (!source) {
      return wrap("copy operation does not apply: doc is missing from path: " + *from, kMissing);
    }
    auto value = get(source->container, source->key);
    if (!value) return wrap("error in copy for from: '" + *from + "'", std::move(value).error());
    const auto path = path_of(operation);
    if (!path) return wrap("copy operation failed to decode path", kMissing);
    const auto place = find(*path);
    if (!place) {
      return wrap("copy operation does not apply: doc is missing destination path: " + *path,
                  kMissing);
    }
    SLUICE_CHECK(check_copy(or_null(*value), *path));
    const NodeId fresh = document_.import(yaml::Node(document_, or_null(*value)));
    auto done = insert(place->container, place->key, fresh);
    if (!done) return wrap("error while adding value during copy", std::move(done).error());
    return {};
  }

  Result<void> test(yaml::Node operation) {
    auto path = path_of(operation);
    if (!path) return wrap("test operation failed to decode path", std::move(path).error());
    const yaml::Node wanted = operation.get("value");
    const auto failed = [&] { return wrap("testing value " + *path + " failed", "test failed"); };
    Value value = top_;
    if (!path->empty()) {
      const auto place = find(*path);
      if (!place) {
        return wrap("test operation does not apply: is missing path: " + *path, kMissing);
      }
      auto found = get(place->container, place->key);
      if (!found) return wrap("error in test for path: '" + *path + "'", std::move(found).error());
      value = *found;
    }
    if (!value) {
      if (!wanted.exists() || wanted.is_null()) return {};
      return failed();
    }
    SLUICE_TRY(const bool same, equals(ref(*value), wanted));
    if (!same) return failed();
    return {};
  }

  NodeId or_null(Value value) { return value ? *value : document_.new_scalar(Kind::kNull, "null"); }

  Result<bool> equals(yaml::Node a, yaml::Node b) {
    if (a.is_encrypted() || b.is_encrypted()) {
      return fail(Code::kUnsupported, "a JSON patch cannot test an encrypted value", Where{},
                  "drop the test, or leave this field unencrypted");
    }
    if (!a.exists() || !b.exists()) return a.exists() == b.exists();
    if (a.is_mapping() && b.is_mapping()) {
      if (a.size() != b.size()) return false;
      for (std::size_t i = 0; i < a.size(); ++i) {
        const yaml::Node other = b.get(a.key(i).text());
        if (!other.exists()) return false;
        SLUICE_TRY(const bool same, equals(a.value(i), other));
        if (!same) return false;
      }
      return true;
    }
    if (a.is_sequence() && b.is_sequence()) {
      if (a.size() != b.size()) return false;
      for (std::size_t i = 0; i < a.size(); ++i) {
        SLUICE_TRY(const bool same, equals(a.at(i), b.at(i)));
        if (!same) return false;
      }
      return true;
    }
    if (!a.is_scalar() || !b.is_scalar()) return false;
    if (a.is_string() != b.is_string() || a.text() != b.text()) return false;
    // The engine compares JSON text, and the resource's was printed by Go with \u003c for '<': a
    // patch written as JSON matches such a string only when it escapes it the same way.
    return !(is_json_text_ && a.is_string() &&
             a.text().find_first_of("<>&") != std::string_view::npos);
  }

  yaml::Document& document_;
  NodeId top_;
  std::size_t bytes_ = 0;  // of the document, and of all copies since; 0: not measured yet
  std::size_t passed_ = 0;
  bool is_json_text_;
};

std::string_view json_type(yaml::Node node) {
  if (node.is_mapping()) return "object";
  if (node.is_sequence()) return "array";
  if (node.is_string()) return "string";
  return node.kind() == Kind::kBool ? "bool" : "number";
}

}  // namespace

Result<JsonPatch> JsonPatch::parse(std::string_view text) {
  if (text.empty()) return fail(Code::kInvalid, "empty json patch operations");
  JsonPatch patch;
  if (text.front() == '[') {
    patch.is_json_text_ = true;
    auto operations = yaml::read_json(text);
    if (!operations) {
      std::string words = go_json_error(text);
      if (words.empty()) return fail(std::move(operations).error());
      return fail(Code::kInvalid, std::move(words));
    }
    patch.operations_ = *std::move(operations);
  } else {
    yaml::ReadOptions options;
    options.schema = yaml::Schema::kV2;
    options.unique_keys = false;
    SLUICE_TRY(std::vector<yaml::Document> documents,
               yaml::read_yaml(text, FileId::kNone, options));
    if (documents.empty()) return patch;
    patch.operations_ = std::move(documents.front());
    SLUICE_CHECK(to_json(patch.operations_.root(), yaml::Schema::kV2));
  }
  const yaml::Node operations = std::as_const(patch.operations_).root();
  if (operations.is_null()) return patch;
  if (!operations.is_sequence()) {
    return fail(Code::kInvalid, "json: cannot unmarshal " + std::string(json_type(operations)) +
                                    " into Go value of type jsonpatch.Patch");
  }
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const yaml::Node operation = operations.at(i);
    if (operation.is_mapping() || operation.is_null()) continue;
    return fail(Code::kInvalid, "json: cannot unmarshal " + std::string(json_type(operation)) +
                                    " into Go value of type jsonpatch.Operation");
  }
  return patch;
}

bool JsonPatch::sees_metadata() const {
  const yaml::Node operations = operations_.root();
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const yaml::Node from = operations.at(i).get("from");
    if (may_lead_to_metadata(operations.at(i).get("path"))) return true;
    if (from.exists() && may_lead_to_metadata(from)) return true;
  }
  return false;
}

Result<void> JsonPatch::apply(yaml::Ref root) const {
  set_off_end_comment(root);
  SLUICE_CHECK(to_json(root, yaml::Schema::kV3));
  yaml::Document& document = root.document();
  Engine engine(document, root.id(), is_json_text_);
  const yaml::Node operations = operations_.root();
  for (std::size_t i = 0; i < operations.size(); ++i) {
    SLUICE_CHECK(engine.run(operations.at(i)));
    if (engine.passed() > kMaxPassed) {
      return fail(Code::kUnsupported,
                  "operation " + std::to_string(i + 1) + " of a JSON patch of " +
                      std::to_string(operations.size()) + ": looks for a place among more than " +
                      std::to_string(kMaxPassed) + " items and keys in all",
                  Where{}, "replace the list or mapping as a whole");
    }
  }
  if (engine.top() != root.id()) root.assign(yaml::Node(document, engine.top()));
  if (!root.is_mapping()) {
    return fail(Code::kInvalid,
                "json: cannot unmarshal array into Go value of type map[string]interface {}");
  }
  return from_json(root);
}

}  // namespace sluice::kustomize
