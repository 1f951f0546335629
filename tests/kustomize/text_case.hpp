#pragma once
/// Documents from and to text, for table tests.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "kustomize/res_map.hpp"
#include "kustomize/schema.hpp"
#include "support/test.hpp"

namespace sluice::kustomize::text_case {

inline yaml::Document parse(std::string_view text) {
  auto documents = yaml::read_yaml(text, FileId::kNone);
  REQUIRE_OK(documents);
  return documents->empty() ? yaml::Document() : std::move(documents->front());
}

inline yaml::Node root(const yaml::Document& document) {
  return document.root();
}

inline std::string print(yaml::Node node) {
  std::string text;
  const auto done = yaml::write_yaml(node, text);
  CHECK_OK(done);
  return text;
}
inline std::string print(const yaml::Document& document) {
  return print(document.root());
}

/// The same text as the writer prints it, for comparing.
inline std::string normal(std::string_view text) {
  return print(parse(text));
}

/// A document whose field `path...` is an encrypted leaf.
inline yaml::EncryptedLeaf leaf(std::string selector) {
  return {Digest::parse("sha256:" + std::string(64, 'a')).value(), std::move(selector)};
}

/// A map of the documents in `text`.
class Resources {
 public:
  explicit Resources(std::string_view text) : map(schema) {
    auto documents = yaml::read_yaml(text, FileId::kNone);
    REQUIRE_OK(documents);
    for (yaml::Document& document : *documents)
      add(std::move(document));
  }
  BuildResource& add(yaml::Document document) {
    auto resource = std::make_unique<BuildResource>();
    resource->doc = std::move(document);
    read_id(*resource, schema);
    BuildResource& added = *resource;
    REQUIRE_OK(map.append(std::move(resource)));
    return added;
  }
  std::string text() const {
    std::string all;
    for (const auto& item : map.items()) {
      if (!all.empty()) all += "---\n";
      all += print(std::as_const(*item).root());
    }
    return all;
  }

  Schema schema;
  ResMap map;
};

}  // namespace sluice::kustomize::text_case
