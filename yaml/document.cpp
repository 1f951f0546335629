#include "sluice/yaml/document.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::yaml {
namespace {

const EncryptedLeaf kNoLeaf;

}  // namespace

// ----------------------------------------------------------------------------------------------
// Node

const EncryptedLeaf& Node::leaf() const {
  return is_encrypted() ? document_->leaves_[document_->nodes_[id_].leaf] : kNoLeaf;
}

std::size_t Node::index_of(std::string_view name) const {
  if (!is_mapping()) return npos;
  const auto& cell = document_->nodes_[id_];
  const NodeId* ids = document_->children_.data() + cell.children.first;
  for (std::size_t i = 0; i < cell.size; i += 2) {
    const auto& candidate = document_->nodes_[ids[i]];
    if (candidate.kind == Kind::kString && candidate.size == name.size() &&
        std::memcmp(candidate.text, name.data(), name.size()) == 0) {
      return i / 2;
    }
  }
  return npos;
}

// -----------------------------------------------------------------------------------------------
// Ref

void Ref::set_scalar(Kind kind, std::string_view text, Style style) const {
  const std::string_view kept = document().intern(text);
  auto& cell = document().nodes_[id_];
  cell.kind = kind;
  cell.style = style;
  cell.tag = 0;
  cell.text = kept.data();
  cell.size = static_cast<std::uint32_t>(kept.size());
}

void Ref::set_int(std::int64_t value) const {
  set_scalar(Kind::kInt, std::to_string(value));
}

void Ref::set_leaf(EncryptedLeaf leaf) const {
  document().leaves_.push_back(std::move(leaf));
  auto& cell = document().nodes_[id_];
  cell.kind = Kind::kEncrypted;
  cell.style = Style::kPlain;
  cell.leaf = static_cast<std::uint32_t>(document().leaves_.size() - 1);
  cell.size = 0;
}

void Ref::set_mapping() const {
  auto& cell = document().nodes_[id_];
  cell.kind = Kind::kMapping;
  cell.style = Style::kBlock;
  cell.children = {0, 0};
  cell.size = 0;
}

void Ref::set_sequence() const {
  set_mapping();
  document().nodes_[id_].kind = Kind::kSequence;
}

void Ref::assign(Node other) const {
  const NodeId copy = document().import(other);
  document().nodes_[id_] = document().nodes_[copy];  // `copy` itself stays behind, unreachable
}

void Ref::set_text(std::string_view text) const {
  const std::string_view kept = document().intern(text);
  auto& cell = document().nodes_[id_];
  cell.text = kept.data();
  cell.size = static_cast<std::uint32_t>(kept.size());
}

void Ref::set_style(Style style) const {
  document().nodes_[id_].style = style;
}

void Ref::set_position(FileId file, Position position) const {
  auto& cell = document().nodes_[id_];
  cell.file = file;
  cell.position = position;
}

void Ref::set_tag(std::uint16_t tag) const {
  document().nodes_[id_].tag = tag;
}

namespace {

/// The value under `name` in `mapping`, appended as null when absent.
Ref slot(const Ref& mapping, std::string_view name) {
  if (const Ref found = mapping.get(name)) return found;
  Document& document = mapping.document();
  const NodeId key = document.new_scalar(Kind::kString, name);
  const NodeId value = document.new_scalar(Kind::kNull, "null");
  document.append_entry(mapping.id(), key, value);
  return {document, value};
}

}  // namespace

Ref Ref::put(std::string_view name, Node copy_of) const {
  const Ref value = slot(*this, name);
  value.assign(copy_of);
  return value;
}
Ref Ref::put_string(std::string_view name, std::string_view text) const {
  const Ref value = slot(*this, name);
  value.set_string(text);
  return value;
}
Ref Ref::put_int(std::string_view name, std::int64_t number) const {
  const Ref value = slot(*this, name);
  value.set_int(number);
  return value;
}
Ref Ref::put_bool(std::string_view name, bool truth) const {
  const Ref value = slot(*this, name);
  value.set_bool(truth);
  return value;
}
Ref Ref::put_null(std::string_view name) const {
  const Ref value = slot(*this, name);
  value.set_null();
  return value;
}
Ref Ref::put_leaf(std::string_view name, EncryptedLeaf leaf) const {
  const Ref value = slot(*this, name);
  value.set_leaf(std::move(leaf));
  return value;
}
Ref Ref::put_mapping(std::string_view name) const {
  const Ref value = slot(*this, name);
  if (!value.is_mapping()) value.set_mapping();
  return value;
}
Ref Ref::put_sequence(std::string_view name) const {
  const Ref value = slot(*this, name);
  if (!value.is_sequence()) value.set_sequence();
  return value;
}

bool Ref::erase(std::string_view name) const {
  const std::size_t index = index_of(name);
  if (index == npos) return false;
  erase_entry(index);
  return true;
}

void Ref::erase_entry(std::size_t index) const {
  document().erase_children(id_, 2 * index, 2);
}

void Ref::set_entries(std::span<const std::pair<NodeId, NodeId>> entries) const {
  std::vector<NodeId> ids;
  ids.reserve(2 * entries.size());
  for (const auto& [key, value] : entries) {
    ids.push_back(key);
    ids.push_back(value);
  }
  document().set_children(id_, ids);
}

Ref Ref::append(Node copy_of) const {
  return insert(size(), copy_of);
}

Ref Ref::append_string(std::string_view text) const {
  const NodeId item = document().new_scalar(Kind::kString, text);
  document().append_item(id_, item);
  return {document(), item};
}
Ref Ref::append_mapping() const {
  const NodeId item = document().new_collection(Kind::kMapping);
  document().append_item(id_, item);
  return {document(), item};
}
Ref Ref::append_sequence() const {
  const NodeId item = document().new_collection(Kind::kSequence);
  document().append_item(id_, item);
  return {document(), item};
}
Ref Ref::insert(std::size_t index, Node copy_of) const {
  const NodeId item = document().import(copy_of);
  document().insert_children(id_, index, {&item, 1});
  return {document(), item};
}
void Ref::erase_item(std::size_t index) const {
  document().erase_children(id_, index, 1);
}
void Ref::set_items(std::span<const NodeId> items) const {
  document().set_children(id_, items);
}

// ------------------------------------------------------------------------------------------
// Document

Document::Document() {
  new_scalar(Kind::kNull, "");
}

NodeId Document::new_cell(Kind kind, Style style, FileId file, Position position) {
  Cell& cell = nodes_.emplace_back();
  cell.children = {0, 0};
  cell.size = 0;
  cell.position = position;
  cell.file = file;
  cell.kind = kind;
  cell.style = style;
  cell.tag = 0;
  return static_cast<NodeId>(nodes_.size() - 1);
}

NodeId Document::new_scalar(Kind kind, std::string_view text, Style style, FileId file,
                            Position position) {
  return new_scalar_view(kind, intern(text), style, file, position);
}

NodeId Document::new_scalar_view(Kind kind, std::string_view text, Style style, FileId file,
                                 Position position) {
  const NodeId id = new_cell(kind, style, file, position);
  nodes_[id].text = text.data();
  nodes_[id].size = static_cast<std::uint32_t>(text.size());
  return id;
}

NodeId Document::new_collection(Kind kind, Style style, FileId file, Position position,
                                std::size_t capacity) {
  const NodeId id = new_cell(kind, style, file, position);
  if (capacity != 0) reserve_children(nodes_[id], capacity);
  return id;
}

NodeId Document::new_leaf(EncryptedLeaf leaf, FileId file, Position position) {
  const NodeId id = new_cell(Kind::kNull, Style::kPlain, file, position);
  Ref(*this, id).set_leaf(std::move(leaf));
  return id;
}

void Document::share_chunks(const Document& other) {
  for (const auto& chunk : other.chunks_) {
    if (std::find(chunks_.begin(), chunks_.end(), chunk) == chunks_.end()) chunks_.push_back(chunk);
  }
}

std::vector<std::string> Node::texts() const {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < size(); ++i)
    out.emplace_back(at(i).text());
  return out;
}

NodeId Document::import(Node node) {
  if (!node.exists()) return new_scalar(Kind::kNull, "null");
  if (&node.document() != this) share_chunks(node.document());
  has_odd_keys_ |= node.document().has_odd_keys_;
  return import_cells(node.document(), node.id());
}

NodeId Document::import_cells(const Document& from, NodeId id) {
  const Cell source = from.nodes_[id];  // a copy: `from` may be this document, whose vectors grow
  if (source.kind == Kind::kEncrypted) {
    return new_leaf(from.leaves_[source.leaf], source.file, source.position);
  }
  const NodeId copy = new_cell(source.kind, source.style, source.file, source.position);
  nodes_[copy].tag = source.tag;
  if (source.kind < Kind::kSequence) {
    nodes_[copy].text = source.text;
    nodes_[copy].size = source.size;
    return copy;
  }
  reserve_children(nodes_[copy], source.size);
  const std::uint32_t first = nodes_[copy].children.first;
  nodes_[copy].size = source.size;
  for (std::uint32_t i = 0; i < source.size; ++i) {
    const NodeId child = import_cells(from, from.children_[source.children.first + i]);
    children_[first + i] = child;
  }
  return copy;
}

void Document::append_item(NodeId sequence, NodeId item) {
  insert_children(sequence, nodes_[sequence].size, {&item, 1});
}

void Document::insert_item(NodeId sequence, std::size_t index, NodeId item) {
  insert_children(sequence, index, {&item, 1});
}

void Document::replace_item(NodeId sequence, std::size_t index, NodeId item) {
  children_[nodes_[sequence].children.first + index] = item;
}

void Document::append_entry(NodeId mapping, NodeId key, NodeId value) {
  const NodeId pair[] = {key, value};
  insert_children(mapping, nodes_[mapping].size, pair);
}

void Document::reserve_children(Cell& cell, std::size_t count) {
  if (count <= cell.children.capacity) return;
  const auto capacity =
      static_cast<std::uint32_t>(std::max<std::size_t>(count, 2U * cell.children.capacity));
  const auto first = static_cast<std::uint32_t>(children_.size());
  children_.resize(children_.size() + capacity);
  std::copy_n(children_.begin() + cell.children.first, cell.size, children_.begin() + first);
  cell.children = {first, capacity};
}

void Document::insert_children(NodeId parent, std::size_t at, std::span<const NodeId> ids) {
  Cell& cell = nodes_[parent];
  reserve_children(cell, cell.size + ids.size());
  const auto begin = children_.begin() + cell.children.first;
  std::move_backward(begin + static_cast<std::ptrdiff_t>(at), begin + cell.size,
                     begin + static_cast<std::ptrdiff_t>(cell.size + ids.size()));
  std::copy(ids.begin(), ids.end(), begin + static_cast<std::ptrdiff_t>(at));
  cell.size += static_cast<std::uint32_t>(ids.size());
}

void Document::erase_children(NodeId parent, std::size_t at, std::size_t count) {
  Cell& cell = nodes_[parent];
  const auto begin = children_.begin() + cell.children.first;
  std::move(begin + static_cast<std::ptrdiff_t>(at + count), begin + cell.size,
            begin + static_cast<std::ptrdiff_t>(at));
  cell.size -= static_cast<std::uint32_t>(count);
}

void Document::set_children(NodeId parent, std::span<const NodeId> ids) {
  Cell& cell = nodes_[parent];
  reserve_children(cell, ids.size());
  std::copy(ids.begin(), ids.end(), children_.begin() + cell.children.first);
  cell.size = static_cast<std::uint32_t>(ids.size());
}

void Document::add_chunk(std::shared_ptr<const std::string> text) {
  chunks_.push_back(std::move(text));
}

std::string_view Document::intern(std::string_view text) {
  if (text.empty()) return {"", 0};
  if (text.size() > pool_.left) {
    static constexpr std::size_t kPoolBytes = 512;
    const std::size_t size = std::max(kPoolBytes, text.size());
    const std::shared_ptr<char[]> chunk(new char[size]);
    chunks_.push_back(chunk);
    if (text.size() >= kPoolBytes) {  // of its own: what is left of the pool stays in use
      std::memcpy(chunk.get(), text.data(), text.size());
      return {chunk.get(), text.size()};
    }
    pool_.next = chunk.get();
    pool_.left = size;
  }
  char* const place = pool_.next;
  std::memcpy(place, text.data(), text.size());
  pool_.next += text.size();
  pool_.left -= text.size();
  return {place, text.size()};
}

// -----------------------------------------------------------------------------------------------
// free

bool equal(Node a, Node b) {
  if (a.exists() != b.exists()) return false;
  if (!a.exists()) return true;
  if (a.kind() != b.kind() || a.size() != b.size()) return false;
  switch (a.kind()) {
    case Kind::kSequence:
      for (std::size_t i = 0; i < a.size(); ++i) {
        if (!equal(a.at(i), b.at(i))) return false;
      }
      return true;
    case Kind::kMapping:
      for (std::size_t i = 0; i < a.size(); ++i) {
        const Node key = a.key(i);
        // Same order is the common case; string keys are unique, others are compared in order.
        if (equal(key, b.key(i))) {
          if (!equal(a.value(i), b.value(i))) return false;
        } else if (!key.is_string() || !equal(a.value(i), b.get(key.text()))) {
          return false;
        }
      }
      return true;
    case Kind::kEncrypted:
      return a.leaf() == b.leaf();
    case Kind::kNull:
      return true;
    default:
      return a.text() == b.text();
  }
}

void walk(Node node, const std::function<void(Node)>& visit) {
  visit(node);
  for (std::size_t i = 0; i < node.size(); ++i) {
    walk(node.is_mapping() ? node.value(i) : node.at(i), visit);
  }
}

}  // namespace sluice::yaml
