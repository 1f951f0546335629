// fixtures/yaml/scalars: what kustomize prints for thousands of spellings of scalars, as values,
// keys and annotations, quoted, plain and in blocks (tests/differential/scalars.py records it).
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "support/files.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::yaml;
using test::read_file;

namespace {

std::string printed(const std::vector<Document>& documents) {
  std::string out;
  for (const Document& document : documents) {
    if (!out.empty()) out += "---\n";
    const auto result = write_yaml(document.root(), out);
    if (!result) return "error: " + result.error().text();
  }
  return out;
}

/// The first line that differs, for a failure that can be read.
std::string difference(const std::string& got, const std::string& want) {
  std::size_t at = 0;
  while (at < got.size() && at < want.size() && got[at] == want[at])
    ++at;
  if (at == got.size() && at == want.size()) return "";
  const std::size_t begin = want.rfind('\n', at == 0 ? 0 : at - 1);
  const std::size_t from = begin == std::string::npos ? 0 : begin + 1;
  return "at byte " + std::to_string(at) + "\n got: " + got.substr(from, 200) +
         "\nwant: " + want.substr(from, 200);
}

const std::string kFolder = SLUICE_SOURCE_DIR "/fixtures/yaml/scalars/";

/// documents.py can record elsewhere, to look further than the fixture does.
std::string documents_folder() {
  const char* const folder = std::getenv("SLUICE_YAML_DOCUMENTS");
  return folder == nullptr ? SLUICE_SOURCE_DIR "/fixtures/yaml/documents/"
                           : folder + std::string("/");
}

}  // namespace

TEST_CASE("nested resources print byte for byte as kustomize prints them") {
  // Anchors end with their document there: kustomize reads each on its own.
  const std::string in = read_file(documents_folder() + "in.yaml");
  const std::string want = read_file(documents_folder() + "want.yaml");
  REQUIRE_FALSE(in.empty());
  const auto documents = read_yaml(in, FileId::kNone);
  REQUIRE_OK(documents);
  const std::string got = printed(*documents);
  CHECK(difference(got, want) == "");
  const auto again = read_yaml(got, FileId::kNone);
  REQUIRE_OK(again);
}

TEST_CASE("scalars print byte for byte as kustomize prints them") {
  const std::string in = read_file(kFolder + "in.yaml");
  REQUIRE_FALSE(in.empty());
  const auto documents = read_yaml(in, FileId::kNone);
  REQUIRE_OK(documents);
  CHECK(difference(printed(*documents), read_file(kFolder + "want.yaml")) == "");
}

TEST_CASE("scalars survive being printed and read again by the go-yaml that printed them") {
  const std::string want = read_file(kFolder + "want.yaml");
  REQUIRE_FALSE(want.empty());
  ReadOptions v2;
  v2.schema = Schema::kV2;
  const auto documents = read_yaml(want, FileId::kNone, v2);
  REQUIRE_OK(documents);
  CHECK(difference(printed(*documents), want) == "");
}
