#include <utility>

#include "sluice/decrypt/pgp_keys.hpp"

namespace sluice::decrypt {
namespace {

using crypto::SecretBytes;

class GpgProgram final : public KeyService {
 public:
  GpgProgram(RunProgram run, std::string program, std::vector<std::string> environment)
      : run_(std::move(run)), program_(std::move(program)), environment_(std::move(environment)) {}

  std::string_view type() const override { return "pgp"; }
  std::vector<std::string> looked_in() const override {
    return {"SOPS_GPG_EXEC " + program_ + ": the keys it has"};
  }

  Result<SecretBytes> unwrap(const MasterKey& key, const CancelToken& cancel) override {
    // No prompt of ours: gpg-agent asks for passphrases where it was set up to.
    crypto::SecretBuffer plaintext;
    SLUICE_TRY(const ProgramResult done, start({"--decrypt"}, key.wrapped_key, cancel, &plaintext));
    // A broken message: gpg prints what it has, and fails. What has no integrity protection is a
    // failure for it, too.
    if (!done.failure.empty()) return fail(Code::kNotFound, refusal(done));
    return std::move(plaintext).take();
  }

  Result<std::string> wrap(const MasterKey& key, const SecretBytes& data_key,
                           const CancelToken& cancel) override {
    if (key.id.empty() ||
        key.id.find_first_not_of("0123456789abcdefABCDEF ") != std::string::npos) {
      return fail(Code::kInvalid, "\"" + key.id + "\" is no fingerprint of an OpenPGP key");
    }
    SLUICE_TRY(const ProgramResult done,
               start({"--no-default-recipient", "--yes", "--encrypt", "--armor", "--trust-model",
                      "always", "--no-encrypt-to", "--recipient", key.id},
                     data_key.reveal_text(), cancel));
    if (!done.failure.empty()) return fail(Code::kInvalid, refusal(done));
    return done.output;
  }

 private:
  Result<ProgramResult> start(std::vector<std::string> arguments, std::string_view input,
                              const CancelToken& cancel, ByteSink* output = nullptr) const {
    Program program;
    program.output = output;
    program.argv = {program_, "--quiet"};
    program.argv.insert(program.argv.end(), arguments.begin(), arguments.end());
    program.environment = environment_;
    program.input = input;
    program.keep_error_output = true;
    program.max_output_bytes = kMaxPgpMessageBytes;
    auto done = run_(program, cancel);
    if (!done) return fail(std::move(done).error().prefix("SOPS_GPG_EXEC: "));
    return done;
  }

  std::string refusal(const ProgramResult& done) const {
    std::string words = done.error_output.substr(0, 400);
    for (char& c : words) {
      if (c == '\n') c = ' ';
    }
    return program_ + ": " + done.failure + ": " + words;
  }

  RunProgram run_;
  std::string program_;
  std::vector<std::string> environment_;
};

}  // namespace

std::shared_ptr<KeyService> make_gpg_program_service(RunProgram run, std::string program,
                                                     std::vector<std::string> environment) {
  return std::make_shared<GpgProgram>(std::move(run), std::move(program), std::move(environment));
}

}  // namespace sluice::decrypt
