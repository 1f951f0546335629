// Megabytes per second of the YAML and JSON readers and writers: yaml_bench FILE... (default: the
// recorded resources of fixtures/yaml). Prints counts first, then min/median/max of several runs by
// processor time, which a busy machine disturbs less.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

namespace {

using namespace sluice;
using namespace sluice::yaml;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// Runs `work`, which returns the bytes it read or wrote, for half a second of processor time.
void measure(const char* name, const std::function<std::size_t()>& work) {
  std::vector<double> speeds;
  const double begin = cpu_seconds();
  while (speeds.size() < 5 || cpu_seconds() - begin < 0.5) {
    const double start = cpu_seconds();
    const std::size_t bytes = work();
    speeds.push_back(static_cast<double>(bytes) / 1e6 / (cpu_seconds() - start));
    if (bytes == 0) break;
  }
  std::sort(speeds.begin(), speeds.end());
  std::printf("%-22s %8.1f %8.1f %8.1f MB/s  (%zu runs)\n", name, speeds.front(),
              speeds[speeds.size() / 2], speeds.back(), speeds.size());
}

int run(const std::string& path) {
  const auto text = std::make_shared<const std::string>(read_file(path));
  const auto documents = read_yaml(text, FileId::kNone);
  if (!documents) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(), documents.error().text().c_str());
    return 1;
  }
  std::size_t nodes = 0;
  for (const Document& document : *documents)
    nodes += document.node_count();
  std::printf("%s: %zu bytes, %zu documents, %zu nodes\n", path.c_str(), text->size(),
              documents->size(), nodes);
  std::printf("%-22s %8s %8s %8s\n", "", "min", "median", "max");
  for (const auto& [name, engine] : {std::pair("read_yaml (libyaml)", Engine::kLibyaml),
                                     {"read_yaml (yaml-cpp)", Engine::kYamlCpp}}) {
    ReadOptions options;
    options.engine = engine;
    measure(name, [&] { return read_yaml(text, FileId::kNone, options) ? text->size() : 0; });
  }
  std::string out;
  std::vector<std::string> json;
  measure("write_yaml", [&] {
    out.clear();
    for (const Document& document : *documents) {
      if (!write_yaml(document.root(), out)) return std::size_t{0};
    }
    return out.size();
  });
  measure("write_go_json", [&] {
    out.clear();
    json.clear();
    for (const Document& document : *documents) {
      const std::size_t start = out.size();
      if (!write_go_json(document.root(), out)) return std::size_t{0};
      json.push_back(out.substr(start));
    }
    return out.size();
  });
  measure("read_json", [&] {
    std::size_t bytes = 0;
    for (const std::string& one : json)
      bytes += read_json(one) ? one.size() : 0;
    return bytes;
  });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> paths(argv + 1, argv + argc);
  if (paths.empty()) paths = {"fixtures/yaml/documents/in.yaml", "fixtures/yaml/scalars/in.yaml"};
  int status = 0;
  for (const std::string& path : paths)
    status |= run(path);
  return status;
}
