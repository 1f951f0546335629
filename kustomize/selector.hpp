#pragma once
/// Choosing resources: kustomize's regular-expression selectors (api/types/selector.go) and
/// Kubernetes label selectors (apimachinery labels.Parse).

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/object_id.hpp"
#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

#include "kustomize/regex.hpp"

namespace sluice::kustomize {

/// As decoded from a kustomization file: every string may be empty, meaning anything.
struct Selector {
  Gvk gvk;  ///< each a regular expression, as are name and ns
  std::string name;
  std::string ns;
  std::string label_selector;
  std::string annotation_selector;
  /// As kustomize prints it: "Kind.v1.[noGrp]/name.[noNs]:a=…:l=…".
  std::string text() const;
  friend bool operator==(const Selector&, const Selector&) = default;
};

/// `app=web,tier in (a, b),!canary` compiled.
class LabelSelector {
 public:
  /// Errors: kInvalid, worded as apimachinery's ("unable to parse requirement: …").
  static Result<LabelSelector> parse(std::string_view text);
  /// `labels` is a mapping of strings, or missing.
  bool matches(yaml::Node labels) const;
  bool empty() const { return requirements_.empty(); }

 private:
  enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kMissing, kGreater, kLess };
  struct Requirement {
    std::string key;
    Operator op;
    std::vector<std::string> values;
  };
  friend class LabelParser;
  std::vector<Requirement> requirements_;
};

/// A Selector compiled: expressions are anchored `^(?:…)$`.
class CompiledSelector {
 public:
  /// Errors: those of Regex::compile. Label selectors are compiled here too, but their errors are
  /// returned by matches_labels(), since kustomize sees them only when a resource gets that far.
  static Result<CompiledSelector> compile(const Selector& selector);
  bool matches_gvk(const Gvk& gvk) const;
  bool matches_name(std::string_view name) const;
  bool matches_namespace(std::string_view ns) const;
  /// Labels and annotations of the resource `root`.
  Result<bool> matches_labels(yaml::Node root) const;
  /// True when no part but labels and annotations is given.
  bool has_no_id() const { return has_no_id_; }
  /// The only name (kind) that can match, when its expression is plain text; else "".
  std::string_view only_name() const { return name_.literal ? name_.text : std::string_view(); }
  std::string_view only_kind() const { return kind_.literal ? kind_.text : std::string_view(); }

 private:
  struct Part {
    bool given = false;
    bool literal = false;  // no expression characters: compared as text
    std::string text;
    Regex regex;
    bool matches(std::string_view value) const;
  };
  static Result<Part> part(const std::string& pattern);
  Part group_, version_, kind_, name_, namespace_;
  Result<LabelSelector> labels_ = LabelSelector();
  Result<LabelSelector> annotations_ = LabelSelector();
  bool has_no_id_ = true;
};

}  // namespace sluice::kustomize
