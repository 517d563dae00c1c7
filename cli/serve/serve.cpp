// longhand serve: a model for clients that speak HTTP.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "cli/exit_status.h"
#include "cli/models/models_path.h"
#include "cli/serve/front.h"
#include "cli/serve/http/http_server.h"
#include "cli/serve/serve_flags.h"
#include "cli/serve/served_models.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/user_dirs.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

// Each connection is a descriptor.
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::shared_ptr<Service> load(const ServeFlags& flags, const std::string& path, const std::string& name) {
  const Model model = flags.session.open(path, flags.session.load_options());
  ServiceOptions options = flags.service(model, path);
  if (options.name.empty()) options.name = name;
  const NoSignals elsewhere;  // the threads of the service take none
  auto service = std::make_shared<Service>(model, std::move(options));
  if (!service->writes()) return service;
  if (service->scheduler().context_was_cut())
    print_note(fmt::format("the context is {} tokens, as many as fit in memory", service->context()));
  for (const std::string& warning : service->written().warnings()) print_note(warning);
  return service;
}

// Those that can be run, each name once.
std::vector<ListedModel> runnable(std::vector<FoundModel> found) {
  std::vector<ListedModel> models;
  for (FoundModel& model : found) {
    ModelCard card = read_card(model.path);
    const auto same = [&](const ListedModel& other) { return other.found.label == model.label; };
    if (card.problem.empty() && std::ranges::none_of(models, same))
      models.push_back({std::move(model), std::move(card)});
  }
  return models;
}

std::shared_ptr<ServedModels> models_of(const ServeFlags& flags) {
  if (flags.one_model())
    return std::make_shared<ServedModels>(load(flags, find_model(flags.session.model), ""));
  const std::string folder = expand_home(flags.models_folder);
  std::vector<ListedModel> models = runnable(folder.empty() ? find_models() : find_models_below(folder));
  if (models.empty())
    throw Error(Errc::missing, folder.empty() ? "there are no models on this machine that can be served"
                                              : fmt::format("{} has no models that can be served", folder));
  if (models.size() == 1) return std::make_shared<ServedModels>(load(flags, models[0].found.path, ""));
  return std::make_shared<ServedModels>(
      std::move(models), flags.models_room(),
      [&flags](const FoundModel& model) { return load(flags, model.path, model.label); });
}

// Answers may be finished for so long; then they are cut. False: a thread still computes.
bool drain(Front& front, ServedModels& models, HttpServer& server, std::chrono::seconds time) {
  constexpr std::chrono::milliseconds kGoodbye{500}, kParting{2000};
  const auto until = HttpServer::Clock::now() + time;
  front.close();
  models.close();
  const std::vector<std::shared_ptr<Service>> services = models.loaded();
  for (const auto& service : services)
    if (service->writes()) service->scheduler().close();
  for (const auto& service : services) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - HttpServer::Clock::now());
    // Till then it is noticed who leaves.
    if (service->writes()) service->scheduler().wait_idle(std::max(left, std::chrono::milliseconds(0)));
  }
  if (server.stop(until)) return true;
  print_note("answers are cut short");
  front.cut();
  // Who follows an answer says goodbye; who waits for a client that does not read has to be woken.
  return server.stop(HttpServer::Clock::now() + kGoodbye) || server.cut(HttpServer::Clock::now() + kParting);
}

std::string describe(const ServedModels& models) {
  const std::vector<ServedModels::Entry> entries = models.list();
  if (models.only_one()) return entries[0].name;
  return fmt::format("{} models, each loaded when it is asked for", entries.size());
}

int serve(const ServeFlags& flags) {
  const SignalScope signals;
  allow_many_descriptors();
  flags.session.tell_notes();
  const std::shared_ptr<const TlsContext> tls = flags.tls();
  Listener listener = flags.listen();
  const std::string address = listener.address();
  Front front(flags.gate(listener), flags.log_format());
  const HttpServer::Handler handler = {
      .refuse = [&front](const HttpRequest& request) { return front.refuse(request); },
      .answer = [&front](const HttpRequest& request) { return front.answer(request); }};
  std::optional<HttpServer> server;
  {
    const NoSignals elsewhere;
    server.emplace(std::move(listener), flags.limits(), handler, tls);
  }
  const std::shared_ptr<ServedModels> models = models_of(flags);
  front.open(models);
  write_output(fmt::format("{} serves {}\n", address, describe(*models)));
  while (!signal_waiting()) wait_readable(-1);
  // Destructors would wait for a pass through the model, which on a slow machine takes minutes, and nobody is
  // left to read what it computes.
  if (!drain(front, *models, *server, std::chrono::seconds(flags.drain))) ::_exit(kSuccess);
  return kSuccess;
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("serve", "Answer clients of OpenAI's, Anthropic's and ollama's APIs");
  auto flags = std::make_shared<ServeFlags>();
  flags->add_to(*verb);
  verb->footer(
      "The address is written on standard output once the model is loaded, a line for each request on "
      "standard "
      "error:\n"
      "  longhand serve MODEL --port 8080\n"
      "  longhand serve                       all of `longhand models`, each loaded when it is asked for\n"
      "  curl http://127.0.0.1:8080/v1/chat/completions -d '{\"messages\": [{\"role\": \"user\", "
      "\"content\": "
      "\"Hello\"}]}'\n"
      "Ctrl-C ends it. docs/serve.md says more.");
  verb->callback([flags, &action] { action = [flags] { return serve(*flags); }; });
}

}  // namespace longhand::cli
