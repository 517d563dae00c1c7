#include "cli/serve/serve_flags.h"

#include <fmt/format.h>

#include <filesystem>
#include <sstream>

#include "cli/exit_status.h"
#include "cli/flags/option_flags.h"
#include "cli/models/models_path.h"
#include "cli/serve/api/json.h"
#include "cli/terminal/output.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/units.h"
#include "cli/terminal/user_dirs.h"
#include "engine/types/options.h"
#include "ops/host/machine.h"

namespace longhand::cli {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

bool others_may_read(const std::string& path) {
  std::error_code none;
  const auto others = std::filesystem::perms::others_read;
  return (std::filesystem::status(path, none).permissions() & others) == others && !none;
}

}  // namespace

void ServeFlags::add_address(CLI::App& verb) {
  verb.add_option("--host", host_, "Address to listen at; others than this machine reach 0.0.0.0")
      ->capture_default_str()
      ->type_name("NAME");
  verb.add_option("--port", port_, "Port to listen at; 0: one that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str()
      ->type_name("N");
  verb.add_option("--unix", unix_, "Listen at a socket in the file system instead")->type_name("PATH");
  verb.add_option("--drain", drain, "Seconds that answers may still take when the server is told to end")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str()
      ->type_name("N");
  verb.add_option("--max-body", body_mib_, "MiB of a request's body at most")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->type_name("N");
  verb.add_option("--max-connections", limits_.connections, "Connections open at once")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->type_name("N");
  verb.add_option("--log-format", log_, "A line on standard error for each request: text, json or none")
      ->check(CLI::IsMember({"text", "json", "none"}))
      ->capture_default_str()
      ->type_name("WORD");
}

void ServeFlags::add_access(CLI::App& verb) {
  const auto list = [&](const char* flags, std::vector<std::string>& values, const char* help) {
    return verb.add_option(flags, values, help)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->expected(1);
  };
  list("--api-key", keys_, "A key that requests have to carry; several are allowed")->type_name("KEY");
  verb.add_option("--api-key-file", key_file_, "File with keys, one a line")->type_name("FILE");
  verb.add_option("--ssl-cert-file", certificate_, "Speak TLS with the certificate in this file, in PEM")
      ->type_name("FILE");
  verb.add_option("--ssl-key-file", key_, "The key of that certificate, in PEM")->type_name("FILE");
  verb.add_flag("--insecure", insecure_, "Serve other machines without a key");
  list("--cors-origin", origins_, "Origin of web pages that may ask, such as https://example.org; *: any")
      ->type_name("ORIGIN");
  list("--allow-host", hosts_, "Another name under which clients may address this machine")
      ->type_name("NAME");
}

void ServeFlags::add_models(CLI::App& verb) {
  verb.add_option("--models-dir", models_folder,
                  "Serve the models in this folder and below it, each loaded when it is asked for")
      ->type_name("DIR")
      ->excludes("--model");
  verb.add_option(
          "--models-ram", models_mib_,
          "MiB that the files of the models that are loaded may have together, where there are several; "
          "-1: three quarters of what is free at first")
      ->check(CLI::Range(-1, 1 << 30))
      ->capture_default_str()
      ->type_name("N");
}

std::uint64_t ServeFlags::models_room() const {
  if (models_mib_ >= 0) return std::uint64_t(models_mib_) << 20;
  const std::uint64_t free = available_memory();
  return free == 0 ? UINT64_MAX : free / 4 * 3;
}

void ServeFlags::add_answering(CLI::App& verb) {
  verb.add_option("-a,--alias", alias_, "What clients call the model")->type_name("NAME");
  each_option(kSchedulerOptions, scheduler_,
              [&](const auto& row, auto& value) { add_option_flag(verb, verb, row, value); });
  verb.add_option_function<std::string>(
          "--cache-disk", [this](const std::string& text) { keep_on_disk(text); },
          "Folder to keep finished texts in as well, for this server after its next start, and what they may "
          "take there, like 20GiB (4GiB)")
      ->type_name("DIR[:SIZE]");
  verb.add_option("-n,--n-predict,--predict", max_tokens_,
                  "Tokens of an answer whose request does not say; -1: no limit")
      ->capture_default_str()
      ->check(CLI::Range(-1, 1 << 30))
      ->type_name("N");
  auto* text = verb.add_option("--chat-template", template_, "Jinja template instead of the model's own")
                   ->type_name("TEXT");
  verb.add_option("--chat-template-file", template_file_, "File with that template")
      ->type_name("FILE")
      ->excludes(text);
  verb.add_option("--chat-template-kwargs", variables_, "JSON object of variables for the template")
      ->type_name("JSON");
  verb.add_flag("--lora-init-without-apply", adapters_wait_,
                "Adapters have scale 0 until a request or POST /lora-adapters gives them another");
  add_option_flag(verb, verb, find_option(kEmbedOptions, &EmbedOptions::pooling), embed_.pooling);
}

void ServeFlags::keep_on_disk(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  scheduler_.disk.folder = text.substr(0, colon);
  if (scheduler_.disk.folder.empty()) throw CLI::ValidationError("--cache-disk", "names no folder");
  if (colon == std::string::npos) return;
  try {
    const std::uint64_t mib = parse_bytes(text.substr(colon + 1)) >> 20;
    const OptionRange& range = find_option(kDiskCacheOptions, &DiskCacheOptions::mib).range;
    if (!range.holds(double(mib))) refuse_option("size", text.substr(colon + 1), range);
    scheduler_.disk.mib = int(mib);
  } catch (const Error& error) { throw CLI::ValidationError("--cache-disk", error.what()); }
}

void ServeFlags::add_to(CLI::App& verb) {
  add_address(verb);
  add_access(verb);
  add_answering(verb);
  sampling_.add_to(verb);
  speculation_.add_to(verb);
  session.add_to(verb);
  add_models(verb);
}

Listener ServeFlags::listen() const {
  const char* scheme = certificate_.empty() ? "http" : "https";
  return unix_.empty() ? Listener::at_port(host_, port_, scheme) : Listener::at_path(unix_);
}

std::shared_ptr<const TlsContext> ServeFlags::tls() const {
  if (certificate_.empty() && key_.empty()) return nullptr;
  if (certificate_.empty() || key_.empty())
    throw UsageError("--ssl-cert-file and --ssl-key-file belong together");
  const std::string key = expand_home(key_);
  auto context = load_tls(expand_home(certificate_), key);
  if (others_may_read(key))
    print_note(fmt::format("{} holds a private key, and every user of this machine may read it", key));
  return context;
}

bool ServeFlags::one_model() const {
  return models_folder.empty() && (!alias_.empty() || !named_model(session.model).empty());
}

GateOptions ServeFlags::gate(const Listener& listener) const {
  GateOptions gate{.keys = keys_, .origins = origins_};
  if (!key_file_.empty()) {
    const std::vector<std::string> more = lines_of(read_text(key_file_));
    if (more.empty()) throw UsageError(fmt::format("--api-key-file: {} has no keys", key_file_));
    gate.keys.insert(gate.keys.end(), more.begin(), more.end());
  }
  for (const std::string& key : gate.keys)
    if (key.empty()) throw UsageError("--api-key is empty");
  if (!listener.is_local() && gate.keys.empty() && !insecure_)
    throw UsageError(fmt::format(
        "other machines reach {}: give a key with --api-key or --api-key-file, or say --insecure", host_));
  if (unix_.empty() && listener.is_local()) {
    gate.hosts = {"localhost", "127.0.0.1", "[::1]", without_port(host_), "[" + host_ + "]"};
    for (const std::string& host : hosts_) gate.hosts.push_back(without_port(host));
  }
  return gate;
}

HttpLimits ServeFlags::limits() const {
  HttpLimits limits = limits_;
  limits.body_bytes = std::size_t(body_mib_) << 20;
  limits.all_bodies_bytes = 4 * limits.body_bytes;
  return limits;
}

LogFormat ServeFlags::log_format() const {
  return log_ == "none" ? LogFormat::none : log_ == "json" ? LogFormat::json : LogFormat::text;
}

ServiceOptions ServeFlags::service(const Model& model, const std::string& path) const {
  ServiceOptions options{
      .path = path, .name = alias_, .scheduler = scheduler_, .sampler = sampling_.options(model)};
  options.scheduler.session = session.session_options(model);
  options.scheduler.disk.folder = expand_home(scheduler_.disk.folder);
  options.scheduler.note = [](std::string_view line) { print_note(std::string(line)); };
  for (const ScaledFile& file : session.adapters().adapters()) options.adapter_paths.push_back(file.path);
  if (adapters_wait_)
    for (AdapterUse& use : options.scheduler.session.adapters) use.scale = 0;
  options.written_as.text = template_file_.empty() ? template_ : read_text(template_file_);
  options.variables = variables_;
  options.max_tokens = max_tokens_;
  options.speculation = speculation_.options(session.load_options());
  options.embed = embed_;
  options.embed.session = options.scheduler.session;
  options.embed.session.key_cache = options.embed.session.value_cache = CacheType::f32;
  return options;
}

}  // namespace longhand::cli
