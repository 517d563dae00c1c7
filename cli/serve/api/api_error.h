// What is wrong with a request, and how each API says so.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include "cli/serve/http/http.h"
#include "ops/error.h"

namespace longhand::cli {

/// Ends a request with an HTTP status and a message.
class ApiError : public std::runtime_error {
 public:
  ApiError(int status, const std::string& message, std::string field = "")
      : std::runtime_error(message), status_(status), field_(std::move(field)) {}
  int status() const noexcept { return status_; }
  const std::string& field() const noexcept { return field_; }  ///< of the request; empty: none

 private:
  int status_;
  std::string field_;
};

/// Of whatever a request failed with.
ApiError api_error(const std::exception_ptr& failure) noexcept;

/// The body that clients of the API at `path` expect.
std::string error_body(std::string_view path, const ApiError& error);
/// The same as an event of a stream.
std::string error_event(std::string_view path, const ApiError& error);
/// The whole reply; one that tells to come again later says when.
HttpReply error_reply(std::string_view path, const ApiError& error);

}  // namespace longhand::cli
