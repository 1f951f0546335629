#pragma once
/// Label and field selectors of list and watch.

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/failure.hpp"
#include "sandbox/resource.hpp"

namespace sluice::sandbox {

class LabelSelector {
 public:
  /// "app=web,tier!=db,env in (a,b),!legacy". Failures: 400.
  static Answer<LabelSelector> parse(std::string_view text);
  bool matches(yaml::Node object) const;
  bool empty() const { return terms_.empty(); }

 private:
  enum class Op : std::uint8_t { kIn, kNotIn, kExists, kAbsent, kGreater, kLess };
  struct Term {
    std::string key;
    Op op;
    std::vector<std::string> values;
  };
  std::vector<Term> terms_;
};

class FieldSelector {
 public:
  /// "metadata.name=web,status.phase!=Running". Failures: 400 for a field the type cannot be
  /// selected by.
  static Answer<FieldSelector> parse(std::string_view text, const Resource& resource);
  bool matches(yaml::Node object) const;
  bool empty() const { return terms_.empty(); }

 private:
  struct Term {
    std::vector<std::string> path;
    std::string value;
    bool equal;
  };
  std::vector<Term> terms_;
};

}  // namespace sluice::sandbox
