// yaml::Emitter: what its two users, kustomize's texts and SOPS's trees, do not share.
#include "sluice/yaml/emitter.hpp"

#include "support/test.hpp"

using sluice::yaml::EmitNode;
using sluice::yaml::EmitOptions;

namespace {

EmitNode scalar(std::string_view text) {
  EmitNode node;
  node.text = text;
  return node;
}

EmitNode collection(EmitNode::Kind kind, std::vector<EmitNode> content) {
  EmitNode node;
  node.kind = kind;
  node.content = std::move(content);
  return node;
}

EmitNode list_under(std::string_view key) {
  return collection(
      EmitNode::Kind::kMapping,
      {scalar(key), collection(EmitNode::Kind::kSequence, {scalar("a"), scalar("two words")})});
}

std::string printed(const std::vector<EmitNode>& documents, const EmitOptions& options) {
  std::string out;
  sluice::StringSink sink(out);
  sluice::yaml::Emitter emitter(sink, options);
  for (const EmitNode& document : documents)
    emitter.document(document);
  return out;
}

}  // namespace

TEST_CASE("Emitter: a sequence stands below its key only where that is asked for") {
  CHECK(printed({list_under("k")}, {.indent = 2}) == "k:\n  - a\n  - two words\n");
  CHECK(printed({list_under("k")}, {.indent = 4}) == "k:\n    - a\n    - two words\n");
  CHECK(printed({list_under("k")}, {.indent = 2, .compact_sequences = true}) ==
        "k:\n- a\n- two words\n");
}

TEST_CASE("Emitter: documents behind the first one are set off") {
  CHECK(printed({list_under("k"), scalar("x")}, {.indent = 2}) ==
        "k:\n  - a\n  - two words\n---\nx\n");
}

TEST_CASE("Emitter: a block scalar that begins with a space states the indentation") {
  EmitNode text = scalar(" a\nb\n");
  text.style = sluice::yaml::Style::kLiteral;
  const std::vector<EmitNode> document = {
      collection(EmitNode::Kind::kMapping, {scalar("k"), text})};
  CHECK(printed(document, {.indent = 2}) == "k: |2\n   a\n  b\n");
  CHECK(printed(document, {.indent = 4}) == "k: |4\n     a\n    b\n");
}

TEST_CASE("Emitter: a style that cannot hold the text gives way") {
  CHECK(printed({scalar("a: b")}, {}) == "'a: b'\n");
  CHECK(printed({scalar("tab\tstop")}, {}) == "\"tab\\tstop\"\n");
  EmitNode trailing = scalar("a \nb");
  trailing.style = sluice::yaml::Style::kLiteral;
  CHECK(printed({trailing}, {}) == "\"a \\nb\"\n");
}

TEST_CASE("Emitter: lines of a comment that have no mark get one") {
  EmitNode node = scalar("x");
  node.head = {"#", " one\ntwo", "\n#", " three"};
  CHECK(printed({collection(EmitNode::Kind::kMapping, {node, scalar("y")})}, {}) ==
        "# one\n# two\n# three\nx: y\n");
}
