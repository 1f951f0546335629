#include "kube/credentials.hpp"

#include <chrono>
#include <utility>

#include "sluice/crypto/secret_file.hpp"
#include "sluice/http/client.hpp"

namespace sluice::kube {
namespace {

constexpr std::size_t kMaxTokenBytes = 1U << 20;
constexpr std::chrono::minutes kTokenAge{1};

}  // namespace

Credentials::Credentials(const Config& config, Clock& clock)
    : clock_(clock), file_(config.bearer_token_file) {
  if (!file_.empty()) return;
  if (config.bearer_token) {
    header_ = http::bearer_authorization(*config.bearer_token);
  } else if (!config.username.empty()) {
    static const crypto::SecretBytes kEmpty;
    header_ =
        http::basic_authorization(config.username, config.password ? *config.password : kEmpty);
  }
}

Result<void> Credentials::read_file() {
  auto token = crypto::read_secret_file(file_, kMaxTokenBytes);
  read_at_ = clock_.steady();
  if (!token) {
    if (header_) return {};  // as client-go: go on with the last one, the server will judge
    return fail(std::move(token).error().as(Code::kDenied));
  }
  const std::string_view text = token->reveal_text();
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  token->shrink(end == std::string_view::npos ? 0 : end + 1);
  if (token->empty() && !header_)
    return fail(Code::kDenied, "the token file \"" + file_ + "\" is empty");
  auto header = http::bearer_authorization(*token);
  if (!header_ || !crypto::equal_constant_time(header->reveal(), header_->reveal()))
    header_ = std::move(header);
  return {};
}

Result<std::shared_ptr<const crypto::SecretBytes>> Credentials::header() {
  const std::lock_guard lock(mutex_);
  if (!file_.empty() && (!read_at_ || clock_.steady() - *read_at_ >= kTokenAge))
    SLUICE_CHECK(read_file());
  return header_;
}

bool Credentials::refresh(const std::shared_ptr<const crypto::SecretBytes>& used) {
  const std::lock_guard lock(mutex_);
  if (file_.empty()) return false;
  if (header_ == used && !read_file()) return false;
  return header_ != used;  // another thread may have read it in between
}

}  // namespace sluice::kube
