#include "go_decode.hpp"

#include <algorithm>
#include <charconv>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/yaml/json_kind.hpp"
#include "sluice/yaml/scalar.hpp"

namespace sluice::kustomize {

namespace {

using yaml::Kind;

std::string number_text(yaml::Node node) {
  if (node.kind() == Kind::kInt) {
    if (const auto value = yaml::int64_value(node.text())) return std::to_string(*value);
    if (const auto value = yaml::uint64_value(node.text())) return std::to_string(*value);
  }
  if (const auto value = yaml::float_value(node.text())) return yaml::format_float_json(*value);
  return std::string(node.text());
}

// The text that sigs.k8s.io/yaml gives a string field for a scalar of another type.
std::string as_string(yaml::Node node) {
  switch (node.kind()) {
    case Kind::kBool:
      return yaml::bool_value(node.text(), yaml::Schema::kV2).value_or(false) ? "true" : "false";
    case Kind::kInt:
      return number_text(node);
    case Kind::kFloat:
      if (const auto value = yaml::float_value(node.text())) return yaml::format_float_g(*value);
      return std::string(node.text());
    default:
      return std::string(node.text());
  }
}

}  // namespace

std::string json_key(yaml::Node key) {
  return as_string(key);
}

void GoDecoder::fail(std::string text, yaml::Node node) {
  if (!error_.empty()) return;
  error_ = std::move(text);
  error_node_ = node;
}

void GoDecoder::unknown(std::string_view key, yaml::Node node) {
  if (mode_ == Mode::kLenient) return;
  fail("json: unknown field " + go_quote(key), node);
}

void GoDecoder::mismatch(yaml::Node node, std::string_view type) {
  std::string value(yaml::json_kind(node));
  if (value == "number" && type.starts_with("int")) value += " " + number_text(node);
  std::string text = "json: cannot unmarshal " + value;
  if (path_.empty()) {
    text += " into Go value of type ";
  } else {
    text += " into Go struct field ";
    text += struct_;
    for (const std::string_view part : path_) {
      text += '.';
      text += part;
    }
    text += " of type ";
  }
  text += type;
  fail(std::move(text), node);
}

bool GoDecoder::begin(yaml::Node node, std::string_view want, std::string_view type) {
  if (!node.exists() || node.is_null()) return false;
  if (want == "object" ? node.is_mapping() : node.is_sequence()) return true;
  mismatch(node, type);
  return false;
}

std::vector<GoDecoder::Entry> GoDecoder::sorted(yaml::Node node) {
  std::vector<Entry> entries;
  entries.reserve(node.size());
  for (std::size_t i = 0; i < node.size(); ++i) {
    const yaml::Node key = node.key(i);
    std::string_view text = key.text();
    if (!key.is_string()) {
      text = keys_.emplace_back(json_key(key));
    }
    entries.push_back({text, key, node.value(i)});
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.key < b.key; });
  return entries;
}

bool GoDecoder::same_folded(std::string_view a, std::string_view b) {
  return equals_ignoring_case(a, b);
}

void GoDecoder::string(yaml::Node node, std::string& out, std::string_view type) {
  if (!node.exists() || node.is_null()) return;
  switch (node.kind()) {
    case Kind::kString:
    case Kind::kTimestamp:
    case Kind::kBinary:
      out = node.text();
      return;
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kFloat:
      if (mode_ != Mode::kStrict && embedded_ == 0) {
        out = as_string(node);
        return;
      }
      break;
    default:
      break;
  }
  mismatch(node, type);
}

void GoDecoder::string(yaml::Node node, std::optional<std::string>& out) {
  if (!node.exists() || node.is_null()) return;
  if (!out) out.emplace();
  string(node, *out);
}

void GoDecoder::boolean(yaml::Node node, bool& out) {
  if (!node.exists() || node.is_null()) return;
  if (node.kind() != Kind::kBool) return mismatch(node, "bool");
  out = yaml::bool_value(node.text(), yaml::Schema::kV2).value_or(false);
}

void GoDecoder::integer(yaml::Node node, std::int64_t& out, std::string_view type) {
  if (!node.exists() || node.is_null()) return;
  if (node.kind() == Kind::kInt || node.kind() == Kind::kFloat) {
    const std::string text = number_text(node);
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code == std::errc() && end == text.data() + text.size()) {
      out = value;
      return;
    }
  }
  mismatch(node, type);
}

void GoDecoder::strings(yaml::Node node, std::vector<std::string>& out, std::string_view type) {
  if (!begin(node, "array", type)) return;
  out.clear();
  out.reserve(node.size());
  type.remove_prefix(std::string_view("[]").size());
  for (std::size_t i = 0; i < node.size(); ++i)
    string(node.at(i), out.emplace_back(), type);
}

void GoDecoder::string_map(yaml::Node node, std::map<std::string, std::string, std::less<>>& out) {
  if (!begin(node, "object", "map[string]string")) return;
  for (const Entry& entry : sorted(node)) {
    string(entry.value, out[std::string(entry.key)]);
  }
}

}  // namespace sluice::kustomize
