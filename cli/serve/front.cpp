#include "cli/serve/front.h"

#include "cli/serve/api/api_error.h"
#include "cli/serve/api/json.h"
#include "cli/serve/loading_stream.h"
#include "cli/serve/page.h"
#include "cli/terminal/output.h"

namespace longhand::cli {
namespace {

// What anybody may ask for: whether there is a server, and a page that holds no secret.
bool is_open(const std::string& path) { return path == "/" || path == "/health" || path == "/v1/health"; }

std::string with_methods(std::string_view path) {
  std::string methods;
  for (const Endpoint& endpoint : endpoints()) {
    if (endpoint.path != path) continue;
    methods += (methods.empty() ? "" : ", ") + std::string(endpoint.method);
  }
  return methods;
}

// Clients leave out /v1 where it is part of the address they were told, or say it twice.
std::string known_path(const std::string& path) {
  for (const std::string& tried : {path, "/v1" + path, path.starts_with("/v1/v1/") ? path.substr(3) : path})
    if (!with_methods(tried).empty()) return tried;
  return path;
}

// Null where there is none, and then `reply` says so.
const Endpoint* endpoint_of(const HttpRequest& request, HttpReply& reply) {
  const std::string path = known_path(request.path);
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  for (const Endpoint& endpoint : endpoints())
    if (endpoint.path == path && endpoint.method == method) return &endpoint;
  const std::string methods = with_methods(path);
  const std::string shown = escape_controls(request.path, 120);
  if (methods.empty()) throw ApiError(404, fmt::format("there is no {}", shown));
  reply = error_reply(path, ApiError(405, fmt::format("{} takes {}", shown, methods)));
  reply.headers.emplace_back("Allow", methods);
  return nullptr;
}

struct Asked {
  std::string model = {};  // what a request calls the model that it is for; empty where it does not say
  bool stream = false;
};
Asked asked_by(const HttpRequest& request) {
  if (request.method != "POST" || request.body.empty()) return {};
  const Json json = parse_body(request.body);
  if (!json.is_object()) return {};
  const Fields fields(json);
  return {fields.text("model").value_or(fields.text("name", "")), fields.flag("stream", false)};
}

}  // namespace

void Front::open(std::shared_ptr<ServedModels> models) {
  const std::scoped_lock lock(mutex_);
  models_ = std::move(models);
}

void Front::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
}

HttpReply Front::dispatch(const Call& call, const std::shared_ptr<ServedModels>& models,
                          std::shared_ptr<Service>& service) {
  const HttpRequest& request = call.request;
  if (request.method == "OPTIONS") return {.status = 204, .type = "text/plain"};
  if (request.path == "/" && (request.method == "GET" || request.method == "HEAD")) return page_reply();
  if (models == nullptr) throw ApiError(503, "the model is being loaded, or the server is about to end");
  HttpReply reply;
  const Endpoint* endpoint = endpoint_of(request, reply);
  if (endpoint == nullptr) return reply;
  if (endpoint->of_all != nullptr) return endpoint->of_all(*models, call);
  const Asked asked = models->only_one() ? Asked() : asked_by(request);
  service = models->find(asked.model);
  if (!service && asked.stream && endpoint->events) {
    return stream_once_loaded(
        call, {.load = [models, name = asked.model](const auto& alive) { return models->get(name, alive); },
               .answer = [endpoint, call](Service& loaded) { return endpoint->answer(loaded, call); }});
  }
  if (!service) service = models->get(asked.model, request.alive);
  return endpoint->answer(*service, call);
}

void Front::log(const HttpRequest& request, int status, const RequestNote& note,
                std::chrono::steady_clock::time_point start) const {
  if (log_ == LogFormat::none) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  write_error(log_line(log_, {request.method, request.path, request.client, status, seconds}, note,
                       std::chrono::system_clock::now()));
}

void Front::add_headers(const HttpRequest& request, HttpReply& reply) const {
  for (auto& header : gate_.cross_origin(request)) reply.headers.push_back(std::move(header));
  reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
}

std::optional<HttpReply> Front::refuse(const HttpRequest& request) const {
  const auto start = std::chrono::steady_clock::now();
  const auto refusal = gate_.check(request, is_open(request.path));
  if (!refusal) return std::nullopt;
  HttpReply reply = error_reply(request.path, ApiError(refusal->status, refusal->why));
  add_headers(request, reply);
  log(request, reply.status, RequestNote(), start);
  return reply;
}

HttpReply Front::answer(const HttpRequest& given) {
  const auto start = std::chrono::steady_clock::now();
  Call call{given, std::make_shared<RequestNote>()};
  call.request.alive = [this, alive = given.alive] { return !cut_ && alive(); };
  std::shared_ptr<ServedModels> models;
  {
    const std::scoped_lock lock(mutex_);
    if (!closed_) models = models_;
  }
  HttpReply reply;
  std::shared_ptr<Service> service;
  try {
    reply = dispatch(call, models, service);
  } catch (...) { reply = error_reply(given.path, api_error(std::current_exception())); }
  add_headers(given, reply);
  if (!reply.stream) {
    log(given, reply.status, *call.note, start);
    return reply;
  }
  // The service has to live until the last piece is written.
  reply.stream = [this, call, service, start, status = reply.status,
                  write = std::move(reply.stream)](const HttpSink& sink) {
    try {
      write(sink);
    } catch (const std::exception&) { call.note->end = "failed"; }
    log(call.request, status, *call.note, start);
  };
  return reply;
}

}  // namespace longhand::cli
