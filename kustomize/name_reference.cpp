#include "name_reference.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sluice/yaml/write.hpp"

#include "build_annotations.hpp"
#include "field_spec.hpp"
#include "gvk.hpp"

namespace sluice::kustomize {

namespace {

// Resources by a name that they had before. Only renamed resources can be referred to by an old
// name, so nothing else is in here.
class Candidates {
 public:
  explicit Candidates(const ResMap& resources) {
    for (const auto& item : resources.items()) {
      BuildResource& resource = *item;
      std::string_view last;
      for (const PreviousId& old : resource.previous) {
        if (&old != &resource.previous.front() && old.name == last) continue;
        last = old.name;
        add(old.name, resource);
      }
      if (!resource.cluster_scoped && !resource.original_ns().starts_with('_')) {
        original_spaces_[resource.original_ns()].insert(resource.id.ns);
      }
    }
  }

  struct Group {
    std::vector<BuildResource*> all;
    std::vector<BuildResource*> anywhere;  // cluster-scoped
    std::unordered_map<std::string_view, std::vector<BuildResource*>> by_ns;
  };
  const Group* find(std::string_view name) const {
    const auto found = groups_.find(name);
    return found == groups_.end() ? nullptr : &found->second;
  }
  /// Current namespaces, as written, of the resources that were in `ns` at first.
  const std::unordered_set<std::string_view>* current_of(std::string_view ns) const {
    const auto found = original_spaces_.find(ns);
    return found == original_spaces_.end() ? nullptr : &found->second;
  }

 private:
  void add(std::string_view name, BuildResource& resource) {
    Group& group = groups_[name];
    if (!group.all.empty() && group.all.back() == &resource) return;
    group.all.push_back(&resource);
    if (resource.cluster_scoped) {
      group.anywhere.push_back(&resource);
    } else {
      group.by_ns[resource.ns()].push_back(&resource);
    }
  }

  std::unordered_map<std::string_view, Group> groups_;
  std::unordered_map<std::string_view, std::unordered_set<std::string_view>> original_spaces_;
};

// utils.SameEndingSubSlice.
bool same_ending(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const auto& shorter = a.size() <= b.size() ? a : b;
  const auto& longer = a.size() <= b.size() ? b : a;
  if (shorter.empty()) return longer.empty();
  return std::equal(shorter.rbegin(), shorter.rend(), longer.rbegin());
}

bool same_affixes(const BuildResource& a, const BuildResource& b, bool allow_empty) {
  const auto same = [&](const std::vector<std::string>& x, const std::vector<std::string>& y) {
    return (allow_empty && (x.empty() || y.empty())) || same_ending(x, y);
  };
  return same(a.prefixes, b.prefixes) && same(a.suffixes, b.suffixes);
}

bool was_of_kind(const BuildResource& resource, const Gvk& target) {
  return std::any_of(
      resource.previous.begin(), resource.previous.end(), [&](const PreviousId& old) {
        return is_selected({resource.id.gvk.group, resource.id.gvk.version, old.kind}, target);
      });
}

// One field that may hold a name: a path and the kind of what it names.
struct Reference {
  const FieldSpec* spec;
  const Gvk* target;
  std::vector<std::string> path;
  bool is_role_ref;
  std::size_t order;  // in which kustomize tries them
};

// The paths of all references of one kind of referrer, as a tree.
struct PathNode {
  std::string name;
  std::vector<const Reference*> ends;      // references whose field this is
  const Reference* first_below = nullptr;  // for messages
  std::size_t depth = 0;
  std::vector<std::unique_ptr<PathNode>> children;

  PathNode* child(std::string_view key) const {
    for (const auto& child : children) {
      if (child->name == key) return child.get();
    }
    return nullptr;
  }
};

std::string as_text(const BuildResource& resource) {
  std::string out;
  const yaml::Document shown = with_build_annotations(resource);
  if (!yaml::write_yaml(shown.root(), out)) return {};
  return out;
}

class Fixer {
 public:
  Fixer(ResMap& resources, std::span<const NameReference> references)
      : resources_(resources), candidates_(resources) {
    for (const NameReference& reference : references) {
      for (const FieldSpec& spec : reference.referrers) {
        Reference& compiled = references_.emplace_back();
        compiled = {&spec, &reference.target, split_path(spec.path, '/'),
                    spec.path.ends_with("roleRef/name"), references_.size()};
        for (std::string& part : compiled.path) {
          if (part.ends_with("[]")) part.resize(part.size() - 2);
        }
      }
    }
  }

  Result<void> run() {
    for (const auto& item : resources_.items())
      SLUICE_CHECK(fix(*item));
    return {};
  }

 private:
  Result<void> fix(BuildResource& referrer) {
    const PathNode& paths = paths_for(referrer.original_gvk());
    if (paths.children.empty()) return {};
    SLUICE_CHECK(check_api_version(referrer));
    referrer_ = &referrer;
    binding_spaces_.clear();
    sequences_.clear();
    if (referrer.id.gvk.kind == "RoleBinding") SLUICE_CHECK(find_binding_spaces());
    visit(referrer.root(), paths);
    return failure_ ? fail(*std::move(failure_)) : Result<void>();
  }

  // kustomize compares the text with what it puts together from group and version: a group
  // without text is lost.
  static Result<void> check_api_version(const BuildResource& referrer) {
    const std::string_view written = field(std::as_const(referrer).root(), "apiVersion").text();
    if (!written.starts_with('/')) return {};
    return fail(Code::kInvalid, "node-referrerOriginal 'APIVersion' mismatch '" +
                                    std::string(written) + "' != '" +
                                    referrer.id.gvk.api_version() + "'");
  }

  const PathNode& paths_for(const Gvk& gvk) {
    auto& paths = paths_[gvk];
    if (paths) return *paths;
    paths = std::make_unique<PathNode>();
    for (const Reference& reference : references_) {
      if (!is_selected(gvk, reference.spec->gvk)) continue;
      PathNode* node = paths.get();
      for (const std::string& part : reference.path) {
        PathNode* next = node->child(part);
        if (next == nullptr) {
          node->children.push_back(std::make_unique<PathNode>());
          next = node->children.back().get();
          next->name = part;
          next->depth = node->depth + 1;
          next->first_below = &reference;
        }
        node = next;
      }
      node->ends.push_back(&reference);
    }
    return *paths;
  }

  // RoleBindings may refer to ServiceAccounts in other namespaces: those that they name.
  Result<void> find_binding_spaces() {
    const yaml::Node subjects = std::as_const(*referrer_).root().get("subjects");
    for (std::size_t i = 0; subjects.is_sequence() && i < subjects.size(); ++i) {
      const yaml::Node ns = subjects.at(i).get("namespace");
      if (!ns.exists() || subjects.at(i).get("kind").text() != "ServiceAccount") continue;
      if (!ns.is_string()) {
        return fail(Code::kInvalid, "Invalid Input: namespace is blank for resource \"" +
                                        id_text(referrer_->id) + "\"\n");
      }
      binding_spaces_.insert(ns.text());
    }
    return {};
  }

  // fieldspec.Filter, for all paths at once.
  void visit(yaml::Ref node, const PathNode& paths) {
    for (const Reference* reference : paths.ends) {
      if (is_too_late(*reference)) break;
      if (auto done = set(node, *reference); !done) note(std::move(done).error(), *reference);
    }
    if (!paths.children.empty()) descend(node, paths);
  }

  // An item of a sequence stands for the sequence, but the field itself was handled there.
  void descend(yaml::Ref node, const PathNode& paths) {
    if (is_tagged_null(node)) return;
    if (node.is_mapping()) {
      for (const auto& child : paths.children) {
        const yaml::Ref value = field(node, child->name);
        if (value.exists() && !is_tagged_null(value)) visit(value, *child);
      }
    } else if (node.is_sequence()) {
      sequences_.push_back(paths.depth);
      for (std::size_t i = 0; i < node.size(); ++i)
        descend(node.at(i), paths);
      sequences_.pop_back();
    } else {
      const Reference& reference = *paths.children.front()->first_below;
      if (is_too_late(reference)) return;
      note(Error(Code::kInvalid, "expected sequence or mapping node"), reference);
    }
  }

  // kustomize walks one path after the other and stops at the first error.
  bool is_too_late(const Reference& reference) const {
    return failure_ && failed_at_ <= reference.order;
  }
  void note(Error error, const Reference& reference) {
    failure_ = in_context(std::move(error), reference);
    failed_at_ = reference.order;
  }

  Error in_context(Error error, const Reference& reference) const {
    std::string prefix = "updating name reference in '" + reference.spec->path + "' field of '" +
                         id_text(referrer_->id) + "': considering field '" + reference.spec->path +
                         "' of object " + id_text(referrer_->id) + ": ";
    for (const std::size_t depth : sequences_) {
      prefix += "visit traversal on path: [";
      for (std::size_t i = depth; i < reference.path.size(); ++i) {
        prefix += (i == depth ? "" : " ") + reference.path[i];
      }
      prefix += "]: ";
    }
    return std::move(error).prefix(prefix);
  }

  // nameref.Filter.set
  Result<void> set(yaml::Ref node, const Reference& reference) {
    if (node.is_null()) return {};
    if (node.is_sequence()) {
      for (std::size_t i = 0; i < node.size(); ++i) {
        const yaml::Ref item = node.at(i);
        if (item.is_null()) continue;
        if (item.is_sequence()) {
          return fail(Code::kInvalid,
                      "a list is expected to be either a string or a map of string");
        }
        SLUICE_CHECK(item.is_mapping() ? set_mapping(item, reference)
                                       : set_scalar(item, reference));
      }
      return {};
    }
    return node.is_mapping() ? set_mapping(node, reference) : set_scalar(node, reference);
  }

  Result<void> set_scalar(yaml::Ref node, const Reference& reference) {
    if (node.is_encrypted()) return {};
    const Candidates::Group* group = candidates_.find(node.text());
    if (group == nullptr) return {};
    SLUICE_TRY(const BuildResource* referral,
               select(reachable(*group), reference, /*with_namespace=*/false));
    if (referral == nullptr || referral->id.name == node.text()) return {};
    return set_scalar_text(node, referral->id.name);
  }

  Result<void> set_mapping(yaml::Ref node, const Reference& reference) {
    const yaml::Ref name = field(node, "name");
    if (!name.exists()) return fail(Code::kInvalid, "path config error; no 'name' field in node");
    if (name.is_encrypted()) return {};
    const std::string old_name(name.text());
    const Candidates::Group* group = candidates_.find(old_name);
    if (group == nullptr) return {};
    std::vector<BuildResource*> found = reachable(*group);
    if (const yaml::Node ns = field(yaml::Node(node), "namespace"); ns.exists()) {
      keep_of_namespace(found, ns.text());
    }
    SLUICE_TRY(const BuildResource* referral,
               select(std::move(found), reference, /*with_namespace=*/true));
    if (referral == nullptr || (referral->id.name == old_name && referral->id.ns.empty())) {
      return {};
    }
    SLUICE_CHECK(set_scalar_text(name, referral->id.name));
    if (referral->id.ns.empty()) return {};
    const yaml::Ref ns = field(node, "namespace");
    if (ns.exists()) return set_scalar_text(ns, referral->id.ns);
    return set_scalar_text(node.put_string("namespace", referral->id.ns), referral->id.ns);
  }

  // resWrangler.SubsetThatCouldBeReferencedByResource, of those with the name.
  std::vector<BuildResource*> reachable(const Candidates::Group& group) const {
    if (referrer_->cluster_scoped) return group.all;
    std::vector<BuildResource*> found = group.anywhere;
    const auto in = [&](std::string_view ns) {
      const auto in_ns = group.by_ns.find(effective_namespace(ns, false));
      return in_ns == group.by_ns.end() ? std::span<BuildResource* const>()
                                        : std::span<BuildResource* const>(in_ns->second);
    };
    const auto same = in(referrer_->ns());
    found.insert(found.end(), same.begin(), same.end());
    for (const std::string_view ns : binding_spaces_) {
      if (effective_namespace(ns, false) == referrer_->ns()) continue;
      // Here "default" does not name what has no namespace.
      for (BuildResource* resource : in(ns)) {
        if (resource->id.ns == ns) found.push_back(resource);
      }
    }
    std::sort(found.begin(), found.end(), [&](const BuildResource* a, const BuildResource* b) {
      return resources_.index_of(*a) < resources_.index_of(*b);
    });
    return found;
  }

  bool can_reach(std::string_view ns) const {
    return referrer_->cluster_scoped || effective_namespace(ns, false) == referrer_->ns() ||
           binding_spaces_.contains(ns);
  }

  // The namespace in a reference is the original one of its target if anything was ever there,
  // else the current one.
  void keep_of_namespace(std::vector<BuildResource*>& found, std::string_view ns) const {
    const auto* current = candidates_.current_of(ns);
    const bool was_there =
        current != nullptr && std::any_of(current->begin(), current->end(),
                                          [&](std::string_view now) { return can_reach(now); });
    std::erase_if(found, [&](const BuildResource* resource) {
      if (was_there) return resource->original_ns() != ns;
      return resource->cluster_scoped || resource->ns() != ns;
    });
  }

  // nameref.Filter.selectReferral; null when there is nothing to do.
  Result<const BuildResource*> select(std::vector<BuildResource*> found, const Reference& reference,
                                      bool with_namespace) const {
    std::erase_if(found,
                  [&](const BuildResource* r) { return !was_of_kind(*r, *reference.target); });
    if (reference.is_role_ref) keep_of_role(found);
    if (!referrer_->cluster_scoped) {
      std::erase_if(found, [&](const BuildResource* r) {
        return !r->cluster_scoped && r->id.gvk.kind != "ServiceAccount" &&
               r->ns() != referrer_->ns();
      });
    }
    if (found.size() == 1) return found.front();
    for (const bool allow_empty : {true, false}) {
      if (!allow_empty && found.size() <= 1) break;
      std::erase_if(found, [&](const BuildResource* r) {
        return !same_affixes(*r, *referrer_, allow_empty);
      });
    }
    if (found.empty()) return nullptr;
    const bool identical = std::all_of(found.begin(), found.end(), [&](const BuildResource* r) {
      return r->id.name == found.front()->id.name &&
             (!with_namespace || r->id.ns == found.front()->id.ns);
    });
    if (found.size() == 1 || identical) return found.front();
    return fail(too_many(found));
  }

  void keep_of_role(std::vector<BuildResource*>& found) const {
    const yaml::Node role = std::as_const(*referrer_).root().get("roleRef");
    const yaml::Node group = role.get("apiGroup");
    const yaml::Node kind = role.get("kind");
    if (!group.exists() || group.is_null() || !kind.exists() || kind.is_null()) return;
    const Gvk gvk{std::string(group.text()), "", std::string(kind.text())};
    std::erase_if(found, [&](const BuildResource* r) { return !was_of_kind(*r, gvk); });
  }

  Error too_many(const std::vector<BuildResource*>& found) const {
    std::string text = "found multiple possible referrals: ";
    for (const BuildResource* r : found) {
      text += (r == found.front() ? "" : ", ") + id_text(r->id);
    }
    text +=
        "\n\n**** Too many possible referral targets to referrer:\n" + as_text(*referrer_) + "\n";
    for (std::size_t i = 0; i < found.size(); ++i) {
      text += "--- possible referral " + std::to_string(i) + ":\n" + as_text(*found[i]) + "\n";
    }
    return Error(Code::kInvalid, std::move(text));
  }

  ResMap& resources_;
  Candidates candidates_;
  std::deque<Reference> references_;
  std::unordered_map<Gvk, std::unique_ptr<PathNode>> paths_;
  BuildResource* referrer_ = nullptr;
  std::unordered_set<std::string_view> binding_spaces_;
  std::vector<std::size_t> sequences_;  // entered on the way, as the depth of their paths
  std::optional<Error> failure_;        // of the referrer
  std::size_t failed_at_ = 0;           // Reference::order
};

}  // namespace

Result<void> fix_name_references(ResMap& resources, std::span<const NameReference> references) {
  return Fixer(resources, references).run();
}

}  // namespace sluice::kustomize
