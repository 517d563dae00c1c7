// Places models come from, on this machine: a hub, the server it sends readers on to, and a registry.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "tests/support/http_server.h"

namespace longhand::test {

std::string sha256_of(const std::string& bytes);

/// One repository, org/name.
class ModelHub {
 public:
  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

  /// By their names in the repository.
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> claimed;  // checksums that are told instead of the true ones
  std::string token;                           // needed where it is not empty
  /// An answer instead of the usual one, if it gives any.
  std::function<std::optional<WebAnswer>(const WebRequest&)> list_fault, file_fault;

  std::string url() const { return hub_.url(); }
  const WebServer& hub() const { return hub_; }
  const WebServer& store() const { return store_; }

 private:
  WebAnswer answer(const WebRequest& request) const;
  WebAnswer hand_out(const WebRequest& request) const;
  std::string list() const;

  WebServer store_{[this](const WebRequest& request) { return hand_out(request); }};
  WebServer hub_{[this](const WebRequest& request) { return answer(request); }};
};

/// A registry of ollama's kind, with a model of this name and tag.
class ModelRegistry {
 public:
  ModelRegistry(std::string name, std::string tag, std::string model)
      : name_(std::move(name)), tag_(std::move(tag)), model_(std::move(model)) {}
  std::string url() const { return server_.url(); }
  std::string host() const { return server_.url().substr(7); }
  std::string manifest() const;

 private:
  WebAnswer answer(const WebRequest& request) const;

  std::string name_, tag_, model_;
  WebServer server_{[this](const WebRequest& request) { return answer(request); }};
};

}  // namespace longhand::test
