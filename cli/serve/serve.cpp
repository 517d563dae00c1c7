// longhand serve: a model for clients that speak HTTP.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>

#include "cli/exit_status.h"
#include "cli/models/models_path.h"
#include "cli/serve/front.h"
#include "cli/serve/http/http_server.h"
#include "cli/serve/serve_flags.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
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

std::shared_ptr<Service> load(const ServeFlags& flags) {
  const std::string path = find_model(flags.session.model);
  const Model model = flags.session.open(path, flags.session.load_options());
  ServiceOptions options = flags.service(model, path);
  const NoSignals elsewhere;  // the threads of the service take none
  auto service = std::make_shared<Service>(model, std::move(options));
  if (!service->writes()) return service;
  if (service->scheduler().context_was_cut())
    print_note(fmt::format("the context is {} tokens, as many as fit in memory", service->context()));
  for (const std::string& warning : service->written().warnings()) print_note(warning);
  return service;
}

// Answers may be finished for so long; then they are cut. False: a thread still computes.
bool drain(Front& front, Service& service, HttpServer& server, std::chrono::seconds time) {
  constexpr std::chrono::milliseconds kGoodbye{500}, kParting{2000};
  const auto until = HttpServer::Clock::now() + time;
  front.close();
  if (service.writes()) {
    service.scheduler().close();
    service.scheduler().wait_idle(time);  // till then it is noticed who leaves
  }
  if (server.stop(until)) return true;
  print_note("answers are cut short");
  front.cut();
  // Who follows an answer says goodbye; who waits for a client that does not read has to be woken.
  return server.stop(HttpServer::Clock::now() + kGoodbye) || server.cut(HttpServer::Clock::now() + kParting);
}

int serve(const ServeFlags& flags) {
  const SignalScope signals;
  allow_many_descriptors();
  flags.session.tell_notes();
  Listener listener = flags.listen();
  const std::string address = listener.address();
  Front front(flags.gate(listener), flags.log_format());
  const HttpServer::Handler handler = {
      .refuse = [&front](const HttpRequest& request) { return front.refuse(request); },
      .answer = [&front](const HttpRequest& request) { return front.answer(request); }};
  std::optional<HttpServer> server;
  {
    const NoSignals elsewhere;
    server.emplace(std::move(listener), flags.limits(), handler);
  }
  const std::shared_ptr<Service> service = load(flags);
  front.open(service);
  write_output(fmt::format("{} serves {}\n", address, service->name()));
  while (!signal_waiting()) wait_readable(-1);
  // Destructors would wait for a pass through the model, which on a slow machine takes minutes, and nobody is
  // left to read what it computes.
  if (!drain(front, *service, *server, std::chrono::seconds(flags.drain))) ::_exit(kSuccess);
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
      "  curl http://127.0.0.1:8080/v1/chat/completions -d '{\"messages\": [{\"role\": \"user\", "
      "\"content\": "
      "\"Hello\"}]}'\n"
      "Ctrl-C ends it. docs/serve.md says more.");
  verb->callback([flags, &action] { action = [flags] { return serve(*flags); }; });
}

}  // namespace longhand::cli
