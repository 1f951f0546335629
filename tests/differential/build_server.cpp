// Serves `sluice build` over a pipe, the counterpart of kustomize_server: a request is one line,
// the arguments with tabs between them, the directory last; an answer is three little-endian 32-bit
// lengths and then standard output, warnings and "Error: ..." (empty: exit status 0).

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/kustomize/build.hpp"
#include "sluice/sources/dir_tree.hpp"

namespace {

using namespace sluice;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  for (std::size_t end; (end = line.find('\t', begin)) != std::string::npos; begin = end + 1) {
    words.push_back(line.substr(begin, end - begin));
  }
  words.push_back(line.substr(begin));
  return words;
}

Result<std::string> build(const std::vector<std::string>& words, std::string& warnings) {
  kustomize::BuildOptions options;
  options.threads = 1;
  options.on_warning = [&warnings](std::string_view line) { warnings.append(line).append("\n"); };
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--load-restrictor=LoadRestrictionsNone") {
      options.load_restrictor = kustomize::LoadRestrictor::kNone;
    } else if (words[i] == "--enable-managedby-label") {
      options.add_managed_by_label = true;
    } else if (words[i] == "--reorder=legacy" || words[i] == "--reorder=none") {
      options.reorder =
          words[i].ends_with("none") ? kustomize::Reorder::kNone : kustomize::Reorder::kLegacy;
    } else if (words[i] != "reset") {
      return fail(Code::kInvalid, "build_server: unknown flag " + words[i]);
    }
  }
  SLUICE_TRY(const TreePath path, TreePath::parse(words.back()));
  const auto tree = sources::make_dir_tree("/");
  SLUICE_TRY(const auto result, kustomize::build(*tree, path, options));
  return result.resources.to_yaml();
}

void put_length(const std::string& text) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    std::cout.put(static_cast<char>(static_cast<std::uint32_t>(text.size()) >> shift));
  }
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    std::string warnings;
    const auto built = build(split(line), warnings);
    const std::string out = built ? *built : "";
    const std::string failure = built ? "" : "Error: " + std::string(built.error().message());
    put_length(out), put_length(warnings), put_length(failure);
    std::cout << out << warnings << failure << std::flush;
    if (!std::cout) return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
