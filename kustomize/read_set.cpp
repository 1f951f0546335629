#include "sluice/kustomize/read_set.hpp"

#include <optional>
#include <utility>

#include "sluice/crypto/hash.hpp"

namespace sluice::kustomize {

namespace {

/// A tree that costs a read to give an id gives none: then the content decides.
Digest content_id(const sources::Blob& blob) {
  return blob.digest.empty() ? crypto::git_blob_id(*blob.bytes) : blob.digest;
}

Digest listing_id(const std::vector<sources::Entry>& entries) {
  std::string names;
  for (const sources::Entry& entry : entries) {
    names += entry.name;
    names += entry.kind == sources::EntryKind::kDirectory ? std::string_view("/\0", 2)
                                                          : std::string_view("\0", 1);
  }
  return crypto::git_blob_id(names);
}

Read ask(const sources::Tree& tree, const TreePath& path, Read::Asked asked) {
  Read answer;
  answer.asked = asked;
  answer.path = path;
  const auto stat = tree.stat(path);
  if (!stat) return answer;
  answer.kind = stat->kind;
  answer.real_path = stat->real_path;
  answer.found = true;
  if (asked == Read::Asked::kContent) {
    answer.digest = stat->digest;
    if (stat->kind == sources::EntryKind::kDirectory) {
      answer.digest = Digest();
    } else if (answer.digest.empty()) {
      const auto blob = tree.read(path);
      answer.found = blob.has_value();
      if (blob) answer.digest = content_id(*blob);
    }
  } else if (asked == Read::Asked::kListing) {
    const auto entries = tree.list(path);
    answer.found = entries.has_value();
    if (entries) answer.digest = listing_id(*entries);
  }
  return answer;
}

std::optional<std::string> difference(const Read& before, const Read& now) {
  if (before.found != now.found) return now.found ? "is new" : "is gone";
  if (!before.found) return std::nullopt;
  if (before.kind != now.kind) {
    return now.kind == sources::EntryKind::kDirectory ? "is now a directory" : "is now a file";
  }
  if (before.real_path != now.real_path) {
    return "now leads to \"" + now.real_path.text() + "\"";
  }
  if (before.digest == now.digest) return std::nullopt;
  return before.asked == Read::Asked::kListing ? "lists other files" : "changed";
}

}  // namespace

// -------------------------------------------------------------------------------------------------
// RecordingTree

void RecordingTree::note(Read read) const {
  const std::lock_guard lock(mutex_);
  const auto key = std::make_pair(read.path, read.asked);
  reads_.try_emplace(key, std::move(read));
}

Result<sources::Stat> RecordingTree::stat(const TreePath& path) const {
  auto stat = tree_.stat(path);
  Read read;
  read.path = path;
  read.found = stat.has_value();
  if (stat) {
    read.kind = stat->kind;
    read.real_path = stat->real_path;
  }
  note(std::move(read));
  return stat;
}

Result<sources::Blob> RecordingTree::read(const TreePath& path) const {
  auto blob = tree_.read(path);
  if (!blob) {
    // What it is instead matters: a directory is another error than nothing at all.
    note(ask(tree_, path, Read::Asked::kContent));
    return blob;
  }
  Read read;
  read.asked = Read::Asked::kContent;
  read.path = path;
  read.found = true;
  read.real_path = blob->real_path;
  read.digest = content_id(*blob);
  note(std::move(read));
  return blob;
}

Result<std::vector<sources::Entry>> RecordingTree::list(const TreePath& path) const {
  note(ask(tree_, path, Read::Asked::kListing));
  return tree_.list(path);
}

std::vector<Read> RecordingTree::reads() const {
  const std::lock_guard lock(mutex_);
  std::vector<Read> all;
  all.reserve(reads_.size());
  for (const auto& [key, read] : reads_)
    all.push_back(read);
  return all;
}

// -------------------------------------------------------------------------------------------------
// ReadSet

ReadSet::ReadSet(std::vector<Read> reads, const sources::Tree& tree) : reads_(std::move(reads)) {
  directories_.emplace(TreePath(), &top_);
  for (std::size_t i = 0; i < reads_.size(); ++i) {
    // A miss may be a link to nowhere, whose target can appear anywhere.
    if (!reads_[i].found || reads_[i].real_path != reads_[i].path) {
      unsettled_.push_back(i);
    } else {
      directory(reads_[i].path.parent()).reads.push_back(i);
    }
  }
  note_ids(top_, tree);
}

ReadSet::Directory& ReadSet::directory(const TreePath& path) {
  if (const auto known = directories_.find(path); known != directories_.end()) {
    return *known->second;
  }
  Directory& parent = directory(path.parent());
  Directory& made = *parent.below.emplace_back(std::make_unique<Directory>());
  made.path = path;
  directories_.emplace(path, &made);
  return made;
}

void ReadSet::note_ids(Directory& at, const sources::Tree& tree) {
  const auto stat = tree.stat(at.path);
  // Where there is no directory, or a link to one, each read is asked again.
  const bool is_plain =
      stat && stat->kind == sources::EntryKind::kDirectory && stat->real_path == at.path;
  at.digest = is_plain ? stat->digest : Digest();
  for (const auto& below : at.below)
    note_ids(*below, tree);
}

std::vector<ReadChange> ReadSet::changes(const sources::Tree& tree, std::size_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<ReadChange> found;
  const auto top = tree.stat(TreePath());
  if (top && !top_.digest.empty() && top->digest == top_.digest) return found;
  compare(top_, tree, most, found);
  for (const std::size_t i : unsettled_) {
    if (found.size() >= most) break;
    const Read& before = reads_[i];
    if (auto what = difference(before, ask(tree, before.path, before.asked))) {
      found.push_back({before.path, *std::move(what)});
    }
  }
  return found;
}

void ReadSet::compare(Directory& at, const sources::Tree& tree, std::size_t most,
                      std::vector<ReadChange>& found) {
  const auto stat = tree.stat(at.path);
  const bool is_plain =
      stat && stat->kind == sources::EntryKind::kDirectory && stat->real_path == at.path;
  if (is_plain && !at.digest.empty() && stat->digest == at.digest) return;
  const std::size_t before = found.size();
  for (const std::size_t i : at.reads) {
    if (found.size() >= most) return;
    const Read& read = reads_[i];
    if (auto what = difference(read, ask(tree, read.path, read.asked))) {
      found.push_back({read.path, *std::move(what)});
    }
  }
  for (const auto& below : at.below) {
    if (found.size() >= most) return;
    compare(*below, tree, most, found);
  }
  if (found.size() == before) at.digest = is_plain ? stat->digest : Digest();
}

}  // namespace sluice::kustomize
