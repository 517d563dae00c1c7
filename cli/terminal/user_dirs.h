// Where this user's files lie: the XDG base directories, and home.
#pragma once

#include <string>

namespace longhand::cli {

/// The variable's value; "" where it is not set.
std::string environment(const char* name);
/// "" where unknown.
std::string home_folder();
/// What the program remembers by itself: $XDG_STATE_HOME/longhand, or below ~/.local/state. "" where neither
/// is known, as for the others.
std::string state_folder();
/// What the user asked it to keep: $XDG_DATA_HOME/longhand, or below ~/.local/share.
std::string data_folder();
/// $XDG_CACHE_HOME or ~/.cache: of all programs, not of longhand alone.
std::string cache_home();
/// `path` with a "~/" in front replaced by the home folder, as shells do.
std::string expand_home(const std::string& path);

/// Creates `folder` for its owner only, and its parents as the system likes. Errors show when it is used.
void make_private_folder(const std::string& folder);

}  // namespace longhand::cli
