#include "cli/serve/page.h"

#include <fmt/format.h>

#include "cli/serve/api/json.h"

namespace longhand::cli {

// In a source that is made of the folder page when the program is built.
extern const unsigned char kPage[];
extern const std::size_t kPageBytes;

HttpReply page_reply() {
  const std::string nonce = new_id("");
  constexpr std::string_view kPlace = "NONCE";
  std::string text(reinterpret_cast<const char*>(kPage), kPageBytes);
  for (std::size_t at = 0; (at = text.find(kPlace, at)) != std::string::npos; at += nonce.size())
    text.replace(at, kPlace.size(), nonce);
  const std::string policy = fmt::format(
      "default-src 'none'; connect-src 'self'; img-src 'self' data: blob:; script-src 'nonce-{0}'; "
      "style-src 'nonce-{0}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      nonce);
  return {.type = "text/html; charset=utf-8",
          .body = std::move(text),
          .headers = {{"Content-Security-Policy", policy},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-store"}}};
}

}  // namespace longhand::cli
