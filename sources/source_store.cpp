#include "sluice/sources/source_store.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <mutex>
#include <sys/file.h>
#include <unordered_map>

#include "sluice/base/descriptor.hpp"
#include "sluice/base/encoding.hpp"

#include "git_local.hpp"
#include "git_ref.hpp"
#include "git_store.hpp"
#include "git_tree.hpp"
#include "git_wire.hpp"
#include "source_state.hpp"

namespace sluice::sources {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxIdBytes = 512;  // a namespace, a slash and a name have at most 317

Digest digest_of(const std::string& id) {
  const auto bytes = hex_decode(id);
  return Digest(DigestAlgorithm::kGitSha1,
                {reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()});
}

/// One source: its state and its objects. Used by one pull at a time.
class Source {
 public:
  Source(std::string directory, const SourceLimits& limits)
      : directory_(std::move(directory)), limits_(limits) {}

  Result<Artifact> pull(const GitSpec& spec, const Credentials& credentials, http::Client& http,
                        const CancelToken& cancel, PullStats& stats) {
    SLUICE_CHECK(load(spec.url));
    if (spec.url.starts_with("file://")) return pull_local(spec, stats);
    return pull_remote(spec, credentials, http, cancel, stats);
  }

  void forget() {
    std::error_code ignored;
    fs::remove(state_file(), ignored);
    if (store_) store_->retire();
    store_.reset();
    tree_.reset();
    state_ = {};
    fs::remove(directory_, ignored);  // empty, unless a tree is still held
  }

 private:
  /// Adds objects for `wants` to `store`; `have` is "" when `store` is empty.
  using Fetch = std::function<Result<PackSummary>(
      ObjectStore& store, const std::vector<std::string>& wants, const std::string& have)>;

  std::string state_file() const { return directory_ + "/state"; }
  std::string generation_directory(std::uint64_t number) const {
    return directory_ + "/objects-" + std::to_string(number);
  }

  Result<void> load(const std::string& url) {
    if (store_ && state_.url == url && !store_->is_damaged()) return {};
    if (!store_) {
      state_ = read_state(state_file());
      std::error_code error;
      fs::create_directories(directory_, error);
      const std::string current = generation_directory(state_.generation);
      for (const auto& entry : fs::directory_iterator(directory_, error)) {
        // Generations that were given up, or begun and never put into use.
        const std::string name = entry.path().string();
        if (entry.is_directory() && name != current) fs::remove_all(name, error);
      }
      if (!state_.commit.empty() && state_.url == url) {
        SLUICE_TRY(store_, ObjectStore::open(current));
        const Digest commit = digest_of(state_.commit);
        if (store_->has(commit) && store_->check_complete(commit, {})) return {};
      }
    }
    return start_afresh(url);
  }

  Result<void> start_afresh(const std::string& url) {
    std::error_code error;
    if (store_) {
      store_->retire();
    } else {
      fs::remove_all(generation_directory(state_.generation), error);
    }
    tree_.reset();
    const std::uint64_t next = state_.generation + 1;
    ServerMemory server = state_.url == url ? std::move(state_.server) : ServerMemory{};
    state_ = {next, url, {}, std::move(server)};
    SLUICE_TRY(store_, ObjectStore::open(generation_directory(next)));
    return {};
  }

  Result<Artifact> pull_remote(const GitSpec& spec, const Credentials& credentials,
                               http::Client& http, const CancelToken& cancel, PullStats& stats) {
    GitRemote remote(http, spec, credentials, state_.server);
    const auto count = [&](auto result) {
      stats.requests = remote.requests();
      return result;
    };
    std::vector<Chosen> chosen;
    if (!spec.ref.commit.empty()) {
      chosen = {{spec.ref.commit, spec.ref.branch}};
    } else {
      SLUICE_TRY(const auto refs, count(remote.list(ref_prefixes(spec.ref), cancel)));
      SLUICE_TRY(chosen, choose_ref(spec.ref, refs, spec.url));
    }
    const Fetch fetch = [&](ObjectStore& store, const std::vector<std::string>& wants,
                            const std::string& have) -> Result<PackSummary> {
      Spool spool(store.directory());
      SLUICE_CHECK(count(remote.fetch({wants, have}, spool, limits_.max_pack_bytes, cancel)));
      return store.add_pack(remote.memory().protocol, spool);
    };
    return bring(spec, chosen, fetch, stats);
  }

  Result<Artifact> pull_local(const GitSpec& spec, PullStats& stats) {
    std::string path = spec.url.substr(std::strlen("file://"));
    if (path.starts_with("localhost/")) path.erase(0, std::strlen("localhost"));
    SLUICE_TRY(const LocalRepository repository, LocalRepository::open(path));
    std::vector<Chosen> chosen;
    if (!spec.ref.commit.empty()) {
      chosen = {{spec.ref.commit, spec.ref.branch}};
    } else {
      SLUICE_TRY(const auto refs, repository.list());
      SLUICE_TRY(chosen, choose_ref(spec.ref, refs, spec.url));
    }
    const Fetch fetch = [&](ObjectStore& store, const std::vector<std::string>& wants,
                            const std::string&) {
      std::vector<Digest> ids;
      for (const std::string& want : wants)
        ids.push_back(digest_of(want));
      return repository.copy_to(store, ids);
    };
    return bring(spec, chosen, fetch, stats);
  }

  /// Makes sure that what was chosen is here and complete, and remembers it.
  Result<Artifact> bring(const GitSpec& spec, const std::vector<Chosen>& chosen, const Fetch& fetch,
                         PullStats& stats) {
    std::vector<std::string> all;
    std::vector<std::string> missing;
    for (const Chosen& one : chosen) {
      all.push_back(one.id);
      if (!store_->has(digest_of(one.id))) missing.push_back(one.id);
    }
    const std::string before = state_.commit;
    const auto whole = [&]() -> Result<Artifact> { return renew(spec, chosen, all, fetch, stats); };
    if (!missing.empty() && !before.empty() && store_->packs() >= limits_.max_packs) return whole();
    if (!missing.empty()) {
      const auto added = fetch(*store_, missing, before);
      if (!added) {
        // The base may be bad, on either side: once more without one.
        if (added.error().code() == Code::kIntegrity && !before.empty()) return whole();
        return fail(named(spec, added.error()));
      }
      stats.objects += added->objects;
      stats.bytes += added->bytes;
    }
    auto artifact = finish(chosen);
    if (!artifact && artifact.error().code() == Code::kIntegrity) {
      if (!before.empty()) return whole();
      SLUICE_CHECK(start_afresh(spec.url));
    }
    if (artifact) stats.unchanged = artifact->commit == before && stats.objects == 0;
    return artifact;
  }

  /// Fetches everything into a new generation; the old one stays in use until that is complete.
  Result<Artifact> renew(const GitSpec& spec, const std::vector<Chosen>& chosen,
                         const std::vector<std::string>& wants, const Fetch& fetch,
                         PullStats& stats) {
    const std::uint64_t next = state_.generation + 1;
    std::error_code error;
    fs::remove_all(generation_directory(next), error);
    SLUICE_TRY(auto store, ObjectStore::open(generation_directory(next)));
    const auto added = fetch(*store, wants, "");
    if (!added) {
      store->retire();
      return fail(named(spec, added.error()));
    }
    stats.objects += added->objects;
    stats.bytes += added->bytes;
    std::swap(store_, store);
    SourceState old_state = std::exchange(state_, {next, spec.url, {}, state_.server});
    auto artifact = finish(chosen);
    if (!artifact) {
      std::swap(store_, store);
      state_ = std::move(old_state);
    }
    store->retire();  // the one that is not in use
    return artifact;
  }

  Result<Artifact> finish(const std::vector<Chosen>& chosen) {
    // Several: versions that differ in build metadata only; Flux takes the youngest commit.
    Digest id;
    Commit commit;
    const Chosen* winner = nullptr;
    for (const Chosen& one : chosen) {
      SLUICE_TRY(const Digest candidate, store_->peel_to_commit(digest_of(one.id)));
      SLUICE_TRY(Commit read, store_->commit(candidate));
      if (winner != nullptr && read.committed < commit.committed) continue;
      winner = &one;
      id = candidate;
      commit = std::move(read);
    }
    const std::string hex = id.hex();
    if (hex != state_.commit) {
      const Digest known = state_.commit.empty() ? Digest() : digest_of(state_.commit);
      SLUICE_CHECK(store_->check_complete(id, known));
      state_.commit = hex;
      SLUICE_CHECK(write_state(state_file(), state_));
    }
    if (!tree_ || tree_id_ != commit.tree || tree_store_ != store_.get()) {
      tree_ = make_git_tree(store_, commit.tree);
      tree_id_ = commit.tree;
      tree_store_ = store_.get();  // `tree_` keeps it alive, so no other has its address
    }
    return Artifact{revision_text(winner->label, hex), commit.tree, hex, commit.subject, tree_};
  }

  /// A commit that the server does not have is told in Flux's words.
  static Error named(const GitSpec& spec, const Error& error) {
    if (error.code() != Code::kNotFound || spec.ref.commit.empty() ||
        error.message().find("the server says") == std::string::npos) {
      return error;
    }
    return Error(Code::kNotFound, "unable to resolve commit object for '" + spec.ref.commit +
                                      "': object not found (" + error.message() + ")");
  }

  std::string directory_;
  const SourceLimits& limits_;
  SourceState state_;
  std::shared_ptr<ObjectStore> store_;
  std::shared_ptr<const Tree> tree_;
  Digest tree_id_;
  const ObjectStore* tree_store_ = nullptr;
};

class RealStore final : public SourceStore {
 public:
  RealStore(std::string directory, http::Client& http, const SourceLimits& limits)
      : directory_(std::move(directory)), http_(http), limits_(limits) {
    std::error_code error;
    fs::create_directories(directory_, error);
    // No source's directory starts with a dot.
    lock_ = Descriptor(::open((directory_ + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    lock_errno_ = lock_.is_open() ? 0 : errno;
    if (lock_.is_open() && ::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) lock_errno_ = EWOULDBLOCK;
    if (lock_errno_ != 0) return;
    for (const auto& entry : fs::directory_iterator(directory_, error)) {
      // Forgotten while a tree of it was still held.
      if (entry.is_directory() && !fs::exists(entry.path() / "state")) {
        fs::remove_all(entry.path(), error);
      }
    }
  }

  Result<Artifact> pull(const GitSpec& spec, const Credentials& credentials,
                        const CancelToken& cancel, PullStats* stats) override {
    PullStats own;
    PullStats& counted = stats != nullptr ? *stats : own;
    counted = {};
    SLUICE_CHECK(check(spec));
    SLUICE_TRY(const Turn turn, take_turn(spec.id, cancel));
    auto artifact = turn.source().pull(spec, credentials, http_, cancel, counted);
    if (!artifact && cancel.cancelled()) {
      return fail(Code::kCancelled, "the pull of '" + spec.id + "' was cancelled");
    }
    return artifact;
  }

  void forget(const std::string& id) override {
    if (lock_errno_ != 0 || id.empty()) return;
    if (auto turn = take_turn(id, {})) turn->source().forget();
  }

 private:
  struct Slot {
    explicit Slot(std::unique_ptr<Source> made) : source(std::move(made)) {}
    std::unique_ptr<Source> source;
    bool busy = false;
  };

  /// The right to use a source, given back when it ends.
  class Turn {
   public:
    Turn(RealStore& store, Slot& slot) : store_(&store), slot_(&slot) {}
    Turn(Turn&& other) noexcept
        : store_(std::exchange(other.store_, nullptr)), slot_(other.slot_) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (store_ == nullptr) return;
      const std::lock_guard lock(store_->mutex_);
      slot_->busy = false;
      store_->turns_.notify_all();
    }
    Source& source() const { return *slot_->source; }

   private:
    RealStore* store_;
    Slot* slot_;
  };

  Result<void> check(const GitSpec& spec) const {
    if (lock_errno_ == EWOULDBLOCK) {
      return fail(Code::kConflict, "another process uses the directory \"" + directory_ + "\"");
    }
    if (lock_errno_ != 0) {
      return fail(Code::kUnavailable,
                  "cannot use the directory \"" + directory_ + "\": " + std::strerror(lock_errno_));
    }
    if (spec.id.empty() || spec.id.size() > kMaxIdBytes) {
      return fail(Code::kInvalid,
                  "a source's id must have 1 to " + std::to_string(kMaxIdBytes) + " bytes");
    }
    if (spec.url.find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos) {
      return fail(Code::kInvalid, "the source's URL holds a line break");
    }
    if (!spec.url.starts_with("https://") && !spec.url.starts_with("http://") &&
        !spec.url.starts_with("file:///") && !spec.url.starts_with("file://localhost/")) {
      const std::string scheme = spec.url.substr(0, spec.url.find("://"));
      return fail(scheme == "ssh" ? Code::kUnsupported : Code::kInvalid,
                  "source URL scheme \"" + scheme + "\": only http, https and file are supported");
    }
    return check_ref(spec.ref);
  }

  Result<Turn> take_turn(const std::string& id, const CancelToken& cancel) {
    const auto registration = cancel.on_cancel([this] {
      const std::lock_guard lock(mutex_);
      turns_.notify_all();
    });
    std::unique_lock lock(mutex_);
    auto found = slots_.find(id);
    if (found == slots_.end()) {
      found = slots_
                  .emplace(id, std::make_unique<Slot>(std::make_unique<Source>(
                                   directory_ + "/" + directory_name(id), limits_)))
                  .first;
    }
    Slot& slot = *found->second;
    turns_.wait(lock, [&] { return !slot.busy || cancel.cancelled(); });
    if (cancel.cancelled()) {
      lock.unlock();  // the registration's end waits for its callback, which locks
      return fail(Code::kCancelled, "the pull of '" + id + "' was cancelled");
    }
    slot.busy = true;
    lock.unlock();
    return Turn(*this, slot);
  }

  std::string directory_;
  http::Client& http_;
  SourceLimits limits_;
  Descriptor lock_;
  int lock_errno_ = 0;
  std::mutex mutex_;  // guards slots_ and each slot's `busy`; a slot once made stays
  std::condition_variable turns_;
  std::unordered_map<std::string, std::unique_ptr<Slot>> slots_;
};

}  // namespace

std::unique_ptr<SourceStore> make_source_store(std::string directory, http::Client& http,
                                               const SourceLimits& limits) {
  return std::make_unique<RealStore>(std::move(directory), http, limits);
}

}  // namespace sluice::sources
