// Writing to stdout, stderr and files with every result checked.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace longhand::cli {

/// Writes all of `text` to stdout, unbuffered. Throws BrokenPipe, Error (io).
void write_output(std::string_view text);

/// Writes all of `text` to stderr; failures are ignored, for there is nobody left to tell.
void write_error(std::string_view text) noexcept;

/// A file being written; "-" is stdout. Unless finish() is reached, what was written is removed again.
class OutputFile {
 public:
  /// Throws Error (io).
  explicit OutputFile(std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Throws BrokenPipe, Error (io).
  void write(std::span<const std::byte> bytes);
  void finish();

 private:
  std::string path_;
  int fd_ = -1;
};

/// A text for a context window; whatever is larger was not meant to be one, or never ends.
inline constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;

/// The whole of a file, or of stdin for "-", byte for byte. Throws Error (io; limit: more than kMaxTextBytes;
/// cancelled by one of the signals).
std::string read_text(const std::string& path);

}  // namespace longhand::cli
