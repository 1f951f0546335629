#include "sluice/decrypt/value_path.hpp"

#include "numbers.hpp"

namespace sluice::decrypt {

Result<ValuePath> parse_value_path(std::string_view text) {
  const auto broken = [&text](std::string_view part, const std::string& what) {
    return fail(Error(Code::kInvalid,
                      "the component " + std::string(part) + " of the path " + std::string(text) +
                          " " + what,
                      Where{}, "a path looks like [\"key\"][0][\"other key\"]")
                    .reason(std::string(kReasonPath)));
  };
  ValuePath path;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t next = rest.find('[');
    const std::string_view whole = rest.substr(0, next);
    rest.remove_prefix(next == std::string_view::npos ? rest.size() : next + 1);
    if (whole.empty()) continue;
    if (!whole.ends_with(']')) return broken(whole, "does not end with ]");
    const std::string_view part = whole.substr(0, whole.size() - 1);
    if (part.empty()) return broken(whole, "is empty");
    if (part[0] == '"' || part[0] == '\'') {
      // Upstream takes any last character for the closing quote.
      if (part.size() < 2) return broken(whole, "has no closing quote");
      path.emplace_back(std::string(part.substr(1, part.size() - 2)));
      continue;
    }
    const auto index = parse_int(part);
    if (!index) return broken(whole, "is neither a key in quotes nor a number");
    path.emplace_back(*index);
  }
  return path;
}

std::string value_path_text(const ValuePath& path) {
  std::string text;
  for (const PathPart& part : path) {
    if (const auto* const key = std::get_if<std::string>(&part)) {
      text += "[\"" + *key + "\"]";
    } else {
      text += "[" + std::to_string(std::get<std::int64_t>(part)) + "]";
    }
  }
  return text;
}

}  // namespace sluice::decrypt
