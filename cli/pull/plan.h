// What is to be downloaded of a model, and what it is called afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace longhand::cli {

struct RemoteFile {
  std::string name;  // as its source calls it
  std::string url;
  std::string path;         // where it lies when it is whole
  std::string sha256;       // 64 digits; "": the source does not tell
  std::int64_t bytes = -1;  // -1: not told
};

/// A file or symbolic link that makes files known under their names.
struct Entry {
  std::string path;
  std::string content;  // of the file, or where the link leads
  bool link = false;
};

struct PullPlan {
  std::string source;  // in messages: "OWNER/REPO", "llama3.2:1b"
  std::string token;   // for the source's host; "": none
  std::string denied;  // what to tell whoever may not read it
  std::vector<RemoteFile> files;
  std::vector<Entry> entries;  // made when all files are there, in this order
  std::string model;           // path of the file to open
};

/// True where the whole file is there. Only then has it this name.
bool is_there(const RemoteFile& file);

/// Downloads what is not there yet and makes the entries. Files go on where an earlier run was stopped.
/// Throws Error: io, missing (the source has no such file), corrupt (bytes that are not those promised), busy
/// (another process downloads the same), cancelled.
void carry_out(const PullPlan& plan);

/// What carry_out() would do, for people.
std::string describe(const PullPlan& plan);

}  // namespace longhand::cli
