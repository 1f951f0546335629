// Follows parserc.go and decode.go of go-yaml v3 for the moments at which comments are picked up;
// that is what decides which node they end up on.
#include "sluice/yaml/commented.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "sluice/yaml/event_source.hpp"
#include "sluice/yaml/scalar.hpp"

#include "comment_scan.hpp"

namespace sluice::yaml {
namespace {

constexpr std::size_t kMaxDepth = 500;

struct Comments {
  std::string head, line, foot;
};

void join(std::string& to, const std::string& more) {
  if (!to.empty()) to += '\n';
  to += more;
}

class Composer {
 public:
  Composer(std::vector<YamlEvent> events, YamlScan scan)
      : events_(std::move(events)), scan_(std::move(scan)) {}

  Result<std::vector<CommentedDocument>> compose() {
    std::vector<CommentedDocument> documents;
    for (bool first = true; event().kind == EventKind::kDocumentStart; first = false) {
      CommentedDocument document;
      SLUICE_CHECK(compose_document(document, first));
      documents.push_back(std::move(document));
    }
    return documents;
  }

 private:
  struct Next {
    char kind;  // of YamlToken, or 'B' for the end of a block
    std::size_t start;
    std::uint32_t column;
  };

  const YamlEvent& event() const { return events_[event_]; }
  void next_event() { ++event_; }

  // --- tokens. Looking at one picks up the comments that lie before it.
  Next peek() {
    Next next{};
    if (block_end_ < scan_.block_ends.size() && scan_.block_ends[block_end_].before <= token_) {
      next = {'B', scan_.block_ends[block_end_].start, 0};
    } else {
      const YamlToken& token = scan_.tokens[token_];
      next = {token.kind, token.start, token.column};
    }
    while (comment_ < scan_.comments.size() && scan_.comments[comment_].token <= next.start) {
      const YamlComment& comment = scan_.comments[comment_];
      switch (comment.place) {
        case CommentPlace::kHead:
          if (next.kind == 'B') return next;  // kept for what follows the block
          join(pending_.head, comment.text);
          break;
        case CommentPlace::kLine:
          join(pending_.line, comment.text);
          break;
        case CommentPlace::kFoot:
          join(pending_.foot, comment.text);
          break;
      }
      ++comment_;
    }
    return next;
  }
  void skip(const Next& next) {
    if (next.kind == 'B') {
      ++block_end_;
    } else if (token_ + 1 < scan_.tokens.size()) {
      ++token_;
    }
  }
  bool skip_if(char kind) {
    const Next next = peek();
    if (next.kind != kind) return false;
    skip(next);
    return true;
  }
  Comments take_comments() {
    stem_.clear();
    return std::exchange(pending_, {});
  }

  Result<void> compose_document(CommentedDocument& document, bool first) {
    if (!first) {
      while (skip_if('E')) {
      }
    }
    Next next = peek();
    if (first && next.kind != '%' && next.kind != 'D' && next.kind != 0) {
      split_document_head(document);
    } else {
      while (skip_if('%')) {
      }
      skip_if('D');
    }
    next_event();
    SLUICE_TRY(document.root, compose_node(0, /*indentless_from=*/-1));
    skip_if('E');
    Comments comments = take_comments();
    document.foot = comments.foot.empty() ? std::move(comments.head) : std::move(comments.foot);
    if (event().kind != EventKind::kDocumentEnd) {
      return fail(Code::kInternal, "yaml: a document does not end where it should");
    }
    document.end = event().start.offset;
    next_event();
    return {};
  }

  // A comment that an empty line separates from the first content is the document's.
  void split_document_head(CommentedDocument& document) {
    std::string& head = pending_.head;
    for (std::size_t i = head.size(); i-- > 1;) {
      if (head[i] != '\n') continue;
      if (i == head.size() - 1) {
        document.head = head.substr(0, i);
        head.clear();
        return;
      }
      if (head[i - 1] == '\n') {
        document.head = head.substr(0, i - 1);
        head.erase(0, i + 1);
        return;
      }
    }
  }

  std::unique_ptr<CommentedNode> make_node(CommentedNode::Kind kind) {
    auto node = std::make_unique<CommentedNode>();
    node->kind = kind;
    node->style = event().style;
    node->tag = event().tag;
    node->anchor = event().anchor;
    node->line_number = event().start.line;
    node->column = event().start.column;
    node->begin = event().start.offset;
    const bool is_leaf = event().kind == EventKind::kScalar || event().kind == EventKind::kAlias;
    if (is_leaf) node->end = event().end.offset;
    node->in_flow = flow_depth_ > 0;
    return node;
  }
  static void put(CommentedNode& node, Comments comments) {
    node.head = std::move(comments.head);
    node.line = std::move(comments.line);
    node.foot = std::move(comments.foot);
  }

  using NodeResult = Result<std::unique_ptr<CommentedNode>>;

  // `indentless_from`: the column of the mapping whose key or value this is, -1 elsewhere; a
  // sequence there may be written without indentation.
  NodeResult compose_node(std::size_t depth, std::int64_t indentless_from) {
    if (depth > kMaxDepth) {
      return fail(Code::kUnsupported,
                  "yaml: nested more than " + std::to_string(kMaxDepth) + " levels deep");
    }
    Next next = peek();
    while (next.kind == '&' || next.kind == '!') {
      skip(next);
      next = peek();
    }
    switch (event().kind) {
      case EventKind::kAlias: {
        auto node = make_node(CommentedNode::Kind::kAlias);
        node->text = event().text;
        const auto found = anchors_.find(node->text);
        if (found == anchors_.end()) {
          return fail(Code::kInvalid, "yaml: unknown anchor '" + node->text + "' referenced");
        }
        node->alias = found->second;
        put(*node, take_comments());
        skip(next);
        next_event();
        return node;
      }
      case EventKind::kScalar: {
        auto node = make_node(CommentedNode::Kind::kScalar);
        node->plain_implicit = event().plain_implicit;
        node->text = std::move(events_[event_].text);
        if (node->plain_implicit) node->type = resolve_plain(node->text, Schema::kV3);
        note_anchor(*node);
        // An empty scalar has no token: the next one is somebody else's.
        const bool has_token = next.kind == 's' && event().end.offset > next.start;
        if (has_token) {
          put(*node, take_comments());
          skip(next);
        }
        next_event();
        return node;
      }
      case EventKind::kSequenceStart: {
        auto node = make_node(CommentedNode::Kind::kSequence);
        note_anchor(*node);
        next_event();
        if (node->style == Style::kFlow) return compose_flow_sequence(std::move(node), next, depth);
        const bool indentless =
            indentless_from >= 0 && static_cast<std::int64_t>(next.column) == indentless_from;
        return compose_block_sequence(std::move(node), indentless, depth);
      }
      case EventKind::kMappingStart: {
        auto node = make_node(CommentedNode::Kind::kMapping);
        note_anchor(*node);
        // In a flow sequence, `[a: b]` holds a mapping of one entry without braces.
        const bool braces = next.kind == '{' && event().end.offset > next.start;
        next_event();
        if (node->style == Style::kFlow) {
          return compose_flow_mapping(std::move(node), next, braces, depth);
        }
        return compose_block_mapping(std::move(node), next.column, depth);
      }
      default:
        return fail(Code::kInternal, "yaml: a node is missing");
    }
  }

  void note_anchor(const CommentedNode& node) {
    if (!event().anchor.empty()) anchors_[event().anchor] = &node;
  }

  NodeResult compose_block_sequence(std::unique_ptr<CommentedNode> node, bool indentless,
                                    std::size_t depth) {
    if (!indentless) node->head = std::exchange(stem_, {});
    while (event().kind != EventKind::kSequenceEnd) {
      const Next dash = peek();
      const std::size_t head_size = pending_.head.size();
      skip(dash);
      split_stem(head_size);
      SLUICE_TRY(auto item, compose_node(depth + 1, -1));
      node->content.push_back(std::move(item));
    }
    const Next end = peek();
    if (!indentless) skip(end);
    next_event();
    return node;
  }

  // What precedes the dash of a nested collection belongs to that collection, not to its first
  // entry.
  void split_stem(std::size_t head_size) {
    if (head_size == 0) return;
    peek();
    const bool block_collection =
        (event().kind == EventKind::kSequenceStart || event().kind == EventKind::kMappingStart) &&
        event().style != Style::kFlow && event().anchor.empty() && event().tag.empty();
    if (!block_collection) return;
    stem_ = pending_.head.substr(0, head_size);
    pending_.head.erase(0, pending_.head.size() == head_size ? head_size : head_size + 1);
  }

  NodeResult compose_block_mapping(std::unique_ptr<CommentedNode> node, std::uint32_t column,
                                   std::size_t depth) {
    node->head = std::exchange(stem_, {});
    auto& content = node->content;
    while (event().kind != EventKind::kMappingEnd) {
      skip_if('?');
      SLUICE_TRY(auto key, compose_node(depth + 1, column));
      if (!key->foot.empty() && content.size() >= 2) {
        // It was found while dedenting: the foot of the entry before.
        content[content.size() - 2]->foot = std::exchange(key->foot, {});
      }
      content.push_back(std::move(key));
      SLUICE_TRY(auto value, compose_value(depth, column));
      CommentedNode& last_key = *content.back();
      if (last_key.foot.empty()) last_key.foot = std::exchange(value->foot, {});
      content.push_back(std::move(value));
    }
    const Next end = peek();
    Comments comments = take_comments();
    skip(end);
    node->line = std::move(comments.line);
    node->foot = std::move(comments.foot);
    if (!node->foot.empty() && !content.empty()) {
      content[content.size() - 2]->foot = std::exchange(node->foot, {});
    }
    next_event();
    return node;
  }

  NodeResult compose_value(std::size_t depth, std::int64_t indentless_from) {
    skip_if(':');
    return compose_node(depth + 1, indentless_from);
  }

  NodeResult compose_flow_sequence(std::unique_ptr<CommentedNode> node, const Next& open,
                                   std::size_t depth) {
    Comments comments = take_comments();
    node->head = std::move(comments.head);
    skip(open);
    peek();
    ++flow_depth_;
    for (bool first = true; event().kind != EventKind::kSequenceEnd; first = false) {
      if (!first) skip_if(',');
      peek();
      SLUICE_TRY(auto item, compose_node(depth + 1, -1));
      node->content.push_back(std::move(item));
    }
    --flow_depth_;
    skip_if(',');
    return end_flow(std::move(node), ']');
  }

  NodeResult compose_flow_mapping(std::unique_ptr<CommentedNode> node, const Next& open,
                                  bool braces, std::size_t depth) {
    if (braces) {
      Comments comments = take_comments();
      node->head = std::move(comments.head);
      skip(open);
    }
    auto& content = node->content;
    ++flow_depth_;
    for (bool first = true; event().kind != EventKind::kMappingEnd; first = false) {
      if (!first) skip_if(',');
      skip_if('?');
      SLUICE_TRY(auto key, compose_node(depth + 1, -1));
      content.push_back(std::move(key));
      SLUICE_TRY(auto value, compose_value(depth, -1));
      CommentedNode& last_key = *content.back();
      if (last_key.foot.empty()) last_key.foot = std::exchange(value->foot, {});
      content.push_back(std::move(value));
    }
    --flow_depth_;
    if (!braces) {
      next_event();
      return node;
    }
    skip_if(',');
    return end_flow(std::move(node), '}');
  }

  NodeResult end_flow(std::unique_ptr<CommentedNode> node, char kind) {
    const Next end = peek();
    if (end.kind != kind) return fail(Code::kInternal, "yaml: a flow collection is not closed");
    Comments comments = take_comments();
    skip(end);
    node->line = std::move(comments.line);
    node->foot = std::move(comments.foot);
    node->end = event().end.offset;
    next_event();
    return node;
  }

  std::vector<YamlEvent> events_;
  std::size_t event_ = 0;
  YamlScan scan_;
  std::size_t token_ = 0;
  std::size_t block_end_ = 0;
  std::size_t comment_ = 0;
  std::size_t flow_depth_ = 0;
  Comments pending_;  // picked up, for the next node that takes them
  std::string stem_;
  std::unordered_map<std::string, const CommentedNode*> anchors_;
};

}  // namespace

namespace {

Result<std::vector<YamlEvent>> read_events(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return fail(Code::kUnsupported, "yaml: a UTF-16 text", Where{}, "save it as UTF-8");
  }
  const auto source = open_events(text, Engine::kLibyaml);
  std::vector<YamlEvent> events;
  for (;;) {
    SLUICE_TRY(const Event event, source->next());
    events.push_back({event.kind, event.style, event.plain_implicit, std::string(event.text),
                      std::string(event.tag), std::string(event.anchor), event.start, event.end});
    if (event.kind == EventKind::kStreamEnd) break;
  }
  return events;
}

}  // namespace

Result<std::vector<CommentedDocument>> read_commented(std::string_view text) {
  SLUICE_TRY(std::vector<YamlEvent> events, read_events(text));
  SLUICE_TRY(YamlScan scan, scan_yaml(text, events));
  return Composer(std::move(events), std::move(scan)).compose();
}

Result<std::vector<std::size_t>> comment_places(std::string_view text) {
  SLUICE_TRY(const std::vector<YamlEvent> events, read_events(text));
  SLUICE_TRY(const YamlScan scan, scan_yaml(text, events));
  std::vector<std::size_t> places;
  for (const YamlComment& comment : scan.comments) {
    for (std::size_t at = comment.text.find(kCommentPlace); at != std::string::npos;
         at = comment.text.find(kCommentPlace, at + 1)) {
      std::size_t place = 0;
      std::from_chars(comment.text.data() + at + 1, comment.text.data() + comment.text.size(),
                      place);
      places.push_back(place);
    }
  }
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace sluice::yaml
