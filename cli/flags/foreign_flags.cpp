#include "cli/flags/foreign_flags.h"

#include <functional>
#include <string_view>

namespace longhand::cli {
namespace {

// clang-format off
constexpr IgnoredFlag kIgnored[] = {
    // Devices this engine has none of.
    {"--gpu-layers,--n-gpu-layers", true},
    {"--split-mode", true},
    {"--main-gpu", true},
    {"--tensor-split", true},
    {"--override-tensor", true},
    {"--device", true},
    {"--list-devices", false},
    {"--n-cpu-moe", true},
    {"--cpu-moe", false},
    {"--fit", true},
    {"--fit-target", true},
    {"--fit-ctx", true},
    {"--no-kv-offload", true},
    {"--kv-offload", false},
    {"--no-op-offload", true},
    {"--op-offload", false},
    {"--no-host", true},
    {"--backend-sampling", false},
    {"--mmproj-offload,--no-mmproj-offload", false},
    // What it does in a way of its own.
    {"--flash-attn", true},
    {"--ubatch-size", true},
    {"--poll", true},
    {"--poll-batch", true},
    {"--cpu-mask-batch", true},
    {"--cpu-range-batch", true},
    {"--cpu-strict-batch", true},
    {"--prio-batch", true},
    {"--defrag-thold", true},
    {"--swa-full", false},
    {"--repack", false},
    {"--mmap", true},
    {"--no-mmap", false},
    {"--mlock", false},
    {"--direct-io,--no-direct-io", false},
    {"--load-mode", true},
    {"--check-tensors", false},
    {"--warmup,--no-warmup", false},
    {"--jinja,--no-jinja", false},
    {"--mmproj-auto,--no-mmproj,--no-mmproj-auto", false},
    {"--image-min-tokens", true},
    {"--image-max-tokens", true},
    {"--reasoning-preserve,--no-reasoning-preserve", false},
    {"--cache-type-k-draft", true},
    {"--cache-type-v-draft", true},
    {"--cache-ram", true},
    {"--parallel", true},
    // What guesses ahead never changes what comes out.
    {"--gpu-layers-draft,--n-gpu-layers-draft", true},
    {"--device-draft", true},
    {"--override-tensor-draft", true},
    {"--cpu-moe-draft", false},
    {"--n-cpu-moe-draft", true},
    {"--threads-draft", true},
    {"--threads-batch-draft", true},
    {"--cpu-mask-draft", true},
    {"--cpu-mask-batch-draft", true},
    {"--cpu-range-draft", true},
    {"--cpu-range-batch-draft", true},
    {"--cpu-strict-draft", true},
    {"--cpu-strict-batch-draft", true},
    {"--prio-draft", true},
    {"--prio-batch-draft", true},
    {"--poll-draft", true},
    {"--poll-batch-draft", true},
    {"--draft-min,--draft-n-min", true},
    {"--draft-p-min", true},
    {"--draft-p-split", true},
    {"--spec-type", true},
    {"--spec-default", false},
    {"--spec-draft-backend-sampling,--no-spec-draft-backend-sampling", false},
    {"--spec-ngram-mod-n-min,--spec-ngram-mod-n-max,--spec-ngram-mod-n-match", true},
    {"--spec-ngram-simple-size-n,--spec-ngram-simple-size-m,--spec-ngram-simple-min-hits", true},
    {"--spec-ngram-map-k-size-n,--spec-ngram-map-k-size-m,--spec-ngram-map-k-min-hits", true},
    {"--spec-ngram-map-k4v-size-n,--spec-ngram-map-k4v-size-m,--spec-ngram-map-k4v-min-hits", true},
    // What is told beside the answer.
    {"--perf,--no-perf", false},
    {"--show-timings,--no-show-timings", false},
    {"--display-prompt,--no-display-prompt", false},
    {"--print-token-count", true},
    {"--log-disable", false},
    {"--log-file", true},
    {"--log-prompts-dir", true},
    {"--log-colors", true},
    {"--log-prefix,--no-log-prefix", false},
    {"--log-timestamps,--no-log-timestamps", false},
    {"--verbosity,--log-verbosity", true},
    {"--color", true},
};

constexpr const char* kTextAlone = "this engine reads and writes text alone";
constexpr const char* kNoPreset = "name the model: -hf OWNER/REPO:QUANT";
constexpr RefusedFlag kRefused[] = {
    {"--mmproj,--mmproj-url,--image,--audio,--video", true, kTextAlone},
    {"--rpc", true, "this engine computes on one machine"},
    {"--server-base", true, "`longhand chat` computes itself; clients of a server take its address"},
    {"--docker-repo", true, "models come by -hf, ollama:NAME or a URL (longhand help pull)"},
    {"--hf-repo-v,--hf-file-v", true, "this engine has no vocoder"},
    {"--hf-token", true, "the token is read from HF_TOKEN, where other users cannot see it"},
    {"--hf-repo-draft", true, "give --model-draft hf:OWNER/REPO:QUANT"},
    {"--gpt-oss-20b-default,--gpt-oss-120b-default", false, kNoPreset},
    {"--vision-gemma-4b-default,--vision-gemma-12b-default", false, kNoPreset},
    {"--grp-attn-n,--grp-attn-w", true, "for texts longer than the model was trained on there is --attention rerope"},
    {"--yarn-attn-factor", true, "the factor follows from --rope-scale"},
    {"--adaptive-target,--adaptive-decay", true, "this engine has no such sampler; see --samplers"},
    {"--reasoning-budget-message", true, "reasoning is ended by the model's own marker alone"},
    {"--skip-chat-parsing,--no-skip-chat-parsing", false, "--reasoning-format none leaves answers as they are"},
    {"--special", false, "--show-prompt shows control tokens"},
    {"--interactive,--interactive-first,--in-prefix-bos", false, "a conversation is `longhand chat`"},
    {"--in-prefix,--in-suffix", true, "a conversation is `longhand chat`"},
    {"--cache-list", false, "`longhand models` lists them"},
    {"--completion-bash", false, "`longhand completion bash` writes it"},
    {"--verbose-prompt", false, "--show-prompt shows what the model is given"},
};
// clang-format on

// f(flag) for each name of a list, dashes and all.
template <class Function>
void each_name(std::string_view flags, const Function& f) {
  while (!flags.empty()) {
    const auto end = flags.find(',');
    f(std::string(flags.substr(0, end)));
    flags = end == std::string_view::npos ? "" : flags.substr(end + 1);
  }
}

void add_hidden(CLI::App& verb, const std::string& name, bool takes_value,
                const std::function<void()>& given) {
  if (verb.get_option_no_throw(name) != nullptr) return;
  CLI::Option* option =
      takes_value ? verb.add_option_function<std::string>(name, [given](const std::string&) { given(); })
                  : verb.add_flag_callback(name, given);
  option->group("");  // not in the help
}

}  // namespace

std::span<const IgnoredFlag> ignored_flags() noexcept { return kIgnored; }
std::span<const RefusedFlag> refused_flags() noexcept { return kRefused; }

void add_foreign_flags(CLI::App& verb, std::vector<std::string>& ignored) {
  for (const IgnoredFlag& row : kIgnored) {
    each_name(row.flags, [&](const std::string& name) {
      add_hidden(verb, name, row.takes_value, [&ignored, name] { ignored.push_back(name); });
    });
  }
  for (const RefusedFlag& row : kRefused) {
    each_name(row.flags, [&](const std::string& name) {
      add_hidden(verb, name, row.takes_value, [name, &row] { throw CLI::ValidationError(name, row.why); });
    });
  }
}

}  // namespace longhand::cli
