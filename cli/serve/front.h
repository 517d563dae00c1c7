// Every request comes by here: who may ask, which endpoint answers, and what the log says of it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "cli/serve/api/endpoints.h"
#include "cli/serve/http/gate.h"
#include "cli/serve/request_log.h"

namespace longhand::cli {

class Front {
 public:
  Front(GateOptions gate, LogFormat log) : gate_(std::move(gate)), log_(log) {}

  /// A reply to who may not ask. Neither throws.
  std::optional<HttpReply> refuse(const HttpRequest& request) const;
  /// To a request that may be made.
  HttpReply answer(const HttpRequest& request);

  /// Until then, and from close() on, requests are told to come again.
  void open(std::shared_ptr<ServedModels> models);
  void close();
  /// Answers that are being written end.
  void cut() noexcept { cut_ = true; }

 private:
  HttpReply dispatch(const Call& call, const std::shared_ptr<ServedModels>& models,
                     std::shared_ptr<Service>& service);
  void add_headers(const HttpRequest& request, HttpReply& reply) const;
  void log(const HttpRequest& request, int status, const RequestNote& note,
           std::chrono::steady_clock::time_point start) const;

  Gate gate_;
  LogFormat log_;
  std::atomic<bool> cut_{false};
  std::mutex mutex_;
  std::shared_ptr<ServedModels> models_;
  bool closed_ = false;
};

}  // namespace longhand::cli
