#include "sluice/yaml/document.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::yaml;

TEST_CASE("Document: put, get, erase and order of entries") {
  Document document;
  document.root().set_mapping();
  for (int i = 0; i < 100; ++i)
    document.root().put_int("k" + std::to_string(i), i);
  CHECK(document.root().size() == 100);
  CHECK(document.root().get("k42").text() == "42");
  document.root().put_string("k42", "changed");
  CHECK(document.root().value(42).text() == "changed");
  CHECK(document.root().erase("k0"));
  CHECK_FALSE(document.root().erase("k0"));
  CHECK(document.root().key(0).text() == "k1");
  CHECK_FALSE(document.root().find("k1", "none", "deeper").exists());
}

TEST_CASE("Document: a copy is independent, also in the text that both add later") {
  Document a;
  a.root().set_mapping();
  a.root().put_string("x", "one");
  Document b = a;
  a.root().put_string("y", "from a");
  b.root().put_string("y", "from b");
  CHECK(a.root().get("y").text() == "from a");
  CHECK(b.root().get("y").text() == "from b");
  const std::string_view kept = a.root().get("y").text();
  Document moved = std::move(a);
  for (int i = 0; i < 1000; ++i)
    moved.root().put_string("z" + std::to_string(i), "text");
  CHECK(kept == "from a");  // text never moves
}

TEST_CASE("Document: assign takes a subtree of another document, or of itself") {
  Document a;
  a.root().set_mapping();
  {
    Document b;
    b.root().set_sequence();
    b.root().append_string("s");
    b.root().append_mapping().put_leaf("password", {Digest(), "data:password"});
    a.root().put("list", b.root());
  }  // b is gone, its text must not be
  CHECK(a.root().get("list").at(0).text() == "s");
  CHECK(a.root().get("list").at(1).get("password").leaf().selector == "data:password");
  a.root().put("all", a.root());
  CHECK(a.root().get("all").get("list").at(1).get("password").is_encrypted());
  CHECK(equal(a.root().get("all").get("list"), a.root().get("list")));
}

TEST_CASE("Document: insert, erase and replace items") {
  Document document;
  document.root().set_sequence();
  for (const char* text : {"a", "b", "c"})
    document.root().append_string(text);
  document.root().insert(0, document.root().at(2));
  document.root().erase_item(3);
  std::string all;
  for (std::size_t i = 0; i < document.root().size(); ++i)
    all += document.root().at(i).text();
  CHECK(all == "cab");
  const NodeId reversed[] = {document.root().at(2).id(), document.root().at(1).id()};
  document.root().set_items(reversed);
  CHECK(document.root().at(0).text() == "b");
}

TEST_CASE("equal: entries in any order, kinds matter") {
  Document a, b;
  a.root().set_mapping();
  b.root().set_mapping();
  a.root().put_int("x", 1);
  a.root().put_string("y", "s");
  b.root().put_string("y", "s");
  b.root().put_int("x", 1);
  CHECK(equal(a.root(), b.root()));
  b.root().put_string("x", "1");
  CHECK_FALSE(equal(a.root(), b.root()));
  CHECK(equal(Node(), Node()));
  CHECK_FALSE(equal(Node(), a.root()));
}
