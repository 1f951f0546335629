#include <cstdio>
#include <unistd.h>

#include "sluice/base/clock.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/decrypt/encryptor.hpp"

#include "commands.hpp"
#include "key_sources.hpp"
#include "sops_files.hpp"

namespace sluice::cli {
namespace {

void line(const char* color, const std::string& text) {
  const bool colored = color != nullptr && ::isatty(STDOUT_FILENO) == 1;
  std::printf(colored ? "%s%s\033[0m\n" : "%s%s\n", colored ? color : "", text.c_str());
}

// As sops prints it.
void print(const decrypt::KeyChanges& changes) {
  constexpr const char* kGreen = "\033[32m";
  constexpr const char* kRed = "\033[31m";
  std::puts("The following changes will be made to the file's groups:");
  const auto threshold = [](std::int64_t n) { return "shamir_threshold: " + std::to_string(n); };
  if (changes.old_threshold > 0 && changes.old_threshold == changes.new_threshold) {
    line(nullptr, threshold(changes.new_threshold));
  } else {
    if (changes.new_threshold > 0) line(kGreen, "+++ " + threshold(changes.new_threshold));
    if (changes.old_threshold > 0) line(kRed, "--- " + threshold(changes.old_threshold));
  }
  for (std::size_t i = 0; i < changes.groups.size(); ++i) {
    line("\033[4m", "Group " + std::to_string(i + 1));
    for (const std::string& key : changes.groups[i].common)
      line(nullptr, "    " + key);
    for (const std::string& key : changes.groups[i].added)
      line(kGreen, "+++ " + key);
    for (const std::string& key : changes.groups[i].removed)
      line(kRed, "--- " + key);
  }
}

// As fmt.Scanln: one word on the line.
Result<bool> agreed() {
  for (;;) {
    std::printf("Is this okay? (y/n):");
    std::fflush(stdout);
    char line[64];
    if (std::fgets(line, sizeof line, stdin) == nullptr) {
      return fail(Code::kInvalid, "no answer on standard input", Where{}, "give -y");
    }
    const std::string_view answer = go_trim_space(line);
    if (answer == "y") return true;
    if (answer == "n") return false;
    if (answer.empty() || answer.find(' ') != std::string_view::npos) {
      return fail(Code::kInvalid, "the answer is neither y nor n", Where{}, "give -y");
    }
  }
}

Result<void> update(const std::string& file, const SopsFlags& flags, bool yes) {
  SLUICE_TRY(const SopsPlace place, sops_place({file}, flags, /*must_exist=*/false));
  if (!place.config) {
    return fail(Code::kNotFound, "no .sops.yaml in this folder or one above", Where{},
                "updatekeys takes the keys from its creation rules");
  }
  std::fprintf(stderr, "Syncing keys for file %s\n", place.path.c_str());
  auto bytes = read_ciphertext(place);
  if (!bytes) return fail(std::move(bytes).error().reason(""));  // sops has 1 for it
  SLUICE_TRY(auto settings, place.config->settings_for(place.path));
  if (!settings) {
    return fail(Code::kInvalid, "the configuration has no creation rules",
                Where{place.config->path(), 0, 0});
  }
  SLUICE_TRY(const auto services, keys_from_environment(flags.key_options()));
  for (auto& group : settings->groups)
    SLUICE_CHECK(decrypt::complete_keys(group, services, CancelToken()));
  SLUICE_TRY(const auto changes,
             decrypt::compare_keys(*bytes, place.shown, place.input, *settings));
  if (!changes.any()) {
    std::fprintf(stderr, "File %s already up to date\n", place.path.c_str());
    return {};
  }
  print(changes);
  if (!yes) {
    SLUICE_TRY(const bool go_on, agreed());
    if (!go_on) {
      std::fprintf(stderr, "File %s left unchanged\n", place.path.c_str());
      return {};
    }
  }
  AuditLog audit;
  SLUICE_TRY(const decrypt::RewriteOptions options,
             rewrite_options(place, flags, audit, "updatekeys"));
  SLUICE_TRY(const std::string text, decrypt::update_keys(*bytes, place.shown, options, *settings,
                                                          services, CancelToken()));
  SLUICE_CHECK(audit.written());
  SLUICE_CHECK(replace_file(place.path, text));
  std::fprintf(stderr, "File %s synced with new keys\n", place.path.c_str());
  return {};
}

}  // namespace

int updatekeys_command(Arguments arguments) {
  Flags flags;
  SopsFlags common;
  bool yes = false;
  common.add_to(flags);
  flags.on("yes", yes);
  flags.alias('y', "yes");
  const auto files = flags.parse(arguments);
  if (!files) return report(files.error());
  if (files->empty()) {
    return sops_refused(Error(Code::kInvalid, "no file given", Where{}, "sluice help updatekeys")
                            .reason(std::string(kReasonNoFile)));
  }
  std::size_t failed = 0;
  for (const std::string& file : *files) {
    const auto done = update(file, common, yes);
    if (done) continue;
    ++failed;
    const int status = sops_refused(done.error());
    if (files->size() == 1) return status;
  }
  if (failed == 0) return 0;
  return sops_refused({Code::kInvalid, "failed updating " + std::to_string(failed) + " file(s)"});
}

}  // namespace sluice::cli
