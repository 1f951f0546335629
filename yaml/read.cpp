#include "sluice/yaml/read.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "sluice/yaml/event_source.hpp"

#include "block_reader.hpp"
#include "compose.hpp"
#include "engines.hpp"

namespace sluice::yaml {
namespace {

std::string_view kind_name(Node node) {
  static constexpr std::string_view kNames[] = {"null",      "bool",     "int",    "float",
                                                "timestamp", "binary",   "string", "sequence",
                                                "mapping",   "encrypted"};
  return kNames[static_cast<std::size_t>(node.kind())];
}

struct Difference {
  Node a, b;  // in libyaml's document and in yaml-cpp's
  std::string what;
};

/// The first place where the engines disagree; nullopt when equal. Null's spelling does not count:
/// yaml-cpp loses it.
std::optional<Difference> first_difference(Node a, Node b) {
  if (a.kind() != b.kind()) {
    return Difference{a, b,
                      "a " + std::string(kind_name(a)) + " against a " + std::string(kind_name(b))};
  }
  if (a.is_null()) return std::nullopt;
  if (a.is_scalar()) {
    if (a.text() == b.text()) return std::nullopt;
    return Difference{a, b, "two readings of one scalar"};
  }
  if (a.size() != b.size()) {
    return Difference{a, b,
                      std::to_string(a.size()) + " against " + std::to_string(b.size()) +
                          " entries in one " + std::string(kind_name(a))};
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a.is_mapping()) {
      if (auto difference = first_difference(a.key(i), b.key(i))) return difference;
      if (auto difference = first_difference(a.value(i), b.value(i))) return difference;
    } else if (auto difference = first_difference(a.at(i), b.at(i))) {
      return difference;
    }
  }
  return std::nullopt;
}

Result<std::vector<Document>> read_one(const std::shared_ptr<const std::string>& text, FileId file,
                                       const ReadOptions& options, Engine engine) {
  const auto events =
      engine == Engine::kYamlCpp ? open_yaml_cpp(*text) : open_libyaml(*text, options.schema);
  return compose(*events, text, file, options);
}

constexpr std::string_view kStrictHint =
    "libyaml and yaml-cpp must read an untrusted file alike (--strict-yaml); write this place "
    "plainly";

Result<std::vector<Document>> read_both(const std::shared_ptr<const std::string>& text, FileId file,
                                        const ReadOptions& options) {
  SLUICE_TRY(auto documents, read_one(text, file, options, Engine::kLibyaml));
  auto second = read_one(text, file, options, Engine::kYamlCpp);
  if (!second) {
    return fail(std::move(second.error()).prefix("yaml-cpp: ").hint(std::string(kStrictHint)));
  }
  const auto roots = [](const std::vector<Document>& all) {
    std::vector<Node> found;  // yaml-cpp does not tell an empty document from a null
    for (const Document& document : all) {
      if (!document.root().is_null()) found.push_back(document.root());
    }
    return found;
  };
  const std::vector<Node> first = roots(documents);
  const std::vector<Node> other = roots(*second);
  const auto at = [](Node node) {
    return Where{"", node.position().line(), node.position().column()};
  };
  for (std::size_t i = 0; i < std::min(first.size(), other.size()); ++i) {
    if (const auto difference = first_difference(first[i], other[i])) {
      return fail(Code::kInvalid, "yaml: the engines disagree: " + difference->what,
                  at(difference->a), std::string(kStrictHint));
    }
  }
  if (first.size() != other.size()) {
    const Node extra = first.size() > other.size() ? first[other.size()] : other[first.size()];
    return fail(Code::kInvalid,
                "yaml: the engines disagree: " + std::to_string(first.size()) + " against " +
                    std::to_string(other.size()) + " documents",
                at(extra), std::string(kStrictHint));
  }
  return documents;
}

/// open_events(…, Engine::kBoth): two engines are no single source.
class RefusedSource final : public EventSource {
 public:
  Result<Event> next() override {
    return fail(Code::kUnsupported, "yaml: events come from one engine, not from both");
  }
};

}  // namespace

Result<std::vector<Document>> read_yaml(std::shared_ptr<const std::string> text, FileId file,
                                        const ReadOptions& options) {
  if (text->size() > options.limits.max_bytes) {
    return fail(Code::kUnsupported, "yaml: " + std::to_string(text->size()) +
                                        " bytes are more than the limit of " +
                                        std::to_string(options.limits.max_bytes));
  }
  if (options.engine == Engine::kBoth) return read_both(text, file, options);
  if (options.engine == Engine::kLibyaml) {
    if (auto documents = read_blocks(text, file, options)) return *std::move(documents);
  }
  return read_one(text, file, options, options.engine);
}

Result<std::vector<Document>> read_yaml(std::string_view text, FileId file,
                                        const ReadOptions& options) {
  return read_yaml(std::make_shared<const std::string>(text), file, options);
}

std::unique_ptr<EventSource> open_events(std::string_view text, Engine engine) {
  if (engine == Engine::kBoth) return std::make_unique<RefusedSource>();
  return engine == Engine::kYamlCpp ? open_yaml_cpp(text) : open_libyaml(text, Schema::kV3);
}

}  // namespace sluice::yaml
