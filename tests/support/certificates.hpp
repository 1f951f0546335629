#pragma once
/// Throw-away certificates for loopback tests, made with the openssl program.

#include <string>

namespace sluice::test {

/// A CA ("ca"), a server ("server", for localhost, 127.0.0.1 and the DNS name sluice.test), a
/// client
/// ("client") and a CA that signed nothing ("other"), as NAME.crt and NAME.key in a directory of
/// its own, made once per process.
class Certificates {
 public:
  /// nullptr when there is no openssl program.
  static const Certificates* get();
  std::string path(const std::string& file) const { return directory_ + "/" + file; }
  std::string text(const std::string& file) const;
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;
  ~Certificates();

 private:
  Certificates();
  std::string directory_;
  bool ok_ = false;
};

}  // namespace sluice::test
