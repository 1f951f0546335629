#include "environment.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "sluice/base/descriptor.hpp"
#include "sluice/crypto/secret_file.hpp"

#include "key_sources.hpp"

namespace sluice::cli {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::vector<std::string> whole_environment() {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry)
    all.emplace_back(*entry);
  return all;
}

crypto::SecretBytes take_secret_environment(const char* name) {
  char* value = std::getenv(name);
  if (value == nullptr) return {};
  auto secret = crypto::SecretBytes::copy_of(std::string_view(value));
  crypto::wipe(value, std::strlen(value));  // /proc/self/environ shows this very memory
  ::unsetenv(name);
  return secret;
}

Result<void> write_secret(int descriptor, const crypto::SecretBytes& bytes) {
  if (!write_all(descriptor, bytes.reveal_text())) return fail(system_error("output"));
  return {};
}

namespace {

class EnvironmentDecryptor final : public decrypt::LeafDecryptor {
 public:
  EnvironmentDecryptor(std::shared_ptr<decrypt::SopsFiles> files, decrypt::Audit record,
                       const KeyOptions& options)
      : files_(std::move(files)), record_(std::move(record)), options_(options) {}

  Result<crypto::SecretBytes> open(const yaml::EncryptedLeaf& leaf,
                                   const CancelToken& cancel) override {
    SLUICE_CHECK(find_keys());
    return decryptor_->open(leaf, cancel);
  }

 private:
  Result<void> find_keys() {
    const std::lock_guard lock(mutex_);
    if (decryptor_) return {};
    SLUICE_TRY(auto keys, keys_from_environment(options_));
    decryptor_ = std::make_unique<decrypt::SopsDecryptor>(
        files_, std::move(keys), decrypt::kDefaultDecryptionOrder, std::move(record_));
    return {};
  }

  std::shared_ptr<decrypt::SopsFiles> files_;
  decrypt::Audit record_;
  KeyOptions options_;
  std::mutex mutex_;  // guards decryptor_ until it is there
  std::unique_ptr<decrypt::SopsDecryptor> decryptor_;
};

}  // namespace

std::unique_ptr<decrypt::LeafDecryptor> make_environment_decryptor(
    std::shared_ptr<decrypt::SopsFiles> files, decrypt::Audit record, const KeyOptions& options) {
  return std::make_unique<EnvironmentDecryptor>(std::move(files), std::move(record), options);
}

Result<decrypt::SealedKeys> sealed_keys_from_files(const std::vector<std::string>& paths) {
  decrypt::SealedKeys keys;
  for (const std::string& list : paths) {
    for (std::size_t at = 0; at <= list.size();) {
      const std::size_t comma = std::min(list.find(',', at), list.size());
      const std::string path = list.substr(at, comma - at);
      at = comma + 1;
      SLUICE_TRY(const crypto::SecretBytes content, crypto::read_secret_file(path));
      SLUICE_CHECK(keys.add(content, path));
    }
  }
  return keys;
}

struct SignalWatch::State {
  sigset_t signals{};
  sigset_t before{};
  std::atomic<bool> stop{false};
  std::thread thread;
};

SignalWatch::SignalWatch(CancelSource& source) : state_(std::make_unique<State>()) {
  sigemptyset(&state_->signals);
  sigaddset(&state_->signals, SIGINT);
  sigaddset(&state_->signals, SIGTERM);
  // Blocked in every thread, taken by one: no handler runs in the middle of anything.
  pthread_sigmask(SIG_BLOCK, &state_->signals, &state_->before);
  state_->thread = std::thread([state = state_.get(), &source] {
    const timespec pause{0, 100'000'000};
    while (!state->stop) {
      if (sigtimedwait(&state->signals, nullptr, &pause) > 0 && !state->stop) source.cancel();
    }
  });
}

SignalWatch::~SignalWatch() {
  state_->stop = true;
  ::pthread_kill(state_->thread.native_handle(), SIGTERM);  // ends its wait, now
  state_->thread.join();
  pthread_sigmask(SIG_SETMASK, &state_->before, nullptr);
}

}  // namespace sluice::cli
