#pragma once
/// What the identities of the clouds share: where credentials are looked for, and what was given
/// instead of looking.

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "sluice/base/clock.hpp"
#include "sluice/http/retry.hpp"
#include "sluice/http/surroundings.hpp"

namespace sluice::http {

template <class Given>
struct IdentityState {
  IdentityState(std::shared_ptr<Surroundings> where, SecretExchange with, Clock& time,
                std::shared_ptr<const Given> credentials, std::string from)
      : surroundings(std::move(where)),
        exchange(std::move(with)),
        clock(time),
        given(std::move(credentials)),
        origin(std::move(from)) {
    if (given) note(origin);
  }

  std::shared_ptr<Surroundings> surroundings;
  SecretExchange exchange;
  Clock& clock;
  std::shared_ptr<const Given> given;  ///< null: what the surroundings have
  std::string origin;                  ///< whence `given` comes, for messages
  mutable std::mutex
      mutex;  // guards what is below and what a derived state adds; held while asking
  std::vector<std::string> looked_in;  ///< for the message that nothing was found; each once

  std::string variable(const std::string& name) const { return surroundings->variable(name); }
  void note(std::string place) {
    if (std::find(looked_in.begin(), looked_in.end(), place) == looked_in.end()) {
      looked_in.push_back(std::move(place));
    }
  }
  std::vector<std::string> places() const {
    const std::lock_guard lock(mutex);
    return looked_in;
  }
};

}  // namespace sluice::http
