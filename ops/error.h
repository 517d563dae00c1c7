// The one exception type of the library.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

/// What shows of the interface where the library becomes part of a shared one: nothing, unless it was built
/// with LONGHAND_EXPORT_CPP. What C has shows always.
#if defined(LONGHAND_EXPORT_CPP)
#define LONGHAND_API __attribute__((visibility("default")))
#else
#define LONGHAND_API
#endif

namespace longhand {

/// What went wrong, for programs. The message of the Error says it for people.
enum class Errc {
  io,             ///< a file could not be opened, read or written
  truncated,      ///< a file ends before what it promises
  magic,          ///< not a file of the kind expected
  version,        ///< a version this library does not read
  limit,          ///< a count or size beyond a stated limit
  type,           ///< a value of another type than its key asks for
  range,          ///< a value outside its legal range
  shape,          ///< tensor dimensions that do not fit
  missing,        ///< a required key or tensor is absent
  duplicate,      ///< a name that must be unique appears twice
  unsupported,    ///< well formed, but not something this library can run
  no_memory,      ///< not enough memory
  context_full,   ///< more tokens than the session's context holds
  nonfinite,      ///< NaN or infinity where a number is needed
  cancelled,      ///< stopped on request
  chat_template,  ///< a chat template failed
  grammar,        ///< a grammar or schema is not usable
  corrupt,        ///< a checksum or an internal structure does not hold
  mismatch,       ///< a file belongs to another model or build
  busy,           ///< in use by another process or thread
};

/// "E_SHAPE" for Errc::shape, and so on.
LONGHAND_API std::string_view errc_name(Errc code) noexcept;

/// Thrown while loading and at the edge of the API, never from a hot path.
/// what() is one line of at most 500 bytes with control bytes escaped; it names the file, the field, the
/// value found and the rule it breaks, and ends in the code in brackets: "... must be 1..1024 [E_RANGE]".
class LONGHAND_API Error : public std::runtime_error {
 public:
  Error(Errc code, std::string_view message);
  Errc code() const noexcept { return code_; }

 private:
  Errc code_;
};

/// `text` with controls, what is invisible and bytes that are no UTF-8 shown as \n, \x1b, \u{202e}, cut
/// to `limit` bytes.
LONGHAND_API std::string escape_controls(std::string_view text, std::size_t limit = 500);

}  // namespace longhand
