#include "walk.hpp"

#include <re2/re2.h>

#include "selector.hpp"

namespace sluice::decrypt {

struct Selection::Regex {
  explicit Regex(const std::string& pattern, const RE2::Options& options)
      : expression(pattern, options) {}
  RE2 expression;
};

Selection::Selection(Rule rule) : rule_(std::move(rule)) {}
Selection::Selection(Selection&&) noexcept = default;
Selection::~Selection() = default;

Result<Selection> Selection::make(const Rule& rule) {
  Selection selection(rule);
  if (rule.kind == Rule::Kind::kUnencryptedSuffix || rule.kind == Rule::Kind::kEncryptedSuffix) {
    return selection;
  }
  RE2::Options options;
  options.set_log_errors(false);
  selection.regex_ = std::make_unique<Regex>(rule.pattern, options);
  if (!selection.regex_->expression.ok()) {
    return fail(Code::kInvalid, "sops metadata: " + rule.name() + " \"" + rule.pattern +
                                    "\": " + selection.regex_->expression.error());
  }
  return selection;
}

bool Selection::matches_key(std::string_view key) const {
  if (rule_.by_comments()) return false;
  if (regex_ == nullptr) return key.ends_with(rule_.pattern);
  return RE2::PartialMatch({key.data(), key.size()}, regex_->expression);
}

bool Selection::matches_comment(std::string_view comment) const {
  return rule_.by_comments() &&
         RE2::PartialMatch({comment.data(), comment.size()}, regex_->expression);
}

namespace {

// The comments since the last value, of one level: whether the rule matches one of them.
struct ActiveComments {
  bool any_before_last = false;
  bool last = false;
  void add(bool matches) {
    any_before_last = any_before_last || last;
    last = matches;
  }
  bool any() const { return any_before_last || last; }
};

class Walker {
 public:
  Walker(const Selection& selection, const std::function<Result<void>(const Visit&)>& visit)
      : selection_(selection), visit_(visit) {}

  Result<void> document(Item& root, std::size_t number) {
    selector_ = document_selector(number);
    base_ = selector_.size();
    return mapping(root, /*key_matches=*/false, /*outer_comments=*/false);
  }

 private:
  bool is_selected(bool key_matches, bool outer_comments, const ActiveComments& comments,
                   bool is_comment) const {
    switch (selection_.rule().kind) {
      case Rule::Kind::kUnencryptedSuffix:
      case Rule::Kind::kUnencryptedRegex:
        return !key_matches;
      case Rule::Kind::kEncryptedSuffix:
      case Rule::Kind::kEncryptedRegex:
        return key_matches;
      case Rule::Kind::kUnencryptedCommentRegex:
        return !outer_comments && !comments.any();
      case Rule::Kind::kEncryptedCommentRegex:
        // The comment that asks for encryption stays readable itself.
        return outer_comments || (is_comment ? comments.any_before_last : comments.any());
    }
    return false;
  }

  Result<void> leaf(Item& item, bool key_matches, bool outer_comments,
                    const ActiveComments& comments, bool in_sequence) {
    if (item.kind == ItemKind::kNull) return {};
    if (item.kind == ItemKind::kUnsigned) {
      return fail(Code::kInvalid, "an integer past 64 bits, signed, which SOPS cannot handle",
                  Where{"", item.line, item.column});
    }
    const bool selected = is_selected(key_matches, outer_comments, comments, item.is_comment());
    // Keys joined by ":", then ":"; so it is ":" at the top, where only comments are.
    const std::string_view path = path_.empty() ? std::string_view(":") : std::string_view(path_);
    const Visit visit{item, path, item.is_comment() ? std::string_view() : selector_, selected,
                      in_sequence};
    return visit_(visit);
  }

  Result<void> value(Item& item, bool key_matches, bool outer_comments,
                     const ActiveComments& comments, bool in_sequence) {
    if (item.kind == ItemKind::kMapping) {
      return mapping(item, key_matches, outer_comments || comments.any());
    }
    if (item.kind == ItemKind::kSequence) {
      return sequence(item, key_matches, outer_comments || comments.any());
    }
    return leaf(item, key_matches, outer_comments, comments, in_sequence);
  }

  Result<void> mapping(Item& item, bool key_matches, bool outer_comments) {
    ActiveComments comments;
    const std::size_t path_size = path_.size();
    const std::size_t selector_size = selector_.size();
    for (Item& child : item.items) {
      if (child.is_comment()) {
        comments.add(selection_.matches_comment(child.bytes()));
        SLUICE_CHECK(leaf(child, key_matches, outer_comments, comments, false));
        continue;
      }
      if (!child.key_is_string) {
        return fail(Code::kInvalid,
                    "the key \"" + child.key + "\" is not a string; SOPS supports only strings",
                    Where{"", child.line, child.column}, "put it in quotes");
      }
      // Suffixes and expressions are tested against every key on the way down.
      const bool matches = key_matches || selection_.matches_key(child.key);
      path_ += child.key;
      path_ += ':';
      append_key(selector_, base_, child.key);
      SLUICE_CHECK(value(child, matches, outer_comments, comments, false));
      path_.resize(path_size);
      selector_.resize(selector_size);
      comments = {};
    }
    return {};
  }

  Result<void> sequence(Item& item, bool key_matches, bool outer_comments) {
    ActiveComments comments;
    const std::size_t selector_size = selector_.size();
    std::size_t index = 0;
    for (Item& child : item.items) {
      if (child.is_comment()) {
        comments.add(selection_.matches_comment(child.bytes()));
        SLUICE_CHECK(leaf(child, key_matches, outer_comments, comments, true));
        continue;
      }
      append_index(selector_, index++);
      SLUICE_CHECK(value(child, key_matches, outer_comments, comments, true));
      selector_.resize(selector_size);
      comments = {};
    }
    return {};
  }

  const Selection& selection_;
  const std::function<Result<void>(const Visit&)>& visit_;
  std::string path_;
  std::string selector_;
  std::size_t base_ = 0;
};

bool has_entries(const Item& document) {
  for (const Item& item : document.items) {
    if (!item.is_comment()) return true;
  }
  return false;
}

}  // namespace

Result<void> walk(Tree& tree, const Selection& selection,
                  const std::function<Result<void>(const Visit&)>& visit) {
  Walker walker(selection, visit);
  std::size_t number = 0;
  for (Item& document : tree) {
    SLUICE_CHECK(walker.document(document, number));
    if (has_entries(document)) ++number;
  }
  return {};
}

}  // namespace sluice::decrypt
