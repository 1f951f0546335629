#include "sluice/base/file_table.hpp"

namespace sluice {

FileId FileTable::add(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = ids_.find(name); found != ids_.end()) return found->second;
  const auto id = static_cast<FileId>(names_.size() + 1);
  ids_.emplace(names_.emplace_back(name), id);
  return id;
}

std::string_view FileTable::name(FileId id) const {
  const std::lock_guard lock(mutex_);
  const auto index = static_cast<std::size_t>(id);
  return index == 0 || index > names_.size() ? std::string_view() : names_[index - 1];
}

Where FileTable::where(FileId id, Position position) const {
  return {std::string(name(id)), position.line(), position.column()};
}

}  // namespace sluice
