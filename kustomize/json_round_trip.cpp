#include "kustomize/json_round_trip.hpp"

#include <cmath>
#include <string>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/write.hpp"

namespace sluice::kustomize {
namespace {

using yaml::Kind;

/// Most scalars are already written as Go writes them: their text is not copied then.
void set_plain(yaml::Ref node, Kind kind, std::string_view text) {
  if (node.kind() == kind && node.text() == text) {
    node.set_style(yaml::Style::kPlain);
    node.set_tag(0);
  } else {
    node.set_scalar(kind, text);
  }
}

Result<void> number_to_json(yaml::Ref node, double value) {
  if (std::isnan(value)) return fail(Code::kInvalid, "json: unsupported value: NaN");
  if (std::isinf(value)) {
    return fail(Code::kInvalid,
                std::string("json: unsupported value: ") + (value > 0 ? "+Inf" : "-Inf"));
  }
  set_plain(node, Kind::kFloat, yaml::format_float_json(value));
  return {};
}

Result<void> to_json(yaml::Ref node, yaml::Schema schema, bool is_root, bool in_flow) {
  node.set_tag(0);  // JSON has no comments
  switch (node.kind()) {
    case Kind::kNull:
      set_plain(node, Kind::kNull, "null");
      return {};
    case Kind::kBool: {
      const bool value = yaml::bool_value(node.text(), schema).value_or(false);
      set_plain(node, Kind::kBool, value ? "true" : "false");
      return {};
    }
    case Kind::kInt:
      if (const auto small = yaml::int64_value(node.text())) {
        set_plain(node, Kind::kInt, std::to_string(*small));
        return {};
      }
      if (const auto large = yaml::uint64_value(node.text())) {
        set_plain(node, Kind::kInt, std::to_string(*large));
        return {};
      }
      return number_to_json(node, yaml::float_value(node.text()).value_or(0));
    case Kind::kFloat:
      return number_to_json(node, yaml::float_value(node.text()).value_or(0));
    case Kind::kTimestamp:  // go-yaml v2 leaves dates as they are written
      node.set_string(
          schema == yaml::Schema::kV2
              ? std::string(node.text())
              : yaml::timestamp_rfc3339(node.text()).value_or(std::string(node.text())));
      return {};
    case Kind::kBinary:
      node.set_string(base64_decode(node.text()).value_or(std::string(node.text())));
      return {};
    case Kind::kSequence:
      for (std::size_t i = 0; i < node.size(); ++i) {
        SLUICE_CHECK(
            to_json(node.at(i), schema, false, in_flow || node.style() == yaml::Style::kFlow));
      }
      return {};
    case Kind::kMapping:
      for (std::size_t i = 0; i < node.size(); ++i) {
        const yaml::Ref key = node.key(i);
        key.set_tag(0);
        if (!key.is_string()) {
          if (!is_root || !key.is_scalar()) {
            return fail(Code::kInvalid, "json: unsupported type: map[interface {}]interface {}");
          }
          key.set_string(std::string(key.text()));
        }
        SLUICE_CHECK(
            to_json(node.value(i), schema, false, in_flow || node.style() == yaml::Style::kFlow));
      }
      return {};
    case Kind::kString:
      if (schema == yaml::Schema::kV3 && node.style() == yaml::Style::kFolded && !in_flow) {
        node.set_scalar(Kind::kString, yaml::refolded(node.text()), yaml::Style::kLiteral);
      }
      return {};
    case Kind::kEncrypted:
      return {};
  }
  return {};
}

/// Digits, colons and a sign: YAML 1.1 would read a base-60 number.
bool looks_base60(std::string_view text) {
  return text.find(':') != std::string_view::npos &&
         text.find_first_not_of("+-0123456789_:.") == std::string_view::npos;
}

/// The style go-yaml v3 prints a string in.
yaml::Style printed_style(std::string_view text) {
  if (text.find('\n') != std::string_view::npos) return yaml::Style::kLiteral;
  const bool plain = yaml::resolve_plain(text, yaml::Schema::kV3) == Kind::kString &&
                     yaml::resolve_plain(text, yaml::Schema::kV2) != Kind::kBool &&
                     !looks_base60(text);
  return plain ? yaml::Style::kPlain : yaml::Style::kDoubleQuoted;
}

/// From JSON into Go's interface{} and out as YAML.
void quote_strings(yaml::Ref node) {
  if (node.is_string()) node.set_style(yaml::Style::kDoubleQuoted);
  for (std::size_t i = 0; i < node.size(); ++i) {
    quote_strings(node.is_mapping() ? node.value(i) : node.at(i));
  }
}

}  // namespace

Result<void> to_json(yaml::Ref root, yaml::Schema schema) {
  return to_json(root, schema, /*is_root=*/true, /*in_flow=*/false);
}

Result<void> from_json(yaml::Ref node) {
  switch (node.kind()) {
    case Kind::kInt:
    case Kind::kFloat: {
      const auto value = yaml::float_value(node.text());
      if (!value || std::isinf(*value)) {
        return fail(Code::kInvalid, "json: cannot unmarshal number " + std::string(node.text()) +
                                        " into Go value of type float64");
      }
      const std::string text = yaml::format_float_g(*value);
      set_plain(node, yaml::resolve_plain(text, yaml::Schema::kV3), text);
      return {};
    }
    case Kind::kString:
      node.set_style(printed_style(node.text()));
      return {};
    case Kind::kSequence:
      for (std::size_t i = 0; i < node.size(); ++i)
        SLUICE_CHECK(from_json(node.at(i)));
      return {};
    case Kind::kMapping:
      for (std::size_t i = 0; i < node.size(); ++i)
        SLUICE_CHECK(from_json(node.value(i)));
      return {};
    default:
      return {};
  }
}

Result<void> read_as_json(yaml::Ref root) {
  SLUICE_CHECK(to_json(root, yaml::Schema::kV3));
  quote_strings(root);
  return {};
}

}  // namespace sluice::kustomize
