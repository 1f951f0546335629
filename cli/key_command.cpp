#include "key_command.hpp"

#include <chrono>

#include "sluice/base/process.hpp"

#include "environment.hpp"

namespace sluice::cli {

Result<std::vector<std::string>> split_words(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (c == '\\' && quote != '\'' && i + 1 < command.size()) {
      word += command[++i];
      in_word = true;
    } else if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else {
        word += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != '\0') return fail(Code::kInvalid, "a quote without its end in the command");
  if (in_word) words.push_back(std::move(word));
  if (words.empty()) return fail(Code::kInvalid, "the command is empty");
  return words;
}

Result<crypto::SecretBytes> run_key_command(const std::string& variable,
                                            const std::string& recipient) {
  auto words = split_words(environment(variable.c_str()));
  if (!words) return fail(std::move(words).error().prefix(variable + ": "));
  Program program;
  program.argv = *std::move(words);
  program.environment = whole_environment();
  program.environment.push_back("SOPS_AGE_RECIPIENT=" + recipient);
  program.time_limit = std::chrono::seconds(120);
  program.max_output_bytes = std::size_t{1} << 20;
  crypto::SecretBuffer secret;
  program.output = &secret;
  auto done = run_program(program, CancelToken());
  if (!done) return fail(std::move(done).error().prefix(variable + ": "));
  if (!done->failure.empty()) {
    return fail(Code::kDenied, variable + ": " + program.argv[0] + ": " + done->failure);
  }
  return std::move(secret).take();
}

}  // namespace sluice::cli
