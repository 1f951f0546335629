#include "sandbox/selectors.hpp"

#include <algorithm>
#include <charconv>

#include "sluice/base/ascii.hpp"

#include "sandbox/builtin_types.hpp"

namespace sluice::sandbox {
namespace {

/// Splits at commas outside parentheses.
std::vector<std::string> terms_of(std::string_view text) {
  std::vector<std::string> out(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && depth == 0)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

struct Selectable {
  const char* resource;
  std::vector<std::string> fields;
};

const std::vector<Selectable>& selectable() {
  static const std::vector<Selectable> all = {
      {"/events",
       {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
        "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
        "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"}},
      {"events.k8s.io/events",
       {"regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid",
        "regarding.apiVersion", "regarding.resourceVersion", "regarding.fieldPath", "reason",
        "reportingController", "type"}},
      {"/namespaces", {"status.phase"}},
      {"/nodes", {"spec.unschedulable"}},
      {"/pods",
       {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"}},
      {"/replicationcontrollers", {"status.replicas"}},
      {"/secrets", {"type"}},
      {"/services", {"spec.clusterIP", "spec.type"}},
      {"apps/replicasets", {"status.replicas"}},
      {"batch/jobs", {"status.successful"}},
  };
  return all;
}

bool may_select(const Resource& resource, const std::string& field) {
  if (field == "metadata.name" || (field == "metadata.namespace" && resource.namespaced))
    return true;
  for (const std::string& path : resource.selectable_fields) {
    if (path == "." + field) return true;
  }
  for (const Selectable& one : selectable()) {
    if (one.resource == resource.storage_key()) {
      return std::find(one.fields.begin(), one.fields.end(), field) != one.fields.end();
    }
  }
  return false;
}

std::optional<long long> whole(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace

Answer<LabelSelector> LabelSelector::parse(std::string_view text) {
  LabelSelector out;
  if (trim(text).empty()) return out;
  for (const std::string& part : terms_of(text)) {
    const std::string_view term = trim(part);
    const auto broken = [&] {
      return bad_request("unable to parse requirement: \"" + std::string(term) + "\"");
    };
    if (term.empty()) return broken();
    const std::size_t open = term.find('(');
    if (open != std::string_view::npos) {
      if (term.back() != ')') return broken();
      const std::string_view head = trim(term.substr(0, open));
      const std::size_t space = head.find(' ');
      if (space == std::string_view::npos) return broken();
      const std::string_view word = trim(head.substr(space));
      if (word != "in" && word != "notin") return broken();
      Term made{std::string(head.substr(0, space)), word == "in" ? Op::kIn : Op::kNotIn, {}};
      for (const std::string& value : split(term.substr(open + 1, term.size() - open - 2), ',')) {
        made.values.emplace_back(trim(value));
      }
      out.terms_.push_back(std::move(made));
      continue;
    }
    const auto binary = [&](std::string_view sign, Op op) {
      const std::size_t at = term.find(sign);
      if (at == std::string_view::npos) return false;
      out.terms_.push_back({std::string(trim(term.substr(0, at))),
                            op,
                            {std::string(trim(term.substr(at + sign.size())))}});
      return true;
    };
    if (binary("!=", Op::kNotIn) || binary("==", Op::kIn) || binary("=", Op::kIn) ||
        binary(">", Op::kGreater) || binary("<", Op::kLess)) {
      if (out.terms_.back().key.empty()) return broken();
      continue;
    }
    const bool absent = term.front() == '!';
    const std::string_view key = trim(absent ? term.substr(1) : term);
    if (key.empty() || key.find(' ') != std::string_view::npos) return broken();
    out.terms_.push_back({std::string(key), absent ? Op::kAbsent : Op::kExists, {}});
  }
  return out;
}

bool LabelSelector::matches(yaml::Node object) const {
  if (terms_.empty()) return true;
  const yaml::Node labels = object.find("metadata", "labels");
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    const yaml::Node label = labels.get(term.key);
    const auto listed = [&] {
      return std::find(term.values.begin(), term.values.end(), label.text()) != term.values.end();
    };
    switch (term.op) {
      case Op::kIn:
        return label.exists() && listed();
      case Op::kNotIn:
        return !label.exists() || !listed();
      case Op::kExists:
        return label.exists();
      case Op::kAbsent:
        return !label.exists();
      case Op::kGreater:
      case Op::kLess: {
        const auto mine = whole(label.text()), wanted = whole(term.values[0]);
        return mine && wanted && (term.op == Op::kGreater ? *mine > *wanted : *mine < *wanted);
      }
    }
    return false;
  });
}

Answer<FieldSelector> FieldSelector::parse(std::string_view text, const Resource& resource) {
  FieldSelector out;
  if (trim(text).empty()) return out;
  for (const std::string& part : split(text, ',')) {
    const std::string_view term = trim(part);
    std::size_t at = term.find("!=");
    const bool equal = at == std::string_view::npos;
    std::size_t width = 2;
    if (equal) {
      at = term.find("==");
      if (at == std::string_view::npos) {
        at = term.find('=');
        width = 1;
      }
    }
    if (at == std::string_view::npos) {
      return bad_request("invalid field selector: \"" + std::string(text) +
                         "\"; can't understand '" + std::string(term) + "'");
    }
    const std::string field(trim(term.substr(0, at)));
    if (!may_select(resource, field)) {
      return bad_request("\"" + field + "\" is not a known field selector: only " +
                         "\"metadata.name\", \"metadata.namespace\"");
    }
    out.terms_.push_back({split(field, '.'), std::string(trim(term.substr(at + width))), equal});
  }
  return out;
}

bool FieldSelector::matches(yaml::Node object) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    yaml::Node at = object;
    for (const std::string& step : term.path)
      at = at.get(step);
    return (at.text() == term.value) == term.equal;
  });
}

}  // namespace sluice::sandbox
