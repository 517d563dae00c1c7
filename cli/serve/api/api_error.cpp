#include "cli/serve/api/api_error.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "cli/serve/api/json.h"

namespace longhand::cli {
namespace {

struct StatusNames {
  int status;
  const char *openai, *anthropic;
};
constexpr std::array kStatusNames = {
    StatusNames{400, "invalid_request_error", "invalid_request_error"},
    StatusNames{401, "authentication_error", "authentication_error"},
    StatusNames{403, "permission_error", "permission_error"},
    StatusNames{404, "not_found_error", "not_found_error"},
    StatusNames{405, "invalid_request_error", "invalid_request_error"},
    StatusNames{413, "invalid_request_error", "request_too_large"},
    StatusNames{429, "rate_limit_error", "rate_limit_error"},
    StatusNames{500, "server_error", "api_error"},
    StatusNames{501, "not_supported_error", "invalid_request_error"},
    StatusNames{503, "unavailable_error", "overloaded_error"},
};

const StatusNames& names_of(int status) {
  for (const StatusNames& names : kStatusNames)
    if (names.status == status) return names;
  return kStatusNames[7];
}

int status_of(Errc code) noexcept {
  switch (code) {
    case Errc::busy:
      return 429;
    case Errc::context_full:
    case Errc::range:
    case Errc::type:
    case Errc::grammar:
    case Errc::chat_template:
    case Errc::limit:
      return 400;
    case Errc::unsupported:
      return 501;
    case Errc::cancelled:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

ApiError api_error(const std::exception_ptr& failure) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const ApiError& error) { return error; } catch (const Error& error) {
    return {status_of(error.code()), error.what()};
  } catch (const std::bad_alloc&) { return {503, "not enough memory"}; } catch (const std::exception& error) {
    return {500, escape_controls(error.what())};
  }
}

std::string error_body(std::string_view path, const ApiError& error) {
  const StatusNames& names = names_of(error.status());
  const std::string message = error.what();
  if (path.starts_with("/api/")) return dump({{"error", message}});
  if (path.starts_with("/v1/messages"))
    return dump({{"type", "error"}, {"error", {{"type", names.anthropic}, {"message", message}}}});
  Json fields = {{"message", message}, {"type", names.openai}, {"param", nullptr}, {"code", nullptr}};
  if (!error.field().empty()) fields["param"] = error.field();
  if (message.ends_with("[E_CONTEXT_FULL]")) fields["code"] = "context_length_exceeded";
  return dump({{"error", fields}});
}

std::string error_event(std::string_view path, const ApiError& error) {
  if (path.starts_with("/v1/responses")) {
    const Json event = {{"type", "error"},
                        {"code", names_of(error.status()).openai},
                        {"message", error.what()},
                        {"param", nullptr},
                        {"sequence_number", 0}};
    return fmt::format("event: error\ndata: {}\n\n", dump(event));
  }
  const char* name = path.starts_with("/v1/messages") ? "event: error\n" : "";
  return fmt::format("{}data: {}\n\n", name, error_body(path, error));
}

HttpReply error_reply(std::string_view path, const ApiError& error) {
  HttpReply reply{.status = error.status(), .body = error_body(path, error)};
  if (error.status() == 429 || error.status() == 503) reply.headers.emplace_back("Retry-After", "1");
  if (error.status() == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  return reply;
}

}  // namespace longhand::cli
