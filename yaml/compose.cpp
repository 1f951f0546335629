#include "compose.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/go_value.hpp"
#include "sluice/yaml/scalar.hpp"

#include "text_blocks.hpp"

namespace sluice::yaml {
namespace {

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

Where where_of(const Mark& mark) {
  return {"", mark.line, mark.column};
}
Where where_of(Node node) {
  return {"", node.position().line(), node.position().column()};
}

struct Anchor {
  std::size_t document = 0;  // index into the finished documents, or their number: the current one
  NodeId id = 0;
  std::size_t nodes = 0;   // in the subtree, expanded
  std::size_t height = 0;  // of the subtree: 0 for a scalar
  bool open = false;       // its collection has not ended: an alias to it would contain itself
};

struct Frame {
  NodeId id = 0;
  std::size_t first_child = 0;  // in children_
  std::size_t first_node = 0;   // written + expanded nodes when it began
  std::size_t height = 1;
  std::string anchor;
  bool is_mapping = false;
  bool has_merge = false;
  bool has_merge_name = false;  // a key "<<" that is no merge key
  bool has_null_key = false;    // that is spelled: "null" or "~"
};

/// A mapping with repeated keys; kept until the document ends since go-yaml reports outer ones
/// first and then leaves out what is inside.
struct Repeated {
  NodeId first, last;  // ids of the mapping and of the last node inside
  std::vector<std::string> messages;
  Where where;
};

class Composer {
 public:
  Composer(EventSource& events, std::shared_ptr<const std::string> text, FileId file,
           const ReadOptions& options)
      : events_(events),
        text_(std::move(text)),
        file_(file),
        options_(options),
        blocks_(text_->size()) {}

  Result<std::vector<Document>> run() {
    for (;;) {
      SLUICE_TRY(const Event event, events_.next());
      if (event.kind == EventKind::kStreamEnd) return std::move(documents_);
      if (auto done = take(event); !done) return fail(first_of_syntax(std::move(done.error())));
    }
  }

 private:
  Result<void> take(const Event& event) {
    switch (event.kind) {
      case EventKind::kDocumentStart:
        start_document();
        return {};
      case EventKind::kDocumentEnd:
        return end_document();
      case EventKind::kScalar:
        return scalar(event);
      case EventKind::kAlias:
        return alias(event);
      case EventKind::kSequenceStart:
      case EventKind::kMappingStart:
        return start_collection(event);
      default:
        return end_collection();
    }
  }

  /// go-yaml parses a whole document before it looks at values, so a syntax error further down is
  /// reported in place of one about values.
  Error first_of_syntax(Error error) {
    if (error.code() != Code::kInvalid || !is_about_values_) return error;
    for (std::size_t depth = frames_.size(); depth <= options_.limits.max_depth;) {
      auto event = events_.next();
      if (!event) return std::move(event.error());
      if (event->kind == EventKind::kDocumentEnd || event->kind == EventKind::kStreamEnd) break;
      depth += event->kind == EventKind::kSequenceStart || event->kind == EventKind::kMappingStart;
      depth -= event->kind == EventKind::kSequenceEnd || event->kind == EventKind::kMappingEnd;
    }
    return error;
  }

  // --- documents
  void start_document() {
    current_ = Document();
    current_.add_chunk(text_);
    blocks_.forget_document();
    is_empty_ = true;
    is_about_values_ = true;
    repeated_.clear();
    merge_keys_.clear();
    own_entries_.clear();
    from_flow_.clear();
    if (options_.schema == Schema::kV2 || !options_.share_anchors) anchors_.clear();
  }

  Result<void> end_document() {
    is_about_values_ = false;  // the document has been parsed
    if (!repeated_.empty()) return report_repeated();
    if (!is_empty_) documents_.push_back(std::move(current_));
    return {};
  }

  // --- nodes
  /// Puts a finished node where it belongs.
  void attach(NodeId id) {
    if (frames_.empty()) {
      current_.set_root(id);
    } else {
      children_.push_back(id);
    }
  }

  bool at_key() const {
    return !frames_.empty() && frames_.back().is_mapping &&
           (children_.size() - frames_.back().first_child) % 2 == 0;
  }

  /// v2 reads into Go maps, whose keys cannot be maps or slices: `{{ name }}`.
  Result<void> check_key(NodeId id) {
    if (!at_key() || node(id).is_scalar()) return {};
    current_.note_odd_keys();
    if (options_.schema != Schema::kV2) return {};
    return fail(Code::kInvalid, "yaml: invalid map key: " + go_syntax(node(id), Schema::kV2),
                where_of(node(id)));
  }

  bool at_merge_value() const {
    return options_.merge_keys && !frames_.empty() && frames_.back().has_merge && !at_key() &&
           !children_.empty() && is_merge_key(children_.back());
  }

  /// One more node than before, or those of an alias.
  Result<void> check_nodes(const Event& event) const {
    if (written_ + expanded_ <= options_.limits.max_nodes) return {};
    return fail(Code::kUnsupported,
                "yaml: line " + std::to_string(event.start.line) + ": more than " +
                    std::to_string(options_.limits.max_nodes) + " values in one file",
                where_of(event.start));
  }

  Result<void> scalar(const Event& event) {
    ++written_;
    SLUICE_CHECK(check_nodes(event));
    if (frames_.empty()) {
      const bool nothing = event.plain_implicit && event.text.empty() && event.anchor.empty();
      is_empty_ = nothing;
    }
    SLUICE_TRY(Kind kind, resolve(event));
    // v2 gives times as strings to those who did not ask for one (decode.go, scalar).
    if (kind == Kind::kTimestamp && options_.schema == Schema::kV2) kind = Kind::kString;
    if (at_key()) {
      if (is_merge(event)) {
        if (options_.merge_as_written && frames_.back().has_merge) {
          return fail(Code::kInvalid, "duplicate merge key", where_of(event.start));
        }
        frames_.back().has_merge |= options_.merge_keys;
        merge_keys_.push_back(static_cast<NodeId>(current_.node_count()));
      } else if (options_.merge_as_written && event.text == "<<") {
        frames_.back().has_merge_name = true;
      } else if (options_.merge_as_written && kind == Kind::kNull && !event.text.empty()) {
        frames_.back().has_null_key = true;
      } else if (options_.schema == Schema::kV2) {
        return v2_key(event, kind);
      }
    }
    const NodeId id = current_.new_scalar_view(kind, kept_text(event), event.style, file_,
                                               {event.start.line, event.start.column});
    if (!event.anchor.empty()) {
      anchors_[std::string(event.anchor)] = {documents_.size(), id, 1, 0, false};
    }
    attach(id);
    return {};
  }

  /// sigs.k8s.io/yaml makes strings of keys on its way to JSON, from their values.
  Result<void> v2_key(const Event& event, Kind kind) {
    std::string spelled;
    switch (kind) {
      case Kind::kNull:
        return fail(Code::kInvalid,
                    "unsupported map key " + go_quote(event.text) + ": write it in quotes",
                    where_of(event.start));
      case Kind::kBool:
        spelled = *bool_value(event.text, Schema::kV2) ? "true" : "false";
        break;
      case Kind::kInt:
        if (const auto value = int64_value(event.text)) {
          spelled = std::to_string(*value);
        } else {
          return fail(Code::kInvalid,
                      "unsupported map key " + go_quote(event.text) + ": write it in quotes",
                      where_of(event.start));
        }
        break;
      case Kind::kFloat:
        spelled = format_float32_g(static_cast<float>(float_value(event.text).value_or(0)));
        if (spelled == "+Inf") spelled = ".inf";
        if (spelled == "-Inf") spelled = "-.inf";
        if (spelled == "NaN") spelled = ".nan";
        break;
      default:
        break;
    }
    const std::string_view text = kind == Kind::kString || kind == Kind::kBinary
                                      ? kept_text(event)
                                      : blocks_.keep(spelled, current_);
    const NodeId id = current_.new_scalar_view(Kind::kString, text, event.style, file_,
                                               {event.start.line, event.start.column});
    if (!event.anchor.empty()) {
      anchors_[std::string(event.anchor)] = {documents_.size(), id, 1, 0, false};
    }
    attach(id);
    return {};
  }

  Result<void> start_collection(const Event& event) {
    ++written_;
    SLUICE_CHECK(check_nodes(event));
    is_empty_ = false;
    if (frames_.size() >= options_.limits.max_depth) {
      return fail(Code::kUnsupported,
                  "yaml: line " + std::to_string(event.start.line) + ": nested deeper than " +
                      std::to_string(options_.limits.max_depth) + " levels",
                  where_of(event.start));
    }
    const bool is_mapping = event.kind == EventKind::kMappingStart;
    Frame frame;
    frame.id = current_.new_collection(is_mapping ? Kind::kMapping : Kind::kSequence, event.style,
                                       file_, {event.start.line, event.start.column});
    frame.first_child = children_.size();
    frame.first_node = written_ + expanded_ - 1;
    frame.is_mapping = is_mapping;
    if (!event.anchor.empty()) {
      frame.anchor = event.anchor;
      anchors_[frame.anchor] = {documents_.size(), frame.id, 0, 0, true};
    }
    frames_.push_back(std::move(frame));
    return {};
  }

  Result<void> end_collection() {
    Frame frame = std::move(frames_.back());
    if (frame.is_mapping) SLUICE_CHECK(finish_mapping(frame));
    const std::span<const NodeId> children(children_.data() + frame.first_child,
                                           children_.size() - frame.first_child);
    current_.set_children(frame.id, children);
    children_.resize(frame.first_child);
    frames_.pop_back();
    if (!frames_.empty()) frames_.back().height = std::max(frames_.back().height, frame.height + 1);
    if (!frame.anchor.empty()) {
      // Only if no node inside took the name over.
      Anchor& anchor = anchors_[frame.anchor];
      if (anchor.open && anchor.id == frame.id) {
        anchor.nodes = written_ + expanded_ - frame.first_node;
        anchor.height = frame.height;
        anchor.open = false;
      }
    }
    SLUICE_CHECK(check_key(frame.id));
    attach(frame.id);
    return {};
  }

  // --- scalars
  /// A view of the source when it has the very bytes at the event's place, else a copy.
  std::string_view kept_text(const Event& event) {
    if (event.text.empty()) return {"", 0};
    const std::size_t quote = event.style == Style::kPlain ? 0 : 1;
    if (event.start.offset < text_->size() && event.style != Style::kLiteral &&
        event.style != Style::kFolded) {
      const std::size_t at = event.start.offset + quote;
      if (at <= text_->size() && text_->size() - at >= event.text.size() &&
          std::memcmp(text_->data() + at, event.text.data(), event.text.size()) == 0) {
        return std::string_view(*text_).substr(at, event.text.size());
      }
    }
    return blocks_.keep(event.text, current_);
  }

  static bool is_merge(const Event& event) {
    if (event.text != "<<") return false;
    if (event.tag.empty() || event.tag == "!") return event.style == Style::kPlain;
    return event.tag == "tag:yaml.org,2002:merge";
  }

  Result<Kind> resolve(const Event& event) const {
    if (event.plain_implicit) return resolve_plain(event.text, options_.schema);
    if (event.tag.empty()) return Kind::kString;
    if (event.tag == "!") {  // v3 takes it for no tag, v2 for one that it does not know
      const bool plain = event.style == Style::kPlain && options_.schema == Schema::kV3;
      return plain ? resolve_plain(event.text, options_.schema) : Kind::kString;
    }
    if (!event.tag.starts_with(kCoreTag)) return Kind::kString;
    const std::string_view name = event.tag.substr(kCoreTag.size());
    if (name == "str") return Kind::kString;
    if (name == "binary") {
      if (options_.keep_tags || base64_decode(event.text)) return Kind::kBinary;
      return fail(Code::kInvalid, "yaml: !!binary value contains invalid base64 data",
                  where_of(event.start));
    }
    Kind wanted = Kind::kString;
    if (name == "null") wanted = Kind::kNull;
    if (name == "bool") wanted = Kind::kBool;
    if (name == "int") wanted = Kind::kInt;
    if (name == "float") wanted = Kind::kFloat;
    if (name == "timestamp") wanted = Kind::kTimestamp;
    if (wanted == Kind::kString) return Kind::kString;  // not a core scalar tag: dropped
    if (options_.keep_tags) return wanted;
    Kind found = resolve_plain(event.text, options_.schema);
    if (found == wanted) return wanted;
    if (found == Kind::kTimestamp) found = Kind::kString;  // only looked for when asked
    if (wanted == Kind::kFloat && found == Kind::kInt && int64_value(event.text)) return wanted;
    return fail(Code::kInvalid,
                "yaml: cannot decode " + std::string(short_tag(found)) + " `" +
                    std::string(event.text) + "` as a !!" + std::string(name),
                where_of(event.start));
  }

  // --- aliases
  Result<void> alias(const Event& event) {
    is_empty_ = false;
    const auto found = anchors_.find(std::string(event.text));
    if (found == anchors_.end()) {
      is_about_values_ = false;  // go-yaml looks aliases up while it parses
      return fail(Code::kInvalid,
                  "yaml: unknown anchor '" + std::string(event.text) + "' referenced",
                  where_of(event.start));
    }
    const Anchor& anchor = found->second;
    if (anchor.open) {
      return fail(Code::kInvalid,
                  "yaml: anchor '" + std::string(event.text) + "' value contains itself",
                  where_of(event.start));
    }
    expanded_ += anchor.nodes;
    if (expanded_ > options_.limits.max_alias_nodes + 10 * written_) {
      return fail(Code::kUnsupported, "yaml: document contains excessive aliasing",
                  where_of(event.start));
    }
    SLUICE_CHECK(check_nodes(event));
    if (frames_.size() + anchor.height > options_.limits.max_depth) {
      return fail(Code::kUnsupported,
                  "yaml: line " + std::to_string(event.start.line) + ": alias '" +
                      std::string(event.text) + "' makes it nested deeper than " +
                      std::to_string(options_.limits.max_depth) + " levels",
                  where_of(event.start));
    }
    const bool here = anchor.document == documents_.size();
    if (!here && documents_[anchor.document].has_odd_keys()) current_.note_odd_keys();
    const NodeId copy =
        current_.import(Node(here ? current_ : documents_[anchor.document], anchor.id));
    if (!frames_.empty()) {
      frames_.back().height = std::max(frames_.back().height, anchor.height + 1);
    }
    const auto own = own_entries_.find(anchor.id);
    const bool as_written = here && own != own_entries_.end();
    if (as_written && is_merged()) {
      if (!from_flow_.empty()) blank_from_flow(anchor.id, copy);
      const std::size_t entries = own->second;  // the next line may move what `own` points to
      own_entries_[copy] = entries;
    } else if (as_written) {
      own_entries_.erase(anchor.id);  // kyaml resolves in place what an alias elsewhere names
    }
    if (is_merged() && !node(copy).is_mapping()) {  // a sequence may be merged, not its alias
      if (options_.merge_as_written)
        return kyaml_refuses("received alias for a non-map value", copy);
      if (at_merge_value()) return wants_mapping(node(copy));
    }
    SLUICE_CHECK(check_key(copy));
    attach(copy);
    return {};
  }

  /// The value of a merge key, or an item of a list that is one.
  bool is_merged() const {
    if (at_merge_value()) return true;
    if (!options_.merge_keys || frames_.size() < 2 || frames_.back().is_mapping) return false;
    const std::size_t first = frames_.back().first_child;
    return frames_[frames_.size() - 2].has_merge && first > 0 && is_merge_key(children_[first - 1]);
  }

  /// kyaml merges an anchor's mapping with the merge key that is in it, as it was written: what
  /// that key takes from a flow list is printed in flow style on its way to JSON, where a null
  /// without text comes out as an empty string.
  void blank_from_flow(NodeId anchor, NodeId copy) {
    const Node original = node(anchor);
    for (std::size_t i = 0; original.is_mapping() && i < original.size(); ++i) {
      if (from_flow_.contains(original.value(i).id())) blank_nulls(node(copy).value(i).id());
    }
  }
  void blank_nulls(NodeId id) {
    const Ref value(current_, id);
    if (value.is_null() && value.text().empty()) value.set_string("");
    for (std::size_t i = 0; i < value.size(); ++i)
      blank_nulls((value.is_mapping() ? value.value(i) : value.at(i)).id());
  }

  // --- mappings
  Node node(NodeId id) const { return {current_, id}; }

  Result<void> finish_mapping(const Frame& frame) {
    if (frame.has_merge_name) drop_merge_names(frame.first_child);
    SLUICE_CHECK(finish_entries(frame));
    if (frame.has_null_key) repeat_null_keys(frame);
    return {};
  }

  /// kyaml sets every field anew by its name, and a null has none: its entry is there twice then.
  void repeat_null_keys(const Frame& frame) {
    const std::size_t end = children_.size();
    const bool in_flow = node(frame.id).style() == Style::kFlow;
    std::uint32_t line = node(children_[end - 1]).position().line();
    for (std::size_t i = frame.first_child; i < end; i += 2) {
      const Node key = node(children_[i]);
      if (!key.is_null() || key.text().empty()) continue;
      if (!in_flow) ++line;
      const NodeId again = current_.import(key);
      Ref(current_, again).set_position(file_, {line, key.position().column()});
      children_.push_back(again);
      children_.push_back(current_.import(node(children_[i + 1])));
    }
    current_.note_odd_keys();
  }

  Result<void> finish_entries(const Frame& frame) {
    const bool repeats = has_repeated_keys(frame.first_child);
    if (repeats && options_.keep_repeated && !frame.has_merge) {
      current_.note_odd_keys();
      return {};
    }
    if (repeats && options_.unique_keys) note_repeated(frame);
    if (frame.has_merge) return merge(frame);
    if (repeats && !options_.unique_keys) keep_last(frame.first_child);
    return {};
  }

  /// kyaml takes every key "<<" out with those that merge, quoted ones too.
  void drop_merge_names(std::size_t first) {
    std::size_t kept = first;
    for (std::size_t i = first; i < children_.size(); i += 2) {
      if (node(children_[i]).text() == "<<" && !is_merge_key(children_[i])) continue;
      children_[kept++] = children_[i];
      children_[kept++] = children_[i + 1];
    }
    children_.resize(kept);
  }

  /// v3 compares the texts of keys, whatever they resolve to.
  bool same_key(NodeId a, NodeId b) const {
    const Node left = node(a);
    const Node right = node(b);
    return left.is_scalar() == right.is_scalar() && left.text() == right.text();
  }

  bool has_repeated_keys(std::size_t first) {
    const std::size_t count = (children_.size() - first) / 2;
    if (count <= 8) {
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = i + 1; j < count; ++j) {
          if (same_key(children_[first + 2 * i], children_[first + 2 * j])) return true;
        }
      }
      return false;
    }
    std::size_t size = 16;
    while (size < 2 * count)
      size *= 2;
    table_.assign(size, 0);
    for (std::size_t i = 0; i < count; ++i) {
      const NodeId key = children_[first + 2 * i];
      std::size_t slot = std::hash<std::string_view>{}(node(key).text()) & (size - 1);
      for (; table_[slot] != 0; slot = (slot + 1) & (size - 1)) {
        if (same_key(table_[slot], key)) return true;
      }
      table_[slot] = key;
    }
    return false;
  }

  void note_repeated(const Frame& frame) {
    constexpr std::size_t kMostMessages = 20;
    constexpr std::size_t kMostKeys = 4096;  // the pairs of more are not looked at: quadratic
    Repeated& found = repeated_.emplace_back();
    found.first = frame.id;
    found.last = static_cast<NodeId>(current_.node_count() - 1);
    const std::size_t end = std::min(children_.size(), frame.first_child + 2 * kMostKeys);
    for (std::size_t i = frame.first_child; i < end; i += 2) {
      for (std::size_t j = i + 2; j < end; j += 2) {
        if (!same_key(children_[i], children_[j])) continue;
        const Node later = node(children_[j]);
        if (found.messages.empty()) found.where = where_of(later);
        if (options_.schema == Schema::kV2) {  // at the place of the value, once for each key
          const std::string line = std::to_string(node(children_[j + 1]).position().line());
          std::string message =
              "  line " + line + ": key " + go_quote(later.text()) + " already set in map";
          if (std::find(found.messages.begin(), found.messages.end(), message) ==
              found.messages.end()) {
            found.messages.push_back(std::move(message));
          }
          continue;
        }
        found.messages.push_back("  line " + std::to_string(later.position().line()) +
                                 ": mapping key " + go_quote(later.text()) +
                                 " already defined at line " +
                                 std::to_string(node(children_[i]).position().line()));
        if (found.messages.size() == kMostMessages) return;
      }
    }
    if (found.messages.empty()) {
      found.where = where_of(node(frame.id));
      found.messages.push_back("  line " + std::to_string(found.where.line) +
                               ": mapping has repeated keys");
    }
  }

  tl::unexpected<Error> report_repeated() {
    std::sort(repeated_.begin(), repeated_.end(),
              [](const Repeated& a, const Repeated& b) { return a.first < b.first; });
    std::string message = "yaml: unmarshal errors:";
    NodeId covered = 0;
    for (const Repeated& mapping : repeated_) {
      if (covered != 0 && mapping.last <= covered) continue;
      covered = mapping.last;
      for (const std::string& line : mapping.messages)
        message += "\n" + line;
    }
    return fail(Code::kInvalid, std::move(message), repeated_.front().where);
  }

  /// Of equal keys the last value wins, in the place of the first.
  void keep_last(std::size_t first) {
    Entries entries(*this);
    for (std::size_t i = first; i < children_.size(); i += 2) {
      entries.set(children_[i], children_[i + 1], true);
    }
    entries.replace(first);
  }

  /// An ordered map under construction, for mappings with merges or repeated keys.
  class Entries {
   public:
    explicit Entries(Composer& composer) : composer_(composer) {}
    void set(NodeId key, NodeId value, bool overwrite) {
      const Node node = composer_.node(key);
      if (!node.is_scalar()) {
        ids_.push_back(key);
        ids_.push_back(value);
        return;
      }
      const auto [at, is_new] = places_.try_emplace(node.text(), ids_.size());
      if (is_new) {
        ids_.push_back(key);
        ids_.push_back(value);
      } else if (overwrite) {
        ids_[at->second + 1] = value;
      }
    }
    std::size_t size() const { return ids_.size() / 2; }
    void replace(std::size_t first) {
      composer_.children_.resize(first);
      composer_.children_.insert(composer_.children_.end(), ids_.begin(), ids_.end());
    }

   private:
    Composer& composer_;
    std::vector<NodeId> ids_;
    std::unordered_map<std::string_view, std::size_t> places_;
  };

  bool is_merge_key(NodeId id) const {
    return std::binary_search(merge_keys_.begin(), merge_keys_.end(), id);
  }

  /// v3: what is written in the mapping wins, then the earlier of several merged mappings. v2 sets
  /// one after the other, so a merge overrides what stands before it.
  Result<void> merge(const Frame& frame) {
    const bool in_order = options_.schema == Schema::kV2;
    Entries entries(*this);
    for (std::size_t i = frame.first_child; i < children_.size(); i += 2) {
      if (!is_merge_key(children_[i])) {
        entries.set(children_[i], children_[i + 1], !options_.unique_keys || in_order);
      } else if (in_order) {
        SLUICE_CHECK(merge_value(node(children_[i + 1]), entries, true));
      }
    }
    if (options_.merge_as_written) own_entries_[frame.id] = entries.size();
    for (std::size_t i = frame.first_child; i < children_.size() && !in_order; i += 2) {
      if (is_merge_key(children_[i])) {
        SLUICE_CHECK(merge_value(node(children_[i + 1]), entries, false));
      }
    }
    entries.replace(frame.first_child);
    return {};
  }

  /// The fields of all items of a list, then what one item merges: ReadOptions::merge_as_written.
  Result<void> merge_as_written(Node list, Entries& entries) {
    Node merging;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Node item = list.at(i);
      if (item.is_sequence()) return kyaml_refuses("received a nested sequence", item.id());
      if (!item.is_mapping()) return wants_mapping(item);
      const auto own = own_entries_.find(item.id());
      if (own != own_entries_.end() && !merging.exists()) merging = item;
      const std::size_t fields = own == own_entries_.end() ? item.size() : own->second;
      for (std::size_t k = 0; k < fields; ++k)
        entries.set(item.key(k).id(), item.value(k).id(), false);
    }
    for (std::size_t k = 0; k < merging.size(); ++k)
      entries.set(merging.key(k).id(), merging.value(k).id(), false);
    return {};
  }

  Result<void> merge_value(Node value, Entries& entries, bool overwrite) {
    if (value.is_mapping()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        entries.set(value.key(i).id(), value.value(i).id(), overwrite);
      }
      return {};
    }
    if (value.is_sequence()) {
      if (!overwrite && value.style() == Style::kFlow) note_flow(value);
      if (options_.merge_as_written) return merge_as_written(value, entries);
      for (std::size_t i = 0; i < value.size(); ++i) {
        const Node item = value.at(overwrite ? value.size() - 1 - i : i);
        if (!item.is_mapping()) return wants_mapping(item);
        SLUICE_CHECK(merge_value(item, entries, overwrite));
      }
      return {};
    }
    return wants_mapping(value);
  }

  void note_flow(Node list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      for (std::size_t k = 0; k < list.at(i).size(); ++k)
        from_flow_.insert(list.at(i).value(k).id());
    }
  }

  tl::unexpected<Error> wants_mapping(Node node) const {
    const std::string_view from = options_.merge_as_written ? "" : "yaml: ";
    return fail(Code::kInvalid,
                std::string(from) + "map merge requires map or sequence of maps as the value",
                where_of(node));
  }
  tl::unexpected<Error> kyaml_refuses(std::string_view what, NodeId id) const {
    return fail(Code::kInvalid, "invalid map merge: " + std::string(what), where_of(node(id)));
  }

  EventSource& events_;
  std::shared_ptr<const std::string> text_;
  FileId file_;
  const ReadOptions& options_;
  TextBlocks blocks_;

  std::vector<Document> documents_;
  Document current_;
  bool is_empty_ = true;
  bool is_about_values_ = true;  // what is wrong now is no syntax: see first_of_syntax()
  std::vector<Frame> frames_;
  std::vector<NodeId> children_;  // of all open collections, innermost last
  std::unordered_map<std::string, Anchor> anchors_;
  std::vector<NodeId> merge_keys_;        // of the current document, ascending
  std::unordered_set<NodeId> from_flow_;  // values that a merge took from a flow list
  /// Of mappings with a merge key, how many of their first entries are written in them.
  std::unordered_map<NodeId, std::size_t> own_entries_;
  std::vector<Repeated> repeated_;
  std::vector<NodeId> table_;  // scratch of has_repeated_keys
  std::size_t written_ = 0;
  std::size_t expanded_ = 0;
};

}  // namespace

Result<std::vector<Document>> compose(EventSource& events, std::shared_ptr<const std::string> text,
                                      FileId file, const ReadOptions& options) {
  return Composer(events, std::move(text), file, options).run();
}

}  // namespace sluice::yaml
