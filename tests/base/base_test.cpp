#include <set>

#include "sluice/base/cancel.hpp"
#include "sluice/base/clock.hpp"
#include "sluice/base/digest.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/base/file_table.hpp"
#include "sluice/base/object_id.hpp"
#include "sluice/base/parallel.hpp"
#include "sluice/base/tree_path.hpp"

#include "support/test.hpp"

using namespace sluice;

TEST_CASE("TreePath: normalizes and never leaves the tree") {
  const auto text = [](std::string_view in) {
    auto path = TreePath::parse(in);
    return path ? path->text() : "error: " + path.error().message();
  };
  CHECK(text("") == "");
  CHECK(text("./a//b/../c/") == "a/c");
  CHECK(text("/x/./y") == "x/y");
  CHECK(text("../x") == "error: path \"../x\" leaves the source root");
  CHECK(text("a/../../x") == "error: path \"a/../../x\" leaves the source root");
  CHECK(text(std::string_view("a\0b", 3)) == "error: a path must not contain a NUL byte");
  const auto overlay = TreePath::parse("apps/prod").value();
  CHECK(overlay.join("../../base").value().text() == "base");
  CHECK(TreePath::parse("base").value().relative_to(overlay) == "../../base");
  CHECK(overlay.relative_to(overlay) == ".");
  CHECK(overlay.is_in_or_below(TreePath()));
  CHECK_FALSE(TreePath::parse("apps/production").value().is_in_or_below(overlay));
}

TEST_CASE("Digest: parses what it prints and refuses the rest") {
  const std::string text = "sha1:0123456789abcdef0123456789abcdef01234567";
  CHECK(Digest::parse(text).value().text() == text);
  CHECK(Digest::parse(text.substr(0, text.size() - 1)).error().code() == Code::kInvalid);
  CHECK(Digest::parse("md5:00").error().code() == Code::kInvalid);
}

TEST_CASE("base64: standard alphabet, strict padding, line breaks skipped") {
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  CHECK(base64_decode(base64_encode(all)) == all);
  CHECK(base64_encode("") == "");
  CHECK(base64_encode("f") == "Zg==");
  CHECK(base64_encode("fo") == "Zm8=");
  CHECK(base64_encode("\xfb\xff\xfe") == "+//+");
  CHECK(base64_decode("Zm\r\n8=") == "fo");
  for (const char* bad : {"Zg=", "Zg", "Z===", "Zg==Zg==", "Zm9*", "====", "Zg==a", "Z=g="}) {
    CAPTURE(bad);
    CHECK_FALSE(base64_decode(bad).has_value());
  }
}

TEST_CASE("UTF-8: Go's idea of validity") {
  CHECK(is_valid_utf8("añ漢😀"));
  for (const char* bad :
       {"\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\x80", "\xe2\x82", "\xf0\x80\x80\x80"}) {
    CHECK_FALSE(is_valid_utf8(bad));
  }
}

TEST_CASE("Error: shows place, context, hint and the other errors") {
  Error error(Code::kInvalid, "no file \"db.env\"", {"a/kustomization.yaml", 12, 5},
              "did you mean \"db.enc.env\"?");
  error = std::move(error).in("base \"../base\"");
  error.add(Error(Code::kNotFound, "second"));
  CHECK(error.text() ==
        "a/kustomization.yaml:12:5: no file \"db.env\"\n  in base \"../base\"\n"
        "  hint: did you mean \"db.enc.env\"?\nsecond");
  CHECK(Error(error).text() == error.text());
  CHECK(exit_code(Code::kIntegrity) == 4);
}

TEST_CASE("FileTable: one id per name, positions saturate") {
  FileTable files;
  const FileId a = files.add("a.yaml");
  CHECK(files.add("b.yaml") != a);
  CHECK(files.add("a.yaml") == a);
  CHECK(files.where(a, Position(3, 9)).text() == "a.yaml:3:9");
  CHECK(Position(5'000'000, 9'000).line() == (1U << 20) - 1);
  CHECK(Position(1, 9'000).column() == 4095);
}

TEST_CASE("CancelSource: children follow parents, callbacks run once") {
  CancelSource parent;
  CancelSource child(parent.token());
  int calls = 0;
  const auto keep = child.token().on_cancel([&calls] { ++calls; });
  {
    const auto dropped = child.token().on_cancel([&calls] { calls += 100; });
  }
  parent.cancel();
  parent.cancel();
  CHECK(child.token().cancelled());
  CHECK(calls == 1);
  const auto late = child.token().on_cancel([&calls] { ++calls; });
  CHECK(calls == 2);
}

TEST_CASE("rfc3339: as metav1.Time and metav1.MicroTime print") {
  const WallTime time = WallTime(std::chrono::nanoseconds(1'764'000'000'120'000'000));
  CHECK(rfc3339(time) == "2025-11-24T16:00:00Z");
  CHECK(rfc3339_nano(time) == "2025-11-24T16:00:00.12Z");
}

TEST_CASE("parallel_for: every index once") {
  std::vector<int> seen(1000, 0);
  parallel_for(seen.size(), 7, 4, [&](std::size_t i) { ++seen[i]; });
  CHECK(std::set<int>(seen.begin(), seen.end()) == std::set<int>{1});
  parallel_for(0, 1, 0, [&](std::size_t) { seen.clear(); });
  CHECK(seen.size() == 1000);
}

TEST_CASE("Gvk and ObjectId: the forms used in messages") {
  CHECK(Gvk::from("apps/v1", "Deployment").group == "apps");
  CHECK(Gvk::from("v1", "Secret").api_version() == "v1");
  CHECK(ObjectId{Gvk::from("v1", "Secret"), "ns", "db"}.text() == "Secret/ns/db");
  CHECK(ObjectId{Gvk::from("v1", "Namespace"), "", "ns"}.text() == "Namespace/ns");
}

TEST_CASE("go_trim_space: Unicode's white space goes, from both ends") {
  CHECK(sluice::go_trim_space(" \n a: b\n\t ") == "a: b");
  CHECK(sluice::go_trim_space("\xC2\xA0\xE2\x80\xA8x\xE3\x80\x80 y\xC2\x85") == "x\xE3\x80\x80 y");
  CHECK(sluice::go_trim_space("\xE2\x80\x8B") == "\xE2\x80\x8B");  // not white space
  CHECK(sluice::go_trim_space(" \xA0 ") == "\xA0");                // not UTF-8
  CHECK(sluice::go_trim_space("\xC2\xA0 ").empty());
}

TEST_CASE("go_quote: what strconv.IsPrint refuses is escaped") {
  CHECK(sluice::go_quote("a\xE2\x80\x8B\xC2\xA0\xC3\xBC\xEF\xBB\xBF") ==
        R"("a\u200b\u00a0ü\ufeff")");
  CHECK(sluice::go_quote("\xF3\xA0\x80\x81\xF0\x9F\x98\x80") == "\"\\U000e0001\xF0\x9F\x98\x80\"");
}

TEST_CASE("append_utf8: one to four bytes, at the ends of each length") {
  const auto bytes = [](std::uint32_t code) {
    std::string out;
    StringSink sink(out);
    append_utf8(code, sink);
    return out;
  };
  CHECK(bytes(0) == std::string(1, '\0'));
  CHECK(bytes(0x7f) == "\x7f");
  CHECK(bytes(0x80) == "\xc2\x80");
  CHECK(bytes(0x7ff) == "\xdf\xbf");
  CHECK(bytes(0x800) == "\xe0\xa0\x80");
  CHECK(bytes(0xffff) == "\xef\xbf\xbf");
  CHECK(bytes(0x10000) == "\xf0\x90\x80\x80");
  CHECK(bytes(0x10ffff) == "\xf4\x8f\xbf\xbf");
}
