#include "support/certificates.hpp"

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdlib.h>

#include "support/process.hpp"

namespace sluice::test {

Certificates::Certificates() {
  std::string pattern = std::filesystem::temp_directory_path() / "sluice-certs-XXXXXX";
  directory_ = ::mkdtemp(pattern.data());
  std::ofstream(path("server.ext")) << "subjectAltName=DNS:localhost,DNS:sluice.test,IP:127.0.0.1\n"
                                       "extendedKeyUsage=serverAuth\n";
  std::ofstream(path("client.ext")) << "extendedKeyUsage=clientAuth\n";
  const auto key = [this](const std::string& name) {
    return run({"openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out",
                path(name + ".key")})
               .status == 0;
  };
  const auto authority = [&](const std::string& name) {
    return key(name) &&
           run({"openssl", "req", "-x509", "-new", "-key", path(name + ".key"), "-days", "30",
                "-subj", "/CN=test " + name, "-out", path(name + ".crt")})
                   .status == 0;
  };
  const auto signed_by_ca = [&](const std::string& name) {
    return key(name) &&
           run({"openssl", "req", "-new", "-key", path(name + ".key"), "-subj", "/CN=" + name,
                "-out", path(name + ".csr")})
                   .status == 0 &&
           run({"openssl", "x509", "-req", "-in", path(name + ".csr"), "-CA", path("ca.crt"),
                "-CAkey", path("ca.key"), "-CAcreateserial", "-days", "30", "-extfile",
                path(name + ".ext"), "-out", path(name + ".crt")})
                   .status == 0;
  };
  ok_ = find_program("openssl") && authority("ca") && authority("other") &&
        signed_by_ca("server") && signed_by_ca("client");
}

Certificates::~Certificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

const Certificates* Certificates::get() {
  static const std::unique_ptr<const Certificates> made(new Certificates);
  return made->ok_ ? made.get() : nullptr;
}

std::string Certificates::text(const std::string& file) const {
  std::ifstream in(path(file));
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace sluice::test
