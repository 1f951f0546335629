#pragma once
/// What must hold for any text, asked by the fuzz targets and, over their corpus, by an ordinary
/// test. Each function returns what is wrong, or "".

#include <algorithm>
#include <string>
#include <string_view>

#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "yaml/block_reader.hpp"
#include "yaml/compose.hpp"
#include "yaml/engines.hpp"

namespace sluice::yaml {

inline Limits fuzz_limits() {
  Limits limits;
  limits.max_bytes = 64U << 10;
  limits.max_depth = 60;
  limits.max_alias_nodes = 2000;
  return limits;
}

/// Printed once, a document reads as itself: through go-yaml v2, which is what printed it, and
/// through JSON.
inline std::string check_printing(const Document& document) {
  std::string yaml;
  if (!write_yaml(document.root(), yaml)) return "";  // refused: .inf, keys that are no strings
  ReadOptions v2;
  v2.schema = Schema::kV2;
  v2.limits = fuzz_limits();
  v2.limits.max_bytes *= 64;
  v2.limits.max_depth *= 2;
  if (yaml.find("<<") == std::string::npos) {  // is printed plain even where it is no merge
    const auto again = read_yaml(yaml, FileId::kNone, v2);
    if (!again) return "cannot read what was printed: " + again.error().text() + "\n" + yaml;
    std::string twice;
    if (again->size() == 1) {
      if (const auto written = write_yaml((*again)[0].root(), twice); !written) {
        return "cannot print what was printed: " + written.error().text() + "\n" + yaml;
      }
    } else {
      twice = "null\n";
    }
    if (twice != yaml) return "printed twice, it differs:\n" + yaml + "---\n" + twice;
  }
  std::string json;
  if (!write_go_json(document.root(), json)) return "";  // numbers as keys of the top level
  const auto read = read_json(json);
  if (!read) return "cannot read the JSON that was printed: " + read.error().text() + "\n" + json;
  std::string through_json;
  if (!write_yaml(read->root(), through_json) || through_json != yaml) {
    return "through JSON it differs:\n" + yaml + "---\n" + through_json;
  }
  return "";
}

/// Where the engines are known to differ; see tests/yaml/engines_test.cpp.
inline bool engines_may_differ(std::string_view text) {
  const auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
  // Line ends other than '\n', tabs as separation, tags, anchors' alphabets, explicit keys and '?'
  // in flow, directives, document markers, and everything outside ASCII (NEL, BOM, bytes in marks).
  if (std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x7F || (byte < 0x20 && c != '\n') || c == '?' || c == '%' || c == '!' ||
               c == '&' || c == '*';
      })) {
    return true;
  }
  // Lines of spaces in and after block scalars.
  const bool has_block = has("|") || has(">");
  if (has_block && (has(" \n") || text.ends_with(' '))) return true;
  return has("---") || has("...") || has("<<");
}

/// What is wrong in one of two nodes that must be the same to the last position and style.
inline std::string first_mismatch(Node a, Node b) {
  const auto place = [&] {
    return " at line " + std::to_string(b.position().line()) + ", column " +
           std::to_string(b.position().column());
  };
  if (a.kind() != b.kind() || a.size() != b.size()) return "kind or size differs" + place();
  if (a.style() != b.style()) return "style differs" + place();
  if (a.text() != b.text()) return "text differs" + place();
  if (a.position() != b.position() || a.file() != b.file()) {
    return "position differs: line " + std::to_string(a.position().line()) + ", column " +
           std::to_string(a.position().column()) + " against" + place();
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::string wrong;
    if (a.is_mapping()) {
      wrong = first_mismatch(a.key(i), b.key(i));
      if (wrong.empty()) wrong = first_mismatch(a.value(i), b.value(i));
    } else {
      wrong = first_mismatch(a.at(i), b.at(i));
    }
    if (!wrong.empty()) return wrong;
  }
  return "";
}

/// What the block reader reads is what libyaml and the composer make of the same text.
inline std::string check_blocks(std::string_view text, const ReadOptions& options) {
  const auto shared = std::make_shared<const std::string>(text);
  const auto fast = read_blocks(shared, FileId::kNone, options);
  if (!fast) return "";
  const auto events = open_libyaml(*shared, options.schema);
  const auto slow = compose(*events, shared, FileId::kNone, options);
  if (!slow) return "block reader: accepts what libyaml refuses: " + slow.error().text();
  if (fast->size() != slow->size()) {
    return "block reader: " + std::to_string(fast->size()) + " documents against " +
           std::to_string(slow->size());
  }
  for (std::size_t i = 0; i < fast->size(); ++i) {
    if ((*fast)[i].node_count() != (*slow)[i].node_count()) return "block reader: node count";
    const std::string wrong = first_mismatch((*fast)[i].root(), (*slow)[i].root());
    if (!wrong.empty()) return "block reader: " + wrong;
  }
  return "";
}

/// Reading never crashes; what both engines read is the same; what is read prints well.
inline std::string check_reading(std::string_view text) {
  ReadOptions options;
  options.limits = fuzz_limits();
  const auto documents = read_yaml(text, FileId::kNone, options);
  ReadOptions v2 = options;
  v2.schema = Schema::kV2;
  if (std::string wrong = check_blocks(text, options); !wrong.empty()) return wrong;
  if (std::string wrong = check_blocks(text, v2); !wrong.empty()) return wrong;
  v2.unique_keys = false;
  const auto lax = read_yaml(text, FileId::kNone, v2);
  options.engine = Engine::kYamlCpp;
  const auto second = read_yaml(text, FileId::kNone, options);
  if (documents) {
    for (const Document& document : *documents) {
      if (std::string wrong = check_printing(document); !wrong.empty()) return wrong;
    }
    if (second && !engines_may_differ(text)) {
      options.engine = Engine::kBoth;
      if (const auto both = read_yaml(text, FileId::kNone, options); !both) {
        return "the engines differ: " + both.error().text();
      }
    }
  }
  return "";
}

inline std::string check_json(std::string_view text) {
  const auto document = read_json(text, FileId::kNone, fuzz_limits());
  if (!document) return "";
  std::string once;
  if (!write_go_json(document->root(), once)) return "";  // a number past the range of a double
  const auto again = read_json(once);
  if (!again) return "cannot read the JSON that was printed: " + again.error().text();
  std::string twice;
  // "-0.0" prints as "-0", which is then an integer: 0, as in Go.
  if (once.find("-0") == std::string::npos &&
      (!write_go_json(again->root(), twice) || once != twice)) {
    return "printed twice, it differs:\n" + once + "\n" + twice;
  }
  return check_printing(*document);
}

}  // namespace sluice::yaml
