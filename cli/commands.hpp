#pragma once
/// One function a command. Each takes the arguments after the command's name and gives the exit
/// status (README: 0, or by Code 1, 2, 3, 4, 70; `decrypt` has sops' numbers).

#include <span>
#include <string>
#include <string_view>

namespace sluice::cli {

using Arguments = std::span<const std::string_view>;

int run_command(Arguments arguments);
int build_command(Arguments arguments);
int decrypt_command(Arguments arguments);
int encrypt_command(Arguments arguments);
int rotate_command(Arguments arguments);
int updatekeys_command(Arguments arguments);
int edit_command(Arguments arguments);
int set_command(Arguments arguments);
int unset_command(Arguments arguments);
int groups_command(Arguments arguments);
int filestatus_command(Arguments arguments);
int ksops_command(Arguments arguments);
int sandbox_command(Arguments arguments);
int unseal_command(Arguments arguments);
int help_command(Arguments arguments);

/// Help text of a command with examples; "" for an unknown one.
std::string_view help_text(std::string_view command);

}  // namespace sluice::cli
