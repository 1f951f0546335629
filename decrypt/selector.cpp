#include "selector.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::pair<std::string_view, Format> kFormats[] = {{"yaml", Format::kYaml},
                                                            {"json", Format::kJson},
                                                            {"dotenv", Format::kDotenv},
                                                            {"ini", Format::kIni},
                                                            {"binary", Format::kBinary}};

constexpr std::string_view kGodotenv = "=godotenv:";

}  // namespace

void append_key(std::string& selector, std::size_t base, std::string_view key) {
  if (selector.size() > base) selector += ':';
  if (key.empty()) selector += "\\e";
  for (const char c : key) {
    if (c == ':' || c == '[' || c == ']' || c == '\\' || c == '=' || c == '#') selector += '\\';
    selector += c;
  }
}

void append_index(std::string& selector, std::size_t index) {
  selector += '[';
  selector += std::to_string(index);
  selector += ']';
}

std::string document_selector(std::size_t number) {
  return number == 0 ? std::string() : "#" + std::to_string(number) + ":";
}

std::string whole_selector(Format input, Format output) {
  if (input == output) return {};
  for (const auto& [name, format] : kFormats) {
    if (format == output) return "=" + std::string(name);
  }
  return {};
}

std::optional<Format> whole_format(std::string_view selector, Format input) {
  if (selector.empty()) return input;
  if (!selector.starts_with('=')) return std::nullopt;
  for (const auto& [name, format] : kFormats) {
    if (selector.substr(1) == name) return format;
  }
  return std::nullopt;
}

std::string godotenv_selector(std::string_view name) {
  return std::string(kGodotenv) + std::string(name);
}

std::optional<std::string_view> godotenv_name(std::string_view selector) {
  if (!selector.starts_with(kGodotenv)) return std::nullopt;
  return selector.substr(kGodotenv.size());
}

}  // namespace sluice::decrypt
