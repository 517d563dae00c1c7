// The C interface: statuses and errors.
#include "engine/longhand_c.h"

#include <array>

#include "engine/api/c/guard.h"

namespace longhand::c_api {
namespace {

constexpr lh_status status_of(Errc code) noexcept { return lh_status(int(code) + 1); }
static_assert(status_of(Errc::io) == LH_E_IO && status_of(Errc::range) == LH_E_RANGE &&
              status_of(Errc::cancelled) == LH_E_CANCELLED && status_of(Errc::busy) == LH_E_BUSY);

// The message of an Error is at most 500 bytes, and a cut of other messages may fall inside a character.
std::string_view fit(std::string_view message) noexcept {
  constexpr std::size_t kMost = sizeof(lh_error::message) - 1;
  if (message.size() <= kMost) return message;
  std::size_t size = kMost;
  while (size > 0 && (std::uint8_t(message[size]) & 0xC0) == 0x80) --size;
  return message.substr(0, size);
}

std::string own_message(lh_status status, std::string_view message) {
  return fmt::format("{} [{}]", escape_controls(message, 480), lh_status_name(status));
}

}  // namespace

lh_status report(lh_error* error, lh_status status, std::string_view message) noexcept {
  if (error == nullptr) return status;
  const std::string_view text = fit(message);
  error->status = status;
  *std::copy(text.begin(), text.end(), error->message) = '\0';
  return status;
}

lh_status report_current(lh_error* error) noexcept {
  try {
    try {
      throw;
    } catch (const Error& e) {
      return report(error, status_of(e.code()), e.what());
    } catch (const Refusal& r) {
      return report(error, r.status, own_message(r.status, r.message));
    } catch (const std::bad_alloc&) { throw; } catch (const std::length_error& e) {
      return report(error, LH_E_NO_MEMORY, own_message(LH_E_NO_MEMORY, e.what()));
    } catch (const std::exception& e) {
      return report(error, LH_E_INTERNAL, own_message(LH_E_INTERNAL, e.what()));
    }
  } catch (const std::bad_alloc&) {
    return report(error, LH_E_NO_MEMORY, "not enough memory [E_NO_MEMORY]");
  } catch (...) { return report(error, LH_E_INTERNAL, "an exception of no known type [E_INTERNAL]"); }
}

}  // namespace longhand::c_api

using namespace longhand;
using namespace longhand::c_api;

const char* lh_status_name(lh_status status) {
  const int number = number_of(status);
  if (number == LH_OK) return "OK";
  if (number >= LH_E_IO && number <= LH_E_BUSY)
    return errc_name(Errc(number - 1)).data();  // of a string literal
  constexpr std::array kOwn = {"E_ARGUMENT", "E_BUFFER", "E_CALLBACK", "E_INTERNAL"};
  if (number >= LH_E_ARGUMENT && number <= LH_E_INTERNAL) return kOwn[std::size_t(number - LH_E_ARGUMENT)];
  return "E_UNKNOWN";
}

const char* lh_version(void) {
  return version().data();  // of a string literal
}

lh_text lh_string(const char* text) {
  return text == nullptr ? lh_text{nullptr, 0} : lh_text{text, std::strlen(text)};
}
