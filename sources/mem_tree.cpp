#include "sluice/sources/mem_tree.hpp"

#include <algorithm>

#include "sluice/crypto/hash.hpp"

#include "links.hpp"

namespace sluice::sources {
namespace {

constexpr std::string_view kLinkMark = "@link:";

std::string normal(const std::string& path) {
  auto parsed = TreePath::parse(path);
  return parsed ? parsed->text() : path;
}

}  // namespace

MemTree::MemTree(std::initializer_list<std::pair<std::string, std::string>> files) {
  for (const auto& [path, content] : files)
    put(path, content);
}

MemTree::MemTree(const std::map<std::string, std::string>& files) {
  for (const auto& [path, content] : files)
    put(path, content);
}

void MemTree::put(const std::string& path, std::string content) {
  const std::string key = normal(path);
  remove(key);
  File file;
  file.is_link = content.starts_with(kLinkMark);
  if (file.is_link) {
    content.erase(0, kLinkMark.size());
    ++links_;
  }
  file.digest = crypto::git_blob_id(content);
  file.bytes = std::make_shared<const std::string>(std::move(content));
  files_.emplace(key, std::move(file));
}

void MemTree::remove(const std::string& path) {
  const auto found = files_.find(normal(path));
  if (found != files_.end()) {
    if (found->second.is_link) --links_;
    files_.erase(found);
  }
  const std::lock_guard lock(directories_mutex_);
  directories_.clear();
}

bool MemTree::is_directory(const std::string& real) const {
  if (real.empty()) return true;
  const auto next = files_.lower_bound(real + "/");
  return next != files_.end() && next->first.starts_with(real + "/");
}

Result<TreePath> MemTree::resolve(const TreePath& path) const {
  if (links_ == 0) {
    if (files_.contains(path.text()) || is_directory(path.text())) return path;
    return fail(Code::kNotFound, "no such file or directory: \"" + path.text() + "\"");
  }
  return resolve_links(path, "", [this](const std::string& real) -> Result<Look> {
    const auto found = files_.find(real);
    if (found != files_.end()) {
      if (found->second.is_link) return Look{Look::Kind::kLink, *found->second.bytes};
      return Look{Look::Kind::kFile, {}};
    }
    return Look{is_directory(real) ? Look::Kind::kDirectory : Look::Kind::kMissing, {}};
  });
}

Digest MemTree::directory_digest(const std::string& real) const {
  {
    const std::lock_guard lock(directories_mutex_);
    const auto known = directories_.find(real);
    if (known != directories_.end()) return known->second;
  }
  // Git's tree object: "<mode> <name>\0<20 bytes>", ordered as if directories ended in '/'.
  struct Item {
    std::string key, mode, name;
    Digest digest;
  };
  std::vector<Item> items;
  const std::string prefix = real.empty() ? "" : real + "/";
  for (auto it = files_.lower_bound(prefix); it != files_.end() && it->first.starts_with(prefix);) {
    const std::string_view rest = std::string_view(it->first).substr(prefix.size());
    const std::size_t slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    if (slash == std::string_view::npos) {
      items.push_back({name, it->second.is_link ? "120000" : "100644", name, it->second.digest});
      ++it;
    } else {
      items.push_back({name + "/", "40000", name, directory_digest(prefix + name)});
      it = files_.lower_bound(prefix + name + "0");  // '0' follows '/': past the directory
    }
  }
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.key < b.key; });
  std::string body;
  for (const Item& item : items) {
    body += item.mode + " " + item.name;
    body += '\0';
    const auto id = item.digest.bytes();
    body.append(reinterpret_cast<const char*>(id.data()), id.size());
  }
  crypto::Hash hash(crypto::HashAlgorithm::kSha1);
  std::string head = "tree " + std::to_string(body.size());
  head += '\0';
  hash.append(std::string_view(head));
  hash.append(std::string_view(body));
  const auto bytes = hash.finish();
  const Digest digest(DigestAlgorithm::kGitSha1, std::span(bytes).first(20));
  const std::lock_guard lock(directories_mutex_);
  directories_.emplace(real, digest);
  return digest;
}

Result<Stat> MemTree::stat(const TreePath& path) const {
  SLUICE_TRY(TreePath real, resolve(path));
  const auto found = files_.find(real.text());
  if (found != files_.end()) {
    return Stat{EntryKind::kFile, std::move(real), found->second.digest};
  }
  const Digest digest = directory_digest(real.text());
  return Stat{EntryKind::kDirectory, std::move(real), digest};
}

Result<Blob> MemTree::read(const TreePath& path) const {
  SLUICE_TRY(TreePath real, resolve(path));
  const auto found = files_.find(real.text());
  if (found == files_.end()) {
    return fail(Code::kInvalid, "\"" + path.text() + "\" is a directory, not a file");
  }
  if (found->second.bytes->size() > kMaxFileBytes) return file_too_large(display(path));
  ++reads_;
  return Blob{found->second.bytes, found->second.digest, std::move(real)};
}

Result<std::vector<Entry>> MemTree::list(const TreePath& path) const {
  SLUICE_TRY(const TreePath real, resolve(path));
  if (!is_directory(real.text())) {
    return fail(Code::kInvalid, "\"" + path.text() + "\" is a file, not a directory");
  }
  ++lists_;
  std::vector<Entry> out;
  const std::string prefix = real.is_root() ? "" : real.text() + "/";
  for (auto it = files_.lower_bound(prefix); it != files_.end() && it->first.starts_with(prefix);) {
    const std::string_view rest = std::string_view(it->first).substr(prefix.size());
    const std::size_t slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    if (slash != std::string_view::npos) {
      out.push_back({name, EntryKind::kDirectory, directory_digest(prefix + name)});
      it = files_.lower_bound(prefix + name + "0");
      continue;
    }
    if (!it->second.is_link) {
      out.push_back({name, EntryKind::kFile, it->second.digest});
    } else if (auto target = TreePath::parse(it->first)) {
      if (auto followed = stat(*target)) out.push_back({name, followed->kind, followed->digest});
    }
    ++it;
  }
  // The map orders "a-b" before "a/c"; the names alone order "a" first.
  std::sort(out.begin(), out.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return out;
}

std::string MemTree::display(const TreePath& path) const {
  return path.is_root() ? "." : path.text();
}

}  // namespace sluice::sources
