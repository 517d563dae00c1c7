// One file from the network, whole or not at all.
#pragma once

#include <cstdint>
#include <string>

#include "cli/pull/plan.h"

namespace longhand::cli {

/// Bytes that an earlier download has left behind.
std::int64_t bytes_begun(const RemoteFile& file);

/// Downloads into a PartFile, going on with what is there, and gives the file its name once its checksum
/// holds and all of it is on the disk. One without a checksum must begin as GGUF files do, and is gone on
/// with only while its server vouches (ETag) that it is still the same. `token` and `denied` as in PullPlan,
/// errors as of carry_out().
void download(const RemoteFile& file, const std::string& token, const std::string& denied);

}  // namespace longhand::cli
