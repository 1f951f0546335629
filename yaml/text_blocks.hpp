#pragma once
/// Text that a reader makes: what was escaped, folded or indented in the source. Private to the
/// module.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "sluice/yaml/document.hpp"

namespace sluice::yaml {

/// Holds the text of scalars that the source does not hold verbatim. Blocks never move, so a view
/// into one stays good; a document keeps each block that it uses.
class TextBlocks {
 public:
  explicit TextBlocks(std::size_t source_bytes) : source_bytes_(source_bytes) {}

  std::string_view keep(std::string_view text, Document& document) {
    if (text.empty()) return {"", 0};
    if (!block_ || block_->capacity() - block_->size() < text.size()) {
      block_ = std::make_shared<std::string>();
      // One block is mostly enough: what is unquoted or unfolded is rarely longer than its source.
      block_->reserve(std::max(text.size(), std::min(source_bytes_, kMaxBlockBytes)));
      holder_ = nullptr;
    }
    if (holder_ != &document) {
      document.add_chunk(block_);
      holder_ = &document;
    }
    const std::size_t at = block_->size();
    block_->append(text);
    return std::string_view(*block_).substr(at, text.size());
  }
  /// A new document is built where the last one was.
  void forget_document() { holder_ = nullptr; }

 private:
  static constexpr std::size_t kMaxBlockBytes = 256U << 10;
  std::size_t source_bytes_;
  std::shared_ptr<std::string> block_;
  const Document* holder_ = nullptr;  // the document that last got block_
};

}  // namespace sluice::yaml
