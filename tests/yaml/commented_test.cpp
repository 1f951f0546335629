// Documents with comments, read and printed as go-yaml v3 does for kustomize. Expectations are
// kustomize 5.8.2's (replacements into texts, fixtures/kustomize/structured-text has more).
#include "sluice/yaml/commented.hpp"

#include <random>

#include "sluice/yaml/scalar.hpp"

#include "support/test.hpp"

using namespace sluice::yaml;

namespace {

std::string printed(std::string_view text) {
  const auto documents = read_commented(text);
  REQUIRE_OK(documents);
  REQUIRE(documents->size() == 1);
  return write_commented(documents->front());
}

std::string with_root(std::string text, Kind type, Style style = Style::kPlain) {
  CommentedDocument document;
  document.root = std::make_unique<CommentedNode>();
  document.root->text = std::move(text);
  document.root->type = type;
  document.root->style = style;
  return write_commented(document);
}

}  // namespace

TEST_CASE("write_commented: what is written as go-yaml writes it comes back") {
  for (const char* text :
       {"a: 1\n", "# head\n\na: 1\n",
        "# of a\na: 1 # behind\n# of b\nb:\n# not further in\n- x # y\n",
        "a:\n  b: |\n    text\n  c: >-\n    folded\n", "a: &x [1, 'two', {b: c}]\nd: *x\n",
        "? |-\n  long\n  key\n: 1\n", "a: !local {b: !!str 1}\n", "- - 1\n  - 2\n- {}\n- []\n",
        "a: \"\\t\\a\"\n", "a:\n- b: 1\n  c: 2\n\n# foot\n"}) {
    CAPTURE(text);
    CHECK(printed(text) == text);
  }
}

TEST_CASE("write_commented: indentation and gaps are go-yaml's, quotes are the text's") {
  CHECK(printed("a:\n    - b:   1      # c\n\n\n    - 'd'\n") == "a:\n- b: 1 # c\n- 'd'\n");
  CHECK(printed("---\na: {b:   1,\n  c: 2}\n") == "a: {b: 1, c: 2}\n");
}

TEST_CASE("write_commented: a text that is not what its type says gets quotes or a tag") {
  CHECK(with_root("5", Kind::kInt) == "5\n");
  CHECK(with_root("5", Kind::kString) == "\"5\"\n");
  CHECK(with_root("x", Kind::kInt) == "!!int x\n");
  CHECK(with_root("5", Kind::kFloat) == "!!float 5\n");
  CHECK(with_root("a: b", Kind::kString) == "'a: b'\n");
  CHECK(with_root("a\tb", Kind::kString) == "\"a\\tb\"\n");
  CHECK(with_root("a\nb\n", Kind::kString) == "|\n  a\n  b\n");
  CHECK(with_root(" a", Kind::kString, Style::kFolded) == ">2-\n   a\n");
}

namespace {

/// A node of random shape, with views of `comments` and `texts`.
EmitNode random_node(std::mt19937& random, const std::vector<std::string>& comments,
                     const std::vector<std::string>& texts, int depth) {
  const auto below = [&random](std::size_t n) { return random() % n; };
  const auto comment = [&](CommentPieces& pieces) {
    for (std::size_t lines = below(6) == 0 ? 1 + below(2) : 0; lines > 0; --lines) {
      pieces.push_back(pieces.empty() ? "#" : "\n#");
      pieces.push_back(comments[below(comments.size())]);
    }
  };
  EmitNode node;
  comment(node.head);
  comment(node.foot);
  const std::size_t kind = depth == 0 ? 0 : below(4);
  if (kind < 2) {
    node.text = texts[below(texts.size())];
    const bool is_plain = resolve_plain(node.text, Schema::kV3) == Kind::kString || below(4) == 0;
    node.style = node.text.find('\n') != std::string_view::npos ? Style::kLiteral
                 : is_plain                                     ? Style::kPlain
                                                                : Style::kDoubleQuoted;
    return node;
  }
  node.kind = kind == 2 ? EmitNode::Kind::kMapping : EmitNode::Kind::kSequence;
  static const std::string keys[] = {"a", "x0", "key", std::string(130, 'k')};
  const std::size_t count = 1 + below(3);
  for (std::size_t i = 0; i < count; ++i) {
    if (kind == 2) {
      node.content.emplace_back().text = keys[i];
      comment(node.content.back().head);
    }
    node.content.push_back(random_node(random, comments, texts, depth - 1));
  }
  return node;
}

}  // namespace

TEST_CASE("reprint: the text is what reading the printed text and printing that again gives") {
  const std::vector<std::string> comments = {" of it", "x3", "", " trailing "};
  const std::vector<std::string> texts = {"one",
                                          "x12",
                                          "5",
                                          "true",
                                          "null",
                                          "",
                                          " led",
                                          "trailing ",
                                          "a: b",
                                          "#x",
                                          "- a",
                                          "'q'",
                                          "\t",
                                          "two\nlines",
                                          "two\nlines\n",
                                          "a\n\nb",
                                          "a \nb",
                                          "a\n  deep\n",
                                          "a\n# no comment\n",
                                          "\x07\nx",
                                          "日本\n語",
                                          std::string(300, 'w'),
                                          "\nx",
                                          "a\n\t\nb",
                                          "key: |\n  a\n"};
  const EmitOptions style{.indent = 4};
  std::mt19937 random(7);
  int unreadable = 0;  // go-yaml's hints of indentation are wrong in lists
  for (int round = 0; round < 3000; ++round) {
    std::deque<EmitNode> documents;
    std::string text;
    sluice::StringSink sink(text);
    Emitter emitter(sink, style);
    for (auto count = 1 + random() % 2; count > 0; --count)
      emitter.document(documents.emplace_back(random_node(random, comments, texts, 3)));
    const auto read = read_commented(text);
    std::vector<std::string> want;
    for (std::size_t i = 0; read && i < read->size(); ++i) {
      CommentedDocument bare;
      bare.root = std::make_unique<CommentedNode>(std::move(*(*read)[i].root));
      want.push_back(write_commented(bare));
    }
    std::deque<std::string> got;
    std::deque<sluice::StringSink> sinks;
    const auto done = reprint(documents, style, [&]() -> sluice::ByteSink& {
      return sinks.emplace_back(got.emplace_back());
    });
    CAPTURE(text);
    if (!read) ++unreadable;
    if (!read) continue;
    REQUIRE_OK(done);
    REQUIRE(got.size() == want.size());
    for (std::size_t i = 0; i < want.size(); ++i)
      REQUIRE(got[i] == want[i]);
  }
  CHECK(unreadable < 1000);
}
