#pragma once
/// The document arena: one YAML or JSON document as an array of 24-byte nodes addressed by 4-byte
/// ids.
///
/// Scalars point into immutable, reference-counted text chunks: a parse copies no text, a copy of a
/// document is two memcpys, and a patch grafted into a thousand documents shares its bytes. Text is
/// therefore stable: a string_view taken from a node stays valid as long as any document that holds
/// the chunk, whatever is edited. Node ids stay valid too; removed nodes are left behind
/// unreachable.
///
/// Never knows Kubernetes, SOPS or files. Never holds plaintext of a secret: an encrypted value is
/// an EncryptedLeaf, which can be moved, copied, dropped and emitted, but not read or spliced. Not
/// thread-safe while edited; any number of threads may read.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/base/digest.hpp"
#include "sluice/base/file_table.hpp"

namespace sluice::yaml {

enum class Kind : std::uint8_t {
  kNull,
  kBool,
  kInt,  ///< text is as written: "0x1F", "1_000"; see scalar.hpp
  kFloat,
  kTimestamp,  ///< a plain scalar that go-yaml v3 resolves to a time (v2 reads a string)
  kBinary,     ///< explicit !!binary; text is base64
  kString,
  kSequence,
  kMapping,
  kEncrypted,  ///< see leaf()
};

/// How a scalar or collection was written. Output does not depend on it unless a writer says so.
enum class Style : std::uint8_t {
  kPlain,
  kSingleQuoted,
  kDoubleQuoted,
  kLiteral,
  kFolded,
  kBlock,
  kFlow
};

/// What the plaintext becomes in the document it is emitted to.
enum class LeafEncoding : std::uint8_t {
  kNone,    ///< as it is, with the leaf's kind
  kBase64,  ///< a string: base64 of the plaintext (Secret.data)
};

/// Stands for plaintext that only the decrypt module can produce.
struct EncryptedLeaf {
  Digest file;  ///< of the original encrypted file
  std::string
      selector;  ///< path of the value within it ("data:password"); "" is the whole plaintext
  Kind kind = Kind::kString;  ///< kind of the plaintext: kString, kInt, kFloat, kBool or kTimestamp
  LeafEncoding encoding = LeafEncoding::kNone;
  friend bool operator==(const EncryptedLeaf&, const EncryptedLeaf&) = default;
};

using NodeId = std::uint32_t;
class BlockReader;
class Document;
class Ref;

/// A read-only view of one node; two words, passed by value. A default Node does not exist, and
/// every look-up in a missing node gives a missing node, so chains need one check at the end.
class Node {
 public:
  Node() = default;
  Node(const Document& document, NodeId id) : document_(&document), id_(id) {}

  bool exists() const { return document_ != nullptr; }
  explicit operator bool() const { return exists(); }
  const Document& document() const { return *document_; }
  NodeId id() const { return id_; }

  Kind kind() const;  ///< kNull for a missing node
  Style style() const;
  bool is_mapping() const { return exists() && kind() == Kind::kMapping; }
  bool is_sequence() const { return exists() && kind() == Kind::kSequence; }
  bool is_string() const { return exists() && kind() == Kind::kString; }
  bool is_null() const { return exists() && kind() == Kind::kNull; }
  bool is_encrypted() const { return exists() && kind() == Kind::kEncrypted; }
  bool is_scalar() const { return exists() && kind() < Kind::kSequence; }

  /// Text of a scalar as resolved from the source ("" for collections, leaves and missing nodes).
  std::string_view text() const;
  /// text() of a string node, else `otherwise`.
  std::string_view string_or(std::string_view otherwise) const;
  const EncryptedLeaf& leaf() const;  ///< only for kEncrypted

  FileId file() const;
  Position position() const;
  std::uint16_t tag() const;  ///< what Ref::set_tag() said, 0 by default

  /// Items of a sequence, or entries of a mapping; 0 otherwise.
  std::size_t size() const;
  Node at(std::size_t index) const;        ///< item of a sequence; missing when out of range
  std::vector<std::string> texts() const;  ///< of the items
  Node key(std::size_t index) const;       ///< of a mapping's entry
  Node value(std::size_t index) const;
  /// Value under the string key `name`; missing when absent or when this is no mapping. Linear.
  Node get(std::string_view name) const;
  /// get(a).get(b)…
  template <class... Names>
  Node find(std::string_view name, Names... names) const {
    if constexpr (sizeof...(names) == 0) {
      return get(name);
    } else {
      return get(name).find(names...);
    }
  }
  /// Index of the entry with string key `name`, or npos.
  std::size_t index_of(std::string_view name) const;
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

 protected:
  const Document* document_ = nullptr;
  NodeId id_ = 0;

 private:
  Node child(Kind kind, std::size_t index) const;  ///< missing when this is no `kind`
};

/// A view that edits. Converts to Node. Edits never move other nodes or text.
class Ref : public Node {
 public:
  Ref() = default;
  Ref(Document& document, NodeId id) : Node(document, id) {}
  Document& document() const { return const_cast<Document&>(*document_); }

  Ref at(std::size_t index) const { return edit(Node::at(index)); }
  Ref key(std::size_t index) const { return edit(Node::key(index)); }
  Ref value(std::size_t index) const { return edit(Node::value(index)); }
  Ref get(std::string_view name) const { return edit(Node::get(name)); }
  template <class... Names>
  Ref find(std::string_view name, Names... names) const {
    return edit(Node::find(name, names...));
  }

  // --- this node itself; file and position stay unless said otherwise
  /// Becomes a scalar. `text` is copied into the document.
  void set_scalar(Kind kind, std::string_view text, Style style = Style::kPlain) const;
  void set_string(std::string_view text) const { set_scalar(Kind::kString, text); }
  void set_null() const { set_scalar(Kind::kNull, "null"); }
  void set_bool(bool value) const { set_scalar(Kind::kBool, value ? "true" : "false"); }
  void set_int(std::int64_t value) const;
  void set_leaf(EncryptedLeaf leaf) const;
  void set_mapping() const;   ///< becomes an empty mapping
  void set_sequence() const;  ///< becomes an empty sequence
  /// Becomes a deep copy of `other` (of any document; text is shared), with its file and position.
  void assign(Node other) const;
  /// Changes only the text of a scalar: kind and style stay (kustomize's "copy the value, keep the
  /// tag").
  void set_text(std::string_view text) const;
  void set_style(Style style) const;
  void set_position(FileId file, Position position) const;
  /// A number that means something to the caller only; copies of the node have it, too. A node
  /// that becomes another scalar (set_scalar) has none.
  void set_tag(std::uint16_t tag) const;

  // --- mappings. put() replaces the value in place when the key exists, else appends the entry.
  Ref put(std::string_view name, Node copy_of) const;
  Ref put_string(std::string_view name, std::string_view text) const;
  Ref put_int(std::string_view name, std::int64_t value) const;
  Ref put_bool(std::string_view name, bool value) const;
  Ref put_null(std::string_view name) const;
  Ref put_leaf(std::string_view name, EncryptedLeaf leaf) const;
  /// The mapping (sequence) under `name`: the existing one, else a new empty one in its place.
  Ref put_mapping(std::string_view name) const;
  Ref put_sequence(std::string_view name) const;
  bool erase(std::string_view name) const;  ///< false when absent
  void erase_entry(std::size_t index) const;
  /// Replaces all entries by (key id, value id) pairs of nodes of this document.
  void set_entries(std::span<const std::pair<NodeId, NodeId>> entries) const;

  // --- sequences
  Ref append(Node copy_of) const;
  Ref append_string(std::string_view text) const;
  Ref append_mapping() const;
  Ref append_sequence() const;
  Ref insert(std::size_t index, Node copy_of) const;
  void erase_item(std::size_t index) const;
  /// Replaces all items by nodes of this document.
  void set_items(std::span<const NodeId> items) const;

 private:
  Ref edit(Node node) const { return node.exists() ? Ref(document(), node.id()) : Ref(); }
};

/// Owns the nodes. Copying is cheap (see above). A new document is one null node.
class Document {
 public:
  Document();
  Document(const Document&) = default;
  Document(Document&&) noexcept = default;
  Document& operator=(const Document&) = default;
  Document& operator=(Document&&) noexcept = default;

  Node root() const { return {*this, root_}; }
  Ref root() { return {*this, root_}; }
  void set_root(NodeId id) { root_ = id; }

  // --- building blocks for readers and transformers: each gives a new, unattached node
  NodeId new_scalar(Kind kind, std::string_view text, Style style = Style::kPlain,
                    FileId file = FileId::kNone, Position position = {});
  /// Like new_scalar, but `text` is kept as it is: it must lie in a chunk of this document
  /// (add_chunk).
  NodeId new_scalar_view(Kind kind, std::string_view text, Style style, FileId file,
                         Position position);
  NodeId new_collection(Kind kind, Style style = Style::kBlock, FileId file = FileId::kNone,
                        Position position = {}, std::size_t capacity = 0);
  NodeId new_leaf(EncryptedLeaf leaf, FileId file = FileId::kNone, Position position = {});
  /// A deep copy of `node`, which may belong to any document. Shares its text.
  NodeId import(Node node);
  void append_item(NodeId sequence, NodeId item);
  void insert_item(NodeId sequence, std::size_t index, NodeId item);   ///< index <= size
  void replace_item(NodeId sequence, std::size_t index, NodeId item);  ///< index < size
  void append_entry(NodeId mapping, NodeId key, NodeId value);
  /// Replaces the items of a sequence, or the entries of a mapping given as key, value, key, value.
  void set_children(NodeId parent, std::span<const NodeId> ids);

  /// Keeps `text` alive as long as this document and its copies.
  void add_chunk(std::shared_ptr<const std::string> text);
  /// A copy of `text` that lives as long as this document's chunks.
  std::string_view intern(std::string_view text);

  /// Whether a mapping had a key twice when it was read (ReadOptions::keep_repeated; look-ups find
  /// the first), or a key that is a collection itself: `{{ name }}`.
  bool has_odd_keys() const { return has_odd_keys_; }
  void note_odd_keys() { has_odd_keys_ = true; }
  /// Whether somebody noted that a comment of its own ends the document; an import does not have
  /// it.
  bool ends_in_comment() const { return ends_in_comment_; }
  void note_end_comment(bool is_there) { ends_in_comment_ = is_there; }

  std::size_t node_count() const { return nodes_.size(); }  ///< reachable or not
  std::span<const EncryptedLeaf> leaves() const { return leaves_; }

 private:
  friend class Node;
  friend class Ref;
  friend class BlockReader;  // fills the vectors itself: yaml/block_reader.cpp
  struct Cell {              // 24 bytes
    union {
      const char* text;  // scalars
      struct {
        std::uint32_t first, capacity;
      } children;          // into children_, in ids
      std::uint32_t leaf;  // into leaves_
    };
    std::uint32_t size;  // bytes of text, or number of children ids (a mapping has two per entry)
    Position position;
    FileId file;
    Kind kind;
    Style style;
    std::uint16_t tag;
  };
  static_assert(sizeof(Position) == 4);

  // Free bytes of the last own chunk. A copy starts without: two documents must not fill one chunk.
  struct TextPool {
    TextPool() = default;
    TextPool(const TextPool&) {}
    TextPool(TextPool&& other) noexcept
        : next(std::exchange(other.next, nullptr)), left(std::exchange(other.left, 0)) {}
    TextPool& operator=(const TextPool&) {
      next = nullptr;
      left = 0;
      return *this;
    }
    TextPool& operator=(TextPool&& other) noexcept {
      next = std::exchange(other.next, nullptr);
      left = std::exchange(other.left, 0);
      return *this;
    }
    char* next = nullptr;
    std::size_t left = 0;
  };

  std::vector<Cell> nodes_;
  std::vector<NodeId> children_;
  std::vector<EncryptedLeaf> leaves_;
  std::vector<std::shared_ptr<const void>> chunks_;  // what the text points into
  TextPool pool_;
  NodeId root_ = 0;
  bool has_odd_keys_ = false;
  bool ends_in_comment_ = false;

  NodeId new_cell(Kind kind, Style style, FileId file, Position position);
  void reserve_children(Cell& cell, std::size_t count);
  void insert_children(NodeId parent, std::size_t at, std::span<const NodeId> ids);
  void erase_children(NodeId parent, std::size_t at, std::size_t count);
  NodeId import_cells(const Document& from, NodeId id);
  void share_chunks(const Document& other);
};

// --- look-ups, inline: a build makes some millions of them

inline Kind Node::kind() const {
  return document_ != nullptr ? document_->nodes_[id_].kind : Kind::kNull;
}
inline Style Node::style() const {
  return document_ != nullptr ? document_->nodes_[id_].style : Style::kPlain;
}
inline std::string_view Node::text() const {
  if (!is_scalar()) return {};
  const Document::Cell& cell = document_->nodes_[id_];
  return {cell.text, cell.size};
}
inline std::string_view Node::string_or(std::string_view otherwise) const {
  return is_string() ? text() : otherwise;
}
inline FileId Node::file() const {
  return document_ != nullptr ? document_->nodes_[id_].file : FileId::kNone;
}
inline Position Node::position() const {
  return document_ != nullptr ? document_->nodes_[id_].position : Position();
}
inline std::uint16_t Node::tag() const {
  return document_ != nullptr ? document_->nodes_[id_].tag : std::uint16_t(0);
}
inline std::size_t Node::size() const {
  if (document_ == nullptr) return 0;
  const Document::Cell& cell = document_->nodes_[id_];
  if (cell.kind == Kind::kSequence) return cell.size;
  return cell.kind == Kind::kMapping ? cell.size / 2 : 0;
}
inline Node Node::child(Kind kind, std::size_t index) const {
  if (document_ == nullptr) return {};
  const Document::Cell& cell = document_->nodes_[id_];
  if (cell.kind != kind || index >= cell.size) return {};
  return {*document_, document_->children_[cell.children.first + index]};
}
inline Node Node::at(std::size_t index) const {
  return child(Kind::kSequence, index);
}
inline Node Node::key(std::size_t index) const {
  return child(Kind::kMapping, 2 * index);
}
inline Node Node::value(std::size_t index) const {
  return child(Kind::kMapping, 2 * index + 1);
}
inline Node Node::get(std::string_view name) const {
  const std::size_t index = index_of(name);
  return index == npos ? Node() : value(index);
}

/// True when both are the same value: kinds, texts and children in order; mapping entries in any
/// order. Missing equals missing only.
bool equal(Node a, Node b);

/// Calls `visit` on each node below and including `node`, parents first, mapping keys left out.
void walk(Node node, const std::function<void(Node)>& visit);

}  // namespace sluice::yaml
