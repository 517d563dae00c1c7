// Room for files that are about to be written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace longhand {

/// The folder a file is written in; symbolic links lead to where it will be.
std::filesystem::path folder_of(const std::string& path);
/// Throws Error (io) where the disk of `folder` has less free. Silent where that cannot be told: opening the
/// file will tell why.
void need_room(const std::string& folder, std::uint64_t bytes);

/// Bytes of what an ended run left of `path`, which are gone on with or given back.
std::uint64_t left_over(const std::string& path);

}  // namespace longhand
